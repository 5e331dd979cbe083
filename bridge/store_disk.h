/* One worker's store on disk: its files, locked, and its database, which is put aside when it is
 * damaged. Rounds are what the loop asks for: what to append, to delete, to drop and to read, of
 * which the first three are one commit. Thread: one at a time: who opens it, then the store's
 * writer. */
#ifndef BRIDGE_STORE_DISK_H
#define BRIDGE_STORE_DISK_H

#include "bridge/loop.h"
#include "bridge/store_db.h"

struct store_disk;

struct store_disk_conf {
    const char *folder, *pipeline;
    unsigned worker;
    int64_t max_bytes;
};

/* A damaged database is renamed to *.corrupt-UTC, what can be read of it is taken over into a new
 * one, and it is said loudly; whether that is found here, in a round or between rounds. NULL
 * (FAULT_CONFIG, FAULT_FATAL): it can't be had. */
struct store_disk *store_disk_open(const struct store_disk_conf *conf, struct error *e) MUST_USE;
void store_disk_close(struct store_disk *d); /* NULL is fine */

const struct store_usage *store_disk_usage(const struct store_disk *d);

bool store_disk_is_full(const struct store_disk *d); /* it takes no rows for now */

/* The ids that were remembered (store_ids_next()), oldest first. Borrowed until it is closed. */
struct bytes store_disk_remembered(const struct store_disk *d);

struct store_round {
    struct post post; /* when it is done: to the loop */

    /* to do */
    struct store_row *rows; /* their messages are borrowed */
    size_t row_count;
    unsigned remember; /* the ids (positions) of so many of the newest rows; 0: none */
    int64_t *deletes;  /* sorted here */
    size_t delete_count;
    bool dropping, reading;
    bool look; /* whether a full disk has space again */
    struct store_drop drop;
    int64_t read_from;
    struct store_reading read; /* its rows have a reference each */

    /* what became of it */
    bool appended;  /* the rows are there, for good */
    bool committed; /* deletes and drop are */
    bool disk_full; /* and it can take no more rows for now, for this reason */
    bool at_limit;  /* or for this one: it has max_bytes */
    struct store_usage usage;
    enum store_result result; /* anything but STORE_DONE: the process can't go on with it */
    struct error error;
};

void store_disk_round(struct store_disk *d, struct store_round *r);

/* Between rounds: a large file that nobody closed is looked through a piece at a time. False: there
 * is nothing more to look at. */
bool store_disk_check_some(struct store_disk *d);

#endif
