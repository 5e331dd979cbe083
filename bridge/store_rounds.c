/* Rounds of the writer: what goes into the next one, when it starts, and what follows from it. */
#include <assert.h>
#include <stdlib.h>

#include "bridge/store_private.h"

/* ---- the next round ---- */

/* A quarter of a window does not wait for company: the source may not be allowed more before these
 * are confirmed. */
static size_t enough_of(const struct pipeline *p)
{
    size_t quarter = (pipeline_window(p) + 3) / 4;
    return quarter < GROUP_MESSAGES ? quarter : GROUP_MESSAGES;
}

static bool append_is_due(const struct store *s)
{
    if (!s->filling.count || store_is_blocked(s)) return s->drop_messages || s->drop_bytes;
    return s->linger_over || s->hurry || s->filling.bytes >= GROUP_BYTES ||
           s->filling.count >= enough_of(s->front);
}

/* They hold places in the back's window, and in their lane's share of it, so not too many may wait;
 * but a commit of their own costs as much as one with rows in it, which will soon be. */
static bool delete_is_due(const struct store *s)
{
    size_t enough = enough_of(s->back), share = (size_t)s->conf->max_in_flight_per_lane;
    if (share && enough > (share + 3) / 4) enough = (share + 3) / 4; /* half of that in the back */
    size_t most = s->filling.count ? 2 * enough : enough;
    return s->deletes.count && (s->deletes_due || s->source_stopped || s->deletes.count >= most);
}

static bool read_is_due(const struct store *s)
{
    bool room = s->ready.count < READY_MESSAGES / 2 && s->ready.bytes < s->ready_max_bytes;
    return (s->behind || store_shelf_is_due(s)) && room && !s->source_stopped;
}

/* Those that are done meanwhile need no row. */
static void take_filling(struct store *s)
{
    struct store_batch batch = s->writing;
    s->writing = s->filling;
    s->filling = batch;
    s->filling.count = s->filling.bytes = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->writing.count; i++) {
        struct store_entry *e = s->writing.entries[i];
        if (!e->leg) {
            e->writing = false;
            store_entry_let_go(e);
            continue;
        }
        e->in_round = true;
        e->id = s->next_id++;
        s->round.rows[n] = (struct store_row){e->id, e->at_ms, e->lane, e->msg};
        s->writing.entries[n++] = e;
    }
    s->writing.count = s->round.row_count = n;
    s->linger_over = false;
    loop_timer_stop(s->loop, &s->linger);
}

static void take_deletes(struct store *s)
{
    struct store_deletes deletes = s->deleting;
    s->deleting = s->deletes;
    s->deletes = deletes;
    s->deletes.count = 0;
    s->round.deletes = s->deleting.ids; /* sorted there: the receipts' order does not matter */
    s->round.delete_count = s->deleting.count;
    s->deletes_due = false;
    loop_timer_stop(s->loop, &s->delete_timer);
}

static void take_drop(struct store *s)
{
    struct store_drop *d = &s->round.drop;
    int64_t from = store_first_waiting(s);
    s->round.dropping = from && (s->drop_messages || s->drop_bytes || s->drop_before_ms);
    *d = (struct store_drop){.from = from,
                             .messages = s->drop_messages,
                             .bytes = s->drop_bytes,
                             .before_ms = s->drop_before_ms};
    s->drop_messages = s->drop_bytes = s->drop_before_ms = 0;
}

/* Those of a lane that goes on again take turns with all others. */
static void take_read(struct store *s, int64_t first_of_round)
{
    struct store_round *r = &s->round;
    r->reading = read_is_due(s);
    r->read_from = s->next_read;
    r->read = (struct store_reading){
        .rows = s->rows, .max = READ_MESSAGES, .max_bytes = s->ready_max_bytes};
    if (!r->reading) return;
    bool lane = store_shelf_is_due(s) && (s->lanes_turn || !s->behind);
    if (lane) store_shelf_begin_read(s, first_of_round);
    s->lanes_turn = !lane;
}

