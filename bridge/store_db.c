#include "bridge/store_db.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/store_row.h"

enum { PAGE_BYTES = 4096, VERSION = 1, MAX_FINDINGS = 100 };
#define APPLICATION_ID 0x73717362 /* "sqsb" */

enum statement {
    BEGIN,
    COMMIT,
    APPEND,
    DELETE_ONE,
    DELETE_RANGE,
    READ,
    SIZES,
    PUT_ASIDE,
    FREE_PAGES,
    PAGES,
    STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [APPEND] = "INSERT INTO msg(id, lane, at_ms, sum, head, body) VALUES (?, ?, ?, ?, ?, ?)",
    [DELETE_ONE] = "DELETE FROM msg WHERE id = ?",
    [DELETE_RANGE] = "DELETE FROM msg WHERE id BETWEEN ? AND ?",
    [READ] = "SELECT id, lane, at_ms, sum, head, body FROM msg WHERE id >= ? ORDER BY id",
    [SIZES] = "SELECT id, at_ms, length(head) + ifnull(length(body), 0) FROM msg WHERE id >= ? "
              "ORDER BY id",
    [PUT_ASIDE] = "INSERT OR REPLACE INTO bad SELECT * FROM msg WHERE id = ?",
    [FREE_PAGES] = "PRAGMA freelist_count",
    [PAGES] = "PRAGMA page_count",
};

struct store_db {
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENTS];
    struct store_usage usage;
    int64_t uncommitted; /* messages that the open transaction has added */
    struct buf head;
    struct store_room room;
    bool to_read;
};

/* ---- errors ---- */

static enum store_result result_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return STORE_DONE;
    case SQLITE_FULL:
        return STORE_NO_SPACE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_BROKEN;
    default:
        return STORE_FAILED;
    }
}

static enum store_result failed(struct store_db *db, const char *what, int code, struct error *e)
{
    const char *path = sqlite3_db_filename(db->sqlite, NULL);
    int os_error = sqlite3_system_errno(db->sqlite);
    bool config = (code & 0xff) == SQLITE_BUSY;
    error_set(e, config ? FAULT_CONFIG : FAULT_FATAL, "%s: \"%s\": %s%s%s%s", what,
              path ? path : "", sqlite3_errstr(code), os_error ? ", " : "",
              os_error ? strerror(os_error) : "",
              config ? " (another program has it open: end that one first)" : "");
    return result_of(code);
}

static enum store_result execute(struct store_db *db, const char *sql, struct error *e)
{
    int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_DONE : failed(db, sql, code, e);
}

