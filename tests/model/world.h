/* The real core between a source and sinks that do nothing by themselves: everything that can
 * happen is an event that the explorer chooses. Each event checks what the core promises; a broken
 * promise ends the process, after world_complain() has told the way there.
 *
 * Promises: a message is acknowledged only after every sink, or the dead-letter sink in its place,
 * has confirmed it; a receipt is settled once; the window is never exceeded, nor entered while a
 * sink is away or the pipeline stops; a sink that is down is offered nothing; a lane's messages
 * reach an ordered sink in order, where refused messages go back and come again, too; and from
 * every state, once nothing fails any more, all messages arrive (or were put away, where one comes
 * only so often), and the pipeline ends. Thread: the test's. */
#ifndef TESTS_MODEL_WORLD_H
#define TESTS_MODEL_WORLD_H

#include "bridge/pipeline_private.h"
#include "bridge/pipeline_run.h"

enum {
    MAX_MESSAGES = 6,
    MAX_SINKS = 3,
    MAX_EVENTS = 64,
    MAX_RECEIVES = 2, /* of a message that goes back: then it is put away */
};

struct model_conf {
    const char *name;
    const char *lanes; /* one letter per message: "aab"; '-': no lane */
    unsigned window, lane_share;
    unsigned sinks; /* without the dead-letter sink */
    enum sink_order order[MAX_SINKS];
    unsigned room; /* legs that a sink holds at once; 0: any number */
    bool require_order, dead_letter;
    bool release;    /* what a sink refuses goes back, and comes again; needs no dead letter */
    bool instant;    /* the first sink confirms from within submit() */
    unsigned faults; /* that may happen: bad verdicts, outages */
    bool may_stop;
};

enum event_kind {
    EVENT_TURN,        /* the loop's turn ends */
    EVENT_EMIT,        /* the source has a message */
    EVENT_ACKNOWLEDGE, /* the source's far end has forgotten message a */
    EVENT_CONFIRM,     /* sink a has message b */
    EVENT_RETRY,
    EVENT_AWAY, /* FAULT_DOWN */
    EVENT_REJECT,
    EVENT_SINK, /* sink a goes to state b */
    EVENT_TIMER,
    EVENT_STOP,
};
struct event {
    enum event_kind kind;
    unsigned a, b;
};

/* What became of a message at one sink. */
enum fate { FATE_WAITING, FATE_THERE, FATE_CONFIRMED, FATE_REFUSED };

struct model_message {
    bool emitted, settled, acknowledged;
    unsigned receives; /* where refused messages go back */
    bool put_away;
    enum verdict verdict;
    struct receipt *receipt;   /* while the source has it */
    enum fate fate[MAX_SINKS]; /* not of the dead-letter sink: it may get one from each sink */
    unsigned letters;          /* that the dead-letter sink has confirmed */
};

struct model_sink {
    struct sink base;
    struct world *world;
    unsigned index;
    bool refused; /* the last submit(), for want of room */
    struct leg *legs[MAX_MESSAGES];
    unsigned count;
    uint8_t broken; /* lanes, by number: a stream in which one failed confirms none of those behind
                       it */
};

struct model_source {
    struct source base;
    struct world *world;
    bool waits; /* for room */
    bool stopped;
};

struct world {
    const struct model_conf *conf;
    struct pipeline_conf pipeline_conf;
    struct loop *loop;
    struct pipeline *pipeline;
    struct model_source source;
    struct model_sink sinks[MAX_SINKS];
    struct model_message messages[MAX_MESSAGES];
    unsigned message_count, sink_count; /* sinks with the dead-letter sink */
    unsigned faults_left;
    bool stopped, closed, finishing;
};

void world_open(struct world *w, const struct model_conf *conf);
void world_close(struct world *w);

size_t world_events(const struct world *w, struct event events[MAX_EVENTS]);
void world_apply(struct world *w, struct event event);

/* No more faults: everything arrives, then the pipeline stops and ends. */
void world_finish(struct world *w);

uint64_t world_signature(const struct world *w); /* equal for states that can't be told apart */

uint32_t world_lane(const struct world *w, unsigned message); /* 0: none */

/* The message that the source emits next; message_count: none now. A lane's come in order, and none
 * while one behind it is in flight, or one before it goes back: as of a message group. */
unsigned world_next(const struct world *w);

bool world_is_refused(const struct world *w, const struct model_message *m);
void world_acknowledge(struct world *w, struct model_message *m); /* or take back */

/* Called when a promise is broken; the explorer's: prints the events that led here, and aborts. */
_Noreturn void world_complain(const char *promise);

#define PROMISE(fact)                                                                              \
    do {                                                                                           \
        if (!(fact)) world_complain(#fact);                                                        \
    } while (0)

#endif
