/* Lines are taken out of a file that others append to: it is set aside under another name, read
 * there, and what was not confirmed is appended to the file again. Who appends meanwhile notices
 * (append.h), and makes the file anew. A process that is killed leaves PATH.replay, and the next
 * one goes on with it: nothing is lost, and what was confirmed before the kill comes again. Thread:
 * as said. */
#ifndef CONNECTORS_FILE_TAKE_H
#define CONNECTORS_FILE_TAKE_H

#include <uv.h>

#include "bridge/error.h"

/* Zero-initialise, with path; take_free() in the end. */
struct take {
    uv_work_t work;
    const char *path;         /* the file's name; borrowed */
    char *aside;              /* where it is meanwhile; NULL: nothing was begun */
    int lock;                 /* a file that is open for its lock alone */
    unsigned char *confirmed; /* a bit for each line */
    size_t bytes;
    uint64_t left; /* lines that were put back */
    int failed;    /* 0, or errno */
};

/* Sets the file aside. False: there is none, or it can't be, or another replay has it. The
 * pipeline's thread, at the start. */
bool take_begin(struct take *t, struct error *e) MUST_USE;
void take_confirm(struct take *t, uint64_t line); /* from 1 */

/* For uv_queue_work(): puts back what was not confirmed, and removes what was set aside. */
void take_end(uv_work_t *work);
void take_free(struct take *t);

#endif
