/* What can happen, and what it does. */
#include "tests/model/model_loop.h"
#include "tests/model/world.h"

/* ---- what can happen ---- */

struct list {
    struct event *events;
    size_t count;
};

static void add(struct list *l, enum event_kind kind, unsigned a, unsigned b)
{
    if (l->count == MAX_EVENTS) world_complain("MAX_EVENTS is too small");
    l->events[l->count++] = (struct event){kind, a, b};
}

static bool is_first_of_lane(const struct model_sink *s, unsigned i)
{
    uint32_t lane = s->legs[i]->receipt->lane_id;
    for (unsigned k = 0; k < i; k++)
        if (s->legs[k]->receipt->lane_id == lane) return false;
    return true;
}

/* A stream tells the fate of its messages in their order, and what follows a failure fails too. */
static bool is_stream(const struct model_sink *s, const struct leg *l)
{
    const struct model_conf *conf = s->world->conf;
    return s->index < conf->sinks && conf->order[s->index] == ORDER_STREAM && l->receipt->lane_id;
}

static bool is_broken(const struct model_sink *s, const struct leg *l)
{
    return is_stream(s, l) && (s->broken & 1 << l->receipt->lane_id);
}

static void add_verdicts(const struct model_sink *s, unsigned i, struct list *list)
{
    const struct leg *l = s->legs[i];
    unsigned cookie = (unsigned)l->receipt->cookie;
    if (is_stream(s, l) && !is_first_of_lane(s, i)) return;
    bool broken = is_broken(s, l), down = s->base.slot->state == SINK_DOWN;
    if (!broken) add(list, EVENT_CONFIRM, s->index, cookie);
    if (s->world->faults_left || broken || down) add(list, EVENT_AWAY, s->index, cookie);
    if (!s->world->faults_left) return;
    add(list, EVENT_RETRY, s->index, cookie);
    if (!broken) add(list, EVENT_REJECT, s->index, cookie);
}

static void add_states(const struct model_sink *s, struct list *list)
{
    enum sink_state state = s->base.slot->state;
    if (state == SINK_DOWN) add(list, EVENT_SINK, s->index, SINK_TRY);
    if (state != SINK_UP) add(list, EVENT_SINK, s->index, SINK_UP);
    if (state != SINK_DOWN && s->world->faults_left) add(list, EVENT_SINK, s->index, SINK_DOWN);
}

static bool can_emit(const struct world *w)
{
    return world_next(w) < w->message_count && !w->source.waits && !w->source.stopped;
}

size_t world_events(const struct world *w, struct event events[MAX_EVENTS])
{
    struct list list = {events, 0};
    if (w->closed) return 0;
    if (model_loop_turn_is_due(w->loop)) add(&list, EVENT_TURN, 0, 0);
    if (can_emit(w)) add(&list, EVENT_EMIT, world_next(w), 0);
    for (unsigned i = 0; i < w->message_count; i++)
        if (w->messages[i].receipt) add(&list, EVENT_ACKNOWLEDGE, i, 0);
    for (unsigned i = 0; i < w->sink_count && w->pipeline->phase < PHASE_CLOSING_SINKS; i++) {
        for (unsigned k = 0; k < w->sinks[i].count; k++)
            add_verdicts(&w->sinks[i], k, &list);
        add_states(&w->sinks[i], &list);
    }
    for (unsigned i = 0; i < model_loop_timers(w->loop); i++)
        add(&list, EVENT_TIMER, i, 0);
    if (w->conf->may_stop && !w->stopped) add(&list, EVENT_STOP, 0, 0);
    return list.count;
}

/* ---- what it does ---- */

static void emit(struct world *w)
{
    struct pipeline *p = w->pipeline;
    unsigned next = world_next(w);
    char body = (char)('0' + next);
    struct msg_draft draft = {.body = bytes_of(&body, 1), .position = bytes_of(&body, 1)};
    if (!pipeline_reserve(p, 1)) {
        w->source.waits = true;
        return;
    }
    PROMISE(!w->source.stopped);
    for (unsigned i = 0; i < w->conf->sinks; i++)
        PROMISE(w->sinks[i].base.slot->state == SINK_UP);
    struct model_message *m = &w->messages[next];
    *m = (struct model_message){.emitted = true, .receives = m->receives + w->conf->release};
    pipeline_emit(p, msg_new(&draft), next, world_lane(w, next));
    unsigned in_flight = 0;
    for (unsigned i = 0; i < w->message_count; i++)
        in_flight += w->messages[i].emitted && !w->messages[i].acknowledged;
    PROMISE(in_flight <= w->conf->window);
}

static struct leg *take_leg(struct model_sink *s, unsigned cookie)
{
    unsigned i = 0;
    while (s->legs[i]->receipt->cookie != cookie)
        i++;
    struct leg *l = s->legs[i];
    s->count--;
    for (; i < s->count; i++)
        s->legs[i] = s->legs[i + 1];
    return l;
}

static bool has_lane(const struct model_sink *s, uint32_t lane)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->legs[i]->receipt->lane_id == lane) return true;
    return false;
}

static void spend(struct world *w, bool free_of_charge)
{
    if (!free_of_charge && w->faults_left) w->faults_left--;
}

