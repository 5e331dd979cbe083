#include "tests/unit/scripted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- source ---- */

struct scripted_source {
    struct source base;
    struct scripted_source_conf *conf;
    struct receipt **late;
    size_t late_count;
    struct turn_task ack;
    unsigned in_flight;
    bool stopped;
};

static struct source_promise source_promise(const void *conf)
{
    const struct scripted_source_conf *c = conf;
    return (struct source_promise){.at_least_once = !c->forgetful,
                                   .ordered_by = c->ordered ? "lane" : NULL};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "scripted");
}

static void emit_one(struct scripted_source *s)
{
    struct scripted_source_conf *c = s->conf;
    char text[64], *body = mem_zalloc(c->body_bytes + 64);
    int n = snprintf(body, 64, "%u", c->emitted);
    int position = snprintf(text, sizeof(text), "scripted-%u", c->emitted);
    struct attr attr = {.name = BYTES_LIT("n"), .value = bytes_of(body, (size_t)n)};
    uint32_t lane = c->lanes ? 1 + c->emitted % c->lanes : 0;
    char key[16];
    int key_len = c->keyed ? snprintf(key, sizeof(key), "key-%u", lane) : 0;
    struct msg_draft draft = {
        .key = bytes_of(key, (size_t)key_len),
        .body = bytes_of(body, c->body_bytes ? c->body_bytes : (size_t)n),
        .position = bytes_of(text, (size_t)position),
        .topic = BYTES_LIT("a/b"),
        .attrs = &attr,
        .attr_count = 1,
    };
    s->in_flight++;
    if (s->in_flight > c->most_in_flight) c->most_in_flight = s->in_flight;
    struct msg *m = msg_new(&draft), *wrapped = c->wrap ? c->wrap(m, c->emitted) : msg_ref(m);
    msg_unref(m);
    pipeline_emit(s->base.pipeline, wrapped, c->emitted++, lane);
    free(body);
}

static unsigned reserve(struct scripted_source *s)
{
    struct scripted_source_conf *c = s->conf;
    unsigned left = c->total - c->emitted, n = c->chunk && c->chunk < left ? c->chunk : 1, got = 0;
    while (got + n <= left && pipeline_reserve(s->base.pipeline, n)) {
        got += n;
        if (!c->greedy) break;
    }
    return got;
}

static void source_room(struct source *base)
{
    struct scripted_source *s = (struct scripted_source *)base;
    struct scripted_source_conf *c = s->conf;
    while (!s->stopped && c->emitted < c->total) {
        unsigned n = reserve(s);
        if (!n) return;
        for (unsigned i = 0; i < n; i++)
            emit_one(s);
        assert_true(s->in_flight <= pipeline_window(base->pipeline));
    }
    if (c->emitted < c->total || s->stopped) return;
    struct error e;
    error_set(&e, FAULT_CONFIG, "as the script says");
    if (c->finish) pipeline_source_finished(base);
    if (c->fail) pipeline_source_failed(base, &e);
}

static void acknowledge_late(void *arg)
{
    struct scripted_source *s = arg;
    for (size_t i = s->late_count; i--;)
        pipeline_acknowledged(s->base.pipeline, &s->late[i], 1);
    s->conf->acknowledged += (unsigned)s->late_count;
    s->in_flight -= (unsigned)s->late_count;
    s->late_count = 0;
}

static struct source *source_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct scripted_source *s = mem_zalloc(sizeof(*s));
    (void)e;
    (void)p;
    union {
        const void *given;
        struct scripted_source_conf *written; /* the test reads what happened there */
    } c = {.given = conf};
    s->conf = c.written;
    s->conf->verdicts = mem_zalloc(s->conf->total);
    s->late = mem_zalloc(s->conf->total * sizeof(s->late[0]));
    s->ack = (struct turn_task){.run = acknowledge_late, .arg = s};
    return &s->base;
}

static bool source_start(struct source *base, struct error *e)
{
    (void)e;
    pipeline_source_state(base, true, NULL);
    source_room(base);
    return true;
}

static void source_settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct scripted_source *s = (struct scripted_source *)base;
    struct scripted_source_conf *c = s->conf;
    for (size_t i = 0; i < n; i++) {
        bool confirmed = receipts[i]->verdict == VERDICT_CONFIRMED;
        assert_int_equal(c->verdicts[receipts[i]->cookie], 0);
        c->verdicts[receipts[i]->cookie] = confirmed ? 1 : receipts[i]->refused ? 3 : 2;
        c->settled++;
        c->confirmed += confirmed;
        c->released += !confirmed;
        if (c->slow_ack) s->late[s->late_count++] = receipts[i];
    }
    if (c->slow_ack) {
        loop_at_turn_end(pipeline_loop(base->pipeline), &s->ack);
        return;
    }
    s->in_flight -= (unsigned)n;
    c->acknowledged += (unsigned)n;
    pipeline_acknowledged(base->pipeline, receipts, n);
}

static bool source_comes_again(const struct source *base, uint64_t cookie)
{
    const struct scripted_source *s = (const struct scripted_source *)base;
    assert_in_range(cookie, 0, s->conf->total - 1);
    return !s->conf->last_time;
}

