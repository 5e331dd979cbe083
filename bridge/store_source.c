/* The face that the store shows to the back: a source that emits in order, and deletes what is
 * delivered. */
#include <stdio.h>

#include "bridge/store_private.h"

static struct store *store_of(struct source *base)
{
    return ((struct store_source *)base)->store;
}

/* ---- to the back ---- */

/* What is in the back without a row counts as in flight in the front, too. */
static void emit(struct store *s, struct store_entry *e)
{
    struct msg *m = e->leg ? msg_ref(e->msg) : e->msg; /* it may have to be written yet */
    if (!e->leg) e->msg = NULL;
    if (e->leg) s->passing++;
    e->passing = e->leg != NULL;
    e->in_back = true;
    pipeline_emit(s->back, m, (uintptr_t)e, e->lane);
}

static bool is_too_old(const struct store *s, const struct store_entry *e, int64_t now_ms)
{
    return s->conf->store_max_age && e->id && !e->writing &&
           e->at_ms < now_ms - s->conf->store_max_age;
}

static void drop_old(struct store *s, struct store_entry *e)
{
    store_delete(s, e->id, NULL);
    store_count_drop(s, COUNT_DROPPED_AGE, 1, "older than store_max_age");
    store_entry_let_go(e);
}

static bool reserve(struct store *s)
{
    if (s->back_refused || s->source_stopped) return false;
    s->back_refused = !pipeline_reserve(s->back, 1);
    return !s->back_refused;
}

static void emit_dead(struct store *s)
{
    while (s->dead.head && !s->source_stopped) {
        struct store_entry *e = store_list_pop(&s->dead);
        struct msg *m = e->msg;
        e->msg = NULL;
        e->in_back = true;
        pipeline_emit_dead(s->back, m, (uintptr_t)e);
    }
}

static struct store_entry *next_ready(struct store *s)
{
    struct store_entry *e = store_list_pop(&s->ready);
    if (e->late) s->late--;
    e->late = false;
    return e;
}

/* Nothing leaves while rows are being dropped: they would be among them. */
static void emit_ready(struct store *s)
{
    int64_t now_ms = s->conf->store_max_age && s->ready.head ? loop_unix_ms() : 0;
    if (s->busy && s->round.dropping) return;
    while (s->ready.head) {
        struct store_shelf *shelf = store_shelf_of(s, s->ready.head->lane);
        if (is_too_old(s, s->ready.head, now_ms))
            drop_old(s, next_ready(s));
        else if (shelf && shelf->held)
            store_shelve(s, shelf, next_ready(s));
        else if (reserve(s))
            emit(s, next_ready(s));
        else
            return;
    }
}

static bool is_empty(const struct store *s)
{
    bool shelved = s->shelves.parked || s->shelves.on_disk;
    bool waits = s->ready.head || s->dead.head || s->filling.count;
    return !s->behind && !shelved && !waits && !s->busy;
}

void store_consider_end(struct store *s)
{
    if (!s->source.base.pipeline) return;
    if (s->no_more && !s->finished && !s->source_stopped && is_empty(s)) {
        s->finished = true;
        pipeline_source_finished(&s->source.base);
    }
    if (s->source_closing && !s->busy && !s->deletes.count) {
        s->source_closing = false;
        pipeline_source_closed(&s->source.base);
    }
}

void store_pump_source(struct store *s)
{
    if (!s->source.base.pipeline) return;
    emit_dead(s);
    emit_ready(s);
}

int64_t store_first_waiting(const struct store *s)
{
    if (s->shelves.count || s->late) return 0; /* it is not the oldest then */
    for (const struct store_entry *e = s->ready.head; e; e = e->next)
        if (e->id && !e->writing) return e->id;
    return s->behind ? s->next_read : 0;
}

/* ---- from the back ---- */

static void confirmed(struct store *s, struct store_entry *e, struct receipt *r)
{
    if (e->leg) store_leg_end(s, e, true);
    if (e->in_round) { /* its row may be there in a moment */
        e->done = true;
        e->settled = r;
        return;
    }
    if (e->id && s->setup.keep) s->exported++;
    if (e->id && !s->setup.keep)
        store_delete(s, e->id, r);
    else
        pipeline_acknowledged(s->back, &r, 1);
    store_entry_let_go(e);
}

/* Its row, or its source, has it still. */
static void released(struct store *s, struct store_entry *e, struct receipt *r)
{
    if (e->leg) store_leg_end(s, e, false);
    pipeline_acknowledged(s->back, &r, 1);
    store_entry_let_go(e);
}

static void settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct store *s = store_of(base);
    for (size_t i = 0; i < n; i++) {
        struct store_entry *e = (struct store_entry *)(uintptr_t)receipts[i]->cookie;
        e->in_back = false;
        if (receipts[i]->verdict == VERDICT_CONFIRMED)
            confirmed(s, e, receipts[i]);
        else
            released(s, e, receipts[i]);
    }
    store_wake(s);
}

/* ---- what the back asks ---- */

static struct source *create(const void *conf, struct pipeline *p, struct error *e)
{
    const struct store_end *end = conf;
    (void)p;
    (void)e;
    return &end->store->source.base;
}

static bool start(struct source *base, struct error *e)
{
    (void)e;
    pipeline_source_state(base, true, NULL);
    store_wake(store_of(base));
    return true;
}

static void room(struct source *base)
{
    store_of(base)->back_refused = false;
    store_wake(store_of(base));
}

static void stop(struct source *base)
{
    store_of(base)->source_stopped = true;
    store_wake(store_of(base));
}

/* The receipts that are left wait for their rows' deletion. */
static void close_source(struct source *base)
{
    struct store *s = store_of(base);
    s->source_stopped = true;
    if (s->failed || !s->writer) {
        for (size_t i = 0; i < s->deletes.count; i++)
            if (s->deletes.receipts[i]) pipeline_acknowledged(s->back, &s->deletes.receipts[i], 1);
        s->deletes.count = 0;
    }
    s->source_closing = true;
    store_wake(s);
    if (!s->writer) store_consider_end(s);
}

static void destroy(struct source *base)
{
    (void)base; /* it is part of the store */
}

static struct source_promise promise(const void *conf)
{
    const struct store_end *end = conf;
    const struct source_conf *first = &end->store->conf->source;
    struct source_promise p = first->connector->source->promise(first->conf);
    p.at_least_once = true;
    return p;
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "store");
}

const struct source_ops store_source = {
    .conf_size = sizeof(struct store_end),
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .room = room,
    .settle = settle,
    .hold = store_hold,
    .stop = stop,
    .close = close_source,
    .destroy = destroy,
};
