/* The insides of the sink, shared by its parts:
 *   sqs_send.c  batches: filled up, sent, and what became of their entries
 *   sqs_sink.c  the life of the sink, and whether the queue is there
 * Thread: the pipeline's. */
#ifndef CONNECTORS_SQS_SQS_SINK_H
#define CONNECTORS_SQS_SQS_SINK_H

#include "bridge/log.h"
#include "connectors/sqs/sqs_client.h"
#include "connectors/sqs/sqs_entry.h"
#include "connectors/sqs/sqs_pack.h"
#include "connectors/sqs/sqs_retry.h"

/* One request; from a pool. */
struct sqs_send {
    struct sqs_call call;
    struct sqs_sink *sink;
    struct sqs_pack pack;
    struct leg *legs[SQS_BATCH];
    uint64_t groups[SQS_BATCH]; /* hashes; 0: without order */
    struct sqs_result results[SQS_BATCH];
    TAILQ_ENTRY(sqs_send) entry;
};
TAILQ_HEAD(sqs_send_list, sqs_send);

struct sqs_sink {
    struct sink base;
    const struct sqs_sink_conf *conf;
    struct pipeline *pipeline;
    struct sqs_queue queue;
    struct sqs_client *client;
    struct sqs_digest *digest;
    struct sqs_maker maker;

    struct sqs_send *open; /* filling up; NULL: none */
    struct sqs_send_list in_flight, idle;
    unsigned in_flight_count;
    size_t batch_max_bytes;
    struct leg *alone, *alone_last; /* of a batch that was refused as a whole: sent one by one */
    bool refused;                   /* a submit() took less than it was offered */
    struct loop_timer linger;
    struct log_limit order_complaint;

    enum sink_state state;
    bool owes_legs; /* legs came back because of an outage: they can try the way again */
    struct sqs_backoff backoff;
    struct loop_timer pause;
    struct sqs_call probe;
    bool closing;
};

/* ---- sqs_send.c ---- */

void sqs_sends_init(struct sqs_sink *s);
size_t sqs_sends_submit(struct sqs_sink *s, struct leg *const *legs, size_t n);
void sqs_sends_flush(struct sqs_sink *s);   /* what waits for company goes now */
void sqs_sends_abandon(struct sqs_sink *s); /* what was not sent goes back to the core */
void sqs_sends_free(struct sqs_sink *s);

/* ---- sqs_sink.c ---- */

void sqs_sink_up(struct sqs_sink *s); /* the queue has answered */
void sqs_sink_down(struct sqs_sink *s, const struct error *why);

#endif