static sqlite3_stmt *statement(struct store_db *db, enum statement which)
{
    sqlite3_stmt **s = &db->statements[which];
    if (!*s) sqlite3_prepare_v3(db->sqlite, texts[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL);
    return *s;
}

/* For a statement without rows. */
static enum store_result run(struct store_db *db, enum statement which, struct error *e)
{
    sqlite3_stmt *s = statement(db, which);
    int code = sqlite3_step(s);
    enum store_result result = STORE_DONE;
    if (code != SQLITE_DONE) result = failed(db, texts[which], code, e);
    sqlite3_reset(s);
    return result;
}

static int64_t number_of(struct store_db *db, enum statement which)
{
    sqlite3_stmt *s = statement(db, which);
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return n;
}

/* -1: it can't be had. */
static int64_t pragma(struct store_db *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t n = -1;
    if (sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return n;
}

/* ---- opening ---- */

/* This very order: EXCLUSIVE before WAL, so that there is no -shm file. */
static enum store_result set_pragmas(struct store_db *db, struct error *e)
{
    static const char before[] = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
                                 "PRAGMA locking_mode = EXCLUSIVE";
    static const char after[] = "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 8388608;"
                                "PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -1024;"
                                "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                                "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0";
    enum store_result result = execute(db, before, e);
    if (result != STORE_DONE) return result;
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, "PRAGMA journal_mode = WAL", -1, &s, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    bool wal = code == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    sqlite3_finalize(s);
    if (code != SQLITE_ROW) return failed(db, "opening the store", code, e);
    if (!wal) {
        error_set(e, FAULT_FATAL, "SQLite has no write-ahead log here (use a local file system)");
        return STORE_FAILED;
    }
    return execute(db, after, e);
}

static enum store_result make_tables(struct store_db *db, struct error *e)
{
    static const char columns[] = "(id INTEGER PRIMARY KEY, lane INTEGER NOT NULL, at_ms INTEGER "
                                  "NOT NULL, sum INTEGER NOT NULL, head BLOB NOT NULL, body BLOB)";
    char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; PRAGMA application_id = %d;"
                                "PRAGMA user_version = %d; CREATE TABLE msg%s STRICT;"
                                "CREATE TABLE bad%s STRICT;"
                                "CREATE TABLE state(clean INTEGER NOT NULL) STRICT;"
                                "INSERT INTO state VALUES (1); COMMIT",
                                APPLICATION_ID, VERSION, columns, columns);
    enum store_result result = execute(db, sql, e);
    sqlite3_free(sql);
    return result;
}

/* A ladder stands here when there is a second version: each step in a transaction of its own. */
static enum store_result check_version(struct store_db *db, struct error *e)
{
    int64_t id = pragma(db, "PRAGMA application_id"), version = pragma(db, "PRAGMA user_version");
    if (id == 0 && version == 0 && pragma(db, "SELECT count(*) FROM sqlite_schema") == 0)
        return db->to_read ? STORE_DONE : make_tables(db, e);
    if (id == APPLICATION_ID && version == VERSION) return STORE_DONE;
    const char *path = sqlite3_db_filename(db->sqlite, NULL);
    if (id == APPLICATION_ID)
        error_set(e, FAULT_CONFIG,
                  "\"%s\" has version %" PRId64 ", this program knows up to %d (use the newer "
                  "program that wrote it)",
                  path, version, VERSION);
    else
        error_set(e, FAULT_CONFIG, "\"%s\" is not a store of this program (choose another folder)",
                  path);
    return STORE_FAILED;
}

static void set_max_pages(struct store_db *db, int64_t max_bytes)
{
    char *sql = sqlite3_mprintf("PRAGMA max_page_count = %lld", max_bytes / PAGE_BYTES);
    db->usage.max_bytes = pragma(db, sql) * PAGE_BYTES;
    sqlite3_free(sql);
}

static void look_at_usage(struct store_db *db)
{
    int64_t pages = number_of(db, PAGES), spare = number_of(db, FREE_PAGES);
    db->usage.file_bytes = pages * PAGE_BYTES;
    db->usage.used_bytes = (pages - spare) * PAGE_BYTES;
}

static enum store_result count_rows(struct store_db *db, struct error *e)
{
    sqlite3_stmt *s = NULL;
    struct store_usage *u = &db->usage;
    int code = sqlite3_prepare_v2(
        db->sqlite, "SELECT count(*), ifnull(min(id), 0), ifnull(max(id), 0) FROM msg", -1, &s,
        NULL);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    enum store_result result = STORE_DONE;
    if (code == SQLITE_ROW) {
        u->messages = sqlite3_column_int64(s, 0);
        u->first_id = sqlite3_column_int64(s, 1);
        u->last_id = sqlite3_column_int64(s, 2);
    } else {
        result = failed(db, "reading the store", code, e);
    }
    sqlite3_finalize(s);
    u->bad = pragma(db, "SELECT count(*) FROM bad");
    u->clean = pragma(db, "SELECT clean FROM state") == 1;
    look_at_usage(db);
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
        result = failed(db, "checking the store", code, e);
    } else if (strcmp(text, "ok") != 0) {
        error_set(e, FAULT_FATAL, "%s", text);
        result = STORE_BROKEN;
    }
    sqlite3_finalize(s);
    return result;
}

static enum store_result begin_to_write(struct store_db *db, int64_t max_bytes, bool check,
                                        struct error *e)
{
    enum store_result result = set_pragmas(db, e);
    if (result == STORE_DONE) result = check_version(db, e);
    if (result == STORE_DONE) result = count_rows(db, e);
    if (result == STORE_DONE && check && !db->usage.clean) result = check_pages(db, e);
    if (result == STORE_DONE) {
        set_max_pages(db, max_bytes);
        result = execute(db, "UPDATE state SET clean = 0", e);
        if (result == STORE_NO_SPACE) result = STORE_DONE; /* then it is checked once too often */
    }
    return result;
}

static enum store_result begin_to_read(struct store_db *db, struct error *e)
{
    sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    enum store_result result = execute(db,
                                       "PRAGMA locking_mode = EXCLUSIVE;"
                                       "PRAGMA query_only = ON; PRAGMA cache_size = -1024;"
                                       "PRAGMA cell_size_check = ON",
                                       e);
    if (result == STORE_DONE) result = check_version(db, e);
    if (result == STORE_DONE && count_rows(db, e) != STORE_DONE) {
        int64_t last = pragma(db, "SELECT max(id) FROM msg"); /* needs few pages */
        db->usage.last_id = last > 0 ? last : 0;
    }
    return result;
}

