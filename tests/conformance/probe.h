/* The suite's own source and sink, which do as a check says and keep what they see. The connector
 * under test is at the other side of a real pipeline.
 *
 * The structs are their configurations: a check sets and reads them under the lock while the
 * pipeline runs; the probe looks for news every few milliseconds. */
#ifndef TESTS_CONFORMANCE_PROBE_H
#define TESTS_CONFORMANCE_PROBE_H

#include <pthread.h>

#include "bridge/connector.h"
#include "tests/conformance/parcel.h"

/* Takes what a source under test emits. */
struct probe_sink_script {
    pthread_mutex_t lock;

    /* what it does */
    enum sink_order order; /* set before the start */
    bool away;             /* SINK_DOWN */
    bool hold;             /* ends no leg */
    unsigned hold_every;   /* of those that it does not hold: every Nth all the same; 0: none */
    unsigned percent_fail; /* of its legs come back once */
    size_t most_at_once;   /* legs it has at most; 0: any number */

    /* what it saw */
    struct parcels arrived;   /* in the order of their first acceptance */
    struct parcels confirmed; /* in the order of confirmation */
    size_t held, most_held;
};

/* Emits parcels for a sink under test. */
struct probe_source_script {
    pthread_mutex_t lock;

    /* what it does */
    const struct parcels *parcels; /* set before the start; borrowed */
    size_t limit;                  /* emits the first so many */
    bool ordered;                  /* parcels of one key keep their order */

    /* what it saw */
    size_t emitted, confirmed, released;
    struct parcels confirmed_parcels; /* in the order of their verdicts */
};

void probe_sink_init(struct probe_sink_script *s);
void probe_sink_release(struct probe_sink_script *s);
void probe_source_init(struct probe_source_script *s, const struct parcels *parcels);
void probe_source_release(struct probe_source_script *s);

extern const struct connector probe_connector;
extern const struct source_ops probe_source;
extern const struct sink_ops probe_sink;

#endif
