/* The face that the store shows to the front: a sink that confirms what is committed, or, while all
 * is well in overflow, what the back's sinks have confirmed. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/store_private.h"
#include "bridge/store_row.h"

static struct store_sink *sink_of(struct sink *base)
{
    return (struct store_sink *)base;
}

/* ---- legs ---- */

static void unlink_direct(struct store *s, struct store_entry *e)
{
    if (e->older)
        e->older->newer = e->newer;
    else if (s->oldest == e)
        s->oldest = e->newer;
    if (e->newer)
        e->newer->older = e->older;
    else if (s->newest == e)
        s->newest = e->older;
    e->older = e->newer = NULL;
}

static void link_direct(struct store *s, struct store_entry *e)
{
    e->older = s->newest;
    if (s->newest)
        s->newest->newer = e;
    else
        s->oldest = e;
    s->newest = e;
}

void store_leg_end(struct store *s, struct store_entry *e, bool confirmed)
{
    struct error down;
    struct leg *l = e->leg;
    e->leg = NULL;
    unlink_direct(s, e);
    if (e->passing) s->passing--;
    e->passing = false;
    if (confirmed) {
        leg_done(l, NULL);
        return;
    }
    error_set(&down, FAULT_DOWN, "the store is being closed");
    leg_done(l, &down);
}

/* ---- direct ---- */

static bool direct_is_possible(const struct store *s)
{
    bool waits = s->behind || s->shelves.on_disk;
    return s->conf->store == STORE_OVERFLOW && !waits && s->ready.count < GROUP_MESSAGES &&
           pipeline_delivers(s->back) && !s->hurry;
}

/* What is still to be written goes first: new ones must not overtake it. */
static bool goes_direct_again(struct store *s)
{
    if (s->direct) return true;
    if (s->filling.count || s->writing.count) return false;
    s->direct = true;
    log_info(s->name, "store: nothing waits on disk any more: messages go straight to the sinks");
    return true;
}

static void take_direct(struct store *s, struct leg *l)
{
    struct store_entry *e = store_entry_new(l);
    link_direct(s, e);
    store_list_push(&s->ready, e);
}

/* All that has no row is written now, in its order, and so is what comes. */
static void spill(struct store *s, const char *why)
{
    s->direct = false;
    s->linger_over = true;
    s->down_since_ms = 0;
    log_warn(s->name, "store: %s: messages go to disk until they can be delivered again", why);
    for (struct store_entry *e = s->oldest; e; e = e->newer) {
        e->writing = true;
        e->at_ms = loop_unix_ms();
        store_batch_add(&s->filling, e);
    }
    store_wake(s);
}

/* Where the source can't wait, half the window is for what comes meanwhile. */
static bool presses(const struct store *s)
{
    return s->urgent && pipeline_in_flight(s->front) > pipeline_window(s->front) / 2;
}

static void watch_sinks(struct store *s)
{
    uint64_t now_ms = loop_now_ms(s->loop), after_ms = (uint64_t)s->conf->store_overflow_after;
    if (!s->direct || !s->oldest || pipeline_delivers(s->back)) s->down_since_ms = 0;
    if (!s->direct || !s->oldest) return;
    if (presses(s)) {
        spill(s, "the sinks are slower than a source that can't wait");
        return;
    }
    if (!pipeline_delivers(s->back) && !s->down_since_ms) s->down_since_ms = now_ms;
    if (s->down_since_ms && (s->hurry || now_ms - s->down_since_ms >= after_ms)) {
        spill(s, "the sinks are away");
        return;
    }
    uint64_t every_ms = after_ms < 40 ? 10 : after_ms < 1000 ? after_ms / 4 : 250;
    if (!s->watch.slot) loop_timer_start(s->loop, &s->watch, every_ms);
}

/* ---- to disk ---- */

static int64_t slack(const struct store *s)
{
    return s->usage.max_bytes / 64 + INT64_C(64) * 4096;
}

bool store_is_blocked(const struct store *s)
{
    bool at_limit =
        s->at_limit && store_messages(s) && s->usage.used_bytes > s->limit_bytes - slack(s);
    return s->disk_full || at_limit;
}

/* One more would be more than store_max_messages. */
static bool has_too_many(const struct store *s)
{
    int64_t coming = (int64_t)s->filling.count + (int64_t)s->writing.count;
    int64_t most = s->conf->store_max_messages;
    return most && store_messages(s) + coming - s->drop_messages >= most;
}

static bool has_too_much(const struct store *s, size_t bytes)
{
    int64_t coming = (int64_t)(s->filling.bytes + s->writing.bytes + bytes) - s->drop_bytes;
    return s->usage.used_bytes + coming + slack(s) > s->usage.max_bytes;
}

