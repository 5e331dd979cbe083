#include "bridge/store_disk.h"

#include <inttypes.h>
#include <stdlib.h>

#include "bridge/log.h"
#include "bridge/store_files.h"
#include "bridge/store_row.h"

enum {
    SALVAGE_ROWS = 256,
    ONE_BY_ONE = 100000, /* a second or two */
    SHRINK_PAGES = 1024,
    SHRINK_BYTES = 4 * 1024 * 1024, /* free within the file of an empty store */
};

struct store_disk {
    struct store_disk_conf conf;
    struct store_files files;
    struct store_db *db;
    struct buf ids;                 /* of the round's rows */
    int64_t check_next, check_last; /* rows to be looked at; next > last: none */
    bool full;                      /* the reserve was given up */
    struct log_limit complaint;
};

/* ---- what is damaged ---- */

static enum store_result take_over(struct store_db *to, struct store_reading *r, struct error *e)
{
    if (!r->count) return STORE_DONE;
    enum store_result written = store_db_begin(to, e);
    for (size_t i = 0; i < r->count; i++) {
        if (written == STORE_DONE) written = store_db_append(to, &r->rows[i], e);
        msg_unref(r->rows[i].msg);
    }
    if (written == STORE_DONE) written = store_db_commit(to, e);
    if (written != STORE_DONE) store_db_rollback(to);
    return written;
}

/* Passes over what can't be read: one by one, so that nothing whole behind it is missed, and in
 * growing steps where there is no end of it. */
static enum store_result salvage_rows(struct store_db *to, struct store_db *from, struct error *e)
{
    int64_t last = store_db_usage(from)->last_id ? store_db_usage(from)->last_id : INT64_MAX / 4;
    struct store_row rows[SALVAGE_ROWS];
    struct store_reading r = {.rows = rows, .max = SALVAGE_ROWS, .max_bytes = SIZE_MAX};
    int64_t at = 0, step = 1, unreadable = 0; /* so many in a row */
    enum store_result written = STORE_DONE;
    while (written == STORE_DONE && !r.end && at <= last) {
        enum store_result result = store_db_read(from, at, &r, e);
        written = take_over(to, &r, e);
        at = r.next;
        if (result == STORE_DONE) continue;
        r.end = false;
        unreadable = r.count ? 0 : unreadable + 1;
        step = unreadable < ONE_BY_ONE ? 1 : 2 * step;
        at += step;
    }
    return written;
}

/* Not the ids: one whose row can't be read may still be with its source, which is not to delete it
 * unseen. */
static void salvage(struct store_disk *d, struct store_db *to)
{
    struct store_db *from;
    struct error e = {0};
    const char *name = d->conf.pipeline;
    if (store_db_open_to_read(d->files.db, &from, &e) != STORE_DONE) {
        log_error(name, "store: nothing of it can be read: %s", e.text);
        return;
    }
    enum store_result result = salvage_rows(to, from, &e);
    store_db_close(from);
    if (result != STORE_DONE)
        log_error(name, "store: taking messages over from it ended early: %s", e.text);
    log_warn(name, "store: %" PRId64 " messages of it are still readable and are delivered",
             store_db_usage(to)->messages);
}

/* What is readable is in a file of its own before anything is renamed: a kill at any time leaves
 * the damaged one, or the new one, and all of it. */
static bool start_anew(struct store_disk *d, struct error *e)
{
    char *kept;
    struct store_db *to;
    log_error(d->conf.pipeline, "store: \"%s\" is damaged: %s", d->files.db, e->text);
    store_db_abandon(d->db);
    d->db = NULL;
    d->check_last = 0;
    store_files_clear_anew(&d->files);
    if (store_db_open(d->files.anew, d->conf.max_bytes, &to, e) != STORE_DONE) return false;
    salvage(d, to);
    store_db_close(to);
    if (!store_files_replace(&d->files, &kept, e)) return false;
    store_files_tidy(kept);
    log_error(d->conf.pipeline,
              "store: the damaged one is kept as \"%s\", and a new one goes on in its place (look "
              "at it with sqlite3; nothing of it is deleted)",
              kept);
    free(kept);
    return store_db_open(d->files.db, d->conf.max_bytes, &d->db, e) == STORE_DONE;
}

/* ---- opening ---- */

static enum store_result open_db(struct store_disk *d, struct error *e)
{
    return store_db_open(d->files.db, d->conf.max_bytes, &d->db, e);
}

