/* One file of a store: SQLite with the pragmas that make a commit survive a power cut (WAL,
 * synchronous = FULL), one connection. Thread: one at a time, for all of it; none but who opens it
 * and then the store's writer. Owner: the caller. After anything but STORE_DONE in a transaction:
 * store_db_rollback(). */
#ifndef BRIDGE_STORE_DB_H
#define BRIDGE_STORE_DB_H

#include "bridge/error.h"
#include "bridge/msg.h"

struct store_db;

enum store_result {
    STORE_DONE,
    STORE_NO_SPACE, /* at max_bytes, or the disk is full: nothing of the transaction is there */
    STORE_BROKEN,   /* the file is damaged */
    STORE_FAILED,   /* anything else; what became of the transaction is not known */
};

struct store_usage {
    int64_t messages;              /* as the last commit noted it in the file */
    int64_t used_bytes;            /* pages in use */
    int64_t file_bytes, max_bytes; /* all pages; as many as there may be */
    int64_t first_id;              /* of the messages, when the file was opened; 0: none */
    int64_t last_id;               /* the last one that is known to have been given; 0: none */
    int64_t bad;                   /* rows that were put aside: their checksum is wrong */
    bool unchecked; /* nobody closed it, and it is too large to look through all of it at once */
};

struct store_row {
    int64_t id, at_ms; /* at_ms: when it came into the store */
    uint32_t lane;
    struct msg *msg;
};

/* Makes the file where there is none. STORE_FAILED with FAULT_CONFIG where somebody else has it
 * open, or it is another's file. Nothing is changed unless it is STORE_DONE. */
enum store_result store_db_open(const char *path, int64_t max_bytes, struct store_db **db,
                                struct error *e) MUST_USE;

/* For looking and for salvage: no row is changed, and the log is left as it is. */
enum store_result store_db_open_to_read(const char *path, struct store_db **db,
                                        struct error *e) MUST_USE;
void store_db_close(struct store_db *db); /* notes that, where it was open to write */
void store_db_abandon(
    struct store_db *db); /* the file and its log stay as they are; NULL is fine */

const struct store_usage *store_db_usage(const struct store_db *db);

enum store_result store_db_begin(struct store_db *db, struct error *e) MUST_USE;
enum store_result store_db_commit(struct store_db *db, struct error *e) MUST_USE;
void store_db_rollback(struct store_db *db);

enum store_result store_db_append(struct store_db *db, const struct store_row *row,
                                  struct error *e) MUST_USE;
/* The ids (struct store_row's messages' positions, see store_row.h) of the group that ends with
 * last_id. Groups that end at forget_id or before are forgotten. */
enum store_result store_db_remember(struct store_db *db, int64_t last_id, struct bytes ids,
                                    int64_t forget_id, struct error *e) MUST_USE;
/* What was remembered when the file was opened, oldest first. Borrowed until it is closed. */
struct bytes store_db_remembered(const struct store_db *db);

/* All from first to last. */
enum store_result store_db_delete(struct store_db *db, int64_t first, int64_t last,
                                  struct error *e) MUST_USE;

/* Up to `max` rows or (a little more than) max_bytes from `from` on (before: up to there, and only
 * those of this lane), in order, each with a
 * reference to its message in `rows`. Rows whose checksum is wrong are put aside into the table
 * `bad` (in a file that is open to read: left alone) and counted. end: there are no more. */
struct store_reading {
    struct store_row *rows;
    int64_t before; /* 0: all */
    uint32_t lane;
    size_t count, max, max_bytes, bad;
    bool end;
    int64_t next; /* where to go on */
};
enum store_result store_db_read(struct store_db *db, int64_t from, struct store_reading *r,
                                struct error *e) MUST_USE;

/* Looks at some of the rows from *at to `last`, whether they are there (their checksums are left to
 * who reads them). *at: where to go on. */
enum store_result store_db_check(struct store_db *db, int64_t *at, int64_t last,
                                 struct error *e) MUST_USE;

/* Deletes the oldest rows from `from` on: at least so many messages, so many bytes, and all that
 * came before before_ms. */
struct store_drop {
    int64_t from, messages, bytes, before_ms;
    int64_t dropped, last_id; /* what went */
};
enum store_result store_db_drop(struct store_db *db, struct store_drop *d,
                                struct error *e) MUST_USE;

/* Gives up to so many free pages back to the file system. */
enum store_result store_db_shrink(struct store_db *db, int pages, struct error *e) MUST_USE;

/* Empties the log, whose file else keeps its size. */
enum store_result store_db_trim(struct store_db *db, struct error *e) MUST_USE;

/* What SQLite itself finds wrong with the file, and rows with wrong checksums: a line each, up to
 * 100. Empty: nothing. */
void store_db_verify(struct store_db *db, struct buf *findings);

#endif