static void start_round(struct store *s, bool append)
{
    struct store_round *r = &s->round;
    int64_t first = s->next_id;
    r->row_count = 0;
    r->remember = s->recalls ? REMEMBER_WINDOWS * pipeline_window(s->front) : 0;
    if (append) {
        r->rows = mem_realloc(r->rows, (s->filling.count + 1) * sizeof(r->rows[0]));
        take_filling(s);
    }
    take_deletes(s);
    take_drop(s);
    take_read(s, first);
    r->look = s->look;
    s->look = false;
    s->busy = true;
    store_writer_run(s->writer, r);
}

void store_pump_rounds(struct store *s)
{
    if (s->busy || !s->writer) return;
    bool append = append_is_due(s);
    if (append || delete_is_due(s) || read_is_due(s) || s->look || s->drop_before_ms)
        start_round(s, append);
}

/* ---- what became of it ---- */

struct store_entry *store_entry_of_row(const struct store_row *row)
{
    struct store_entry *e = mem_zalloc(sizeof(*e));
    e->id = row->id;
    e->at_ms = row->at_ms;
    e->lane = row->lane;
    e->msg = row->msg;
    e->bytes = (uint32_t)row->msg->size;
    return e;
}

/* In memory only as far as the back is near; the rest is read when it is its turn. */
static void keep_ready(struct store *s, struct store_entry *e)
{
    bool room = s->ready.count < READY_MESSAGES && s->ready.bytes < s->ready_max_bytes;
    if (!s->behind && !room) {
        s->behind = true;
        s->next_read = e->id;
    }
    if (s->behind)
        store_entry_let_go(e);
    else
        store_push_ready(s, e);
}

static void written(struct store *s, struct store_entry *e)
{
    e->in_round = e->writing = false;
    if (e->done) {
        store_delete(s, e->id, e->settled);
        store_entry_let_go(e);
        return;
    }
    bool waits = !e->in_ready && !e->in_back;
    if (e->leg) store_leg_end(s, e, true);
    if (e->in_back) {
        msg_unref(e->msg);
        e->msg = NULL;
    }
    if (waits) keep_ready(s, e);
}

/* It goes in front of what has gathered meanwhile. */
static void not_written(struct store *s)
{
    struct store_batch later = s->filling;
    s->filling = (struct store_batch){0};
    for (size_t i = 0; i < s->writing.count; i++) {
        struct store_entry *e = s->writing.entries[i];
        e->in_round = false;
        e->id = 0;
        if (e->done) {
            pipeline_acknowledged(s->back, &e->settled, 1);
            e->writing = false;
            store_entry_let_go(e);
        } else {
            store_batch_add(&s->filling, e);
        }
    }
    for (size_t i = 0; i < later.count; i++)
        store_batch_add(&s->filling, later.entries[i]);
    free(later.entries);
    s->linger_over = true;
}

static void end_appends(struct store *s)
{
    const struct store_round *r = &s->round;
    if (!s->writing.count) return;
    if (r->appended) {
        for (size_t i = 0; i < s->writing.count; i++)
            written(s, s->writing.entries[i]);
        s->at_limit = false;
        s->writing.count = s->writing.bytes = 0;
        return;
    }
    not_written(s);
    s->writing.count = s->writing.bytes = 0;
    s->at_limit = r->at_limit;
    s->limit_bytes = r->usage.used_bytes;
    if (r->at_limit || r->disk_full) store_filling_refused(s);
}

/* What could not be deleted is tried again, but at the end: then it is delivered once more. */
static void end_deletes(struct store *s)
{
    struct store_deletes *d = &s->deleting;
    for (size_t i = 0; i < d->count; i++) {
        bool done = s->round.committed || s->source_closing || s->failed;
        if (!done)
            store_delete(s, d->ids[i], d->receipts[i]);
        else if (d->receipts[i])
            pipeline_acknowledged(s->back, &d->receipts[i], 1);
    }
    d->count = 0;
}

