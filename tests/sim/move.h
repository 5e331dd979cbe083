/* Message move tasks: messages go from a dead-letter queue back to where they came from, or to a
 * named queue. */
#ifndef SIM_MOVE_H
#define SIM_MOVE_H

#include "tests/sim/queue.h"
#include "tests/sim/sim.h"

enum move_state {
    MOVE_RUNNING,
    MOVE_COMPLETED,
    MOVE_CANCELLED,
    MOVE_FAILED,
};

struct move {
    struct link link; /* in sim->moves, the newest last */
    char id[37];
    char *source_arn, *destination_arn; /* destination NULL: where each message came from */
    int64_t rate;                       /* messages a second; 0: not limited by the caller */
    int64_t started_ms;
    uint64_t moved, to_move;
    enum move_state state;
};

void move_start(struct sim *sim);
void move_forget(struct sim *sim);

/* Starts a task; it moves messages from timers. */
struct move *move_add(struct sim *sim, const struct queue *source, struct text destination_arn,
                      int64_t rate);
struct move *move_find(struct sim *sim, struct text id);
struct move *move_running(struct sim *sim, struct text source_arn);
/* Is any queue's redrive policy aimed at this one? */
bool move_is_dead_letter_queue(const struct account *a, const struct queue *q);

#endif
