#include "bridge/replay.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/pipeline_private.h"

enum { LOOK_MS = 50 };

struct replay {
    struct pipeline *pipeline;
    struct replay_options options;
    struct replay_counts counts;
    char run[17];
    struct receipt *held; /* of letters that stay; they are given back at the end */
    unsigned held_count;
    bool was_up;
    uint64_t quiet_since_ms;
    struct loop_timer look;
    struct buf scratch;
};

/* ---- the end ---- */

/* A letter that its sink and the dead-letter sink have refused stays, too. */
static bool is_busy(const struct replay *r)
{
    const struct pipeline *p = r->pipeline;
    return p->in_flight > r->held_count + p->parked;
}

static bool is_full(const struct replay *r)
{
    return r->options.limit && r->counts.sent >= r->options.limit;
}

static void look(void *arg)
{
    struct replay *r = arg;
    struct pipeline *p = r->pipeline;
    uint64_t now = loop_now_ms(p->loop);
    r->was_up |= p->source_up;
    if (is_busy(r) || !r->was_up) r->quiet_since_ms = now;
    bool over = is_full(r) ? !is_busy(r) : now - r->quiet_since_ms >= r->options.idle_ms;
    if (p->phase == PHASE_RUNNING && over) {
        if (p->parked)
            pipeline_stop(p);
        else
            pipeline_source_finished(p->source);
    }
    if (p->phase == PHASE_RUNNING) loop_timer_start(p->loop, &r->look, LOOK_MS);
}

/* The source stops: what it was to keep goes back to it. */
void replay_drain(struct pipeline *p)
{
    struct replay *r = p->replay;
    loop_timer_stop(p->loop, &r->look);
    while (r->held) {
        struct receipt *held = r->held;
        r->held = held->next;
        r->held_count--;
        held->verdict = VERDICT_RELEASED;
        receipt_settle(held);
    }
}

/* ---- what becomes of a letter ---- */

static void hold(struct replay *r, struct receipt *receipt)
{
    struct pipeline *p = r->pipeline;
    if (p->phase != PHASE_RUNNING) {
        receipt->verdict = VERDICT_RELEASED;
        receipt_settle(receipt);
        return;
    }
    p->bytes -= receipt->size; /* it costs no more than its receipt */
    receipt->size = 0;
    receipt->next = r->held;
    r->held = receipt;
    r->held_count++;
}

static struct sink_slot *dead_letters(const struct pipeline *p)
{
    return p->dead_letter ? p->dead_letter : p->last_resort;
}

/* Behind the end of a log, marked so that it is not taken for another one. */
static void put_back(struct replay *r, const struct arrival *a, const struct dead_letter *d)
{
    struct dead_letter again = *d;
    again.run = bytes_str(r->run);
    struct msg *opened = dead_letter_open(a->msg, d);
    char *position = mem_printf("%.*s/%s", BYTES_ARGS(d->origin), r->run);
    struct msg *letter = dead_letter_write(opened, &again, bytes_str(position));
    struct sink_slot *to = dead_letters(r->pipeline);
    pipeline_deliver(r->pipeline, a, letter, &to, 1);
    msg_unref(letter);
    msg_unref(opened);
    free(position);
}

/* The sink that refused it; a letter that names none of ours goes to all. Returns how many. */
static size_t slots_of(struct pipeline *p, const struct dead_letter *d, struct sink_slot **slots)
{
    for (size_t i = 0; i < p->sink_count; i++) {
        slots[i] = &p->slots[i];
        if (!bytes_eq(d->sink, bytes_str(p->slots[i].name))) continue;
        slots[0] = &p->slots[i];
        return 1;
    }
    return p->sink_count;
}

static void send_again(struct replay *r, struct arrival *a, const struct dead_letter *d)
{
    struct sink_slot *slots[PIPELINE_MAX_SINKS];
    size_t n = slots_of(r->pipeline, d, slots);
    struct msg *opened = dead_letter_open(a->msg, d);
    r->counts.sent++;
    a->lane_id = (uint32_t)d->lane;
    pipeline_deliver(r->pipeline, a, opened, slots, n)->letter = msg_ref(a->msg);
    msg_unref(opened);
}

