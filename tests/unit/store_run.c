#include "tests/unit/store_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the recorder ---- */

static unsigned number_of(const struct leg *l)
{
    return (unsigned)strtoul(leg_body(l), NULL, 10);
}

static enum action decide(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct recorder *r = (struct recorder *)conf;
    return r->then ? r->then(r, number_of(l)) : ACT_CONFIRM;
}

static void note(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct recorder *r = (struct recorder *)conf;
    if (r->count == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 1024;
        r->seen = mem_realloc(r->seen, r->cap * sizeof(r->seen[0]));
    }
    r->seen[r->count++] = number_of(l);
}

void recorder_init(struct recorder *r, enum sink_order order)
{
    *r = (struct recorder){.sink = {.order = order, .decide = decide, .confirming = note}};
}

void recorder_free(struct recorder *r)
{
    free(r->seen);
}

void expect_each_once(const struct recorder *r, unsigned total)
{
    unsigned *times = mem_zalloc(total * sizeof(times[0]));
    for (size_t i = 0; i < r->count; i++) {
        assert_true(r->seen[i] < total);
        times[r->seen[i]]++;
    }
    for (unsigned i = 0; i < total; i++)
        if (times[i] != 1) fail_msg("message %u arrived %u times", i, times[i]);
    free(times);
}

void expect_lanes_in_order(const struct recorder *r, unsigned lanes)
{
    unsigned *next = mem_zalloc(lanes * sizeof(next[0]));
    for (size_t i = 0; i < r->count; i++) {
        unsigned number = r->seen[i], *least = &next[number % lanes];
        if (number < *least) fail_msg("message %u came after %u", number, *least - 1);
        *least = number + 1;
    }
    free(next);
}

/* ---- the run ---- */

struct pipeline_conf stored_pipeline(const struct store_folder *f, int mode,
                                     struct scripted_source_conf *source, struct recorder *sink)
{
    struct pipeline_conf conf = scripted_pipeline(source, &sink->sink);
    conf.max_in_flight_per_lane = 0;
    conf.store = mode;
    conf.store_path = f->path;
    conf.store_max_bytes = INT64_C(1) << 30;
    conf.store_linger = 1;
    conf.store_overflow_after = 20;
    return conf;
}

struct watched {
    struct stored_run *run;
    struct loop_timer look;
    uint64_t deadline_ms;
};

static void look(void *arg)
{
    struct watched *w = arg;
    struct stored_run *run = w->run;
    if (loop_now_ms(run->loop) >= w->deadline_ms) fail_msg("the run does not end");
    if (run->until && run->until(run, run->arg)) {
        flow_stop(run->flow);
        run->until = NULL;
    }
    loop_timer_start(run->loop, &w->look, 1);
}

static void on_closed(void *arg)
{
    struct watched *w = arg;
    loop_stop(w->run->loop);
}

static void note_counts(struct stored_run *run)
{
    struct stats *stats = flow_stats(run->flow);
    for (enum counter c = 0; c < COUNTERS; c++)
        run->counts[c] = stats_get(stats, c);
    run->store_messages = atomic_load(&stats->store_messages);
    run->in_flight = atomic_load(&stats->in_flight);
}

void stored_run(const struct pipeline_conf *conf, enum flow_kind kind, struct stored_run *run)
{
    struct error e = {0};
    struct watched w = {.run = run, .look = {.run = look, .arg = &w}};
    run->loop = loop_create();
    run->flow = flow_create(conf, run->loop, 0, kind);
    w.deadline_ms = loop_now_ms(run->loop) + 30000;
    flow_on_closed(run->flow, on_closed, &w);
    if (!flow_start(run->flow, &e)) fail_msg("%s", e.text);
    loop_timer_start(run->loop, &w.look, 1);
    loop_run(run->loop);
    loop_timer_stop(run->loop, &w.look);
    note_counts(run);
    flow_destroy(run->flow);
    loop_destroy(run->loop);
}

uint64_t stored_count(const struct stored_run *run, enum counter c)
{
    return stats_get(flow_stats(run->flow), c);
}

uint64_t stored_messages(const struct stored_run *run)
{
    return atomic_load(&flow_stats(run->flow)->store_messages);
}
