/* Opening and closing: pragmas, tables, versions, and what nobody closed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/store_db_private.h"

enum { PAGE_BYTES = STORE_PAGE_BYTES, VERSION = 3 };
#define CHECK_AT_ONCE_BYTES (INT64_C(64) * 1024 * 1024) /* a tenth of a second */
#define APPLICATION_ID 0x73717362                       /* "sqsb" */

/* Each step leads from its version to the next; 0 is an empty file. */
#define COLUMNS                                                                                    \
    "(id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, at_ms INTEGER NOT NULL, sum INTEGER NOT "     \
    "NULL, head BLOB NOT NULL, body BLOB) STRICT;"
static const char *const ladder[VERSION] = {
    ("CREATE TABLE msg" COLUMNS "CREATE TABLE bad" COLUMNS
     "CREATE TABLE state(clean INTEGER NOT NULL) STRICT; INSERT INTO state VALUES (1);"),
    "CREATE TABLE taken(last_id INTEGER PRIMARY KEY, ids BLOB NOT NULL) STRICT;",
    ("ALTER TABLE state ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;"
     "UPDATE state SET messages = (SELECT count(*) FROM msg);"),
};

/* EXCLUSIVE before WAL, so that there is no -shm file. */
static enum store_result set_pragmas(struct store_db *db, struct error *e)
{
    static const char before[] = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL";
    static const char after[] = "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;"
                                "PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -1024;"
                                "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0";
    enum store_result result = store_db_execute(db, before, e);
    if (result != STORE_DONE) return result;
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    bool wal = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    sqlite3_finalize(s);
    if (code != SQLITE_ROW) return store_db_failed(db, "opening the store", code, e);
    if (!wal) {
        error_set(e, FAULT_FATAL, "SQLite has no write-ahead log here (use a local file system)");
        return STORE_FAILED;
    }
    return store_db_execute(db, after, e);
}

/* Changes nothing: a file of a newer program, or of another, is left as it is. */
static enum store_result check_version(struct store_db *db, struct error *e)
{
    int64_t id = 0, tables = 0;
    enum store_result result = store_db_execute(db, "PRAGMA locking_mode = EXCLUSIVE", e);
    if (result == STORE_DONE) result = store_db_ask(db, "PRAGMA application_id", &id, e);
    if (result == STORE_DONE) result = store_db_ask(db, "PRAGMA user_version", &db->version, e);
    if (result == STORE_DONE)
        result = store_db_ask(db, "SELECT count(*) FROM sqlite_schema", &tables, e);
    if (result != STORE_DONE) return result;
    if (id == 0 && db->version == 0 && tables == 0) return STORE_DONE;
    if (id == APPLICATION_ID && db->version > 0 && db->version <= VERSION) return STORE_DONE;
    const char *path = sqlite3_db_filename(db->sqlite, NULL);
    if (id == APPLICATION_ID)
        error_set(e, FAULT_CONFIG,
                  "\"%s\" has version %" PRId64 ", this program knows up to %d (use the newer "
                  "program that wrote it)",
                  path, db->version, VERSION);
    else
        error_set(e, FAULT_CONFIG, "\"%s\" is not a store of this program (choose another folder)",
                  path);
    return STORE_FAILED;
}

/* In one transaction: it is of the old version, or of this one. */
static enum store_result climb(struct store_db *db, struct error *e)
{
    struct buf sql = {0};
    if (db->version == VERSION) return STORE_DONE;
    buf_printf(&sql, "BEGIN IMMEDIATE; PRAGMA application_id = %d;", APPLICATION_ID);
    for (int64_t step = db->version; step < VERSION; step++)
        buf_printf(&sql, "%s", ladder[step]);
    buf_printf(&sql, "PRAGMA user_version = %d; COMMIT", VERSION);
    enum store_result result = store_db_execute(db, sql.ptr, e);
    free(sql.ptr);
    db->version = VERSION;
    return result;
}

static enum store_result set_max_pages(struct store_db *db, int64_t max_bytes, struct error *e)
{
    char sql[64];
    int64_t pages;
    snprintf(sql, sizeof(sql), "PRAGMA max_page_count = %" PRId64, max_bytes / PAGE_BYTES);
    enum store_result result = store_db_ask(db, sql, &pages, e);
    db->usage.max_bytes = pages * PAGE_BYTES;
    return result;
}

static enum store_result look_at_rows(struct store_db *db, const char *count, struct error *e)
{
    sqlite3_stmt *s = NULL;
    struct store_usage *u = &db->usage;
    char *sql = sqlite3_mprintf("SELECT (%s), ifnull((SELECT min(id) FROM msg), 0), "
                                "ifnull((SELECT max(id) FROM msg), 0), clean FROM state",
                                count);
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL);
    sqlite3_free(sql);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    enum store_result result = STORE_DONE;
    store_db_look_at_usage(db);
    if (code == SQLITE_ROW) {
        u->messages = sqlite3_column_int64(s, 0);
        u->first_id = sqlite3_column_int64(s, 1);
        u->last_id = sqlite3_column_int64(s, 2);
        u->unchecked = !sqlite3_column_int(s, 3) && u->file_bytes > CHECK_AT_ONCE_BYTES;
        db->clean = sqlite3_column_int(s, 3);
    } else {
        result = store_db_failed(db, "reading the store",
                                 code == SQLITE_DONE ? SQLITE_CORRUPT : code, e);
    }
    sqlite3_finalize(s);
    if (result == STORE_DONE) result = store_db_ask(db, "SELECT count(*) FROM bad", &u->bad, e);
    return result;
}

