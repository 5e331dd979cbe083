/* A worker: one thread with one loop that runs one copy of a pipeline.
 * Thread: any, for each call here; worker_join() from one. */
#ifndef BRIDGE_WORKER_H
#define BRIDGE_WORKER_H

#include "bridge/pipeline_conf.h"

struct worker;

/* How it came to its end, from good to bad. */
enum worker_end {
    WORKER_WELL,    /* or it has not ended yet */
    WORKER_GAVE_UP, /* its source or a sink, for good */
    WORKER_NOT_STARTED,
    WORKER_FAILED, /* it could not go on */
};

/* ended(arg), where given, is called on the worker's thread when the pipeline has come to its end,
 * for whatever reason. */
struct worker *worker_create(const struct pipeline_conf *conf, unsigned index,
                             void (*ended)(void *arg), void *arg);
void worker_start(struct worker *w);
void worker_stop(struct worker *w); /* begins the drain; again: harmless */

/* Waits for the end, and frees the worker. False: it ended badly, and e says why. */
bool worker_join(struct worker *w, struct error *e) MUST_USE;

enum worker_end worker_end(const struct worker *w); /* told before ended() is called */
struct stats *worker_stats(struct worker *w);       /* valid until worker_join() */
unsigned worker_index(const struct worker *w);

#endif
