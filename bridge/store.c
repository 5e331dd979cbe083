#include "bridge/store.h"

#include <stdlib.h>

#include "bridge/store_private.h"
#include "bridge/store_tools.h"

bool store_is_built_in(void)
{
    return true;
}

void store_wake(struct store *s)
{
    loop_at_turn_end(s->loop, &s->pump);
}

int64_t store_messages(const struct store *s)
{
    int64_t delivered = (int64_t)(s->deletes.count + s->deleting.count) + s->exported;
    return s->usage.messages > delivered ? s->usage.messages - delivered : 0;
}

/* ---- entries and their lists ---- */

/* A row is at most this long; a large one has pages of its own. */
uint32_t store_bytes_on_disk(const struct msg *m)
{
    enum { PAGE = 4096, SHARED = 2000 };
    size_t bytes = m->size;
    if (bytes > SHARED) bytes = (bytes + PAGE) / PAGE * PAGE;
    return bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

struct store_entry *store_entry_new(struct leg *l)
{
    struct store_entry *e = mem_zalloc(sizeof(*e));
    e->leg = l;
    e->msg = msg_ref(l->msg);
    e->lane = l->receipt->lane_id;
    e->bytes = store_bytes_on_disk(l->msg);
    return e;
}

void store_entry_let_go(struct store_entry *e)
{
    if (e->writing || e->in_ready || e->in_back) return;
    msg_unref(e->msg);
    free(e);
}

void store_list_push(struct store_list *list, struct store_entry *e)
{
    e->next = NULL;
    e->in_ready = true;
    if (list->tail)
        list->tail->next = e;
    else
        list->head = e;
    list->tail = e;
    list->count++;
    list->bytes += e->bytes;
}

struct store_entry *store_list_pop(struct store_list *list)
{
    struct store_entry *e = list->head;
    if (!e) return NULL;
    list->head = e->next;
    if (!list->head) list->tail = NULL;
    list->count--;
    list->bytes -= e->bytes;
    e->in_ready = false;
    return e;
}

void store_list_append(struct store_list *list, const struct store_list *more)
{
    if (!more->head) return;
    if (list->tail)
        list->tail->next = more->head;
    else
        list->head = more->head;
    list->tail = more->tail;
    list->count += more->count;
    list->bytes += more->bytes;
}

void store_push_ready(struct store *s, struct store_entry *e)
{
    const struct store_shelf *shelf = store_shelf_of(s, e->lane);
    if (shelf && shelf->from)
        store_entry_let_go(e);
    else
        store_list_push(&s->ready, e);
}

void store_push_late(struct store *s, struct store_entry *e)
{
    e->late = true;
    s->late++;
    store_list_push(&s->ready, e);
}

void store_batch_add(struct store_batch *b, struct store_entry *e)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? 2 * b->cap : 64;
        b->entries = mem_realloc(b->entries, b->cap * sizeof(struct store_entry *));
    }
    b->entries[b->count++] = e;
    b->bytes += e->bytes;
}

void store_delete(struct store *s, int64_t id, struct receipt *r)
{
    struct store_deletes *d = &s->deletes;
    if (d->count == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 64;
        d->ids = mem_realloc(d->ids, d->cap * sizeof(d->ids[0]));
        d->receipts = mem_realloc(d->receipts, d->cap * sizeof(struct receipt *));
    }
    if (!d->count && !s->delete_timer.slot)
        loop_timer_start(s->loop, &s->delete_timer, DELETE_AFTER_MS);
    d->ids[d->count] = id;
    d->receipts[d->count++] = r;
    store_wake(s);
}

/* ---- counters ---- */

static struct stats *stats_of(struct store *s)
{
    return pipeline_stats(s->front ? s->front : s->back);
}

void store_count_drop(struct store *s, enum counter reason, uint64_t n, const char *why)
{
    if (!n) return;
    stats_add(stats_of(s), COUNT_DROPPED, n);
    stats_add(stats_of(s), reason, n);
    log_limited(&s->drop_complaint, LOG_WARN, s->name, "store: messages are dropped: %s", why);
}

