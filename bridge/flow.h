/* What a worker runs: one pipeline from its source to its sinks, or, with a store, two of them and
 * the store between. Thread: the loop's, or any before the loop runs. Owner: the worker. */
#ifndef BRIDGE_FLOW_H
#define BRIDGE_FLOW_H

#include "bridge/pipeline_run.h"

struct flow;

enum flow_kind {
    FLOW_WHOLE,
    FLOW_DRAIN,  /* from the store to the sinks, until it is empty */
    FLOW_EXPORT, /* the same, and nothing is deleted */
};

struct flow *flow_create(const struct pipeline_conf *conf, struct loop *loop, unsigned worker,
                         enum flow_kind kind);

/* After a failure: flow_stop(), and wait for on_closed all the same. */
bool flow_start(struct flow *f, struct error *e) MUST_USE;

/* Begins the end. With a store, half of drain_timeout is for the source and for what is on disk,
 * the other half for what is in flight to the sinks. */
void flow_stop(struct flow *f);

/* closed(arg): flow_destroy() may follow, but not from within. */
void flow_on_closed(struct flow *f, void (*closed)(void *arg), void *arg);
void flow_destroy(struct flow *f);

/* False: it came to its end because it could not go on, and why. */
bool flow_is_well(const struct flow *f, struct error *e);

/* Why its source or a sink gave up for good, and it came to its end; NULL: none did. */
const struct error *flow_failure(const struct flow *f);

struct stats *flow_stats(struct flow *f);

#endif
