#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/pipeline_private.h"

#include "bridge/pipeline_run.h"

const char *pipeline_name(const struct pipeline *p)
{
    return p->conf->name;
}

unsigned pipeline_worker(const struct pipeline *p)
{
    return p->worker;
}

struct loop *pipeline_loop(struct pipeline *p)
{
    return p->loop;
}

unsigned pipeline_window(const struct pipeline *p)
{
    return p->window;
}

struct stats *pipeline_stats(struct pipeline *p)
{
    return &p->stats;
}

bool pipeline_gives_back(const struct pipeline *p)
{
    return p->conf->on_reject == ON_REJECT_RELEASE;
}

void pipeline_wake(struct pipeline *p)
{
    loop_at_turn_end(p->loop, &p->turn);
}

/* ---- the window ---- */

/* A dead-letter sink that is away matters only while something waits for it. */
static bool sink_is_missing(const struct sink_slot *slot)
{
    if (slot->state == SINK_UP) return false;
    return !slot->is_dead_letter || slot->waiting || slot->in_flight;
}

bool pipeline_delivers(const struct pipeline *p)
{
    if (p->parked) return false;
    for (size_t i = 0; i < p->slot_count; i++)
        if (sink_is_missing(&p->slots[i])) return false;
    return true;
}

static bool may_receive(const struct pipeline *p)
{
    return p->phase == PHASE_RUNNING && pipeline_delivers(p);
}

/* What was asked for and is on its way counts as large as what came lately: a hundred answers may
 * be under way at once. */
static size_t expected_bytes(const struct pipeline *p)
{
    return p->bytes + p->reserved * p->usual_bytes;
}

static bool has_room(const struct pipeline *p, unsigned n)
{
    bool fits = p->in_flight + p->reserved + n <= p->window && expected_bytes(p) < p->window_bytes;
    return fits && may_receive(p);
}

bool pipeline_reserve(struct pipeline *p, unsigned n)
{
    assert(n > 0 && n <= p->window);
    if (has_room(p, n)) {
        p->reserved += n;
        return true;
    }
    if (!p->wanted || n < p->wanted) p->wanted = n;
    return false;
}

void pipeline_unreserve(struct pipeline *p, unsigned n)
{
    assert(n <= p->reserved);
    p->reserved -= n;
    if (p->wanted) pipeline_wake(p);
}

static void give_room(struct pipeline *p)
{
    if (!p->wanted || !has_room(p, p->wanted)) return;
    p->wanted = 0;
    p->source->ops->room(p->source);
}

/* ---- lanes: no one may fill the window ---- */

static unsigned lane_share(const struct pipeline *p)
{
    int64_t share = p->conf->max_in_flight_per_lane;
    return share ? (unsigned)share : (p->window + 1) / 2;
}

static void lane_enter(struct pipeline *p, struct lane *lane)
{
    lane->receipts++;
    if (!p->source->ops->hold || lane->id == 0 || lane->held) return;
    if (lane->receipts < lane_share(p)) return;
    lane->held = true;
    p->source->ops->hold(p->source, lane->id, true);
}

static void lane_leave(struct pipeline *p, struct lane *lane)
{
    lane->receipts--;
    if (lane->held && lane->receipts <= lane_share(p) / 2) {
        lane->held = false;
        p->source->ops->hold(p->source, lane->id, false);
    }
    if (lane->receipts || lane == p->no_lane) return;
    for (size_t i = 0; i < p->slot_count; i++)
        loop_timer_stop(p->loop, &lane->queues[i].delay);
    lane_drop(&p->lanes, lane);
}

/* ---- the way of a message ---- */

/* The receipt and its legs are one piece of memory: they end together. */
struct delivery {
    struct receipt receipt;
    struct leg legs[];
};

