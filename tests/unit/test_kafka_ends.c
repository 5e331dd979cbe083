#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/test_kafka_rig.h"

/* ---- a source that emits what it is given ---- */

struct given_source {
    struct source base;
    struct given *given;
    bool stopped;
};

static struct source_promise given_promise(const void *conf)
{
    (void)conf;
    return (struct source_promise){.at_least_once = true, .ordered_by = "lane"};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "rig");
}

static void *unconst(const void *conf)
{
    return (void *)(uintptr_t)conf; /* the test reads there what happened */
}

static struct source *given_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct given_source *s = mem_zalloc(sizeof(*s));
    (void)p;
    (void)e;
    s->given = unconst(conf);
    return &s->base;
}

static void given_room(struct source *base)
{
    struct given_source *s = (struct given_source *)base;
    struct given *g = s->given;
    while (!s->stopped && g->emitted < g->count && pipeline_reserve(base->pipeline, 1)) {
        size_t i = g->emitted++;
        uint32_t lane = g->lane_of ? g->lane_of(i) : 0;
        pipeline_emit(base->pipeline, msg_new(&g->drafts[i]), i, lane);
    }
}

static bool given_start(struct source *base, struct error *e)
{
    (void)e;
    pipeline_source_state(base, true, NULL);
    given_room(base);
    return true;
}

static void given_settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct given_source *s = (struct given_source *)base;
    for (size_t i = 0; i < n; i++)
        if (receipts[i]->verdict == VERDICT_CONFIRMED)
            s->given->confirmed++;
        else
            s->given->released++;
    pipeline_acknowledged(base->pipeline, receipts, n);
}

static void given_stop(struct source *base)
{
    ((struct given_source *)base)->stopped = true;
}

static void given_destroy(struct source *base)
{
    free(base);
}

static const struct source_ops given_ops = {
    .promise = given_promise,
    .describe = describe,
    .create = given_create,
    .start = given_start,
    .room = given_room,
    .settle = given_settle,
    .stop = given_stop,
    .close = pipeline_source_closed,
    .destroy = given_destroy,
};
const struct connector given_connector = {.name = "given", .source = &given_ops};

/* ---- a sink that keeps its legs ---- */

struct keeper_sink {
    struct sink base;
    struct keeper *keeper;
};

static struct sink_promise keeper_promise(const void *conf)
{
    (void)conf;
    return (struct sink_promise){.order = ORDER_STREAM, .confirmed = true};
}

static struct sink *keeper_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct keeper_sink *s = mem_zalloc(sizeof(*s));
    (void)p;
    (void)e;
    s->keeper = unconst(conf);
    return &s->base;
}

static bool keeper_start(struct sink *base, struct error *e)
{
    (void)e;
    pipeline_sink_state(base, SINK_UP, NULL);
    return true;
}

static size_t keeper_submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct keeper *k = ((struct keeper_sink *)base)->keeper;
    for (size_t i = 0; i < n; i++) {
        if (k->count == k->capacity) {
            k->capacity = k->capacity ? 2 * k->capacity : 64;
            k->seen = mem_realloc(k->seen, k->capacity * sizeof(k->seen[0]));
        }
        struct seen *seen = &k->seen[k->count++];
        snprintf(seen->position, sizeof(seen->position), "%.*s",
                 BYTES_ARGS(legs[i]->msg->position));
        seen->leg = legs[i];
        if (k->confirm) keeper_confirm(k, k->count - 1);
    }
    return n;
}

static void keeper_close(struct sink *base)
{
    struct keeper *k = ((struct keeper_sink *)base)->keeper;
    struct error e;
    error_set(&e, FAULT_DOWN, "the test ends");
    for (size_t i = 0; i < k->count; i++) {
        struct leg *l = k->seen[i].leg;
        k->seen[i].leg = NULL;
        if (l) leg_done(l, &e);
    }
    pipeline_sink_closed(base);
}

static void keeper_destroy(struct sink *base)
{
    free(base);
}

static const struct sink_ops keeper_ops = {
    .promise = keeper_promise,
    .describe = describe,
    .create = keeper_create,
    .start = keeper_start,
    .submit = keeper_submit,
    .max_batch = 100,
    .close = keeper_close,
    .destroy = keeper_destroy,
};
const struct connector keeper_connector = {.name = "keeper", .sink = &keeper_ops};

void keeper_confirm(struct keeper *k, size_t i)
{
    struct leg *l = k->seen[i].leg;
    k->seen[i].leg = NULL;
    if (l) leg_done(l, NULL);
}

void keeper_confirm_all(struct keeper *k)
{
    for (size_t i = 0; i < k->count; i++)
        keeper_confirm(k, i);
}

size_t keeper_index(const struct keeper *k, const char *position)
{
    for (size_t i = 0; i < k->count; i++)
        if (strcmp(k->seen[i].position, position) == 0) return i;
    fail_msg("%s was not seen", position);
    return 0;
}

void keeper_free(struct keeper *k)
{
    free(k->seen);
    *k = (struct keeper){0};
}