static bool open_disk(struct store_disk *d, struct error *e)
{
    if (!store_files_check_folder(d->conf.folder, e) || !store_files_lock(&d->files, e) ||
        !store_files_settle(&d->files, e))
        return false;
    enum store_result result = open_db(d, e);
    if (result == STORE_NO_SPACE) { /* a last run may have filled the disk */
        store_files_release(&d->files);
        d->full = true;
        result = open_db(d, e);
    }
    if (result == STORE_BROKEN && start_anew(d, e)) result = STORE_DONE;
    if (result == STORE_NO_SPACE)
        return error_set(e, FAULT_FATAL, "the disk of \"%s\" is full (free %d MiB on it)",
                         d->conf.folder, STORE_SPACE_MIB);
    if (result != STORE_DONE) return false;
    const struct store_usage *u = store_db_usage(d->db);
    d->check_next = u->first_id;
    d->check_last = u->unchecked ? u->last_id : 0;
    if (!d->full && !store_files_reserve(&d->files)) d->full = true;
    if (d->full)
        log_warn(
            d->conf.pipeline,
            "store: the disk of \"%s\" is full: nothing goes there until %d MiB are free (make "
            "room on it; what is in the store is still delivered)",
            d->conf.folder, STORE_SPACE_MIB);
    return true;
}

struct store_disk *store_disk_open(const struct store_disk_conf *conf, struct error *e)
{
    struct store_disk *d = mem_zalloc(sizeof(*d));
    d->conf = *conf;
    store_files_name(&d->files, conf->folder, conf->pipeline, conf->worker);
    if (open_disk(d, e)) return d;
    error_prefix(e, "store");
    store_disk_close(d);
    return NULL;
}

void store_disk_close(struct store_disk *d)
{
    if (!d) return;
    store_db_close(d->db);
    store_files_free(&d->files);
    free(d->ids.ptr);
    free(d);
}

const struct store_usage *store_disk_usage(const struct store_disk *d)
{
    return store_db_usage(d->db);
}

bool store_disk_is_full(const struct store_disk *d)
{
    return d->full;
}

struct bytes store_disk_remembered(const struct store_disk *d)
{
    return store_db_remembered(d->db);
}

/* ---- rounds ---- */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* Runs of neighbours go in one statement. */
static enum store_result delete_rows(struct store_disk *d, struct store_round *r)
{
    enum store_result result = STORE_DONE;
    if (r->delete_count > 1) qsort(r->deletes, r->delete_count, sizeof(r->deletes[0]), by_id);
    for (size_t i = 0, n; i < r->delete_count && result == STORE_DONE; i += n) {
        int64_t first = r->deletes[i];
        for (n = 1; i + n < r->delete_count && r->deletes[i + n] == first + (int64_t)n;)
            n++;
        result = store_db_delete(d->db, first, first + (int64_t)n - 1, &r->error);
    }
    return result;
}

static enum store_result append_rows(struct store_disk *d, struct store_round *r)
{
    enum store_result result = STORE_DONE;
    d->ids.len = 0;
    for (size_t i = 0; i < r->row_count && result == STORE_DONE; i++) {
        result = store_db_append(d->db, &r->rows[i], &r->error);
        struct bytes id = r->rows[i].msg->position;
        if (r->remember && id.ptr) store_ids_add(&d->ids, id);
    }
    if (result != STORE_DONE || !d->ids.len) return result;
    int64_t last = r->rows[r->row_count - 1].id;
    return store_db_remember(d->db, last, bytes_of(d->ids.ptr, d->ids.len), last - r->remember,
                             &r->error);
}

static enum store_result transaction(struct store_disk *d, struct store_round *r, bool append)
{
    enum store_result result = store_db_begin(d->db, &r->error);
    if (result == STORE_DONE) result = delete_rows(d, r);
    if (result == STORE_DONE && r->dropping) result = store_db_drop(d->db, &r->drop, &r->error);
    if (result == STORE_DONE && append) result = append_rows(d, r);
    if (result == STORE_DONE) result = store_db_commit(d->db, &r->error);
    if (result != STORE_DONE) store_db_rollback(d->db);
    r->committed = result == STORE_DONE;
    r->appended = append && r->committed;
    return result;
}

/* At its own limit a file can still be deleted from; on a full disk only where there is a reserve
 * to give up. */