static bool has_room(const struct store *s, size_t bytes)
{
    return !store_is_blocked(s) && !has_too_many(s) && !has_too_much(s, bytes);
}

static void write_later(struct store *s, struct store_entry *e)
{
    e->writing = true;
    e->at_ms = loop_unix_ms();
    store_batch_add(&s->filling, e);
    if (s->filling.count == 1) {
        s->linger_over = s->conf->store_linger == 0;
        if (!s->linger_over) loop_timer_start(s->loop, &s->linger, (uint64_t)s->conf->store_linger);
    }
}

static const char *full_text(const struct store *s)
{
    if (s->disk_full) return "the disk is full";
    return has_too_many(s) ? "it has reached store_max_messages" : "it has reached store_max_bytes";
}

static void wait_for_room(struct store *s)
{
    log_limited(&s->full_complaint, LOG_WARN, s->name, "store: %s: the source waits (%s)",
                full_text(s),
                s->disk_full ? "make room on it" : "until messages are delivered, or raise it");
}

static void reject(struct store *s, struct leg *l)
{
    struct error e;
    error_set(&e, FAULT_REJECT, "the store is full: %s", full_text(s));
    leg_done(l, &e);
}

static void drop_newest(struct store *s, struct leg *l)
{
    store_count_drop(s, COUNT_DROPPED_FULL, 1,
                     s->disk_full ? "the disk is full, the newest go (make room on it)"
                                  : "the store is full, the newest go");
    leg_done(l, NULL);
}

static bool can_drop_oldest(const struct store *s)
{
    return !s->disk_full && store_first_waiting(s) && store_messages(s) > s->drop_messages;
}

/* False: there is nothing to drop for it. */
static bool drop_oldest(struct store *s, struct leg *l)
{
    if (!can_drop_oldest(s)) return false;
    struct store_entry *e = store_entry_new(l);
    if (has_too_many(s)) s->drop_messages++;
    if (has_too_much(s, e->bytes)) s->drop_bytes += e->bytes;
    write_later(s, e);
    return true;
}

/* False: not now. */
static bool take_when_full(struct store *s, struct leg *l)
{
    switch ((enum store_full)s->conf->store_full) {
    case STORE_BLOCK:
        break;
    case STORE_REJECT:
        reject(s, l);
        return true;
    case STORE_DROP_NEWEST:
        drop_newest(s, l);
        return true;
    case STORE_DROP_OLDEST:
        if (drop_oldest(s, l)) return true;
        break;
    }
    wait_for_room(s);
    return false;
}

static bool take_to_disk(struct store *s, struct leg *l)
{
    if (s->filling.count >= FILL_MESSAGES || s->filling.bytes >= FILL_BYTES) return false;
    if (!has_room(s, store_bytes_on_disk(l->msg))) return take_when_full(s, l);
    write_later(s, store_entry_new(l));
    return true;
}

/* What was to be written when the disk turned out to be full. */
void store_filling_refused(struct store *s)
{
    int policy = s->conf->store_full;
    if (policy == STORE_DROP_OLDEST && can_drop_oldest(s)) {
        s->drop_messages += (int64_t)s->filling.count;
        s->drop_bytes += (int64_t)s->filling.bytes + slack(s);
        return;
    }
    if (policy == STORE_BLOCK || policy == STORE_DROP_OLDEST) {
        wait_for_room(s);
        return;
    }
    size_t kept = 0;
    s->filling.bytes = 0;
    for (size_t i = 0; i < s->filling.count; i++) {
        struct store_entry *e = s->filling.entries[i];
        if (e->in_back || e->in_ready || !e->leg) { /* they have another way, or had */
            s->filling.entries[kept++] = e;
            s->filling.bytes += e->bytes;
            continue;
        }
        struct leg *l = e->leg;
        e->leg = NULL;
        e->writing = false;
        unlink_direct(s, e);
        (policy == STORE_REJECT ? reject : drop_newest)(s, l);
        store_entry_let_go(e);
    }
    s->filling.count = kept;
}

/* ---- what the front asks ---- */

static size_t submit_dead(struct store *s, struct leg *const *legs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_list_push(&s->dead, store_entry_new(legs[i]));
    return n;
}

static size_t take_legs(struct store *s, struct leg *const *legs, size_t n)
{
    size_t taken = 0;
    if (s->direct || direct_is_possible(s)) {
        if (!goes_direct_again(s)) return 0;
        for (; taken < n; taken++)
            take_direct(s, legs[taken]);
        return n;
    }
    while (taken < n && take_to_disk(s, legs[taken]))
        taken++;
    return taken;
}

static size_t submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct store_sink *sink = sink_of(base);
    struct store *s = sink->store;
    if (s->failed || sink->closing) return 0;
    store_wake(s);
    if (sink == &s->dead_sink) return submit_dead(s, legs, n);
    size_t taken = take_legs(s, legs, n);
    sink->refused = taken == 0;
    return taken;
}

