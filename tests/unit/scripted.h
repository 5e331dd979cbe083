/* A source and a sink that do as a test says, for the real core.
 * The source emits `total` messages, numbered by cookie, over `lanes` lanes; it checks the window
 * and that each receipt comes back once. The sink keeps what it accepted and ends it by its script.
 * Thread: the test's. */
#ifndef TESTS_UNIT_SCRIPTED_H
#define TESTS_UNIT_SCRIPTED_H

#include "bridge/pipeline_run.h"
#include "bridge/replay.h"

struct scripted_source_conf {
    unsigned total, lanes, chunk; /* chunk: messages per reservation */
    unsigned body_bytes;
    bool greedy;          /* reserves all that it gets before it emits */
    bool ordered, finish; /* finish: says so when all was emitted */
    bool keyed;           /* each lane has its own message key */
    bool fail;            /* as finish, but gives up for good */
    struct msg *(*wrap)(const struct msg *m, unsigned number); /* what is emitted; NULL: m */
    bool forgetful; /* promises nothing: what it gives and nobody takes is lost, as of QoS 0 */
    bool slow_ack;  /* acknowledges a turn later, in reverse order */
    bool last_time; /* what it takes back won't come again */
    /* what happened */
    unsigned emitted, settled, confirmed, released, acknowledged, most_in_flight, holds, stops;
    uint8_t *verdicts; /* per cookie: 0 none, 1 confirmed, 2 released, 3 because it was refused */
    bool held[256];
    unsigned recalled, last_recalled; /* how many, and the highest number */
};

enum action { ACT_CONFIRM, ACT_RETRY, ACT_REJECT, ACT_CONFIG, ACT_KEEP, ACT_DOWN };

struct scripted_sink_conf {
    enum sink_order order;
    bool starts_down;
    size_t room; /* legs it holds at most; 0: any number */
    /* What to do with a leg that has been accepted; NULL: confirm all. KEEP: not now. */
    enum action (*decide)(struct scripted_sink_conf *conf, const struct leg *l);
    /* A leg is about to be confirmed; NULL: nobody cares. */
    void (*confirming)(struct scripted_sink_conf *conf, const struct leg *l);
    unsigned percent_retry, percent_reject;
    bool backwards; /* ends its legs in reverse order */
    /* what happened */
    unsigned submitted, confirmed, closed_with;
    uint64_t *order_seen; /* cookies in the order of their confirmation */
    size_t order_count;
    struct sink *sink; /* the one that was made from this */
};

extern const struct connector scripted_connector; /* both sides */

const char *leg_body(const struct leg *l);

/* Runs the pipeline to its end: it ends when the source finishes, or when until() says so. Fails
 * the test after 20 s. */
void scripted_run(struct pipeline_conf *conf, bool (*until)(void *arg), void *arg);

/* The same, and what was counted; or why the pipeline ended by itself, which it must. */
void scripted_run_counting(struct pipeline_conf *conf, struct stats *stats);
struct error scripted_run_failing(struct pipeline_conf *conf);

/* Its source is a place of dead letters. */
struct replay_counts scripted_run_replaying(struct pipeline_conf *conf,
                                            const struct replay_options *options);

/* A pipeline_conf with sane small values. */
struct pipeline_conf scripted_pipeline(struct scripted_source_conf *source,
                                       struct scripted_sink_conf *sink);

#endif
