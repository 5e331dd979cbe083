/* The insides of a pipeline, for the core's own files (pipeline.c, lane.c, slot.c, verdict.c).
 * Connectors see pipeline.h. Thread: the pipeline's. */
#ifndef BRIDGE_PIPELINE_PRIVATE_H
#define BRIDGE_PIPELINE_PRIVATE_H

#include "bridge/dead_letter.h"
#include "bridge/lane.h"
#include "bridge/log.h"
#include "bridge/pipeline_conf.h"
#include "bridge/transform.h"

/* A sink in its pipeline: the legs that wait for it, and what it said of itself. */
struct sink_slot {
    struct sink *sink;
    struct pipeline *pipeline;
    const struct sink_conf *conf;
    size_t index; /* its place in lane->queues */
    char name[128];
    enum sink_state state;
    enum sink_order order;
    bool ordered; /* legs of a lane keep their order here */
    bool full;    /* the last submit() took none */
    bool was_up, closed;
    bool is_dead_letter;
    bool is_last_resort;       /* the file for what the dead-letter sink refuses */
    size_t waiting, in_flight; /* legs */
    struct lane_queue *ready_head, *ready_tail;
    struct leg *delayed; /* those without order that wait for their time to be tried again */
    struct log_limit complaint;
};

enum phase {
    PHASE_NEW,
    PHASE_RUNNING,
    PHASE_DRAINING,       /* the source is stopped; what is in flight may end until the deadline */
    PHASE_CLOSING_SINKS,  /* every leg ends now */
    PHASE_CLOSING_SOURCE, /* every receipt comes back now */
    PHASE_CLOSED,
};

struct pipeline {
    const struct pipeline_conf *conf;
    struct loop *loop;
    unsigned worker;
    enum phase phase;
    bool forced; /* the drain deadline has passed: what comes back unconfirmed is released */
    struct guarantee guarantee;

    struct transform *transform; /* NULL: none */
    struct source *source;
    char source_name[128];
    bool source_up, source_closed, said_running;
    struct log_limit source_complaint;

    /* The sinks, and behind them the dead-letter sink and the dead-letter file, where there are. */
    struct sink_slot slots[PIPELINE_MAX_SINKS + 2];
    size_t sink_count, slot_count;
    struct sink_slot *dead_letter, *last_resort; /* NULL: none */

    struct lane_table lanes;
    struct lane *no_lane; /* of messages without order */

    unsigned window;
    size_t window_bytes;
    unsigned reserved, in_flight;
    size_t bytes;       /* of the messages in flight */
    size_t usual_bytes; /* of one: a moving average */
    unsigned wanted;    /* the smallest reservation that was refused; 0: none */
    unsigned parked;    /* legs */
    uint64_t next_seq, random;

    struct receipt **settled; /* to be handed to the source at the end of the turn */
    size_t settled_count, settled_cap;

    struct turn_task turn;
    struct loop_timer deadline;
    struct log_limit stuck;
    uint64_t stuck_again_ms; /* when what is stuck is spoken of again */
    struct {
        uint64_t next_ms;
        unsigned said, left_out;
    } refusals;            /* lines on what becomes of what sinks refuse: so many a second */
    struct replay *replay; /* NULL: none */
    bool failed;
    struct error failure; /* why source or sink gave up for good */
    struct stats stats;

    /* Where a store lies between: the part at the other side of it, and how many messages are in
     * flight in both. The front's counters are those of the whole. */
    struct pipeline *front, *back;
    unsigned passing;
    uint64_t forwarded[COUNTERS]; /* of the back's, to the front's */

    void (*on_closed)(struct pipeline *p, void *arg);
    void *closed_arg;
};

/* pipeline.c */
void pipeline_wake(struct pipeline *p); /* something has changed: look at the end of this turn */
void receipt_settle(struct receipt *r); /* its last leg has ended */

/* pipeline_end.c */
void pipeline_advance_end(struct pipeline *p); /* one step per turn, as far as it has come */
void pipeline_drain_is_over(void *arg);        /* drain_timeout has passed */

/* parts.c */
void pipeline_publish(struct pipeline *p); /* what is in flight, in the counters */

/* slot.c: legs on their way to one sink */
void slot_add(struct sink_slot *slot, struct leg *l); /* behind all others of its lane */
void slot_return(struct sink_slot *slot, struct leg *l, uint64_t after_ms); /* one that came back */
void slot_offer(struct sink_slot *slot); /* submit what is ready */
struct lane_queue *slot_left(
    struct leg *l); /* the sink has given the leg back; resume the queue when it has its verdict */
void slot_resume(struct lane_queue *q);
struct leg *slot_take_waiting(struct sink_slot *slot); /* NULL: none; for the end of the drain */

/* Takes out what waits here behind l of its lane, of other messages: a list by `next`. */
struct leg *slot_take_behind(struct sink_slot *slot, const struct leg *l);

/* verdict.c: what follows from what a sink says */
void leg_release(struct leg *l);
void leg_end(struct leg *l);
void leg_unpark(struct leg *l);

/* reject.c: what becomes of what a sink refuses for good */
void leg_reject(struct leg *l, const char *reason, enum drop_reason why);
void leg_park(struct leg *l, const char *reason);

/* What a source emitted, as pipeline_emit() takes it. */
struct arrival {
    struct msg *msg;
    uint64_t cookie;
    uint32_t lane_id;
};

/* pipeline.c: m on its way to n slots, for what arrived. n 0: the receipt is the caller's to
 * settle. */
struct receipt *pipeline_deliver(struct pipeline *p, const struct arrival *a, struct msg *m,
                                 struct sink_slot *const *slots, size_t n);

/* replay.c, where p->replay is set */
void replay_take(struct pipeline *p, struct arrival *a); /* instead of going to all sinks */
void replay_confirmed(const struct leg *l);
void replay_drain(struct pipeline *p);
void replay_free(struct pipeline *p);

/* What is known of a message that fails again. The views point into scratch. */
void replay_remember(const struct leg *l, struct dead_letter *d, struct buf *scratch);

#endif
