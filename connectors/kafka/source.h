/* The Kafka source's insides, for its own files: source.c (its life), read.c (messages in),
 * commit.c (offsets out), assignment.c (which partitions are ours), offsets.c (where to begin),
 * watch.c (what waits for long). Thread: the pipeline's.
 *
 * Each partition is read from a queue of its own, so that one can be left unread without a pause,
 * which would throw its prefetched messages away. A partition that goes away in a rebalance is
 * forgotten at once; its messages that are still on their way come back to the struct that they
 * were emitted from, and are let go: so a late verdict can never commit anything. */
#ifndef CONNECTORS_KAFKA_SOURCE_H
#define CONNECTORS_KAFKA_SOURCE_H

#include "bridge/oldest.h"
#include "bridge/pipeline.h"
#include "connectors/kafka/client.h"
#include "connectors/kafka/draft.h"
#include "connectors/kafka/window.h"

struct kafka_partition {
    char *topic;
    size_t topic_len;
    int32_t number;
    uint32_t lane_id;        /* the same for this partition for ever; never 0 */
    size_t index;            /* in the source's table: part of the cookies */
    rd_kafka_queue_t *queue; /* NULL: not ours any more */
    bool held;               /* by the pipeline: its lane is full */
    bool dry;                /* nothing in the queue when last looked at */
    bool revoking;
    int64_t next_offset;             /* behind the last message that was read; INVALID: none was */
    int64_t begin;                   /* where to begin, asked for and not done; INVALID: as it is */
    bool lost;                       /* the offset to go on from is gone: read no more */
    uint64_t in_flight;              /* emitted and not settled */
    uint64_t read_count, read_bytes; /* since librdkafka was last asked for more */
    struct kafka_window window;
};

struct kafka_commit {
    uintptr_t serial; /* of the last one sent */
    bool open;        /* its answer has not come */
    bool failed;      /* the last one: the next waits for the timer */
    uint64_t waiting; /* confirmed messages that are in no commit */
    struct loop_timer timer;
    struct log_limit limit;
};

enum kafka_source_phase {
    KAFKA_SOURCE_CLOSED,
    KAFKA_SOURCE_OPEN,
    KAFKA_SOURCE_RENEWING, /* after a fatal error: this consumer ends, another follows */
    KAFKA_SOURCE_CLOSING,
};

struct kafka_source {
    struct source base;
    const struct kafka_source_conf *conf;
    struct kafka_client client;
    enum kafka_source_phase phase;
    bool stopped; /* emit nothing new */
    bool up;      /* what the pipeline was told */

    struct kafka_partition **partitions; /* NULL: a free place */
    size_t partition_count;              /* places */
    size_t assigned;                     /* those with a queue */

    struct turn_task read;
    int64_t prefetch_count, prefetch_bytes; /* of a partition: librdkafka fetches no more then */
    size_t next;                            /* partition to read */
    bool reserved;                          /* one place in the pipeline */
    bool starved;                           /* the pipeline had no room */
    struct kafka_draft draft;
    struct log_limit complaint;

    struct kafka_commit commit;
    struct receipt **acks; /* room to gather receipts in */
    size_t ack_count, ack_capacity;

    struct loop_timer begin_timer; /* partitions that are to begin somewhere */

    rd_kafka_event_t *revoke; /* the rebalance that waits for messages in flight; NULL: none */
    struct loop_timer revoke_timer;
    uint64_t rebalances_since_ms; /* loop time */
    unsigned rebalances;

    struct oldest oldest;
    struct loop_timer watch; /* over the oldest, and what is lost */
    uint64_t said_lost_ms;   /* loop time */

    struct loop_timer end_timer; /* of closing, and before the next consumer */
    uint64_t renew_ms;
};

void kafka_source_state(struct kafka_source *s, bool up, const struct error *why);

/* read.c */
void kafka_read_soon(struct kafka_source *s);  /* at the end of this turn */
void kafka_read_again(struct kafka_source *s); /* likewise: every queue may have something */
void kafka_read_turn(void *source);
struct kafka_partition *kafka_partition_of(struct kafka_source *s, uint64_t cookie,
                                           uint64_t *position);

/* commit.c. Receipts go back to the pipeline through gather and acknowledge. */
void kafka_commit_gather(struct kafka_source *s, struct receipt *r);
void kafka_commit_acknowledge(struct kafka_source *s);
void kafka_commit_consider(struct kafka_source *s); /* sends one where it is time */
void kafka_commit_send(struct kafka_source *s);
void kafka_commit_answered(struct kafka_source *s, rd_kafka_event_t *event);
void kafka_commit_forget(struct kafka_source *s); /* the answer of the open one does not matter */
void kafka_commit_due(void *source);

/* watch.c */
void kafka_watch(void *source);

/* offsets.c */
void kafka_offset_missing(struct kafka_source *s, struct kafka_partition *p,
                          rd_kafka_event_t *event);
void kafka_offset_begin(void *source);

/* assignment.c */
bool kafka_assignment_is_cooperative(const struct kafka_source *s);
uint32_t kafka_lane_of(const char *topic, int32_t number); /* never 0 */
bool kafka_assignment_change(struct kafka_source *s,
                             rd_kafka_event_t *event); /* true: it keeps the event */
void kafka_assignment_step(struct kafka_source *s);    /* on with a revoke that waits */
void kafka_assignment_time_up(void *source);
void kafka_assignment_drop_all(struct kafka_source *s);
void kafka_partition_free_if_done(struct kafka_source *s, struct kafka_partition *p);

#endif
