#include "tests/model/world.h"

#include <stdio.h>
#include <string.h>

#include "tests/model/model_loop.h"

/* ---- the source ---- */

static struct model_source *source_of(struct source *base)
{
    return (struct model_source *)base;
}

static struct source_promise source_promise(const void *conf)
{
    (void)conf;
    return (struct source_promise){.at_least_once = true, .ordered_by = "lane"};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "model");
}

static struct source *source_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct world *w = *(struct world *const *)conf;
    (void)p;
    (void)e;
    w->source.world = w;
    return &w->source.base;
}

static bool source_start(struct source *s, struct error *e)
{
    (void)e;
    pipeline_source_state(s, true, NULL);
    return true;
}

static void source_room(struct source *base)
{
    PROMISE(source_of(base)->waits);
    PROMISE(!source_of(base)->stopped);
    source_of(base)->waits = false;
}

/* Whether the message is where it may be forgotten. */
static bool has_arrived(const struct world *w, const struct model_message *m)
{
    unsigned refused = 0;
    for (unsigned i = 0; i < w->conf->sinks; i++) {
        refused += m->fate[i] == FATE_REFUSED;
        if (m->fate[i] != FATE_CONFIRMED && m->fate[i] != FATE_REFUSED) return false;
    }
    return refused == m->letters;
}

static void source_settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct world *w = source_of(base)->world;
    for (size_t i = 0; i < n; i++) {
        struct model_message *m = &w->messages[receipts[i]->cookie];
        PROMISE(m->emitted && !m->settled);
        PROMISE(receipts[i]->verdict == VERDICT_RELEASED || has_arrived(w, m));
        PROMISE(receipts[i]->verdict == VERDICT_CONFIRMED || w->stopped);
        m->settled = true;
        m->verdict = receipts[i]->verdict;
        m->receipt = receipts[i];
    }
}

static void source_stop(struct source *base)
{
    source_of(base)->stopped = true;
}

static void give_back(struct world *w, struct model_message *m)
{
    struct receipt *r = m->receipt;
    m->receipt = NULL;
    m->acknowledged = true;
    pipeline_acknowledged(w->pipeline, &r, 1);
}

static void source_close(struct source *base)
{
    struct world *w = source_of(base)->world;
    for (unsigned i = 0; i < w->message_count; i++)
        if (w->messages[i].receipt) give_back(w, &w->messages[i]);
    pipeline_source_closed(base);
}

static void source_hold(struct source *base, uint32_t lane, bool held)
{
    (void)base;
    (void)held;
    PROMISE(lane != 0);
}

static void source_destroy(struct source *base)
{
    (void)base;
}

static const struct source_ops source_ops = {
    .promise = source_promise,
    .describe = describe,
    .create = source_create,
    .start = source_start,
    .room = source_room,
    .settle = source_settle,
    .hold = source_hold,
    .stop = source_stop,
    .close = source_close,
    .destroy = source_destroy,
};

/* ---- the sinks ---- */

struct sink_place {
    struct world *world;
    unsigned index;
};

static struct model_sink *sink_of(struct sink *base)
{
    return (struct model_sink *)base;
}

static enum sink_order order_of(const struct world *w, unsigned index)
{
    return index < w->conf->sinks ? w->conf->order[index] : ORDER_NONE;
}

static struct sink_promise sink_promise(const void *conf)
{
    const struct sink_place *place = conf;
    return (struct sink_promise){.order = order_of(place->world, place->index), .confirmed = true};
}

static struct sink *sink_create(const void *conf, struct pipeline *p, struct error *e)
{
    const struct sink_place *place = conf;
    struct model_sink *s = &place->world->sinks[place->index];
    (void)p;
    (void)e;
    s->world = place->world;
    s->index = place->index;
    return &s->base;
}

static bool sink_start(struct sink *s, struct error *e)
{
    (void)e;
    pipeline_sink_state(s, SINK_UP, NULL);
    return true;
}

/* An earlier message of the lane that this sink neither has nor had. */
static bool is_ended(const struct model_message *m, unsigned sink)
{
    return m->fate[sink] == FATE_CONFIRMED || m->fate[sink] == FATE_REFUSED || m->settled;
}

static bool is_dead_letter(const struct model_sink *s)
{
    return s->index == s->world->conf->sinks;
}

static void check_order(const struct model_sink *s, uint64_t cookie, unsigned from)
{
    const struct world *w = s->world;
    enum sink_order order = order_of(w, s->index);
    uint32_t lane = world_lane(w, (unsigned)cookie);
    bool ordered = order != ORDER_NONE || w->conf->require_order;
    if (!lane || !ordered || is_dead_letter(s)) return;
    for (unsigned i = 0; i < cookie; i++) {
        if (world_lane(w, i) != lane || is_ended(&w->messages[i], s->index)) continue;
        PROMISE(w->messages[i].fate[s->index] == FATE_THERE); /* it went before */
        PROMISE(order != ORDER_NONE);
        bool together = false;
        for (unsigned k = from; k < s->count; k++)
            together |= s->legs[k]->receipt->cookie == i;
        PROMISE(order == ORDER_STREAM || together);
    }
}