static void source_hold(struct source *base, uint32_t lane_id, bool held)
{
    struct scripted_source *s = (struct scripted_source *)base;
    assert_int_not_equal(s->conf->held[lane_id % 256], held);
    s->conf->held[lane_id % 256] = held;
    s->conf->holds += held;
}

static void source_recall(struct source *base, struct bytes position)
{
    struct scripted_source_conf *c = ((struct scripted_source *)base)->conf;
    unsigned number = (unsigned)strtoul((const char *)position.ptr + strlen("scripted-"), NULL, 10);
    if (number > c->last_recalled) c->last_recalled = number;
    c->recalled++;
}

static void source_stop(struct source *base)
{
    struct scripted_source *s = (struct scripted_source *)base;
    s->stopped = true;
    s->conf->stops++;
}

static void source_close(struct source *base)
{
    acknowledge_late(base);
    pipeline_source_closed(base);
}

static void source_destroy(struct source *base)
{
    struct scripted_source *s = (struct scripted_source *)base;
    loop_cancel_task(pipeline_loop(base->pipeline), &s->ack);
    free(s->late);
    free(s);
}

/* ---- sink ---- */

struct scripted_sink {
    struct sink base;
    struct scripted_sink_conf *conf;
    struct leg **legs;
    size_t count, cap;
    struct loop_timer work;
    bool refused;
};

static struct sink_promise sink_promise(const void *conf)
{
    const struct scripted_sink_conf *c = conf;
    return (struct sink_promise){.order = c->order, .confirmed = true};
}

static enum action decide(struct scripted_sink_conf *c, const struct leg *l)
{
    if (c->decide) return c->decide(c, l);
    unsigned dice = (unsigned)rand() % 100;
    if (dice < c->percent_retry) return ACT_RETRY;
    if (dice < c->percent_retry + c->percent_reject) return ACT_REJECT;
    return ACT_CONFIRM;
}

static void end_leg(struct scripted_sink *s, struct leg *l, enum action action)
{
    static const enum fault faults[] = {
        [ACT_RETRY] = FAULT_RETRY,
        [ACT_REJECT] = FAULT_REJECT,
        [ACT_CONFIG] = FAULT_CONFIG,
        [ACT_DOWN] = FAULT_DOWN,
    };
    struct error e;
    if (action != ACT_CONFIRM) {
        error_set(&e, faults[action], "as the script says");
        leg_done(l, &e);
        return;
    }
    s->conf->confirmed++;
    if (s->conf->confirming) s->conf->confirming(s->conf, l);
    if (s->conf->order_seen) s->conf->order_seen[s->conf->order_count++] = l->receipt->cookie;
    leg_done(l, NULL);
}

/* With an order to keep, a failure takes those behind it along, as a lost connection does. */
static void work(void *arg)
{
    struct scripted_sink *s = arg;
    size_t n = s->count, kept = 0;
    bool failed = false;
    if (s->conf->backwards)
        for (size_t i = 0; i < n / 2; i++) {
            struct leg *l = s->legs[i];
            s->legs[i] = s->legs[n - 1 - i];
            s->legs[n - 1 - i] = l;
        }
    for (size_t i = 0; i < n; i++) {
        enum action action = decide(s->conf, s->legs[i]);
        bool after_failure = failed && s->conf->order != ORDER_NONE && action != ACT_KEEP;
        if (after_failure) action = ACT_DOWN;
        if (action == ACT_KEEP)
            s->legs[kept++] = s->legs[i];
        else
            end_leg(s, s->legs[i], action);
        failed |= action == ACT_RETRY;
    }
    s->count = kept;
    if (kept) loop_timer_start(pipeline_loop(s->base.pipeline), &s->work, 1);
    if (s->refused) {
        s->refused = false;
        pipeline_ready(&s->base);
    }
}

static struct sink *sink_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct scripted_sink *s = mem_zalloc(sizeof(*s));
    (void)e;
    (void)p;
    union {
        const void *given;
        struct scripted_sink_conf *written;
    } c = {.given = conf};
    s->conf = c.written;
    s->conf->sink = &s->base;
    s->work = (struct loop_timer){.run = work, .arg = s};
    return &s->base;
}

static bool sink_start(struct sink *base, struct error *e)
{
    struct scripted_sink *s = (struct scripted_sink *)base;
    (void)e;
    if (!s->conf->starts_down) pipeline_sink_state(base, SINK_UP, NULL);
    return true;
}

static size_t sink_submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct scripted_sink *s = (struct scripted_sink *)base;
    size_t room = s->conf->room ? s->conf->room - s->count : n, taken = n < room ? n : room;
    if (s->count + taken > s->cap) {
        s->cap = 2 * (s->count + taken);
        s->legs = mem_realloc(s->legs, s->cap * sizeof(s->legs[0]));
    }
    for (size_t i = 0; i < taken; i++)
        s->legs[s->count++] = legs[i];
    s->conf->submitted += (unsigned)taken;
    s->refused = taken == 0;
    if (s->count) loop_timer_start(pipeline_loop(base->pipeline), &s->work, 1);
    return taken;
}