static struct delivery *delivery_new(struct pipeline *p, const struct msg *m, uint64_t cookie,
                                     uint32_t lane_id, size_t legs)
{
    struct delivery *d = mem_alloc(sizeof(*d) + legs * sizeof(d->legs[0]));
    d->receipt = (struct receipt){
        .cookie = cookie,
        .lane_id = lane_id,
        .legs_open = (uint32_t)legs,
        .verdict = VERDICT_CONFIRMED,
        .size = m->size,
        .lane = lane_id ? lane_get(&p->lanes, lane_id) : p->no_lane,
        .pipeline = p,
    };
    return d;
}

static void enter_window(struct pipeline *p, const struct msg *m)
{
    p->in_flight++;
    p->bytes += m->size;
    p->usual_bytes = (15 * p->usual_bytes + m->size) / 16;
    stats_add(&p->stats, COUNT_RECEIVED, 1);
    stats_add(&p->stats, COUNT_RECEIVED_BYTES, m->body.len);
}

static void give_leg(struct delivery *d, size_t i, struct msg *m, struct sink_slot *slot)
{
    uint64_t seq = slot->pipeline->next_seq++;
    d->legs[i] = (struct leg){.msg = msg_ref(m), .receipt = &d->receipt, .seq = seq};
    slot_add(slot, &d->legs[i]);
}

struct receipt *pipeline_deliver(struct pipeline *p, const struct arrival *a, struct msg *m,
                                 struct sink_slot *const *slots, size_t n)
{
    struct delivery *d = delivery_new(p, m, a->cookie, a->lane_id, n);
    enter_window(p, m);
    for (size_t i = 0; i < n; i++)
        give_leg(d, i, m, slots[i]);
    lane_enter(p, d->receipt.lane);
    pipeline_wake(p);
    return &d->receipt;
}

void pipeline_emit(struct pipeline *p, struct msg *m, uint64_t cookie, uint32_t lane_id)
{
    assert(p->reserved > 0);
    p->reserved--;
    if (p->replay) {
        replay_take(p, &(struct arrival){m, cookie, lane_id});
        msg_unref(m);
        return;
    }
    m = transform_apply(p->transform, m);
    struct delivery *d = delivery_new(p, m, cookie, lane_id, p->sink_count);
    enter_window(p, m);
    for (size_t i = 0; i < p->sink_count; i++)
        give_leg(d, i, m, &p->slots[i]);
    msg_unref(m); /* the legs have their own */
    lane_enter(p, d->receipt.lane);
    pipeline_wake(p);
}

void pipeline_emit_dead(struct pipeline *p, struct msg *m, uint64_t cookie)
{
    struct delivery *d = delivery_new(p, m, cookie, 0, 1);
    enter_window(p, m);
    give_leg(d, 0, m, p->dead_letter);
    msg_unref(m);
    lane_enter(p, d->receipt.lane);
    pipeline_wake(p);
}

void receipt_settle(struct receipt *r)
{
    struct pipeline *p = r->pipeline;
    bool delivered = r->verdict == VERDICT_CONFIRMED && !p->back; /* the store is no sink */
    if (delivered) stats_add(&p->stats, COUNT_CONFIRMED, 1);
    if (p->settled_count == p->settled_cap) {
        p->settled_cap = p->settled_cap ? 2 * p->settled_cap : 64;
        p->settled = mem_realloc(p->settled, p->settled_cap * sizeof(struct receipt *));
    }
    p->settled[p->settled_count++] = r;
}

/* Nothing settles while the source is told: sinks end legs from their own events, or within
 * submit(). */
static void settle(struct pipeline *p)
{
    size_t n = p->settled_count;
    if (!n) return;
    p->settled_count = 0;
    p->source->ops->settle(p->source, p->settled, n);
    assert(p->settled_count == 0);
}

void pipeline_acknowledged(struct pipeline *p, struct receipt *const *receipts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct receipt *r = receipts[i];
        bool confirmed = r->verdict == VERDICT_CONFIRMED;
        stats_add(&p->stats, confirmed ? COUNT_ACKNOWLEDGED : COUNT_RELEASED, 1);
        p->in_flight--;
        p->bytes -= r->size;
        lane_leave(p, r->lane);
        msg_unref(r->letter);
        free(r); /* and its legs with it */
    }
    pipeline_wake(p);
}