static void note_no_space(struct store_disk *d, struct store_round *r)
{
    const struct store_usage *u = store_db_usage(d->db);
    r->at_limit = u->max_bytes - u->file_bytes < u->max_bytes / 64 + INT64_C(64) * 4096;
    if (r->at_limit || d->full) return;
    d->full = true;
    store_files_release(&d->files);
    log_limited(&d->complaint, LOG_ERROR, d->conf.pipeline,
                "store: the disk of \"%s\" is full: nothing more goes there until %d MiB are free "
                "(make room on it; what is in the store is still delivered)",
                d->conf.folder, STORE_SPACE_MIB);
}

/* The space that the file and the log do not need goes back to the disk first. */
static void try_to_recover(struct store_disk *d, struct store_round *r)
{
    const struct store_usage *u = store_db_usage(d->db);
    if (u->file_bytes > u->used_bytes) r->result = store_db_shrink(d->db, SHRINK_PAGES, &r->error);
    if (r->result == STORE_DONE) r->result = store_db_trim(d->db, &r->error);
    if (r->result == STORE_NO_SPACE) r->result = STORE_DONE; /* later */
    if (r->result != STORE_DONE) return;
    if (!store_files_have_space(&d->files) || !store_files_reserve(&d->files)) return;
    d->full = false;
    log_limited(&d->complaint, LOG_INFO, d->conf.pipeline,
                "store: there is space on the disk again");
}

static bool has_work(const struct store_round *r, bool append)
{
    return r->delete_count || r->dropping || (append && r->row_count);
}

static void write_round(struct store_disk *d, struct store_round *r)
{
    bool append = !d->full;
    r->result = has_work(r, append) ? transaction(d, r, append) : STORE_DONE;
    if (r->result == STORE_NO_SPACE) {
        note_no_space(d, r);
        r->result = has_work(r, false) ? transaction(d, r, false) : STORE_DONE;
        if (r->result == STORE_NO_SPACE) r->result = STORE_DONE; /* later */
    }
}

static void shrink_empty(struct store_disk *d, struct store_round *r)
{
    const struct store_usage *u = store_db_usage(d->db);
    if (u->messages || u->file_bytes - u->used_bytes < SHRINK_BYTES) return;
    r->result = store_db_shrink(d->db, SHRINK_PAGES, &r->error);
    if (r->result == STORE_NO_SPACE) r->result = STORE_DONE;
}

static void read_round(struct store_disk *d, struct store_round *r)
{
    r->result = store_db_read(d->db, r->read_from, &r->read, &r->error);
    bool all = !r->read.before;
    if (r->result == STORE_DONE && all && d->check_next < r->read.next)
        d->check_next = r->read.next;
    for (size_t i = 0; r->result == STORE_BROKEN && i < r->read.count; i++)
        msg_unref(r->read.rows[i].msg); /* they are read again */
    if (r->result == STORE_BROKEN) r->read.count = 0;
}

/* Once more in a new file, where the old one turns out to be damaged: what was committed is not
 * done again. */
static void play_round(struct store_disk *d, struct store_round *r)
{
    r->result = STORE_DONE;
    if (d->full && r->look) try_to_recover(d, r);
    if (r->result == STORE_DONE && !r->committed) write_round(d, r);
    if (r->result == STORE_DONE) shrink_empty(d, r);
    if (r->result == STORE_DONE && r->reading) read_round(d, r);
}

void store_disk_round(struct store_disk *d, struct store_round *r)
{
    r->appended = r->committed = r->at_limit = false;
    r->disk_full = d->full;
    if (d->db) play_round(d, r);
    if (d->db && r->result == STORE_BROKEN && start_anew(d, &r->error)) play_round(d, r);
    if (!d->db) r->result = STORE_FAILED;
    if (!d->db) return;
    r->disk_full = d->full;
    r->usage = *store_db_usage(d->db);
}

bool store_disk_check_some(struct store_disk *d)
{
    struct error e;
    if (!d->db || d->check_next > d->check_last) return false;
    enum store_result result = store_db_check(d->db, &d->check_next, d->check_last, &e);
    if (result == STORE_BROKEN && start_anew(d, &e)) return false;
    if (result == STORE_DONE) return d->check_next <= d->check_last;
    log_error(d->conf.pipeline, "store: %s", e.text);
    d->check_last = 0;
    return false;
}
