/* A text through our reader and back through our writer. It stands apart from jansson, whose names
 * are the same (json_object, JSON_STRING): here ours are renamed by CMake, and no file includes
 * both headers. Thread: any; no state. */
#ifndef FUZZ_JSON_REWRITE_H
#define FUZZ_JSON_REWRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "bridge/mem.h"

/* Appends the value of text, with each number that is no 64-bit integer as a string of "%.17g".
 * False: our reader refused it, and *why says so. */
bool json_rewrite(const char *text, size_t len, struct buf *out, const char **why);

#endif