/* ---- what source and sinks say of themselves ---- */

void pipeline_source_state(struct source *s, bool up, const struct error *why)
{
    struct pipeline *p = s->pipeline;
    if (!up && why)
        log_limited(&p->source_complaint, LOG_WARN, p->conf->name, "source %s: %s", p->source_name,
                    why->text);
    else if (up && !p->source_up && p->said_running)
        log_info(p->conf->name, "source %s: up again", p->source_name);
    p->source_up = up;
    pipeline_wake(p);
}

void pipeline_sink_state(struct sink *s, enum sink_state state, const struct error *why)
{
    struct sink_slot *slot = s->slot;
    struct pipeline *p = slot->pipeline;
    if (state == SINK_DOWN && why)
        log_limited(
            &slot->complaint, LOG_WARN, p->conf->name, "sink %s: %s (%s)", slot->name, why->text,
            p->conf->part == PART_BACK ? "its messages wait in the store" : "the source waits");
    else if (state == SINK_UP && slot->state != SINK_UP && slot->was_up)
        log_info(p->conf->name, "sink %s: up again", slot->name);
    if (state == SINK_UP) slot->was_up = true;
    if (state != SINK_DOWN && slot->state == SINK_DOWN) slot->full = false;
    slot->state = state;
    pipeline_wake(p);
}

void pipeline_recall(struct pipeline *p, struct bytes position)
{
    p->source->ops->recall(p->source, position);
}

void pipeline_ready(struct sink *s)
{
    s->slot->full = false;
    pipeline_wake(s->pipeline);
}

void pipeline_source_closed(struct source *s)
{
    s->pipeline->source_closed = true;
    pipeline_wake(s->pipeline);
}

void pipeline_sink_closed(struct sink *s)
{
    s->slot->closed = true;
    pipeline_wake(s->pipeline);
}

/* ---- the turn ---- */

static void say_running(struct pipeline *p)
{
    if (p->said_running || !p->source_up || !may_receive(p)) return;
    p->said_running = true;
    if (p->conf->part != PART_BACK) log_info(p->conf->name, "running");
}

/* Once per turn of the loop, after all its events: offers, verdicts, room. What these bring about
 * comes in a further round. */
static void turn(void *arg)
{
    struct pipeline *p = arg;
    for (size_t i = 0; i < p->slot_count && p->phase < PHASE_CLOSING_SINKS; i++)
        slot_offer(&p->slots[i]);
    settle(p);
    say_running(p);
    give_room(p);
    pipeline_publish(p);
    pipeline_advance_end(p);
}

/* ---- making and starting ---- */

/* A message that goes back and comes again must find nothing in front of it that came behind it:
 * then a lane's next one waits for the verdict on the one before. */
static enum sink_order order_at(const struct pipeline *p, enum sink_order promised)
{
    return pipeline_gives_back(p) ? ORDER_NONE : promised;
}

static bool slot_create(struct pipeline *p, const struct sink_conf *conf, struct error *e)
{
    struct sink_slot *slot = &p->slots[p->slot_count];
    const struct sink_ops *ops = conf->connector->sink;
    slot->pipeline = p;
    slot->conf = conf;
    slot->index = p->slot_count;
    enum sink_order promised = ops->promise(conf->conf).order;
    slot->order = order_at(p, promised);
    slot->ordered = promised != ORDER_NONE || p->guarantee.order_required;
    ops->describe(conf->conf, slot->name, sizeof(slot->name));
    slot->sink = ops->create(conf->conf, p, e);
    if (!slot->sink) return error_prefix(e, "sink %s", slot->name);
    slot->sink->ops = ops;
    slot->sink->pipeline = p;
    slot->sink->slot = slot;
    p->slot_count++;
    return true;
}