static void sink_close(struct sink *base)
{
    struct scripted_sink *s = (struct scripted_sink *)base;
    loop_timer_stop(pipeline_loop(base->pipeline), &s->work);
    s->conf->closed_with = (unsigned)s->count;
    while (s->count)
        end_leg(s, s->legs[--s->count], ACT_DOWN);
    pipeline_sink_closed(base);
}

static void sink_destroy(struct sink *base)
{
    struct scripted_sink *s = (struct scripted_sink *)base;
    free(s->legs);
    free(s);
}

static const struct source_ops source_ops = {
    .promise = source_promise,
    .describe = describe,
    .create = source_create,
    .start = source_start,
    .room = source_room,
    .settle = source_settle,
    .hold = source_hold,
    .recall = source_recall,
    .comes_again = source_comes_again,
    .stop = source_stop,
    .close = source_close,
    .destroy = source_destroy,
};

static const struct sink_ops sink_ops = {
    .promise = sink_promise,
    .describe = describe,
    .create = sink_create,
    .start = sink_start,
    .submit = sink_submit,
    .max_batch = 64,
    .close = sink_close,
    .destroy = sink_destroy,
};

const struct connector scripted_connector = {
    .name = "scripted",
    .summary = "does as a test says",
    .source = &source_ops,
    .sink = &sink_ops,
};

const char *leg_body(const struct leg *l)
{
    return l->msg->body.ptr;
}

/* ---- running ---- */

struct run {
    struct loop *loop;
    struct pipeline *pipeline;
    bool (*until)(void *arg);
    void *arg;
    struct loop_timer look;
    uint64_t deadline_ms;
    const struct replay_options *options; /* NULL: no replay */
    struct replay_counts *counts;
};

static void look(void *arg)
{
    struct run *run = arg;
    assert_true(loop_now_ms(run->loop) < run->deadline_ms);
    if (run->until && run->until(run->arg)) {
        pipeline_stop(run->pipeline);
        run->until = NULL;
    }
    loop_timer_start(run->loop, &run->look, 1);
}

static void on_closed(struct pipeline *p, void *arg)
{
    struct run *run = arg;
    (void)p;
    loop_stop(run->loop);
}

static void count(struct stats *to, const struct stats *from)
{
    for (enum counter c = 0; c < COUNTERS; c++)
        atomic_init(&to->counts[c], stats_get(from, c));
}

static void run_to_the_end(struct pipeline_conf *conf, struct run run, struct stats *stats,
                           struct error *failure)
{
    struct error e;
    run.loop = loop_create();
    run.pipeline = pipeline_create(conf, run.loop, 0);
    run.deadline_ms = loop_now_ms(run.loop) + 20000;
    run.look = (struct loop_timer){.run = look, .arg = &run};
    pipeline_on_closed(run.pipeline, on_closed, &run);
    if (run.options) pipeline_replay(run.pipeline, run.options);
    if (!pipeline_start(run.pipeline, &e)) fail_msg("%s", e.text);
    loop_timer_start(run.loop, &run.look, 1);
    loop_run(run.loop);
    loop_timer_stop(run.loop, &run.look);
    if (run.options) *run.counts = *pipeline_replay_counts(run.pipeline);
    if (stats) count(stats, pipeline_stats(run.pipeline));
    const struct error *failed = pipeline_failure(run.pipeline);
    assert_int_equal(failed != NULL, failure != NULL);
    if (failed) *failure = *failed;
    pipeline_destroy(run.pipeline);
    loop_destroy(run.loop);
}

void scripted_run(struct pipeline_conf *conf, bool (*until)(void *arg), void *arg)
{
    run_to_the_end(conf, (struct run){.until = until, .arg = arg}, NULL, NULL);
}

void scripted_run_counting(struct pipeline_conf *conf, struct stats *stats)
{
    run_to_the_end(conf, (struct run){.arg = NULL}, stats, NULL);
}

struct error scripted_run_failing(struct pipeline_conf *conf)
{
    struct error failure;
    run_to_the_end(conf, (struct run){.arg = NULL}, NULL, &failure);
    return failure;
}

struct replay_counts scripted_run_replaying(struct pipeline_conf *conf,
                                            const struct replay_options *options)
{
    struct replay_counts counts;
    run_to_the_end(conf, (struct run){.options = options, .counts = &counts}, NULL, NULL);
    return counts;
}

struct pipeline_conf scripted_pipeline(struct scripted_source_conf *source,
                                       struct scripted_sink_conf *sink)
{
    return (struct pipeline_conf){
        .name = "test",
        .source = {&scripted_connector, source},
        .sinks = {{&scripted_connector, sink}},
        .sink_count = 1,
        .max_in_flight = 100,
        .max_in_flight_bytes = INT64_C(1) << 30,
        .max_in_flight_per_lane = 100,
        .max_attempts = 5,
        .retry_delay = 1,
        .retry_max_delay = 4,
        .drain_timeout = 5000,
        .workers = 1,
    };
}
