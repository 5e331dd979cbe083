/* Lanes: messages of one lane (an SQS message group, a Kafka partition, an MQTT topic) keep their
 * order. A lane has one queue for each sink. The lane of messages without order has the id 0.
 * Thread: the pipeline's. Owner: the table; a lane lives while one of its messages is in flight. */
#ifndef BRIDGE_LANE_H
#define BRIDGE_LANE_H

#include "bridge/leg.h"

/* The legs of one lane that wait for one sink, in order of emission. */
struct lane_queue {
    struct leg *head, *tail;
    struct leg
        *returned; /* where the last leg that came back was put: the next one goes behind it */
    struct sink_slot *slot;
    struct lane_queue *ready_next;
    unsigned in_flight; /* legs that the sink has */
    bool failed; /* a leg came back: nothing goes until the others are back and the delay is over */
    bool ready;  /* on the slot's list */
    struct loop_timer delay;
};

struct lane {
    uint32_t id;
    bool held;         /* the source was told to hold it */
    unsigned receipts; /* messages in flight */
    struct lane *next; /* in the table */
    struct lane_queue queues[];
};

struct lane_table {
    struct lane **buckets;
    size_t mask, queue_count;
};

void lane_table_init(struct lane_table *t, size_t window, size_t queue_count);
void lane_table_free(struct lane_table *t); /* every lane is gone */

struct lane *lane_get(struct lane_table *t, uint32_t id); /* made where there is none */
void lane_drop(struct lane_table *t, struct lane *lane);  /* nothing of it is in flight */

void lane_queue_append(struct lane_queue *q, struct leg *l);
void lane_queue_return(struct lane_queue *q,
                       struct leg *l);            /* where its number belongs, near the head */
struct leg *lane_queue_pop(struct lane_queue *q); /* NULL: empty */

#endif