static bool is_last_attempt(const struct world *w, const struct leg *l)
{
    return l->attempts + 1 >= w->pipeline_conf.max_attempts;
}

/* With a dead-letter sink, a refusal is the end of a message at this one, and where it goes back,
 * until it comes again. */
static void set_fate(struct model_sink *s, const struct leg *l, enum fault fault)
{
    struct world *w = s->world;
    bool refused = fault == FAULT_REJECT || (fault == FAULT_RETRY && is_last_attempt(w, l));
    bool letter = (w->conf->dead_letter || w->conf->release) && s->index < w->conf->sinks;
    struct model_message *m = &w->messages[l->receipt->cookie];
    if (s->index == w->conf->sinks) m->letters += fault == FAULT_NONE;
    m->fate[s->index] = fault == FAULT_NONE ? FATE_CONFIRMED
                        : refused && letter ? FATE_REFUSED
                                            : FATE_WAITING;
}

static void end_leg(struct model_sink *s, unsigned cookie, enum fault fault)
{
    struct error e;
    struct leg *l = take_leg(s, cookie);
    uint32_t lane = l->receipt->lane_id;
    bool broken = is_broken(s, l);
    spend(s->world, fault == FAULT_NONE || broken || s->base.slot->state == SINK_DOWN);
    bool breaks = fault == FAULT_RETRY || fault == FAULT_DOWN;
    if (is_stream(s, l) && breaks) s->broken |= (uint8_t)(1 << lane);
    if (!has_lane(s, lane)) s->broken &= (uint8_t) ~(1 << lane);
    set_fate(s, l, fault);
    error_set(&e, fault, "by the model");
    leg_done(l, fault == FAULT_NONE ? NULL : &e);
    if (s->refused) pipeline_ready(&s->base);
    s->refused = false;
}

static void set_state(struct model_sink *s, enum sink_state state)
{
    struct error e;
    error_set(&e, FAULT_DOWN, "by the model");
    spend(s->world, state != SINK_DOWN);
    pipeline_sink_state(&s->base, state, state == SINK_DOWN ? &e : NULL);
}

static void stop(struct world *w)
{
    w->stopped = true;
    pipeline_stop(w->pipeline);
}

void world_apply(struct world *w, struct event e)
{
    switch (e.kind) {
    case EVENT_TURN:
        model_loop_turn(w->loop);
        return;
    case EVENT_EMIT:
        emit(w);
        return;
    case EVENT_ACKNOWLEDGE:
        world_acknowledge(w, &w->messages[e.a]);
        return;
    case EVENT_CONFIRM:
        end_leg(&w->sinks[e.a], e.b, FAULT_NONE);
        return;
    case EVENT_RETRY:
        end_leg(&w->sinks[e.a], e.b, FAULT_RETRY);
        return;
    case EVENT_AWAY:
        end_leg(&w->sinks[e.a], e.b, FAULT_DOWN);
        return;
    case EVENT_REJECT:
        end_leg(&w->sinks[e.a], e.b, FAULT_REJECT);
        return;
    case EVENT_SINK:
        set_state(&w->sinks[e.a], (enum sink_state)e.b);
        return;
    case EVENT_TIMER:
        model_loop_fire(w->loop, model_loop_timer(w->loop, e.a));
        return;
    case EVENT_STOP:
        stop(w);
        return;
    }
}

/* ---- the fair end ---- */

static bool is_good(const struct world *w, struct event e)
{
    if (e.kind == EVENT_SINK) return e.b == SINK_UP;
    if (e.kind == EVENT_AWAY) return is_broken(&w->sinks[e.a], w->sinks[e.a].legs[0]);
    return e.kind != EVENT_RETRY && e.kind != EVENT_REJECT && e.kind != EVENT_STOP;
}

/* The drain's deadline is the last resort: an end that needs it is none. */
static bool is_deadline(const struct world *w, struct event e)
{
    return e.kind == EVENT_TIMER && model_loop_timer(w->loop, e.a) == &w->pipeline->deadline;
}

static bool step(struct world *w)
{
    struct event events[MAX_EVENTS];
    size_t count = world_events(w, events);
    for (size_t i = 0; i < count; i++)
        if (is_good(w, events[i]) && !is_deadline(w, events[i])) {
            world_apply(w, events[i]);
            return true;
        }
    return false;
}

static bool all_acknowledged(const struct world *w)
{
    for (unsigned i = 0; i < w->message_count; i++) {
        const struct model_message *m = &w->messages[i];
        if (!m->acknowledged) return false;
        if (m->verdict != VERDICT_CONFIRMED && !m->put_away) return false;
    }
    return true;
}

void world_finish(struct world *w)
{
    unsigned steps = 0;
    w->faults_left = 0;
    while (step(w))
        PROMISE(steps++ < 1000);
    PROMISE(w->stopped || all_acknowledged(w));
    if (!w->stopped) stop(w);
    while (step(w))
        PROMISE(steps++ < 1000);
    PROMISE(w->closed);
    for (unsigned i = 0; i < w->message_count; i++)
        PROMISE(w->messages[i].emitted == w->messages[i].acknowledged);
}