static void discard(struct store_db *db)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->sqlite);
    free(db->head.ptr);
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

enum store_result store_db_open(const char *path, int64_t max_bytes, bool check,
                                struct store_db **out, struct error *e)
{
    enum store_result result = open_file(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, out, e);
    if (result == STORE_DONE) result = begin_to_write(*out, max_bytes, check, e);
    if (result == STORE_DONE) return result;
    discard(*out);
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
    if (!db->to_read) (void)!execute(db, "UPDATE state SET clean = 1", &e);
    discard(db); /* checkpoints, and removes the log */
}

const struct store_usage *store_db_usage(const struct store_db *db)
{
    return &db->usage;
}

/* ---- transactions ---- */

enum store_result store_db_begin(struct store_db *db, struct error *e)
{
    db->uncommitted = 0;
    return run(db, BEGIN, e);
}

enum store_result store_db_commit(struct store_db *db, struct error *e)
{
    enum store_result result = run(db, COMMIT, e);
    if (result == STORE_DONE) {
        db->usage.messages += db->uncommitted;
        look_at_usage(db);
    }
    return result;
}

void store_db_rollback(struct store_db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite)) sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    look_at_usage(db);
}

/* A NULL pointer binds NULL: no body. An empty one has a pointer. */
static void bind(sqlite3_stmt *s, int at, struct bytes b)
{
    sqlite3_bind_blob64(s, at, b.ptr, b.len, SQLITE_STATIC);
}

enum store_result store_db_append(struct store_db *db, const struct store_row *row, struct error *e)
{
    sqlite3_stmt *s = statement(db, APPEND);
    db->head.len = 0;
    store_row_write(row->msg, &db->head);
    struct bytes head = bytes_of(db->head.ptr, db->head.len), body = row->msg->body;
    sqlite3_bind_int64(s, 1, row->id);
    sqlite3_bind_int64(s, 2, row->lane);
    sqlite3_bind_int64(s, 3, row->at_ms);
    sqlite3_bind_int64(s, 4, store_row_sum(row->lane, head, body));
    bind(s, 5, head);
    bind(s, 6, body);
    db->uncommitted++;
    return run(db, APPEND, e);
}

static enum store_result delete_where(struct store_db *db, enum statement which, int64_t first,
                                      int64_t last, struct error *e)
{
    sqlite3_stmt *s = statement(db, which);
    sqlite3_bind_int64(s, 1, first);
    if (which == DELETE_RANGE) sqlite3_bind_int64(s, 2, last);
    enum store_result result = run(db, which, e);
    if (result == STORE_DONE) db->uncommitted -= sqlite3_changes(db->sqlite);
    return result;
}

enum store_result store_db_delete(struct store_db *db, int64_t first, int64_t last, struct error *e)
{
    return delete_where(db, first == last ? DELETE_ONE : DELETE_RANGE, first, last, e);
}

/* ---- reading ---- */

static struct bytes column_bytes(sqlite3_stmt *s, int at)
{
    if (sqlite3_column_type(s, at) == SQLITE_NULL) return BYTES_NONE;
    const void *ptr = sqlite3_column_blob(s, at);
    int len = sqlite3_column_bytes(s, at);
    return bytes_of(ptr ? ptr : "", (size_t)len);
}

/* False: the row is not as it was written. */
static bool take_row(struct store_db *db, sqlite3_stmt *s, struct store_row *row)
{
    struct msg_draft draft;
    row->id = sqlite3_column_int64(s, 0);
    row->lane = (uint32_t)sqlite3_column_int64(s, 1);
    row->at_ms = sqlite3_column_int64(s, 2);
    struct bytes head = column_bytes(s, 4), body = column_bytes(s, 5);
    if (sqlite3_column_int64(s, 3) != store_row_sum(row->lane, head, body)) return false;
    if (!store_row_read(head, &draft, &db->room)) return false;
    draft.body = body;
    row->msg = msg_new(&draft);
    return true;
}

