/* The file connector: lines or JSON lines from and to standard input and output, files, named
 * pipes. For trying a pipeline by hand, and for replays. Thread: the pipeline's, but for what runs
 * on libuv's thread pool, as marked. Owner: the configurations belong to config/. */
#ifndef CONNECTORS_FILE_FILE_H
#define CONNECTORS_FILE_FILE_H

#include "bridge/connector.h"

enum file_format { FILE_LINES, FILE_JSONL };
enum file_bad_line { FILE_BAD_LINE_STOP, FILE_BAD_LINE_SKIP };

struct file_source_conf {
    const char *path; /* "-": standard input */
    int format;       /* enum file_format */
    int bad_line;     /* enum file_bad_line */
    int64_t max_line_bytes;
    bool take; /* for replays, no option: what is confirmed is taken out of the file (take.h) */
};

struct file_sink_conf {
    const char *path; /* "-": standard output */
    int format;       /* enum file_format */
    bool sync;        /* confirm only what fdatasync() has written; regular files */
    int64_t max_buffer_bytes;
};

bool file_is_standard(const char *path); /* "-" */
bool file_is_regular(const char *path);  /* it is, or it would be made so: it keeps what it has */

extern const struct source_ops file_source;
extern const struct sink_ops file_sink;

#endif
