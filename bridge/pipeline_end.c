/* The end of a pipeline: drain, sinks, source. */
#include <assert.h>

#include "bridge/pipeline_private.h"
#include "bridge/pipeline_run.h"

static void flush_sinks(struct pipeline *p)
{
    for (size_t i = 0; i < p->slot_count; i++) {
        struct sink *sink = p->slots[i].sink;
        if (p->slots[i].in_flight && sink->ops->flush) sink->ops->flush(sink);
    }
}

static void close_sinks(struct pipeline *p)
{
    p->phase = PHASE_CLOSING_SINKS;
    for (size_t i = 0; i < p->slot_count; i++) {
        struct sink_slot *slot = &p->slots[i];
        struct leg *l;
        while ((l = slot_take_waiting(slot)))
            leg_release(l);
        slot->ready_head = slot->ready_tail = NULL; /* of lanes that end now */
        slot->state = SINK_DOWN;
        if (slot->sink)
            slot->sink->ops->close(slot->sink);
        else
            slot->closed = true;
    }
}

static bool sinks_closed(const struct pipeline *p)
{
    for (size_t i = 0; i < p->slot_count; i++)
        if (!p->slots[i].closed) return false;
    return true;
}

static void close_source(struct pipeline *p)
{
    p->phase = PHASE_CLOSING_SOURCE;
    if (p->source)
        p->source->ops->close(p->source);
    else
        p->source_closed = true;
}

static void finish(struct pipeline *p)
{
    assert(p->in_flight == 0);
    p->phase = PHASE_CLOSED;
    loop_timer_stop(p->loop, &p->deadline);
    if (p->on_closed) p->on_closed(p, p->closed_arg);
}

/* One step of the end per turn, as far as it has come. */
void pipeline_advance_end(struct pipeline *p)
{
    switch (p->phase) {
    case PHASE_NEW:
    case PHASE_RUNNING:
    case PHASE_CLOSED:
        return;
    case PHASE_DRAINING:
        if (p->in_flight)
            flush_sinks(p);
        else
            close_sinks(p);
        break;
    case PHASE_CLOSING_SINKS:
        if (sinks_closed(p)) close_source(p);
        break;
    case PHASE_CLOSING_SOURCE:
        if (p->source_closed) finish(p);
        return;
    }
    if (p->phase != PHASE_DRAINING) pipeline_wake(p);
}

static void force_end(struct pipeline *p)
{
    p->forced = true;
    close_sinks(p);
    pipeline_wake(p);
}

void pipeline_drain_is_over(void *arg)
{
    struct pipeline *p = arg;
    if (p->phase != PHASE_DRAINING) return;
    log_warn(p->conf->name,
             "%u messages were not confirmed and acknowledged within drain_timeout: they %s, and "
             "will be delivered again",
             p->in_flight, p->conf->part == PART_BACK ? "stay in the store" : "are released");
    force_end(p);
}

static void drain(struct pipeline *p)
{
    if (p->phase != PHASE_RUNNING) return;
    p->phase = PHASE_DRAINING;
    p->source->ops->stop(p->source);
    if (p->replay) replay_drain(p);
    pipeline_wake(p);
}

void pipeline_source_finished(struct source *s)
{
    drain(s->pipeline);
}

static void fail(struct pipeline *p, const char *side, const char *name, const struct error *why,
                 int64_t drain_ms)
{
    if (p->failed) return;
    p->failed = true;
    p->failure = *why;
    error_prefix(&p->failure, "%s %s", side, name);
    log_error(p->conf->name, "%s: the pipeline ends", p->failure.text);
    drain(p);
    if (p->phase == PHASE_DRAINING && !p->deadline.slot)
        loop_timer_start(p->loop, &p->deadline, (uint64_t)drain_ms);
}

void pipeline_source_failed(struct source *s, const struct error *why)
{
    struct pipeline *p = s->pipeline;
    fail(p, "source", p->source_name, why, p->conf->drain_timeout);
}

/* Nothing of its own will be confirmed any more; the other sinks get their time. */
void pipeline_sink_failed(struct sink *s, const struct error *why)
{
    struct pipeline *p = s->pipeline;
    fail(p, "sink", s->slot->name, why, p->sink_count > 1 ? p->conf->drain_timeout : 0);
}

const struct error *pipeline_failure(const struct pipeline *p)
{
    return p->failed ? &p->failure : NULL;
}

void pipeline_stop(struct pipeline *p)
{
    if (p->phase == PHASE_NEW) {
        force_end(p);
        return;
    }
    drain(p);
    if (p->phase == PHASE_DRAINING && !p->deadline.slot)
        loop_timer_start(p->loop, &p->deadline, (uint64_t)p->conf->drain_timeout);
}

void pipeline_abort(struct pipeline *p)
{
    if (p->phase == PHASE_NEW) force_end(p);
    drain(p);
    if (p->phase == PHASE_DRAINING) force_end(p);
}
