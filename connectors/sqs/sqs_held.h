/* The messages that we have received and SQS has not forgotten yet, by message id.
 *
 * In flight -> deleting (confirmed) -> gone; or in flight -> releasing -> gone, by a stop, or while
 * it runs because a sink refused it. Thread: the pipeline's. Owner: the table; requests on their
 * way keep an entry alive by sqs_held_ref(). */
#ifndef CONNECTORS_SQS_SQS_HELD_H
#define CONNECTORS_SQS_SQS_HELD_H

#include <stdint.h>
#include <sys/queue.h>

#include "bridge/bytes.h"
#include "bridge/leg.h"
#include "bridge/mem.h"

enum sqs_held_state {
    SQS_IN_FLIGHT, /* the pipeline has it */
    SQS_DELETING,  /* confirmed: its delete waits or is on its way */
    SQS_RELEASING, /* given back: it is about to become visible, at once or later */
    SQS_GONE,      /* out of the table; alive only for the requests that still name it */
};

struct sqs_held {
    enum sqs_held_state state;
    bool lost;   /* not ours any more: SQS gives it to somebody again. Its handle is not used */
    bool beats;  /* it is in a heartbeat list, number `list` */
    bool queued; /* it waits to be released */
    uint32_t list;
    uint32_t refs;           /* of requests */
    uint32_t handle_version; /* changes when the message is received again */
    uint64_t hash, seq;      /* seq: order of arrival */
    struct buf text;         /* the message id, and behind it the handle */
    size_t id_len;
    struct receipt *receipt; /* while we borrow it */

    /* visibility */
    uint64_t received_ms, beat_ms; /* loop time; beat_ms: when it is to be extended */
    uint64_t expires_ms;           /* when SQS gives it to somebody else, unless it is extended */
    uint32_t level;                /* of the last extension, see sqs_source.h */
    int64_t receives;              /* as SQS counts them, the last one with them; 0: not known */
    int64_t hide_s;                /* of one that is released: how long it is to stay invisible */
    struct sqs_held *group_next, *group_prev; /* ring of those received together of one group */

    struct sqs_held *bucket_next;
    TAILQ_ENTRY(sqs_held) beat;  /* in a heartbeat list */
    TAILQ_ENTRY(sqs_held) queue; /* to be deleted, to be released, or free */
};
TAILQ_HEAD(sqs_held_list, sqs_held);

struct sqs_held_table {
    struct sqs_held **buckets;
    size_t mask, count;
    uint64_t next_seq;
    struct sqs_held_list unused; /* kept for reuse */
};

void sqs_held_init(struct sqs_held_table *t);
void sqs_held_free(struct sqs_held_table *t);

struct sqs_held *sqs_held_find(const struct sqs_held_table *t, struct bytes id); /* NULL: none */
struct sqs_held *sqs_held_add(struct sqs_held_table *t, struct bytes id, struct bytes handle);
void sqs_held_remove(struct sqs_held_table *t, struct sqs_held *h);

struct bytes sqs_held_id(const struct sqs_held *h);
struct bytes sqs_held_handle(const struct sqs_held *h); /* borrowed until it changes */
void sqs_held_set_handle(struct sqs_held *h, struct bytes handle);

void sqs_held_ref(struct sqs_held *h);
void sqs_held_unref(struct sqs_held_table *t, struct sqs_held *h);

/* h joins the ring of mate: both were received together, and are of one message group. */
void sqs_held_join(struct sqs_held *h, struct sqs_held *mate);

/* The one that arrived first of its ring; group_next goes on in order of arrival. */
struct sqs_held *sqs_held_first_of_group(struct sqs_held *h);

#endif