static void end_drop(struct store *s)
{
    const struct store_drop *d = &s->round.drop;
    if (!s->round.dropping || !s->round.committed || !d->dropped) return;
    struct store_list kept = {0};
    struct store_entry *e;
    while ((e = store_list_pop(&s->ready)))
        if (e->id && !e->writing && e->id <= d->last_id)
            store_entry_let_go(e);
        else
            store_list_push(&kept, e);
    s->ready = kept;
    if (s->behind && s->next_read <= d->last_id) s->next_read = d->last_id + 1;
    bool by_age = d->before_ms != 0 && !d->messages && !d->bytes;
    if (by_age)
        store_count_drop(s, COUNT_DROPPED_AGE, (uint64_t)d->dropped, "older than store_max_age");
    else
        store_count_drop(s, COUNT_DROPPED_FULL, (uint64_t)d->dropped,
                         "the store is full, the oldest go");
}

/* Of all lanes: before this what was written in the same round was seen to, which is among them. */
static void end_read(struct store *s)
{
    struct store_reading *r = &s->round.read;
    for (size_t i = 0; i < r->count; i++)
        store_push_ready(s, store_entry_of_row(&r->rows[i]));
    if (s->round.result != STORE_DONE) return;
    s->next_read = r->next;
    s->behind = !r->end;
}

void store_look_again(struct store *s)
{
    bool shrink = !s->usage.messages && s->usage.file_bytes - s->usage.used_bytes > FILL_BYTES;
    if ((!s->disk_full && !shrink) || s->look_timer.slot) return;
    loop_timer_start(s->loop, &s->look_timer, s->disk_full ? LOOK_AGAIN_MS : SHRINK_MS);
}

static void round_done(struct post *post)
{
    struct store *s = (struct store *)((char *)post - offsetof(struct store, round.post));
    struct store_round *r = &s->round;
    s->busy = false;
    s->usage = r->usage;
    s->disk_full = r->disk_full;
    bool of_lane = r->reading && r->read.before;
    end_deletes(s);
    end_drop(s);
    if (of_lane) store_shelf_end_read(s);
    end_appends(s);
    if (r->reading && !of_lane) end_read(s);
    store_count_drop(s, COUNT_DROPPED_CORRUPT, r->reading ? r->read.bad : 0,
                     "their checksum is wrong (they are kept in the table \"bad\" of the store)");
    store_look_again(s);
    if (r->result != STORE_DONE) store_fail(s, &r->error);
    store_wake(s);
}

/* ---- timers ---- */

static void linger_is_over(void *arg)
{
    struct store *s = arg;
    s->linger_over = true;
    store_wake(s);
}

static void deletes_are_due(void *arg)
{
    struct store *s = arg;
    s->deletes_due = true;
    store_wake(s);
}

static void look(void *arg)
{
    struct store *s = arg;
    s->look = true;
    store_wake(s);
}

static void wake(void *arg)
{
    store_wake(arg);
}

static void age_is_due(void *arg)
{
    struct store *s = arg;
    uint64_t every_ms = (uint64_t)s->conf->store_max_age / 20;
    if (store_messages(s)) s->drop_before_ms = loop_unix_ms() - s->conf->store_max_age;
    loop_timer_start(s->loop, &s->age_timer, every_ms < 1000 ? 1000 : every_ms);
    store_wake(s);
}

void store_rounds_init(struct store *s)
{
    s->round.post.run = round_done;
    s->linger = (struct loop_timer){.run = linger_is_over, .arg = s};
    s->delete_timer = (struct loop_timer){.run = deletes_are_due, .arg = s};
    s->look_timer = (struct loop_timer){.run = look, .arg = s};
    s->age_timer = (struct loop_timer){.run = age_is_due, .arg = s};
    s->watch = (struct loop_timer){.run = wake, .arg = s};
    if (s->conf->store_max_age) loop_timer_start(s->loop, &s->age_timer, 1000);
}

void store_rounds_stop(struct store *s)
{
    loop_timer_stop(s->loop, &s->linger);
    loop_timer_stop(s->loop, &s->delete_timer);
    loop_timer_stop(s->loop, &s->look_timer);
    loop_timer_stop(s->loop, &s->age_timer);
    loop_timer_stop(s->loop, &s->watch);
}
