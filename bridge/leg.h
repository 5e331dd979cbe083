/* Receipt and leg: what the source is owed for one message, and the message on its way to one sink.
 *
 * pipeline_emit() makes one receipt, and one leg for each sink. Every leg ends in exactly one
 * leg_done(). When the last leg of a receipt has ended, the receipt is settled: the source gets it
 * through settle(), makes it true at the far end (delete, commit, PUBACK) and answers with
 * pipeline_acknowledged(). Until then the message counts as in flight. Thread: the pipeline's.
 * Owner: the pipeline; sources and sinks borrow, as said below. */
#ifndef BRIDGE_LEG_H
#define BRIDGE_LEG_H

#include <stdint.h>

#include "bridge/error.h"
#include "bridge/loop.h"
#include "bridge/msg.h"

struct pipeline;
struct sink_slot;
struct lane;

enum verdict {
    VERDICT_CONFIRMED, /* every sink, or the dead-letter sink, has it: acknowledge it */
    VERDICT_RELEASED,  /* give it back unacknowledged, for somebody else or for later */
};

/* A source borrows it from settle() until it hands it back with pipeline_acknowledged(). */
struct receipt {
    uint64_t cookie; /* the source's own name for the message, as given to pipeline_emit() */
    uint32_t lane_id;
    uint32_t legs_open;
    enum verdict verdict;
    bool refused; /* of one that is released: a sink refused it, so that it is not to come again at
                     once */
    size_t size;
    struct lane *lane;
    struct pipeline *pipeline;
    struct msg *letter;   /* a replay's: the dead letter that it was; NULL else */
    struct receipt *next; /* free for the source's own lists while it has the receipt */
};

/* A sink borrows it from an accepted submit() until its leg_done(). */
struct leg {
    struct msg *msg;
    struct receipt *receipt;
    struct sink_slot *slot;
    struct leg *next;        /* free for the sink's own lists while it has the leg */
    struct leg *prev;        /* the core's */
    uint64_t seq;            /* order of emission in the pipeline */
    uint64_t sink_data;      /* free for the sink while it has the leg */
    struct loop_timer retry; /* the core's: armed while it waits to be tried again */
    int64_t first_failed_ms; /* since 1970: the first of its attempts that failed; 0: none */
    uint32_t attempts;       /* failures that count against the message */
    uint32_t returns; /* times it came back, for whatever reason: the backoff grows with it */
    bool parked;      /* stuck until somebody acts; it keeps the source stopped */
};

/* The sink has its verdict for this leg: exactly once per accepted leg, NULL: confirmed. The leg is
 * gone afterwards. May be called from within submit(). The text of why is copied. */
void leg_done(struct leg *l, const struct error *why);

#endif