static enum store_result read_remembered(struct store_db *db, struct error *e)
{
    sqlite3_stmt *s = NULL;
    if (db->version < 2) return STORE_DONE;
    int code = sqlite3_prepare_v2(db->sqlite, "SELECT last_id, ids FROM taken ORDER BY last_id", -1,
                                  &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code != SQLITE_ROW) break;
        int64_t last = sqlite3_column_int64(s, 0);
        if (last > db->usage.last_id) db->usage.last_id = last;
        const void *ids = sqlite3_column_blob(s, 1);
        if (ids) buf_add(&db->remembered, ids, (size_t)sqlite3_column_bytes(s, 1));
    }
    enum store_result result = STORE_DONE;
    if (code != SQLITE_DONE) result = store_db_failed(db, "reading the store", code, e);
    sqlite3_finalize(s);
    return result;
}

static enum store_result check_pages(struct store_db *db, struct error *e)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, "PRAGMA quick_check(1)", -1, &s, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
    enum store_result result = STORE_DONE;
    if (!text) {
        result = store_db_failed(db, "checking the store", code, e);
    } else if (strcmp(text, "ok") != 0) {
        error_set(e, FAULT_FATAL, "%s", text);
        result = STORE_BROKEN;
    }
    sqlite3_finalize(s);
    return result;
}

static enum store_result begin_to_write(struct store_db *db, int64_t max_bytes, struct error *e)
{
    enum store_result result = check_version(db, e);
    if (result == STORE_DONE) result = set_pragmas(db, e);
    if (result == STORE_DONE) result = climb(db, e);
    if (result == STORE_DONE) result = look_at_rows(db, "messages", e);
    if (result == STORE_DONE) result = read_remembered(db, e);
    if (result == STORE_DONE && !db->clean && !db->usage.unchecked) result = check_pages(db, e);
    if (result == STORE_DONE) result = set_max_pages(db, max_bytes, e);
    if (result == STORE_DONE) {
        result = store_db_execute(db, "UPDATE state SET clean = 0", e);
        if (result == STORE_NO_SPACE) result = STORE_DONE; /* then it is checked once too often */
    }
    return result;
}

static enum store_result begin_to_read(struct store_db *db, struct error *e)
{
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum store_result result = check_version(db, e);
    if (result == STORE_DONE)
        result = store_db_execute(db,
                                  "PRAGMA query_only = ON; PRAGMA cache_size = -1024;"
                                  "PRAGMA cell_size_check = ON",
                                  e);
    if (result == STORE_DONE && look_at_rows(db, "SELECT count(*) FROM msg", e) != STORE_DONE) {
        struct error unread; /* that it is damaged is known; this needs few pages */
        (void)!store_db_ask(db, "SELECT max(id) FROM msg", &db->usage.last_id, &unread);
    }
    if (result == STORE_DONE && read_remembered(db, e) != STORE_DONE) db->remembered.len = 0;
    return result;
}

static void discard(struct store_db *db)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->sqlite);
    free(db->head.ptr);
    free(db->remembered.ptr);
    free(db);
}

static enum store_result open_file(const char *path, int flags, struct store_db **out,
                                   struct error *e)
{
    struct store_db *db = mem_zalloc(sizeof(*db));
    int code = sqlite3_open_v2(path, &db->sqlite, flags | SQLITE_OPEN_NOMUTEX, NULL);
    *out = db;
    if (code == SQLITE_OK) return STORE_DONE;
    error_set(e, FAULT_CONFIG, "opening \"%s\": %s (check store_path and its permissions)", path,
              sqlite3_errstr(code));
    return STORE_FAILED;
}

void store_db_abandon(struct store_db *db)
{
    if (!db) return;
    if (db->sqlite) sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    discard(db);
}

enum store_result store_db_open(const char *path, int64_t max_bytes, struct store_db **out,
                                struct error *e)
{
    enum store_result result = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, e);
    if (result == STORE_DONE) result = begin_to_write(*out, max_bytes, e);
    if (result == STORE_DONE) return result;
    store_db_abandon(*out);
    *out = NULL;
    return result;
}

enum store_result store_db_open_to_read(const char *path, struct store_db **out, struct error *e)
{
    enum store_result result = open_file(path, SQLITE_OPEN_READWRITE, out, e);
    (*out)->to_read = true;
    if (result == STORE_DONE) result = begin_to_read(*out, e);
    if (result == STORE_DONE) return result;
    discard(*out);
    *out = NULL;
    return result;
}

void store_db_close(struct store_db *db)
{
    if (!db) return;
    struct error e;
    if (!db->to_read) (void)!store_db_execute(db, "UPDATE state SET clean = 1", &e);
    discard(db); /* checkpoints, and removes the log */
}