static struct receipt *without_legs(struct replay *r, struct arrival *a)
{
    a->lane_id = 0;
    return pipeline_deliver(r->pipeline, a, a->msg, NULL, 0);
}

static bool is_asked_for(const struct replay *r, const struct dead_letter *d)
{
    const char *match = r->options.match;
    return !match || (d->reason.len && memmem(d->reason.ptr, d->reason.len, match, strlen(match)));
}

static void take_own(struct replay *r, struct arrival *a, const struct dead_letter *d)
{
    bool of_this_run = bytes_eq(d->run, bytes_str(r->run));
    if (of_this_run) {
        hold(r, without_legs(r, a));
        return;
    }
    r->counts.seen++;
    bool full = is_full(r), asked_for = is_asked_for(r, d);
    if (r->options.look && asked_for && !full) {
        r->counts.sent++;
        r->options.look(r->options.arg, d, a->msg);
        hold(r, without_legs(r, a));
    } else if (!full && asked_for) {
        send_again(r, a, d);
    } else {
        r->counts.left++;
        if (full || r->options.selective || r->options.look)
            hold(r, without_legs(r, a));
        else
            put_back(r, a, d);
    }
}

/* In a log each pipeline has a position of its own: what is not ours is passed by. */
static void take_foreign(struct replay *r, struct arrival *a)
{
    struct receipt *receipt = without_legs(r, a);
    r->counts.foreign++;
    if (r->options.selective || r->options.look)
        hold(r, receipt);
    else
        receipt_settle(receipt);
}

void replay_take(struct pipeline *p, struct arrival *a)
{
    struct replay *r = p->replay;
    struct dead_letter d;
    bool own =
        dead_letter_read(a->msg, &d, &r->scratch) && bytes_eq(d.pipeline, bytes_str(p->conf->name));
    r->quiet_since_ms = loop_now_ms(p->loop);
    if (own)
        take_own(r, a, &d);
    else
        take_foreign(r, a);
}

void replay_confirmed(const struct leg *l)
{
    struct replay *r = l->slot->pipeline->replay;
    if (!l->receipt->letter || l->receipt->legs_open > 1) return;
    if (l->slot->is_dead_letter)
        r->counts.failed_again++;
    else
        r->counts.replayed++;
}

void replay_remember(const struct leg *l, struct dead_letter *d, struct buf *scratch)
{
    struct dead_letter before;
    const struct replay *r = l->slot->pipeline->replay;
    if (!l->receipt->letter || !dead_letter_read(l->receipt->letter, &before, scratch)) return;
    d->source = before.source;
    d->attempts += before.attempts;
    d->lane = before.lane;
    if (before.first_ms) d->first_ms = before.first_ms;
    if (r) d->run = bytes_str(r->run);
}

/* ---- making ---- */

void pipeline_replay(struct pipeline *p, const struct replay_options *options)
{
    struct replay *r = mem_zalloc(sizeof(*r));
    p->replay = r;
    r->pipeline = p;
    r->options = *options;
    r->look = (struct loop_timer){.run = look, .arg = r};
    r->quiet_since_ms = loop_now_ms(p->loop);
    snprintf(r->run, sizeof(r->run), "%016llx",
             (unsigned long long)p->random ^ (unsigned long long)loop_unix_ms() << 20);
    loop_timer_start(p->loop, &r->look, LOOK_MS);
}

const struct replay_counts *pipeline_replay_counts(const struct pipeline *p)
{
    return &p->replay->counts;
}

void replay_free(struct pipeline *p)
{
    if (!p->replay) return;
    loop_timer_stop(p->loop, &p->replay->look);
    free(p->replay->scratch.ptr);
    free(p->replay);
}
