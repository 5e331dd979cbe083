#include <stdio.h>
#include <stdlib.h>

#include "bridge/text.h"
#include "tests/conformance/probe.h"
#include "tests/conformance/wait.h"

enum { LOOK_EVERY_MS = 3 };

struct probe {
    struct source base;
    struct probe_source_script *script;
    bool refused, stopped, *settled; /* by place in the list */
    struct loop_timer look;
};

void probe_source_init(struct probe_source_script *s, const struct parcels *parcels)
{
    *s = (struct probe_source_script){.parcels = parcels, .limit = parcels->count};
    pthread_mutex_init(&s->lock, NULL);
}

void probe_source_release(struct probe_source_script *s)
{
    parcels_release(&s->confirmed_parcels);
    pthread_mutex_destroy(&s->lock);
}

static uint32_t lane_of(const struct probe *p, const struct msg *m)
{
    return p->script->ordered ? (uint32_t)text_hash(m->key) | 1 : 0;
}

/* The parcel belongs to the test's thread, so a copy goes. */
static void emit(struct probe *p, size_t at)
{
    const struct msg *m = p->script->parcels->items[at];
    struct msg_draft draft = {
        .body = m->body,
        .key = m->key,
        .topic = m->topic,
        .position = m->position,
        .attrs = m->attrs,
        .attr_count = m->attr_count,
    };
    pipeline_emit(p->base.pipeline, msg_new(&draft), at, lane_of(p, m));
}

static void emit_all(struct probe *p)
{
    struct probe_source_script *s = p->script;
    pthread_mutex_lock(&s->lock);
    while (!p->stopped && !p->refused && s->emitted < s->limit) {
        p->refused = !pipeline_reserve(p->base.pipeline, 1);
        if (!p->refused) emit(p, s->emitted++);
    }
    pthread_mutex_unlock(&s->lock);
}

static void look(void *arg)
{
    struct probe *p = arg;
    emit_all(p);
    loop_timer_start(pipeline_loop(p->base.pipeline), &p->look, LOOK_EVERY_MS);
}

static void note(struct probe *p, const struct receipt *r)
{
    struct probe_source_script *s = p->script;
    if (p->settled[r->cookie])
        check_failed("parcel %llu: settled twice", (unsigned long long)r->cookie);
    p->settled[r->cookie] = true;
    if (r->verdict == VERDICT_RELEASED) {
        s->released++;
        return;
    }
    s->confirmed++;
    parcels_add_copy(&s->confirmed_parcels, s->parcels->items[r->cookie]);
}

static void settle(struct source *source, struct receipt *const *receipts, size_t n)
{
    struct probe *p = (struct probe *)source;
    pthread_mutex_lock(&p->script->lock);
    for (size_t i = 0; i < n; i++)
        note(p, receipts[i]);
    pthread_mutex_unlock(&p->script->lock);
    pipeline_acknowledged(source->pipeline, receipts, n);
}

static void room(struct source *source)
{
    ((struct probe *)source)->refused = false;
}

static struct probe_source_script *script_of(const void *conf)
{
    union {
        const void *in;
        struct probe_source_script *out;
    } u = {conf};
    return u.out;
}

static struct source *create(const void *conf, struct pipeline *pipeline, struct error *e)
{
    struct probe *p = mem_zalloc(sizeof(*p));
    (void)pipeline, (void)e;
    p->script = script_of(conf);
    p->settled = mem_zalloc(p->script->parcels->count * sizeof(bool));
    p->look = (struct loop_timer){.run = look, .arg = p};
    return &p->base;
}

static bool start(struct source *source, struct error *e)
{
    (void)e;
    pipeline_source_state(source, true, NULL);
    look(source);
    return true;
}

static void stop(struct source *source)
{
    struct probe *p = (struct probe *)source;
    p->stopped = true;
    loop_timer_stop(pipeline_loop(source->pipeline), &p->look);
}

static void close_probe(struct source *source)
{
    stop(source);
    pipeline_source_closed(source);
}

static void destroy(struct source *source)
{
    struct probe *p = (struct probe *)source;
    free(p->settled);
    free(p);
}

static struct source_promise promise(const void *conf)
{
    return (struct source_promise){.at_least_once = true,
                                   .ordered_by = script_of(conf)->ordered ? "key" : NULL};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "probe");
}

static const struct opt no_options[] = {OPT_END};

const struct source_ops probe_source = {
    .opts = no_options,
    .conf_size = sizeof(struct probe_source_script),
    .promise = promise,
    .describe = describe,
    .create = create,
    .start = start,
    .room = room,
    .settle = settle,
    .stop = stop,
    .close = close_probe,
    .destroy = destroy,
};

const struct connector probe_connector = {
    .name = "probe",
    .summary = "the conformance suite's own",
    .source = &probe_source,
    .sink = &probe_sink,
};
