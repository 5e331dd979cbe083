/* Kafka refuses a batch as a whole: one message that is too large fails all that went with it. They
 * are sent again in ever smaller parts, each on its own, until the bad ones stand alone: those are
 * to be rejected, the others arrive. Thread: the pipeline's. Owner: a sink; the legs are its
 * own. */
#ifndef CONNECTORS_KAFKA_SUSPECTS_H
#define CONNECTORS_KAFKA_SUSPECTS_H

#include "bridge/leg.h"

/* Zero-initialise; release with free(legs) when empty. */
struct kafka_suspects {
    struct leg **legs;
    size_t count, capacity;
    size_t trial; /* legs in the part that was sent last; 0: none, all runs as usual */
    bool refused; /* that part failed */
};

/* A leg was refused along with its batch. False: it was alone, and is guilty. */
bool kafka_suspects_add(struct kafka_suspects *s, struct leg *l) MUST_USE;

/* When nothing is under way: how many legs to send next, the first of legs[], in order of emission.
 * 0: all are through. */
size_t kafka_suspects_next(struct kafka_suspects *s);

/* Takes the first n away: they are sent, or ended. */
void kafka_suspects_take(struct kafka_suspects *s, size_t n, struct leg **taken);

#endif
