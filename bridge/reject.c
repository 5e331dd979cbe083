/* What becomes of a message that a sink refuses for good: it goes to the dead-letter sink; where
 * that refuses it too, to the dead-letter file; and where there is nothing (more), it is held,
 * dropped, or given back to the source, as the pipeline says. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/dead_letter.h"
#include "bridge/pipeline_private.h"

enum { LINES = 10, LINES_EVERY_MS = 1000, STUCK_EVERY_MS = 30000 };

/* ---- what is said ---- */

/* Every refusal differs in its text, and there may be thousands a second. Returns whether there is
 * room for a line; *left_out: how many found none since the last one. */
static bool may_say(struct pipeline *p, unsigned *left_out)
{
    uint64_t now = loop_now_ms(p->loop);
    if (now >= p->refusals.next_ms) {
        p->refusals.said = 0;
        p->refusals.next_ms = now + LINES_EVERY_MS;
    }
    if (p->refusals.said == LINES) {
        p->refusals.left_out++;
        return false;
    }
    p->refusals.said++;
    *left_out = p->refusals.left_out;
    p->refusals.left_out = 0;
    return true;
}

static void say_where_to(const struct leg *l, const char *where, const char *reason)
{
    struct pipeline *p = l->slot->pipeline;
    char more[48] = "";
    unsigned left_out;
    if (!may_say(p, &left_out)) return;
    if (left_out) snprintf(more, sizeof(more), " (and %u more like it before)", left_out);
    log_warn(p->conf->name, "message %.*s %s: %s: %s%s", BYTES_ARGS(l->msg->position), where,
             l->slot->name, reason, more);
}

/* The lane as its source knows it. */
static struct bytes lane_name(const struct leg *l)
{
    if (!l->receipt->lane_id) return BYTES_NONE;
    return l->msg->key.len ? l->msg->key : l->msg->topic;
}

static void complain_stuck(const struct leg *l, const char *reason)
{
    struct pipeline *p = l->slot->pipeline;
    const char *cure = p->dead_letter ? "" : ", or give the pipeline a dead_letter sink";
    struct bytes lane = lane_name(l);
    int64_t age_ms = l->first_failed_ms ? loop_unix_ms() - l->first_failed_ms : 0;
    p->stuck_again_ms = loop_now_ms(p->loop) + STUCK_EVERY_MS;
    if (p->parked > 1) {
        log_limited(&p->stuck, LOG_ERROR, p->conf->name, "more messages are stuck at %s: %s",
                    l->slot->name, reason);
        return;
    }
    log_limited(&p->stuck, LOG_ERROR, p->conf->name,
                "message %.*s%s%.*s%s is stuck at %s for %lld s, and the source is stopped: %s "
                "(mend the cause%s; it is tried again every %lld s)",
                BYTES_ARGS(l->msg->position), lane.len ? " (lane " : "",
                (int)(lane.len < 100 ? lane.len : 100), lane.len ? (const char *)lane.ptr : "",
                lane.len ? ")" : "", l->slot->name, (long long)age_ms / 1000, reason, cure,
                (long long)p->conf->retry_max_delay / 1000);
}

/* ---- what is done ---- */

/* Nothing can be done but by somebody who acts: the message stays, the source stops, and it is
 * tried at the slowest pace. */
void leg_park(struct leg *l, const char *reason)
{
    struct pipeline *p = l->slot->pipeline;
    bool again = l->parked;
    if (!again) p->parked++;
    l->parked = true;
    if (!again || loop_now_ms(p->loop) >= p->stuck_again_ms) complain_stuck(l, reason);
    slot_return(l->slot, l, (uint64_t)p->conf->retry_max_delay);
}

static void leg_drop(struct leg *l, const char *reason, enum drop_reason why)
{
    struct pipeline *p = l->slot->pipeline;
    stats_drop(&p->stats, why);
    say_where_to(l, "is dropped (on_reject)", reason);
    leg_end(l);
}

