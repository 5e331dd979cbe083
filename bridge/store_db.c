#include "bridge/store_db.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/store_db_private.h"

enum { MAX_FINDINGS = 100, CHECK_ROWS = 256, CHECK_BYTES = 1024 * 1024 };

#define SIZES_TEXT                                                                                 \
    "SELECT id, at_ms, length(head) + ifnull(length(body), 0) FROM msg WHERE id >= ? ORDER BY id"

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [APPEND] = "INSERT INTO msg(id, lane, at_ms, sum, head, body) VALUES (?, ?, ?, ?, ?, ?)",
    [DELETE_ONE] = "DELETE FROM msg WHERE id = ?",
    [DELETE_RANGE] = "DELETE FROM msg WHERE id BETWEEN ? AND ?",
    [READ] = "SELECT id, lane, at_ms, sum, head, body FROM msg WHERE id >= ? ORDER BY id",
    [READ_LANE] = ("SELECT id, lane, at_ms, sum, head, body FROM msg "
                   "WHERE id >= ? AND id < ? AND lane = ? ORDER BY id"),
    [SIZES] = SIZES_TEXT,
    [PUT_ASIDE] = "INSERT OR REPLACE INTO bad SELECT * FROM msg WHERE id = ?",
    [REMEMBER] = "INSERT OR REPLACE INTO taken(last_id, ids) VALUES (?, ?)",
    [FORGET] = "DELETE FROM taken WHERE last_id <= ?",
    [NOTE_COUNT] = "UPDATE state SET messages = ?",
    [FREE_PAGES] = "PRAGMA freelist_count",
    [PAGES] = "PRAGMA page_count",
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

enum store_result store_db_failed(struct store_db *db, const char *what, int code, struct error *e)
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

enum store_result store_db_execute(struct store_db *db, const char *sql, struct error *e)
{
    int code = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? STORE_DONE : store_db_failed(db, "setting up", code, e);
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
    if (code != SQLITE_DONE) result = store_db_failed(db, "writing", code, e);
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

enum store_result store_db_ask(struct store_db *db, const char *sql, int64_t *number,
                               struct error *e)
{
    sqlite3_stmt *s = NULL;
    int code = sqlite3_prepare_v2(db->sqlite, sql, -1, &s, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(s);
    bool answered = code == SQLITE_ROW;
    *number = answered ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return answered ? STORE_DONE : store_db_failed(db, "opening the store", code, e);
}

void store_db_look_at_usage(struct store_db *db)
{
    int64_t pages = number_of(db, PAGES), spare = number_of(db, FREE_PAGES);
    db->usage.file_bytes = pages * STORE_PAGE_BYTES;
    db->usage.used_bytes = (pages - spare) * STORE_PAGE_BYTES;
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

static enum store_result note_count(struct store_db *db, struct error *e)
{
    if (!db->uncommitted) return STORE_DONE;
    sqlite3_bind_int64(statement(db, NOTE_COUNT), 1, db->usage.messages + db->uncommitted);
    return run(db, NOTE_COUNT, e);
}

enum store_result store_db_commit(struct store_db *db, struct error *e)
{
    enum store_result result = note_count(db, e);
    if (result == STORE_DONE) result = run(db, COMMIT, e);
    if (result == STORE_DONE) {
        db->usage.messages += db->uncommitted;
        store_db_look_at_usage(db);
    }
    return result;
}

void store_db_rollback(struct store_db *db)
{
    if (!sqlite3_get_autocommit(db->sqlite)) sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
    store_db_look_at_usage(db);
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

enum store_result store_db_remember(struct store_db *db, int64_t last_id, struct bytes ids,
                                    int64_t forget_id, struct error *e)
{
    sqlite3_stmt *s = statement(db, REMEMBER);
    sqlite3_bind_int64(s, 1, last_id);
    bind(s, 2, ids);
    enum store_result result = run(db, REMEMBER, e);
    if (result != STORE_DONE) return result;
    sqlite3_bind_int64(statement(db, FORGET), 1, forget_id);
    return run(db, FORGET, e);
}

struct bytes store_db_remembered(const struct store_db *db)
{
    return bytes_of(db->remembered.ptr, db->remembered.len);
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
    sqlite3_stmt *s = statement(db, r->before ? READ_LANE : READ);
    size_t bytes = 0;
    int code = SQLITE_DONE;
    sqlite3_bind_int64(s, 1, r->next);
    if (r->before) sqlite3_bind_int64(s, 2, r->before);
    if (r->before) sqlite3_bind_int64(s, 3, r->lane);
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
    if (code != SQLITE_ROW && code != SQLITE_DONE) result = store_db_failed(db, "reading", code, e);
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

enum store_result store_db_check(struct store_db *db, int64_t *at, int64_t last, struct error *e)
{
    sqlite3_stmt *s = statement(db, READ);
    int code = SQLITE_ROW, rows = 0, bytes = 0;
    sqlite3_bind_int64(s, 1, *at);
    while (*at <= last && rows < CHECK_ROWS && bytes < CHECK_BYTES &&
           (code = sqlite3_step(s)) == SQLITE_ROW) {
        *at = sqlite3_column_int64(s, 0) + 1;
        bytes += sqlite3_column_bytes(s, 4) + sqlite3_column_bytes(s, 5);
        rows++;
    }
    enum store_result result = STORE_DONE;
    if (code != SQLITE_ROW && code != SQLITE_DONE) result = store_db_failed(db, "reading", code, e);
    if (code == SQLITE_DONE) *at = last + 1;
    sqlite3_reset(s);
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
    if (code != SQLITE_ROW && code != SQLITE_DONE) result = store_db_failed(db, "reading", code, e);
    sqlite3_reset(s);
    if (result != STORE_DONE || !d->dropped) return result;
    return delete_where(db, DELETE_RANGE, d->from, d->last_id, e);
}

enum store_result store_db_shrink(struct store_db *db, int pages, struct error *e)
{
    char *sql = sqlite3_mprintf("PRAGMA incremental_vacuum(%d)", pages);
    enum store_result result = store_db_execute(db, sql, e);
    sqlite3_free(sql);
    store_db_look_at_usage(db);
    return result;
}

enum store_result store_db_trim(struct store_db *db, struct error *e)
{
    return store_db_execute(db, "PRAGMA wal_checkpoint(TRUNCATE)", e);
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

static void verify_count(struct store_db *db, struct buf *findings)
{
    if (db->version < 3) return;
    int64_t noted;
    struct error e;
    if (store_db_ask(db, "SELECT messages FROM state", &noted, &e) != STORE_DONE) {
        buf_printf(findings, "%s\n", e.text);
        return;
    }
    if (noted == db->usage.messages) return;
    buf_printf(findings, "%" PRId64 " messages are there, and %" PRId64 " are noted\n",
               db->usage.messages, noted);
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
    verify_count(db, findings);
    verify_rows(db, findings);
}
