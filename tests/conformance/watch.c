#include "tests/conformance/watch.h"

#include <stdlib.h>

#include "tests/conformance/wait.h"

enum { BURST = 10 }; /* a reservation may be for several messages, of a size yet unknown */

/* Pointers, each once. */
struct set {
    const void **items;
    size_t count, cap;
};

static struct watch {
    const struct source_ops *source;
    const struct sink_ops *sink;
    struct source_ops source_ops;
    struct sink_ops sink_ops;
    struct connector connectors[2];
    size_t window, window_bytes, reserved, out, bytes, largest;
    struct set receipts, legs; /* what the source, the sink has */
    size_t offered_ended;      /* legs that ended within the submit() that took them */
    bool stopped;
} w;

static void set_add(struct set *s, const void *item)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->items = mem_realloc(s->items, s->cap * sizeof(s->items[0]));
    }
    s->items[s->count++] = item;
}

static bool set_remove(struct set *s, const void *item)
{
    for (size_t i = s->count; i--;) /* what came last often goes first */
        if (s->items[i] == item) {
            s->items[i] = s->items[--s->count];
            return true;
        }
    return false;
}

static void set_release(struct set *s)
{
    free(s->items);
    *s = (struct set){0};
}

/* ---- the source's calls ---- */

bool __real_pipeline_reserve(struct pipeline *p, unsigned n);
bool __wrap_pipeline_reserve(struct pipeline *p, unsigned n);
bool __wrap_pipeline_reserve(struct pipeline *p, unsigned n)
{
    if (n == 0 || n > w.window)
        check_failed("pipeline_reserve(%u): the window is %zu", n, w.window);
    bool granted = __real_pipeline_reserve(p, n);
    if (granted) w.reserved += n;
    return granted;
}

void __real_pipeline_unreserve(struct pipeline *p, unsigned n);
void __wrap_pipeline_unreserve(struct pipeline *p, unsigned n);
void __wrap_pipeline_unreserve(struct pipeline *p, unsigned n)
{
    if (n > w.reserved)
        check_failed("pipeline_unreserve(%u): only %zu are reserved", n, w.reserved);
    w.reserved -= n;
    __real_pipeline_unreserve(p, n);
}

static void count_emit(const struct msg *m)
{
    if (w.stopped) check_failed("emitted after stop()");
    if (w.reserved == 0) check_failed("emitted without a reserved place");
    w.reserved--;
    w.out++;
    w.bytes += m->size;
    if (m->size > w.largest) w.largest = m->size;
    if (w.out > w.window)
        check_failed("%zu messages in flight, the window is %zu", w.out, w.window);
    if (w.bytes > w.window_bytes + BURST * w.largest)
        check_failed("%zu bytes in flight, the window is %zu", w.bytes, w.window_bytes);
}

void __real_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id);
void __wrap_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id);
void __wrap_pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id)
{
    count_emit(m);
    __real_pipeline_emit(p, m, cookie, lane_id);
}

void __real_pipeline_acknowledged(struct pipeline *p, struct receipt *const *receipts, size_t n);
void __wrap_pipeline_acknowledged(struct pipeline *p, struct receipt *const *receipts, size_t n);
void __wrap_pipeline_acknowledged(struct pipeline *p, struct receipt *const *receipts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!set_remove(&w.receipts, receipts[i]))
            check_failed("acknowledged a receipt that the source does not have");
        w.out--;
        w.bytes -= receipts[i]->size;
    }
    __real_pipeline_acknowledged(p, receipts, n);
}

void __real_pipeline_source_closed(struct source *s);
void __wrap_pipeline_source_closed(struct source *s);
void __wrap_pipeline_source_closed(struct source *s)
{
    if (w.receipts.count) check_failed("the source closed with %zu receipts", w.receipts.count);
    __real_pipeline_source_closed(s);
}

static void settle(struct source *s, struct receipt *const *receipts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        set_add(&w.receipts, receipts[i]);
    w.source->settle(s, receipts, n);
}

static void stop(struct source *s)
{
    w.stopped = true;
    w.source->stop(s);
}

/* ---- the sink's calls ---- */

void __real_leg_done(struct leg *l, const struct error *why);
void __wrap_leg_done(struct leg *l, const struct error *why);
void __wrap_leg_done(struct leg *l, const struct error *why)
{
    if (!set_remove(&w.legs, l)) check_failed("ended a leg that the sink does not have");
    w.offered_ended++;
    __real_leg_done(l, why);
}

void __real_pipeline_sink_closed(struct sink *s);
void __wrap_pipeline_sink_closed(struct sink *s);
void __wrap_pipeline_sink_closed(struct sink *s)
{
    if (w.legs.count) check_failed("the sink closed with %zu legs", w.legs.count);
    __real_pipeline_sink_closed(s);
}

/* Legs may end within submit(), so all that are offered count as taken meanwhile. */
static size_t submit(struct sink *s, struct leg *const *legs, size_t n)
{
    size_t before = w.legs.count;
    if (n == 0 || n > w.sink->max_batch) check_failed("%zu legs offered at once", n);
    for (size_t i = 0; i < n; i++)
        set_add(&w.legs, legs[i]);
    w.offered_ended = 0;
    size_t taken = w.sink->submit(s, legs, n);
    if (taken > n) check_failed("submit() took %zu of %zu legs", taken, n);
    for (size_t i = taken; i < n; i++)
        if (!set_remove(&w.legs, legs[i])) check_failed("ended a leg that submit() did not take");
    if (w.legs.count + w.offered_ended != before + taken)
        check_failed("the legs that submit() took do not add up");
    return taken;
}

/* ---- */

static void watch_source(struct source_conf *conf)
{
    w.source = conf->connector->source;
    w.source_ops = *w.source;
    w.source_ops.settle = settle;
    w.source_ops.stop = stop;
    w.connectors[0] = (struct connector){.name = conf->connector->name, .source = &w.source_ops};
    conf->connector = &w.connectors[0];
}

static void watch_sink(struct sink_conf *conf)
{
    w.sink = conf->connector->sink;
    w.sink_ops = *w.sink;
    w.sink_ops.submit = submit;
    w.connectors[1] = (struct connector){.name = conf->connector->name, .sink = &w.sink_ops};
    conf->connector = &w.connectors[1];
}

void watch_begin(struct pipeline_conf *conf)
{
    w = (struct watch){
        .window = (size_t)conf->max_in_flight,
        .window_bytes = (size_t)conf->max_in_flight_bytes,
    };
    watch_source(&conf->source);
    watch_sink(&conf->sinks[0]);
}

void watch_end(void)
{
    if (w.out || w.bytes) check_failed("%zu messages never came back", w.out);
    set_release(&w.receipts);
    set_release(&w.legs);
}
