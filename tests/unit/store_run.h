/* Runs a flow with the scripted source and sinks, and says what arrived in which order.
 * Thread: the test's. */
#ifndef TESTS_UNIT_STORE_RUN_H
#define TESTS_UNIT_STORE_RUN_H

#include "bridge/flow.h"
#include "tests/unit/scripted.h"
#include "tests/unit/store_fixture.h"

/* A sink that remembers; .sink.decide is set, and asks `then` what to do. */
struct recorder {
    struct scripted_sink_conf sink; /* first, so that decide() finds its recorder */
    enum action (*then)(struct recorder *r, unsigned number);
    unsigned *seen; /* the numbers of what was confirmed, in order */
    size_t count, cap;
};

void recorder_init(struct recorder *r, enum sink_order order);
void recorder_free(struct recorder *r);
void expect_each_once(const struct recorder *r, unsigned total);
void expect_lanes_in_order(const struct recorder *r,
                           unsigned lanes); /* number i is in lane i % lanes */

/* scripted_pipeline() with a store in this folder. */
struct pipeline_conf stored_pipeline(const struct store_folder *f, int mode,
                                     struct scripted_source_conf *source, struct recorder *sink);

struct stored_run {
    struct flow *flow;
    struct loop *loop;
    bool (*until)(struct stored_run *run,
                  void *arg); /* then it is stopped; NULL: it ends by itself */
    void *arg;
    /* of the end */
    uint64_t counts[COUNTERS], store_messages, in_flight;
};

/* Fails the test after 30 s. */
void stored_run(const struct pipeline_conf *conf, enum flow_kind kind, struct stored_run *run);

uint64_t stored_count(const struct stored_run *run, enum counter c); /* while it runs */
uint64_t stored_messages(const struct stored_run *run);

#endif
