/* Making, starting and ending a pipeline: for the worker that runs it, and for tests.
 * Thread: the loop's, or any before the loop runs. Owner: the worker. */
#ifndef BRIDGE_PIPELINE_RUN_H
#define BRIDGE_PIPELINE_RUN_H

#include "bridge/pipeline_conf.h"

struct pipeline *pipeline_create(const struct pipeline_conf *conf, struct loop *loop,
                                 unsigned worker);

/* Creates and starts sinks and source. After a failure: pipeline_stop(), and wait for on_closed all
 * the same. */
bool pipeline_start(struct pipeline *p, struct error *e) MUST_USE;

/* Begins the end: nothing new is received, what is in flight may end until drain_timeout, the rest
 * is released. */
void pipeline_stop(struct pipeline *p);

/* closed(arg): everything has ended and all handles are gone; pipeline_destroy() may follow, but
 * not from within. */
void pipeline_on_closed(struct pipeline *p, void (*closed)(struct pipeline *p, void *arg),
                        void *arg);
void pipeline_destroy(struct pipeline *p);

#endif
