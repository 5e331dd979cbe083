/* The model of one SQS queue, without any wire: what is stored, what is hidden until when, which
 * receipt handles still count, and for FIFO queues which groups are locked. Single-threaded. A
 * queue owns its messages; messages handed out by queue_receive() are valid until the next call on
 * any queue of the account. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include "tests/sim/account.h"
#include "tests/sim/fifo.h"
#include "tests/sim/message.h"
#include "tests/sim/schedule.h"
#include "tests/sim/settings.h"

enum {
    QUEUE_SHARDS = 16, /* real standard queues are spread over servers; only --shuffle shows it */
    QUEUE_RECEIVE_MAX = 10,
    QUEUE_VISIBILITY_MAX_S = 43200,
};

struct queue {
    struct account *account;
    struct table_node by_name;
    char *name, *arn;
    uint64_t uid;
    struct settings settings;
    int64_t created_ms, modified_ms, purged_ms;
    struct link all; /* messages, oldest first */
    struct table by_uid;
    struct schedule hidden;
    struct link shards[QUEUE_SHARDS]; /* standard: READY messages */
    struct fifo fifo;
    size_t ready, delayed, in_flight;
    uint64_t sent, deduplicated, received, deleted, expired, redriven;
    uint64_t stale_deletes; /* by the handle of an earlier receive */
    struct table tags;      /* label.h */
    struct link polls;      /* receives that wait for a message (poll.h) */
};

struct sent {
    char id[37], body_md5[MD5_TEXT];
    uint64_t sequence;
    bool duplicate;
};

struct receive {
    unsigned max;
    int64_t visibility_s; /* -1: the queue's */
    struct text attempt;  /* FIFO: ReceiveRequestAttemptId */
    bool short_poll;
};

enum handle_verdict {
    HANDLE_DONE,
    HANDLE_IGNORED, /* accepted without effect: the message is gone, or a newer receive has it */
    HANDLE_GARBAGE,
    HANDLE_EXPIRED,  /* FIFO: the lock that this handle stood for is over */
    HANDLE_GONE,     /* no such message whose visibility could change */
    HANDLE_AT_REST,  /* not in flight */
    HANDLE_TOO_LONG, /* beyond twelve hours since the receive */
};

struct queue *queue_create(struct account *a,
                           struct text name); /* FIFO when the name ends in .fifo */
void queue_destroy(struct queue *q);          /* its tags too */
bool queue_name_is_fifo(struct text name);

/* Brings the queue up to now: what was hidden appears, what is too old goes. Every call below does
 * it first. */
void queue_settle(struct queue *q);
/* When queue_settle() next has something to do; INT64_MAX: never. */
int64_t queue_next_ms(const struct queue *q);
bool queue_has_ready(const struct queue *q);

/* The draft has been validated. A duplicate in the deduplication window answers with the first
 * one's id. */
void queue_send(struct queue *q, const struct draft *d, struct sent *out);
/* Up to QUEUE_RECEIVE_MAX messages; false: over the limit of messages in flight. */
bool queue_receive(struct queue *q, const struct receive *r, struct message **out, size_t *n);
enum handle_verdict queue_delete(struct queue *q, struct text handle);
enum handle_verdict queue_change_visibility(struct queue *q, struct text handle, int64_t timeout_s);
void queue_purge(struct queue *q);
/* Makes everything in flight visible now, as if each timeout had passed. */
void queue_expire(struct queue *q);
void queue_handle_of(const struct queue *q, const struct message *m, struct buf *out);

/* For the other files of the model. */
void queue_insert(struct queue *q, struct message *m, int64_t visible_ms);
void queue_set_state(struct queue *q, struct message *m, enum message_state state,
                     int64_t visible_ms);
void queue_take_out(struct queue *q, struct message *m); /* the caller owns it then */
/* Moves a message that was received too often to its dead-letter queue; false: it may be delivered.
 */
bool queue_redrive(struct queue *q, struct message *m);

#endif
