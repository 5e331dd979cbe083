/* What FIFO queues add: message groups and their locks, the deduplication window, and receive
 * attempts.
 *
 * The lock rule is one sentence: of a group, the messages before the first hidden one may be
 * received. From it follow (a) a receive locks what comes after it, (b) deleting a part of what was
 * received keeps the lock, (c) deleting all of it opens the group, (d) a message that is given back
 * is receivable although its successor is in flight, (e) an extended message holds back itself and
 * everything behind it. */
#ifndef SIM_FIFO_H
#define SIM_FIFO_H

#include "tests/sim/message.h"

enum {
    FIFO_WINDOW_MS = 300000, /* deduplication, and retries of a receive */
    FIFO_ATTEMPT_MAX = 10,
};

struct queue;
struct sent;

struct fifo {
    struct table groups;
    struct link open; /* groups whose first message is READY, the longest open first */
    struct table seen, attempts;
    struct link seen_order, attempts_order; /* oldest first */
};

struct group {
    struct table_node by_id;
    struct link open;
    struct link messages; /* in order of arrival */
    bool is_open;
    char *id;
};

void fifo_init(struct fifo *f);
void fifo_free(struct fifo *f); /* groups must be empty */

void fifo_join(struct fifo *f, struct message *m);
void fifo_leave(struct fifo *f, struct message *m);
/* To be called when the state of a message of the group has changed. */
void fifo_refresh(struct fifo *f, struct group *g);
/* The next message after `after` (NULL: start) that the lock rule lets out. */
struct message *fifo_next(const struct fifo *f, const struct message *after);

/* Looks the message up in the deduplication window; remembers it when it is new. */
bool fifo_is_duplicate(struct queue *q, const struct draft *d, struct sent *s, int64_t now_ms);

/* Remembers what a receive with an attempt id returned. */
void fifo_remember(struct queue *q, struct text attempt, struct message *const *m, size_t n,
                   int64_t now_ms);
/* The same messages again, if none of them changed since; 0: a new receive is due. */
size_t fifo_recall(struct queue *q, struct text attempt, struct message **out, int64_t now_ms);

#endif