static void publish(struct store *s)
{
    struct stats *stats = stats_of(s);
    uint64_t messages = (uint64_t)store_messages(s);
    uint64_t bytes = (uint64_t)s->usage.used_bytes;
    atomic_store_explicit(&stats->store_messages, messages, memory_order_relaxed);
    atomic_store_explicit(&stats->store_bytes, bytes, memory_order_relaxed);
    if (s->front) pipeline_set_passing(s->front, s->passing);
}

/* ---- the turn ---- */

static void pump(void *arg)
{
    struct store *s = arg;
    if (!s->failed) store_pump_source(s);
    if (!s->failed) store_pump_rounds(s);
    store_pump_sink(s);
    store_consider_end(s);
    publish(s);
}

/* ---- making and ending ---- */

struct store *store_create(const struct store_setup *setup)
{
    struct store *s = mem_zalloc(sizeof(*s));
    s->setup = *setup;
    s->conf = setup->conf;
    s->name = setup->conf->name;
    s->loop = setup->loop;
    s->sink.store = s->dead_sink.store = s->source.store = s;
    s->pump = (struct turn_task){.run = pump, .arg = s};
    s->direct = setup->conf->store == STORE_OVERFLOW;
    s->ready_max_bytes = (size_t)setup->conf->max_in_flight_bytes / 4;
    store_rounds_init(s);
    return s;
}

void store_join(struct store *s, struct pipeline *front, struct pipeline *back)
{
    const struct source_conf *source = &s->conf->source;
    s->front = front;
    s->back = back;
    s->recalls = front && source->connector->source->recall;
    s->urgent = front && !source->connector->source->promise(source->conf).at_least_once;
}

/* There were more workers once. */
static void warn_of_others(const struct store *s)
{
    unsigned *workers;
    size_t count = store_tools_list(s->conf->store_path, s->name, &workers);
    for (size_t i = 0; i < count; i++)
        if (workers[i] >= (unsigned)s->conf->workers)
            log_warn(s->name,
                     "store: \"%s/%s.%u.db\" belongs to a worker that is not there any more (stop, "
                     "and deliver it with `sqsbridge store drain`)",
                     s->conf->store_path, s->name, workers[i]);
    free(workers);
}

bool store_open(struct store *s, struct error *e)
{
    struct store_disk_conf conf = {.folder = s->conf->store_path,
                                   .pipeline = s->name,
                                   .worker = s->setup.worker,
                                   .max_bytes = s->conf->store_max_bytes};
    s->disk = store_disk_open(&conf, e);
    if (!s->disk) return false;
    if (s->setup.worker == 0) warn_of_others(s);
    s->usage = *store_disk_usage(s->disk);
    s->next_id = s->usage.last_id + 1;
    s->next_read = s->usage.first_id;
    s->behind = s->next_read > 0;
    if (s->behind) s->direct = false;
    s->disk_full = store_disk_is_full(s->disk);
    store_look_again(s);
    if (s->behind)
        log_info(s->name, "store: %lld messages are there from before",
                 (long long)s->usage.messages);
    if (s->recalls) {
        struct bytes ids = store_disk_remembered(s->disk);
        buf_add(&s->remembered, ids.ptr, ids.len);
    }
    s->writer = store_writer_start(s->disk, s->loop);
    store_wake(s);
    return true;
}

void store_fail(struct store *s, const struct error *why)
{
    if (s->failed) return;
    s->failed = true;
    log_error(s->name,
              "store: %s: nothing more is acknowledged, and the process ends (what was not "
              "acknowledged will be delivered again)",
              why->text);
    s->setup.failed(s->setup.arg, why);
    store_wake(s);
}

int64_t store_close(struct store *s)
{
    int64_t stay = s->writer ? store_messages(s) : 0;
    store_writer_stop(s->writer);
    s->writer = NULL;
    return stay;
}

static void free_list(struct store_list *list)
{
    struct store_entry *e;
    while ((e = store_list_pop(list)))
        store_entry_let_go(e);
}

void store_destroy(struct store *s)
{
    if (!s) return;
    loop_cancel_task(s->loop, &s->pump);
    store_rounds_stop(s);
    store_shelves_free(s);
    free_list(&s->ready);
    free_list(&s->dead);
    free(s->remembered.ptr);
    free(s->filling.entries);
    free(s->writing.entries);
    free(s->deletes.ids);
    free(s->deletes.receipts);
    free(s->deleting.ids);
    free(s->deleting.receipts);
    free(s->round.rows);
    free(s);
}
