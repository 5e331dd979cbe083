/* Looking at stores from outside, for `sqsbridge store`. Nothing is changed. Thread: any. */
#ifndef BRIDGE_STORE_TOOLS_H
#define BRIDGE_STORE_TOOLS_H

#include "bridge/error.h"

/* The workers that have a file in this folder, in order; *workers is to be freed. 0: there are no
 * files, or no folder. */
size_t store_tools_list(const char *folder, const char *pipeline, unsigned **workers);

struct store_sight {
    char *path;  /* of the database; to be freed */
    bool in_use; /* a bridge has it open: only the sizes of its files are known */
    int64_t messages, bad;
    int64_t oldest_ms; /* since 1970, 0: none */
    int64_t used_bytes, file_bytes, log_bytes, reserve_bytes;
    struct buf findings; /* of verify: a line each; to be freed */
};

/* False: it can't be opened, and why. */
bool store_tools_look(const char *folder, const char *pipeline, unsigned worker, bool verify,
                      struct store_sight *sight, struct error *e) MUST_USE;

#endif