/* The front drains: nothing more comes that would be company. */
static void flush(struct sink *base)
{
    struct store *s = sink_of(base)->store;
    s->linger_over = true;
    store_wake(s);
}

void store_hurry(struct store *s)
{
    s->hurry = true;
    store_wake(s);
}

void store_no_more(struct store *s)
{
    s->no_more = true;
    store_wake(s);
}

static bool would_take(const struct store *s)
{
    if (s->direct || direct_is_possible(s))
        return s->direct || !(s->filling.count || s->writing.count);
    if (s->filling.count >= FILL_MESSAGES || s->filling.bytes >= FILL_BYTES) return false;
    if (has_room(s, 0) || s->conf->store_full == STORE_DROP_NEWEST) return true;
    return s->conf->store_full == STORE_DROP_OLDEST ? can_drop_oldest(s)
                                                    : s->conf->store_full == STORE_REJECT;
}

static void close_dead(struct store *s)
{
    struct store_entry *e;
    while ((e = store_list_pop(&s->dead))) {
        store_leg_end(s, e, false);
        store_entry_let_go(e);
    }
}

/* Those without a row are their source's again. */
static void close_ready(struct store *s)
{
    struct store_list keep = {0};
    struct store_entry *e;
    store_shelves_unpark(s);
    while ((e = store_list_pop(&s->ready)))
        if (e->leg && !e->in_round) {
            store_leg_end(s, e, false);
            store_entry_let_go(e);
        } else {
            store_list_push(&keep, e);
        }
    s->ready = keep;
}

/* The back has them still, and lets go of them in its own time. */
static void close_direct(struct store *s)
{
    for (struct store_entry *e = s->oldest, *newer; e; e = newer) {
        newer = e->newer;
        if (!e->in_round) store_leg_end(s, e, false);
    }
}

static void close_filling(struct store *s)
{
    for (size_t i = 0; i < s->filling.count; i++) {
        struct store_entry *e = s->filling.entries[i];
        e->writing = false;
        if (e->leg) store_leg_end(s, e, false);
        store_entry_let_go(e);
    }
    s->filling.count = s->filling.bytes = 0;
}

/* Rows that are being written can't be called back: the front waits for them. */
static void advance_close(struct store *s, struct store_sink *sink)
{
    if (!sink->closing || s->writing.count) return;
    if (sink == &s->sink) close_filling(s); /* what could not be written */
    sink->closing = false;
    pipeline_sink_closed(&sink->base);
}

void store_pump_sink(struct store *s)
{
    if (!s->failed) watch_sinks(s);
    if (s->sink.refused && !s->failed && would_take(s)) {
        s->sink.refused = false;
        pipeline_ready(&s->sink.base);
    }
    advance_close(s, &s->sink);
    advance_close(s, &s->dead_sink);
}

static struct sink *create(const void *conf, struct pipeline *p, struct error *e)
{
    const struct store_end *end = conf;
    struct store_sink *sink = end->dead ? &end->store->dead_sink : &end->store->sink;
    (void)p;
    (void)e;
    return &sink->base;
}

/* What was committed and not acknowledged before this start may come again. */
static void hand_over_remembered(struct store *s)
{
    struct bytes rest = bytes_of(s->remembered.ptr, s->remembered.len), id;
    while (store_ids_next(&rest, &id))
        pipeline_recall(s->front, id);
    free(s->remembered.ptr);
    s->remembered = (struct buf){0};
}

static bool start(struct sink *base, struct error *e)
{
    (void)e;
    if (sink_of(base)->store->recalls) hand_over_remembered(sink_of(base)->store);
    pipeline_sink_state(base, SINK_UP, NULL);
    return true;
}

static void close_sink(struct sink *base)
{
    struct store_sink *sink = sink_of(base);
    struct store *s = sink->store;
    sink->closing = true;
    if (sink == &s->dead_sink) {
        close_dead(s);
    } else {
        close_ready(s);
        close_direct(s);
        close_filling(s);
    }
    store_wake(s);
    advance_close(s, sink);
}

static void destroy(struct sink *base)
{
    (void)base; /* it is part of the store */
}

static struct sink_promise promise(const void *conf)
{
    (void)conf;
    return (struct sink_promise){.order = ORDER_STREAM, .confirmed = true};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "store");
}

static const struct sink_ops sink_ops = {
    .conf_size = sizeof(struct store_end),
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .submit = submit,
    .max_batch = GROUP_MESSAGES,
    .flush = flush,
    .close = close_sink,
    .destroy = destroy,
};

const struct connector store_connector = {
    .name = "store",
    .summary = "between the two parts of a pipeline",
    .source = &store_source,
    .sink = &sink_ops,
};
