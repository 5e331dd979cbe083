/* Plain counters of one pipeline worker. Written by its own thread, read by the reporting thread:
 * relaxed atomics, so that a reader sees whole values and the writer pays a plain add. */
#ifndef BRIDGE_STATS_H
#define BRIDGE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

#include "bridge/mem.h"

enum counter {
    COUNT_RECEIVED,        /* messages emitted by the source */
    COUNT_REDELIVERED,     /* came again while still in flight, and were not sent again */
    COUNT_CONFIRMED,       /* messages that every sink has confirmed */
    COUNT_ACKNOWLEDGED,    /* messages acknowledged at the source */
    COUNT_RELEASED,        /* given back unacknowledged */
    COUNT_RETRIED,         /* legs tried again */
    COUNT_REJECTED,        /* legs that a sink refused for good, or that used up their attempts */
    COUNT_DEAD_LETTERED,   /* of those, confirmed by the dead-letter sink */
    COUNT_DROPPED,         /* lost by a rule that the user chose, or by QoS 0 */
    COUNT_DROPPED_FULL,    /* of those: the store was full */
    COUNT_DROPPED_AGE,     /* they were older than store_max_age */
    COUNT_DROPPED_CORRUPT, /* their row in the store was damaged (and is put aside) */
    COUNT_REQUESTS,        /* requests to a far end that counts or bills them (SQS) */
    COUNT_FAILED_REQUESTS,
    COUNT_RECEIVED_BYTES,
    COUNT_DROPPED_REJECTED,  /* of the dropped: refused by a sink (on_reject = "drop") */
    COUNT_DROPPED_ATTEMPTS,  /* likewise, after max_attempts */
    COUNT_DROPPED_BAD_LINE,  /* a file's line that is no message (bad_line = "skip") */
    COUNT_DROPPED_NO_ROOM,   /* QoS 0, and the window was full */
    COUNT_RELEASED_REJECTED, /* of the released: refused by a sink (on_reject = "release") */
    COUNT_WRONG_BODIES,      /* their MD5 was not that of what was sent (SQS): received again */
    COUNT_WRONG_ATTRIBUTES,  /* likewise of attributes, which SQS may have spelt anew: passed on */
    COUNTERS
};

struct stats {
    atomic_uint_fast64_t counts[COUNTERS];
    atomic_uint_fast64_t in_flight, in_flight_bytes;  /* now */
    atomic_uint_fast64_t store_messages, store_bytes; /* now, on disk */
    atomic_uint_fast64_t oldest_ms;                   /* see bridge/oldest.h */
    atomic_uint_fast64_t longest_turn_us;             /* of the loop, since the last report */
};

static inline void stats_add(struct stats *s, enum counter which, uint64_t n)
{
    uint_fast64_t now = atomic_load_explicit(&s->counts[which], memory_order_relaxed);
    atomic_store_explicit(&s->counts[which], now + n, memory_order_relaxed);
}

static inline uint64_t stats_get(const struct stats *s, enum counter which)
{
    return atomic_load_explicit(&s->counts[which], memory_order_relaxed);
}

/* Why a message was lost: each reason has its counter. */
enum drop_reason {
    DROP_REJECTED = COUNT_DROPPED_REJECTED,
    DROP_ATTEMPTS = COUNT_DROPPED_ATTEMPTS,
    DROP_BAD_LINE = COUNT_DROPPED_BAD_LINE,
    DROP_NO_ROOM = COUNT_DROPPED_NO_ROOM,
};
static inline void stats_drop(struct stats *s, enum drop_reason why)
{
    stats_add(s, COUNT_DROPPED, 1);
    stats_add(s, (enum counter)why, 1);
}

const char *counter_name(enum counter which); /* "received": as in the JSON lines */

/* One JSON object without a newline: the pipeline's name and worker, time, every counter. */
void stats_write(const struct stats *s, const char *pipeline, unsigned worker, struct buf *out);

#endif
