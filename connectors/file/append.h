/* One batch appended to a regular file (or a device) on libuv's thread pool: all of it, or nothing.
 * Other writers of the same file that do likewise wait for each other. Thread: append_run() on the
 * pool, the rest belongs to whoever submits it; untouched by others while it runs. */
#ifndef CONNECTORS_FILE_APPEND_H
#define CONNECTORS_FILE_APPEND_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct append {
    uv_work_t work;
    int fd;
    const char *ptr;
    size_t len;
    bool sync;        /* fdatasync() before it counts */
    const char *path; /* ESTALE where that is another file by now: it was moved away; NULL: any */
    const char *mend_path; /* first end a torn last line there with a newline; NULL: don't look */

    int failed;  /* errno; 0: it is all there */
    bool torn;   /* it failed, and what was written of it could not be taken back */
    bool mended; /* there was a torn last line */
};

void append_run(uv_work_t *work);

#endif