static bool confirms_at_once(const struct model_sink *s, const struct leg *l)
{
    return s->world->conf->instant && s->index == 0 && l->receipt->cookie % 2 == 0;
}

static void accept_leg(struct model_sink *s, struct leg *l, unsigned from)
{
    uint64_t cookie = l->receipt->cookie;
    enum fate *fate = &s->world->messages[cookie].fate[s->index];
    PROMISE(*fate == FATE_WAITING || is_dead_letter(s));
    check_order(s, cookie, from);
    *fate = confirms_at_once(s, l) ? FATE_CONFIRMED : FATE_THERE;
    if (*fate == FATE_CONFIRMED)
        leg_done(l, NULL);
    else
        s->legs[s->count++] = l;
}

static size_t sink_submit(struct sink *base, struct leg *const *legs, size_t n)
{
    struct model_sink *s = sink_of(base);
    unsigned from = s->count;
    size_t taken = 0;
    PROMISE(base->slot->state != SINK_DOWN);
    PROMISE(base->slot->state == SINK_UP || s->count == 0); /* to try: one offer at a time */
    while (taken < n && (!s->world->conf->room || s->count < s->world->conf->room))
        accept_leg(s, legs[taken++], from);
    s->refused = taken == 0;
    return taken;
}

static void sink_close(struct sink *base)
{
    struct model_sink *s = sink_of(base);
    struct error e;
    error_set(&e, FAULT_DOWN, "closing");
    while (s->count) {
        struct leg *l = s->legs[--s->count];
        s->world->messages[l->receipt->cookie].fate[s->index] = FATE_WAITING;
        leg_done(l, &e);
    }
    pipeline_sink_closed(base);
}

static void sink_destroy(struct sink *base)
{
    (void)base;
}

static const struct sink_ops sink_ops = {
    .promise = sink_promise,
    .describe = describe,
    .create = sink_create,
    .start = sink_start,
    .submit = sink_submit,
    .max_batch = 2,
    .close = sink_close,
    .destroy = sink_destroy,
};

static const struct connector model_connector = {
    .name = "model", .summary = "does nothing by itself", .source = &source_ops, .sink = &sink_ops};

/* ---- making ---- */

uint32_t world_lane(const struct world *w, unsigned message)
{
    char letter = w->conf->lanes[message];
    return letter == '-' ? 0 : (uint32_t)(letter - 'a' + 1);
}

static void on_closed(struct pipeline *p, void *arg)
{
    struct world *w = arg;
    (void)p;
    w->closed = true;
}

static void configure(struct world *w, struct sink_place *places, struct world **self)
{
    static const char *const ordered[] = {"ordered"};
    const struct model_conf *conf = w->conf;
    struct pipeline_conf *p = &w->pipeline_conf;
    *p = (struct pipeline_conf){
        .name = conf->name,
        .source = {&model_connector, self},
        .sink_count = conf->sinks,
        .max_in_flight = conf->window,
        .max_in_flight_bytes = 1 << 20,
        .max_in_flight_per_lane = conf->lane_share,
        .max_attempts = 2,
        .retry_delay = 10,
        .retry_max_delay = 20,
        .drain_timeout = 1000,
        .workers = 1,
        .require = {ordered, conf->require_order ? 1 : 0},
    };
    for (unsigned i = 0; i < w->sink_count; i++) {
        places[i] = (struct sink_place){w, i};
        struct sink_conf sink = {&model_connector, &places[i]};
        if (i < conf->sinks)
            p->sinks[i] = sink;
        else
            p->dead_letter = sink;
    }
}

void world_open(struct world *w, const struct model_conf *conf)
{
    struct error e;
    struct sink_place places[MAX_SINKS]; /* read while the pipeline starts only */
    *w = (struct world){.conf = conf, .faults_left = conf->faults};
    w->message_count = (unsigned)strlen(conf->lanes);
    w->sink_count = conf->sinks + (conf->dead_letter ? 1 : 0);
    struct world *self = w;
    configure(w, places, &self);
    w->loop = loop_create();
    w->pipeline = pipeline_create(&w->pipeline_conf, w->loop, 0);
    w->pipeline->random = 1; /* the same in each run */
    pipeline_on_closed(w->pipeline, on_closed, w);
    if (!pipeline_start(w->pipeline, &e)) world_complain(e.text);
}

void world_close(struct world *w)
{
    PROMISE(w->closed);
    pipeline_destroy(w->pipeline);
    loop_destroy(w->loop);
}
