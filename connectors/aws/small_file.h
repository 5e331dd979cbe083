/* A file read whole. Thread: any; it may block on a slow disk, so not on a pipeline's. */
#ifndef CONNECTORS_AWS_SMALL_FILE_H
#define CONNECTORS_AWS_SMALL_FILE_H

#include "bridge/error.h"

/* With a NUL behind its end, which len does not count. The caller frees the text, cleansed where it
 * is secret. False: e says why; more than most bytes are refused. */
bool small_file_read(const char *path, size_t most, struct buf *text, struct error *e) MUST_USE;

/* A token: one line without blanks, its line break cut off. */
bool small_file_read_token(const char *path, struct buf *text, struct error *e) MUST_USE;

#endif
