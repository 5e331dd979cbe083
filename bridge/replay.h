/* A pipeline that reads its own dead letters: its source is made from the dead-letter section, each
 * letter is opened, and its message goes to the sink that refused it. What fails again becomes a
 * letter again, once: letters that this run has written are left alone when they come round.
 * Letters that are not for this run (of other pipelines, or not asked for) stay where they are;
 * where the place is a log, which has only a position, they are written again behind its end.
 * Thread: the pipeline's. */
#ifndef BRIDGE_REPLAY_H
#define BRIDGE_REPLAY_H

#include "bridge/dead_letter.h"
#include "bridge/pipeline_run.h"

struct replay_options {
    const char *match; /* part of the reason; NULL: any */
    uint64_t limit;    /* letters; 0: any number */
    uint64_t idle_ms;  /* nothing came for so long: the place is empty */
    bool selective;    /* the place keeps what is not acknowledged, and forgets the rest */

    /* Only look: called for each letter, which stays. NULL: replay. */
    void (*look)(void *arg, const struct dead_letter *d, const struct msg *letter);
    void *arg;
};

struct replay_counts {
    uint64_t seen;         /* letters of this pipeline */
    uint64_t sent;         /* of those, asked for: on their way to their sinks, or shown */
    uint64_t replayed;     /* confirmed by their sinks */
    uint64_t failed_again; /* back among the dead letters */
    uint64_t left;         /* not asked for (match), or beyond the limit */
    uint64_t foreign;      /* no letters of this pipeline */
};

/* After pipeline_create(), before pipeline_start(). The options are copied. pipeline_destroy() ends
 * it. */
void pipeline_replay(struct pipeline *p, const struct replay_options *options);
const struct replay_counts *pipeline_replay_counts(const struct pipeline *p);

#endif
