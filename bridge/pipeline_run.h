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
void pipeline_abort(struct pipeline *p); /* the same, without time for what is in flight */

/* The two parts of a pipeline with a store: counted as one, in the front's counters. passing: how
 * many messages are in flight in both, which are counted once. */
void pipeline_join(struct pipeline *front, struct pipeline *back);
void pipeline_set_passing(struct pipeline *front, unsigned passing);
unsigned pipeline_in_flight(const struct pipeline *p);

/* Whether all sinks are there, and nothing is stuck. */
bool pipeline_delivers(const struct pipeline *p);

/* closed(arg): everything has ended and all handles are gone; pipeline_destroy() may follow, but
 * not from within. */
void pipeline_on_closed(struct pipeline *p, void (*closed)(struct pipeline *p, void *arg),
                        void *arg);
void pipeline_destroy(struct pipeline *p);

/* Why it ended by itself, or NULL: it did not, or had come to its end. */
const struct error *pipeline_failure(const struct pipeline *p);

#endif
