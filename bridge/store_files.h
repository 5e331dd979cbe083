/* The files of one worker's store, in the folder that the user named:
 *
 *   orders.0.db       the messages (and orders.0.db-wal, SQLite's log)
 *   orders.0.lock     locked by the process that has it open
 *   orders.0.reserve  space to be given up, so that a full disk can still drain
 *   orders.0.db.corrupt-20261122T214500Z   a damaged one, kept for you
 *   orders.0.db.new   what was readable of it so far, while it is copied there
 *   orders.0.db.whole the same, all of it: it is about to take the place of the damaged one
 *
 * Thread: one at a time. Owner: struct store_files owns its strings and the lock. */
#ifndef BRIDGE_STORE_FILES_H
#define BRIDGE_STORE_FILES_H

#include "bridge/error.h"

struct store_files {
    char *db, *wal, *lock, *reserve, *anew, *whole;
    int lock_fd;
    bool reserved;
};

/* Names only. */
void store_files_name(struct store_files *f, const char *folder, const char *pipeline,
                      unsigned worker);
void store_files_free(struct store_files *f); /* unlocks, too */

/* Makes the folder where there is none. False (FAULT_CONFIG): it can't be written to, everybody may
 * write to it, or it is on a network. */
bool store_files_check_folder(const char *folder, struct error *e) MUST_USE;

/* False (FAULT_CONFIG): another process has it. */
bool store_files_lock(struct store_files *f, struct error *e) MUST_USE;

/* Once locked: ends what a last run left half done, and makes the database, for us alone. */
bool store_files_settle(const struct store_files *f, struct error *e) MUST_USE;

bool store_files_reserve(struct store_files *f); /* false: there is no space for it */
void store_files_release(struct store_files *f); /* the reserve */
enum { STORE_SPACE_MIB = 18 };                   /* for the reserve, and some more to work with */
bool store_files_have_space(const struct store_files *f); /* so much */

void store_files_tidy(const char *path); /* removes an empty log that reading left beside it */

/* The damaged database and its log get another name, and `anew` takes its place. Whoever is killed
 * meanwhile ends it at the next start. *kept is that name, to be freed; NULL: there is none. */
void store_files_clear_anew(const struct store_files *f);
bool store_files_replace(const struct store_files *f, char **kept, struct error *e) MUST_USE;

#endif
