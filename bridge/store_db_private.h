/* The insides of store_db.c and store_db_open.c. Thread: as store_db.h says. */
#ifndef BRIDGE_STORE_DB_PRIVATE_H
#define BRIDGE_STORE_DB_PRIVATE_H

#include <sqlite3.h>

#include "bridge/store_db.h"
#include "bridge/store_row.h"

enum { STORE_PAGE_BYTES = 4096 };

enum statement {
    BEGIN,
    COMMIT,
    APPEND,
    DELETE_ONE,
    DELETE_RANGE,
    READ,
    READ_LANE,
    SIZES,
    PUT_ASIDE,
    REMEMBER,
    FORGET,
    NOTE_COUNT,
    FREE_PAGES,
    PAGES,
    STATEMENTS,
};

struct store_db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENTS];
    struct store_usage usage;
    int64_t version;
    int64_t uncommitted; /* messages that the open transaction has added */
    struct buf head, remembered;
    struct store_room room;
    bool to_read, clean; /* clean: the last one to have it open closed it */
};

/* Sets the error, and says which result it is. */
enum store_result store_db_failed(struct store_db *db, const char *what, int code, struct error *e);
enum store_result store_db_execute(struct store_db *db, const char *sql, struct error *e) MUST_USE;
enum store_result store_db_ask(struct store_db *db, const char *sql, int64_t *number,
                               struct error *e) MUST_USE; /* one row, one column */
void store_db_look_at_usage(struct store_db *db);

#endif