static bool resort_create(struct pipeline *p, const struct sink_conf *conf, struct sink_slot **slot,
                          struct error *e)
{
    if (!conf->connector) return true;
    if (!slot_create(p, conf, e)) return false;
    *slot = &p->slots[p->slot_count - 1];
    (*slot)->is_dead_letter = true;
    (*slot)->is_last_resort = slot == &p->last_resort;
    return true;
}

static bool create_sinks(struct pipeline *p, struct error *e)
{
    for (size_t i = 0; i < p->sink_count; i++)
        if (!slot_create(p, &p->conf->sinks[i], e)) return false;
    return resort_create(p, &p->conf->dead_letter, &p->dead_letter, e) &&
           resort_create(p, &p->conf->last_resort, &p->last_resort, e);
}

static bool create_source(struct pipeline *p, struct error *e)
{
    const struct source_ops *ops = p->conf->source.connector->source;
    ops->describe(p->conf->source.conf, p->source_name, sizeof(p->source_name));
    p->source = ops->create(p->conf->source.conf, p, e);
    if (!p->source) return error_prefix(e, "source %s", p->source_name);
    p->source->ops = ops;
    p->source->pipeline = p;
    return true;
}

struct pipeline *pipeline_create(const struct pipeline_conf *conf, struct loop *loop,
                                 unsigned worker)
{
    struct pipeline *p = mem_zalloc(sizeof(*p));
    size_t queues = conf->sink_count + (conf->dead_letter.connector ? 1 : 0) +
                    (conf->last_resort.connector ? 1 : 0);
    p->conf = conf;
    p->loop = loop;
    p->worker = worker;
    p->window = (unsigned)conf->max_in_flight;
    p->window_bytes = (size_t)conf->max_in_flight_bytes;
    p->sink_count = conf->sink_count;
    p->random = uv_hrtime() | 1;
    p->turn = (struct turn_task){.run = turn, .arg = p};
    p->deadline = (struct loop_timer){.run = pipeline_drain_is_over, .arg = p};
    guarantee_of(conf->part == PART_FRONT ? conf->whole : conf, &p->guarantee);
    lane_table_init(&p->lanes, p->window, queues);
    p->no_lane = lane_get(&p->lanes, 0);
    return p;
}

bool pipeline_start(struct pipeline *p, struct error *e)
{
    p->transform = transform_create(&p->conf->set_attributes, e);
    if (!p->transform && e->fault != FAULT_NONE) return error_prefix(e, "set_attributes");
    if (!create_sinks(p, e) || !create_source(p, e)) return false;
    if (p->conf->part != PART_BACK) log_info(p->conf->name, "%s", p->guarantee.text);
    for (size_t i = 0; i < p->slot_count; i++)
        if (!p->slots[i].sink->ops->start(p->slots[i].sink, e))
            return error_prefix(e, "sink %s", p->slots[i].name);
    p->phase = PHASE_RUNNING;
    if (!p->source->ops->start(p->source, e)) {
        p->phase = PHASE_NEW;
        return error_prefix(e, "source %s", p->source_name);
    }
    pipeline_wake(p);
    return true;
}

void pipeline_on_closed(struct pipeline *p, void (*closed)(struct pipeline *p, void *arg),
                        void *arg)
{
    p->on_closed = closed;
    p->closed_arg = arg;
}

void pipeline_destroy(struct pipeline *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->slot_count; i++)
        p->slots[i].sink->ops->destroy(p->slots[i].sink);
    if (p->source) p->source->ops->destroy(p->source);
    loop_cancel_task(p->loop, &p->turn);
    for (size_t i = 0; i < p->slot_count; i++)
        loop_timer_stop(p->loop, &p->no_lane->queues[i].delay);
    lane_drop(&p->lanes, p->no_lane);
    lane_table_free(&p->lanes);
    replay_free(p);
    transform_destroy(p->transform);
    free(p->settled);
    free(p);
}
