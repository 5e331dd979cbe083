/* The insides of a store, for its own files (store.c, store_sink.c, store_source.c,
 * store_shelf.c, store_rounds.c). Thread: the loop's. */
#ifndef BRIDGE_STORE_PRIVATE_H
#define BRIDGE_STORE_PRIVATE_H

#include "bridge/connector.h"
#include "bridge/log.h"
#include "bridge/pipeline_run.h"
#include "bridge/store.h"
#include "bridge/store_writer.h"

enum {
    GROUP_MESSAGES = 256, /* a commit does not wait for more */
    GROUP_BYTES = 1024 * 1024,
    FILL_MESSAGES = 1024, /* what gathers while a commit is under way */
    FILL_BYTES = 4 * 1024 * 1024,
    READY_MESSAGES = 1024, /* beyond, messages stay on disk only */
    READ_MESSAGES = 256,
    DELETE_AFTER_MS = 200,
    LOOK_AGAIN_MS = 1000, /* at a full disk */
    SHRINK_MS = 20,
    REMEMBER_WINDOWS = 4, /* of the front: what it may not have acknowledged is among these */
};

/* One message that is in memory. */
struct store_entry {
    int64_t id, at_ms;               /* id 0: it has no row */
    struct msg *msg;                 /* NULL: the back has the reference */
    struct leg *leg;                 /* of the front, still open; NULL: none */
    struct receipt *settled;         /* the back's, while its row is being written */
    uint32_t lane, bytes;            /* bytes: what it may take on disk */
    bool writing, in_round;          /* in filling or in the round under way; in the latter */
    bool late;                       /* in ready, and older than what was there */
    bool in_ready, in_back, passing; /* passing: counts as in flight in both pipelines */
    bool done;                /* the back is through with it, and its row was just being written */
    struct store_entry *next; /* in ready, or dead */
    struct store_entry *older, *newer; /* among those with an open leg and no row yet: direct */
};

struct store_list {
    struct store_entry *head, *tail;
    size_t count, bytes;
};

/* A lane that the back holds, or that has rows which were passed over while it did. */
struct store_shelf {
    uint32_t lane;
    bool held;
    struct store_list parked; /* the first of what was passed over */
    int64_t from;             /* what is on disk only begins here; 0: nothing is */
    struct store_shelf *next;
};

enum { STORE_SHELF_BUCKETS = 256 };

struct store_shelves {
    struct store_shelf *buckets[STORE_SHELF_BUCKETS];
    size_t count, on_disk; /* on_disk: of those, with rows to be read */
    size_t parked, parked_bytes;
    int64_t caught_up_at; /* of the read under way */
};

/* Entries whose rows are to be written together. */
struct store_batch {
    struct store_entry **entries;
    size_t count, cap, bytes;
};

/* Rows to be deleted, and the back's receipts (NULL: none) that wait for it. */
struct store_deletes {
    int64_t *ids;
    struct receipt **receipts;
    size_t count, cap;
};

struct store_sink {
    struct sink base;
    struct store *store;
    bool refused, closing;
};

struct store_source {
    struct source base;
    struct store *store;
};

struct store {
    struct store_setup setup;
    const struct pipeline_conf *conf;
    const char *name;
    struct loop *loop;
    struct store_disk *disk; /* until the writer has it */
    struct buf remembered;   /* ids, until the source has them */
    struct store_writer *writer;
    struct pipeline *front, *back;
    struct store_sink sink, dead_sink;
    struct store_source source;

    bool direct;  /* nothing is written: overflow, while all is well */
    bool urgent;  /* the source can't wait */
    bool recalls; /* the source is told what it gave us, should it come again */
    bool hurry;   /* no waiting for company */
    bool no_more; /* the front has ended */
    bool failed;
    uint64_t down_since_ms; /* the back's sinks; 0: they are there */

    struct store_entry *oldest, *newest; /* direct, in order */
    unsigned passing;                    /* of those, in the back */
    struct store_list ready, dead;       /* for the back; for its dead-letter sink */
    size_t ready_max_bytes;
    size_t late; /* of those in ready */
    struct store_shelves shelves;

    struct store_batch filling, writing;
    struct store_deletes deletes, deleting;
    struct store_round round;
    struct store_row rows[READ_MESSAGES]; /* for reading */
    bool busy;                            /* the writer has the round */
    bool behind;                          /* rows from next_read on are on disk only */
    bool lanes_turn; /* a lane's rows are to be read next, where both are due */
    bool linger_over, deletes_due, look, disk_full, at_limit;

    int64_t next_id;
    int64_t next_read;
    int64_t exported; /* delivered, and kept all the same */
    struct store_usage usage;
    int64_t limit_bytes;                               /* where it was at its limit */
    int64_t drop_messages, drop_bytes, drop_before_ms; /* wanted of the next round */

    bool back_refused, source_stopped, source_closing, finished;
    struct turn_task pump;
    struct loop_timer linger, delete_timer, look_timer, age_timer, watch;
    struct log_limit full_complaint, drop_complaint;
};

/* store.c */
void store_wake(struct store *s);
int64_t store_messages(const struct store *s); /* on disk and not delivered */
void store_fail(struct store *s, const struct error *why);
void store_count_drop(struct store *s, enum counter reason, uint64_t n, const char *why);
uint32_t store_bytes_on_disk(const struct msg *m);
struct store_entry *store_entry_new(struct leg *l);
void store_entry_let_go(struct store_entry *e); /* frees it where nobody has it any more */
void store_list_push(struct store_list *list, struct store_entry *e);
struct store_entry *store_list_pop(struct store_list *list);
void store_list_append(struct store_list *list, const struct store_list *more);
void store_batch_add(struct store_batch *b, struct store_entry *e);
void store_delete(struct store *s, int64_t id, struct receipt *r);

void store_push_late(struct store *s, struct store_entry *e);  /* to ready */
void store_push_ready(struct store *s, struct store_entry *e); /* unless it is to stay on disk */

/* store_shelf.c */
void store_hold(struct source *base, uint32_t lane, bool held);
struct store_shelf *store_shelf_of(struct store *s, uint32_t lane); /* NULL: none */
void store_shelve(struct store *s, struct store_shelf *shelf, struct store_entry *e); /* takes e */
void store_shelves_unpark(struct store *s); /* all that is in memory, to ready */
void store_shelves_free(struct store *s);
bool store_shelf_is_due(const struct store *s); /* a lane has rows to be read */
void store_shelf_begin_read(struct store *s, int64_t first_of_round);
void store_shelf_end_read(struct store *s);

/* store_sink.c */
void store_leg_end(struct store *s, struct store_entry *e, bool confirmed);
void store_pump_sink(struct store *s);
bool store_is_blocked(const struct store *s); /* nothing more can be written for now */
void store_filling_refused(struct store *s);  /* the disk is full: as store_full says */

/* store_source.c */
extern const struct source_ops store_source;
void store_pump_source(struct store *s);
void store_consider_end(struct store *s);
/* The oldest row that the back does not have, and all after it; 0: there is none, or no such. */
int64_t store_first_waiting(const struct store *s);

/* store_rounds.c */
void store_pump_rounds(struct store *s);
void store_rounds_init(struct store *s);
void store_rounds_stop(struct store *s); /* timers */
void store_look_again(struct store *s);  /* in a while, where there is a reason to */
struct store_entry *store_entry_of_row(const struct store_row *row); /* takes its message */

#endif
