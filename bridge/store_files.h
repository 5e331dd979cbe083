/* The files of one worker's store, in the folder that the user named:
 *
 *   orders.0.db       the messages (and orders.0.db-wal, SQLite's log)
 *   orders.0.lock     locked by the process that has it open
 *   orders.0.reserve  space to be given up, so that a full disk can still drain
 *   orders.0.suspect  is there when the database was found damaged while it ran
 *   orders.0.db.corrupt-20261122T214500Z   a damaged one, kept for you
 *
 * Thread: one at a time. Owner: struct store_files owns its strings and the lock. */
#ifndef BRIDGE_STORE_FILES_H
#define BRIDGE_STORE_FILES_H

#include "bridge/error.h"

struct store_files {
    char *db, *wal, *lock, *reserve, *suspect;
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

bool store_files_reserve(struct store_files *f); /* false: there is no space for it */
void store_files_release(struct store_files *f); /* the reserve */
/* Whether there is space for the reserve, and some more to work with. */
bool store_files_have_space(const struct store_files *f);

void store_files_suspect(const struct store_files *f); /* to be put aside at the next start */
bool store_files_suspected(const struct store_files *f);

/* Renames database and log; *kept is the new name, to be freed. */
void store_files_tidy(const char *kept); /* removes an empty log that reading left beside it */
bool store_files_quarantine(const struct store_files *f, char **kept, struct error *e) MUST_USE;

#endif