/* ---- back to the source ---- */

static void give_back_behind(struct sink_slot *slot, const struct leg *l)
{
    struct leg *behind = slot_take_behind(slot, l), *next;
    for (; behind; behind = next) {
        next = behind->next;
        leg_release(behind);
    }
}

/* It comes again, and what is behind it in its lane must not get ahead of it. */
static void stop_lane(struct leg *l)
{
    struct pipeline *p = l->slot->pipeline;
    const struct source *s = p->source;
    if (s->ops->comes_again && !s->ops->comes_again(s, l->receipt->cookie)) return;
    for (size_t i = 0; i < p->sink_count; i++)
        if (p->slots[i].ordered) give_back_behind(&p->slots[i], l);
}

static void leg_give_back(struct leg *l, const char *reason)
{
    struct pipeline *p = l->slot->pipeline;
    if (!l->receipt->refused) stats_add(&p->stats, COUNT_RELEASED_REJECTED, 1);
    l->receipt->refused = true;
    say_where_to(l, "goes back to the source", reason);
    if (l->slot->ordered && l->receipt->lane_id) stop_lane(l);
    leg_release(l);
}

/* ---- the dead letter ---- */

/* The same message may be refused by several sinks, and again in a replay: its letters differ in
 * their position, so that no FIFO queue takes one for another. */
static struct msg *wrap(const struct leg *l, const char *reason)
{
    const struct pipeline *p = l->slot->pipeline;
    const struct msg *m = l->msg;
    int64_t now = loop_unix_ms();
    struct buf scratch = {0};
    char *position;
    struct dead_letter d = {
        .reason = bytes_str(reason),
        .pipeline = bytes_str(p->conf->name),
        .source = bytes_str(p->front ? p->front->source_name : p->source_name),
        .origin = m->position,
        .sink = bytes_str(l->slot->name),
        .key = m->key,
        .topic = m->topic,
        .attempts = l->attempts,
        .first_ms = l->first_failed_ms ? l->first_failed_ms : now,
        .last_ms = now,
        .timestamp_ms = m->timestamp_ms,
        .lane = l->receipt->lane_id,
        .no_body = m->body.ptr == NULL,
    };
    replay_remember(l, &d, &scratch);
    if (m->position.len)
        position = mem_printf("%.*s/%zu/%lld", BYTES_ARGS(m->position), l->slot->index,
                              (long long)d.attempts);
    else
        position = mem_strdup("");
    struct msg *letter = dead_letter_write(m, &d, bytes_str(position));
    free(position);
    free(scratch.ptr);
    return letter;
}

static void leg_dead_letter(struct leg *l, const char *reason, struct sink_slot *to)
{
    say_where_to(
        l, to->is_last_resort ? "goes to the dead-letter file" : "goes to the dead-letter sink",
        reason);
    leg_unpark(l);
    if (!l->slot->is_dead_letter) {
        struct msg *letter = wrap(l, reason);
        msg_unref(l->msg);
        l->msg = letter;
    }
    l->attempts = l->returns = 0;
    slot_add(to, l);
}

static struct sink_slot *next_resort(const struct leg *l)
{
    const struct pipeline *p = l->slot->pipeline;
    if (!l->slot->is_dead_letter) return p->dead_letter ? p->dead_letter : p->last_resort;
    return l->slot->is_last_resort ? NULL : p->last_resort;
}

void leg_reject(struct leg *l, const char *reason, enum drop_reason why)
{
    struct pipeline *p = l->slot->pipeline;
    struct sink_slot *to = next_resort(l);
    if (!l->parked) stats_add(&p->stats, COUNT_REJECTED, 1);
    if (to)
        leg_dead_letter(l, reason, to);
    else if (p->conf->on_reject == ON_REJECT_DROP)
        leg_drop(l, reason, why);
    else if (pipeline_gives_back(p))
        leg_give_back(l, reason);
    else
        leg_park(l, reason);
}
