/* The messages of one partition that were emitted and are not yet committed, in order of offset.
 *
 * Sinks confirm in any order, but a commit speaks for everything before it. So only the contiguous
 * run of confirmed messages at the head may be committed. Offsets may have gaps (compaction,
 * transaction markers): each place remembers its own.
 *
 *       head          sent          done               tail
 *        | being committed | to commit | in flight, or    |
 *        |                 |           | confirmed early  |
 *
 * Thread: the pipeline's. Owner: a partition; the receipts in it are borrowed from the pipeline. */
#ifndef CONNECTORS_KAFKA_WINDOW_H
#define CONNECTORS_KAFKA_WINDOW_H

#include "bridge/leg.h"

struct kafka_place {
    int64_t offset;
    struct receipt *receipt; /* NULL: still on its way, or released */
    uint64_t read_ms;        /* loop time */
};

/* Zero-initialise; release with kafka_window_free(). Positions count up from 0 for ever. */
struct kafka_window {
    struct kafka_place *places;
    uint64_t capacity; /* a power of two, or 0 */
    uint64_t head, sent, done, tail;
};

/* Returns the position of the message, which settle() wants back. */
uint64_t kafka_window_push(struct kafka_window *w, int64_t offset, uint64_t now_ms);

/* The oldest that is not confirmed, or where all are, the oldest not committed; NULL: none. Valid
 * until the next push. */
const struct kafka_place *kafka_window_oldest(const struct kafka_window *w);

/* The message at position is confirmed; keeps the receipt until it is taken. Returns by how many
 * messages the run that may be committed has grown. */
uint64_t kafka_window_confirm(struct kafka_window *w, uint64_t position, struct receipt *r);

/* Where the group shall go on reading once all up to done are committed; done > head. */
int64_t kafka_window_next_offset(const struct kafka_window *w);

/* Removes the oldest message, which is committed: head < sent. Returns its receipt. */
struct receipt *kafka_window_pop(struct kafka_window *w);

/* Takes back every receipt that is held, in order; NULL: no more. Nothing can be committed after
 * that. */
struct receipt *kafka_window_abandon(struct kafka_window *w);

uint64_t kafka_window_count(const struct kafka_window *w);
void kafka_window_free(struct kafka_window *w);

#endif
