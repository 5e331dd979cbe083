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

bool world_is_refused(const struct world *w, const struct model_message *m)
{
    for (unsigned i = 0; i < w->conf->sinks; i++)
        if (m->fate[i] == FATE_REFUSED) return true;
    return false;
}

static bool comes_again(const struct model_message *m)
{
    return m->receives < MAX_RECEIVES;
}

/* While it runs, only what was refused, or is behind it in its lane and must wait for it. */
static bool may_go_back(const struct world *w, const struct model_message *m)
{
    uint32_t lane = world_lane(w, (unsigned)(m - w->messages));
    if (!w->conf->release) return false;
    if (world_is_refused(w, m)) return true;
    for (const struct model_message *k = w->messages; k < m && lane; k++)
        if (world_lane(w, (unsigned)(k - w->messages)) == lane && world_is_refused(w, k) &&
            comes_again(k))
            return true;
    return false;
}

static bool source_comes_again(const struct source *base, uint64_t cookie)
{
    return comes_again(&((const struct model_source *)base)->world->messages[cookie]);
}

static void source_settle(struct source *base, struct receipt *const *receipts, size_t n)
{
    struct world *w = source_of(base)->world;
    for (size_t i = 0; i < n; i++) {
        struct model_message *m = &w->messages[receipts[i]->cookie];
        PROMISE(m->emitted && !m->settled);
        PROMISE(receipts[i]->verdict == VERDICT_RELEASED || has_arrived(w, m));
        PROMISE(receipts[i]->verdict == VERDICT_CONFIRMED || w->stopped || may_go_back(w, m));
        PROMISE(receipts[i]->refused == (w->conf->release && world_is_refused(w, m)));
        m->settled = true;
        m->verdict = receipts[i]->verdict;
        m->receipt = receipts[i];
    }
}

static void source_stop(struct source *base)
{
    source_of(base)->stopped = true;
}

void world_acknowledge(struct world *w, struct model_message *m)
{
    struct receipt *r = m->receipt;
    bool back = w->conf->release && m->verdict == VERDICT_RELEASED;
    m->receipt = NULL;
    m->acknowledged = true;
    m->put_away = back && world_is_refused(w, m) && !comes_again(m);
    if (back && !m->put_away) m->emitted = m->settled = m->acknowledged = false;
    pipeline_acknowledged(w->pipeline, &r, 1);
}

static void source_close(struct source *base)
{
    struct world *w = source_of(base)->world;
    for (unsigned i = 0; i < w->message_count; i++)
        if (w->messages[i].receipt) world_acknowledge(w, &w->messages[i]);
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
    .comes_again = source_comes_again,
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

/* An earlier message of the lane that this sink neither has nor had: one that comes again will have
 * been refused in vain. */
static bool is_ended(const struct world *w, const struct model_message *m, unsigned sink)
{
    bool refused = m->fate[sink] == FATE_REFUSED;
    if (w->conf->release) return m->fate[sink] == FATE_CONFIRMED || (refused && !comes_again(m));
    return m->fate[sink] == FATE_CONFIRMED || refused || m->settled;
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
        if (world_lane(w, i) != lane || is_ended(w, &w->messages[i], s->index)) continue;
        PROMISE(w->messages[i].fate[s->index] == FATE_THERE); /* it went before */
        PROMISE(order != ORDER_NONE && !w->conf->release);
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

/* Whether message i of a lane keeps another of it away. */
static bool is_in_the_way(const struct world *w, unsigned i, unsigned of)
{
    const struct model_message *m = &w->messages[i];
    bool here = m->emitted && !m->acknowledged;
    if (i > of) return here;
    return !m->emitted || (w->conf->release && here && world_is_refused(w, m));
}

static bool may_come(const struct world *w, unsigned message)
{
    uint32_t lane = world_lane(w, message);
    if (w->messages[message].emitted) return false;
    for (unsigned i = 0; lane && i < w->message_count; i++)
        if (i != message && world_lane(w, i) == lane && is_in_the_way(w, i, message)) return false;
    return true;
}

unsigned world_next(const struct world *w)
{
    unsigned i = 0;
    while (i < w->message_count && !may_come(w, i))
        i++;
    return i;
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
        .on_reject = conf->release ? ON_REJECT_RELEASE : ON_REJECT_HOLD,
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