static enum store_result put_aside(struct store_db *db, int64_t id, struct error *e)
{
    sqlite3_stmt *s = statement(db, PUT_ASIDE);
    enum store_result result = store_db_begin(db, e);
    sqlite3_bind_int64(s, 1, id);
    if (result == STORE_DONE) result = run(db, PUT_ASIDE, e);
    if (result == STORE_DONE) result = store_db_delete(db, id, id, e);
    if (result == STORE_DONE) result = store_db_commit(db, e);
    if (result == STORE_DONE)
        db->usage.bad++;
    else
        store_db_rollback(db);
    return result == STORE_NO_SPACE ? STORE_DONE : result; /* then it is passed over again */
}

/* Up to the first row that is not as it was written. */
static enum store_result read_rows(struct store_db *db, struct store_reading *r, int64_t *bad,
                                   struct error *e)
{
    sqlite3_stmt *s = statement(db, READ);
    size_t bytes = 0;
    int code = SQLITE_DONE;
    sqlite3_bind_int64(s, 1, r->next);
    *bad = 0;
    while (r->count < r->max && bytes < r->max_bytes && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct store_row *row = &r->rows[r->count];
        bool good = take_row(db, s, row);
        r->next = row->id + 1;
        if (!good) {
            *bad = row->id;
            break;
        }
        bytes += row->msg->size;
        r->count++;
    }
    r->end = code == SQLITE_DONE && r->count < r->max && bytes < r->max_bytes;
    enum store_result result = STORE_DONE;
    if (code != SQLITE_ROW && code != SQLITE_DONE) result = failed(db, "reading", code, e);
    sqlite3_reset(s);
    return result;
}

enum store_result store_db_read(struct store_db *db, int64_t from, struct store_reading *r,
                                struct error *e)
{
    int64_t bad;
    enum store_result result;
    r->next = from;
    r->count = r->bad = 0;
    do {
        result = read_rows(db, r, &bad, e);
        if (result != STORE_DONE || !bad) return result;
        r->bad++;
        if (!db->to_read) result = put_aside(db, bad, e);
    } while (result == STORE_DONE);
    return result;
}

/* ---- making room ---- */

enum store_result store_db_drop(struct store_db *db, struct store_drop *d, struct error *e)
{
    sqlite3_stmt *s = statement(db, SIZES);
    int64_t bytes = 0;
    int code;
    d->dropped = 0;
    sqlite3_bind_int64(s, 1, d->from);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        bool wanted = d->dropped < d->messages || bytes < d->bytes;
        if (!wanted && sqlite3_column_int64(s, 1) >= d->before_ms) break;
        d->last_id = sqlite3_column_int64(s, 0);
        bytes += sqlite3_column_int64(s, 2);
        d->dropped++;
    }
    enum store_result result = STORE_DONE;
    if (code != SQLITE_ROW && code != SQLITE_DONE) result = failed(db, "reading", code, e);
    sqlite3_reset(s);
    if (result != STORE_DONE || !d->dropped) return result;
    return delete_where(db, DELETE_RANGE, d->from, d->last_id, e);
}

enum store_result store_db_shrink(struct store_db *db, int pages, struct error *e)
{
    char *sql = sqlite3_mprintf("PRAGMA incremental_vacuum(%d)", pages);
    enum store_result result = execute(db, sql, e);
    sqlite3_free(sql);
    look_at_usage(db);
    return result;
}

/* ---- verifying ---- */

static void verify_pages(struct store_db *db, struct buf *findings)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, "PRAGMA integrity_check(100)", -1, &s, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(s);
        if (code != SQLITE_ROW) break;
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (text && strcmp(text, "ok") != 0) buf_printf(findings, "%s\n", text);
    }
    if (code != SQLITE_DONE) buf_printf(findings, "%s\n", sqlite3_errmsg(db->sqlite));
    sqlite3_finalize(s);
}

static void verify_rows(struct store_db *db, struct buf *findings)
{
    sqlite3_stmt *s = statement(db, READ);
    int code, found = 0;
    sqlite3_bind_int64(s, 1, INT64_MIN);
    while ((code = sqlite3_step(s)) == SQLITE_ROW && found < MAX_FINDINGS) {
        struct store_row row = {0};
        if (take_row(db, s, &row)) {
            msg_unref(row.msg);
            continue;
        }
        buf_printf(findings, "message %" PRId64 ": wrong checksum\n", row.id);
        found++;
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW)
        buf_printf(findings, "reading messages: %s\n", sqlite3_errmsg(db->sqlite));
    sqlite3_reset(s);
}

void store_db_verify(struct store_db *db, struct buf *findings)
{
    verify_pages(db, findings);
    verify_rows(db, findings);
}
