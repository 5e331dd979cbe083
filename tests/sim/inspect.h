/* What tests may see of the inside, without changing it. */
#ifndef SIM_INSPECT_H
#define SIM_INSPECT_H

#include "tests/sim/queue.h"
#include "tests/sim/sim.h"

void inspect_stats(struct sim *sim, struct buf *out);
void inspect_queues(struct sim *sim, struct buf *out);
/* The counts of a queue and its first `limit` messages. */
void inspect_queue(struct queue *q, size_t limit, struct buf *out);
void inspect_forget(struct sim *sim); /* sets the counters of inspect_stats() to zero */

#endif
