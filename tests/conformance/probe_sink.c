#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/probe.h"
#include "tests/conformance/wait.h"

enum { LOOK_EVERY_MS = 3, MAX_BATCH = 20 };

/* Legs that this sink has, in the order of their acceptance. */
struct probe {
    struct sink base;
    struct probe_sink_script *script;
    struct leg **legs;
    size_t count, cap;
    struct loop_timer look;
    struct turn_task end;
    bool refused, was_away, said;
    uint64_t random;
};

void probe_sink_init(struct probe_sink_script *s)
{
    *s = (struct probe_sink_script){.order = ORDER_STREAM};
    pthread_mutex_init(&s->lock, NULL);
}

void probe_sink_release(struct probe_sink_script *s)
{
    parcels_release(&s->arrived);
    parcels_release(&s->confirmed);
    pthread_mutex_destroy(&s->lock);
}

static struct loop *loop_of(struct probe *p)
{
    return pipeline_loop(p->base.pipeline);
}

static size_t random_below(struct probe *p, size_t n)
{
    p->random = p->random * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(p->random >> 33) % n;
}

static void take_out(struct probe *p, size_t i)
{
    p->legs[i] = p->legs[--p->count];
}

static void end_leg(struct probe *p, size_t i)
{
    struct leg *l = p->legs[i];
    bool fails = l->attempts == 0 && random_below(p, 100) < p->script->percent_fail;
    struct error e;
    take_out(p, i);
    if (!fails) parcels_add_copy(&p->script->confirmed, l->msg);
    error_set(&e, FAULT_RETRY, "as the check says");
    leg_done(l, fails ? &e : NULL);
}

/* In any order: what a source is told must not depend on it. */
static void end_legs(void *arg)
{
    struct probe *p = arg;
    struct probe_sink_script *s = p->script;
    pthread_mutex_lock(&s->lock);
    for (size_t left = p->count; !s->hold && left; left--) {
        size_t i = random_below(p, left);
        struct leg *l = p->legs[i];
        bool held = s->hold_every && l->seq % s->hold_every == 0;
        p->legs[i] = p->legs[left - 1];
        p->legs[left - 1] = l;
        if (!held) end_leg(p, left - 1);
    }
    s->held = p->count;
    bool ready = p->refused && (!s->most_at_once || p->count < s->most_at_once);
    if (ready) p->refused = false;
    pthread_mutex_unlock(&s->lock);
    if (ready) pipeline_ready(&p->base);
}

static void fail_all(struct probe *p, const struct error *why)
{
    while (p->count)
        leg_done(p->legs[--p->count], why);
    p->script->held = 0;
}

static void tell_state(struct probe *p, bool away)
{
    struct error e;
    if (p->said && away == p->was_away) return;
    p->said = true;
    p->was_away = away;
    error_set(&e, FAULT_DOWN, "away, as the check says");
    pipeline_sink_state(&p->base, away ? SINK_DOWN : SINK_UP, away ? &e : NULL);
    if (away) fail_all(p, &e);
}

static void look(void *arg)
{
    struct probe *p = arg;
    pthread_mutex_lock(&p->script->lock);
    tell_state(p, p->script->away);
    pthread_mutex_unlock(&p->script->lock);
    loop_at_turn_end(loop_of(p), &p->end);
    loop_timer_start(loop_of(p), &p->look, LOOK_EVERY_MS);
}

static void keep(struct probe *p, struct leg *l)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->legs = mem_realloc(p->legs, p->cap * sizeof(p->legs[0]));
    }
    p->legs[p->count++] = l;
    if (l->returns == 0) parcels_add_copy(&p->script->arrived, l->msg);
}

static size_t submit(struct sink *sink, struct leg *const *legs, size_t n)
{
    struct probe *p = (struct probe *)sink;
    struct probe_sink_script *s = p->script;
    size_t taken = 0;
    pthread_mutex_lock(&s->lock);
    while (taken < n && (!s->most_at_once || p->count < s->most_at_once))
        keep(p, legs[taken++]);
    s->held = p->count;
    if (p->count > s->most_held) s->most_held = p->count;
    pthread_mutex_unlock(&s->lock);
    p->refused = taken == 0;
    loop_at_turn_end(loop_of(p), &p->end);
    return taken;
}

/* The configuration is the script, which is written to. */
static struct probe_sink_script *script_of(const void *conf)
{
    union {
        const void *in;
        struct probe_sink_script *out;
    } u = {conf};
    return u.out;
}

static struct sink *create(const void *conf, struct pipeline *pipeline, struct error *e)
{
    struct probe *p = mem_zalloc(sizeof(*p));
    (void)pipeline, (void)e;
    p->script = script_of(conf);
    p->look = (struct loop_timer){.run = look, .arg = p};
    p->end = (struct turn_task){.run = end_legs, .arg = p};
    return &p->base;
}

static bool start(struct sink *sink, struct error *e)
{
    (void)e;
    look(sink);
    return true;
}

static void close_probe(struct sink *sink)
{
    struct probe *p = (struct probe *)sink;
    struct error e;
    error_set(&e, FAULT_DOWN, "the pipeline stops");
    loop_timer_stop(loop_of(p), &p->look);
    loop_cancel_task(loop_of(p), &p->end);
    pthread_mutex_lock(&p->script->lock);
    fail_all(p, &e);
    pthread_mutex_unlock(&p->script->lock);
    pipeline_sink_closed(sink);
}

static void destroy(struct sink *sink)
{
    struct probe *p = (struct probe *)sink;
    free(p->legs);
    free(p);
}

static struct sink_promise promise(const void *conf)
{
    return (struct sink_promise){.order = script_of(conf)->order, .confirmed = true};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "probe");
}

static const struct opt no_options[] = {OPT_END};

const struct sink_ops probe_sink = {
    .opts = no_options,
    .conf_size = sizeof(struct probe_sink_script),
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .submit = submit,
    .max_batch = MAX_BATCH,
    .close = close_probe,
    .destroy = destroy,
};
