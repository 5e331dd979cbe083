/* What follows from what a sink says of a leg: the next try, its refusal (reject.c), or the end of
 * the leg. */
#include "bridge/pipeline_private.h"

static uint64_t next_random(struct pipeline *p)
{
    p->random ^= p->random << 13; /* xorshift64: jitter, nothing more */
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return p->random;
}

/* Between half and the whole of it: those who failed together don't come back together. */
uint64_t pipeline_backoff_ms(struct pipeline *p, uint64_t failures)
{
    uint64_t most = (uint64_t)p->conf->retry_max_delay, delay = (uint64_t)p->conf->retry_delay;
    for (uint64_t i = 1; i < failures && delay < most; i++)
        delay *= 2;
    if (delay > most) delay = most;
    return delay / 2 + next_random(p) % (delay / 2 + 1);
}

static uint64_t backoff_ms(struct pipeline *p, const struct leg *l, const struct error *why)
{
    uint64_t delay = pipeline_backoff_ms(p, l->returns);
    return delay > why->retry_after_ms ? delay : why->retry_after_ms;
}

void leg_unpark(struct leg *l)
{
    if (l->parked) l->slot->pipeline->parked--;
    l->parked = false;
}

static void leg_close(struct leg *l, enum verdict verdict)
{
    struct receipt *r = l->receipt;
    leg_unpark(l);
    msg_unref(l->msg);
    l->msg = NULL;
    if (verdict == VERDICT_RELEASED) r->verdict = VERDICT_RELEASED;
    if (--r->legs_open == 0) receipt_settle(r);
}

void leg_release(struct leg *l)
{
    leg_close(l, VERDICT_RELEASED);
}

void leg_end(struct leg *l)
{
    leg_close(l, VERDICT_CONFIRMED);
}

static void leg_retry(struct leg *l, const struct error *why)
{
    struct pipeline *p = l->slot->pipeline;
    if (++l->attempts < p->conf->max_attempts) {
        stats_add(&p->stats, COUNT_RETRIED, 1);
        log_limited(&l->slot->complaint, LOG_WARN, p->conf->name, "%s: %s (trying again)",
                    l->slot->name, why->text);
        slot_return(l->slot, l, backoff_ms(p, l, why));
        return;
    }
    struct error last;
    error_set(&last, FAULT_REJECT, "gave up after %u attempts: %s", l->attempts, why->text);
    leg_reject(l, last.text, DROP_ATTEMPTS);
}

/* The far end was away. While the sink says so itself, its state decides when offers go on; else a
 * delay does. */
static void leg_wait(struct leg *l, const struct error *why)
{
    bool up = l->slot->state == SINK_UP;
    slot_return(l->slot, l, up ? backoff_ms(l->slot->pipeline, l, why) : 0);
}

static void leg_failed(struct leg *l, const struct error *why)
{
    l->returns++;
    if (!l->first_failed_ms && why->fault != FAULT_DOWN) l->first_failed_ms = loop_unix_ms();
    switch (why->fault) {
    case FAULT_RETRY:
    case FAULT_NONE: /* an error that forgot its kind is worth another try */
        leg_retry(l, why);
        return;
    case FAULT_DOWN:
        leg_wait(l, why);
        return;
    case FAULT_REJECT:
        l->attempts++;
        leg_reject(l, why->text, DROP_REJECTED);
        return;
    case FAULT_CONFIG:
    case FAULT_FATAL:
        leg_park(l, why->text);
        return;
    }
}

static void leg_confirmed(struct leg *l)
{
    struct pipeline *p = l->slot->pipeline;
    if (p->replay) replay_confirmed(l);
    bool there = l->slot->is_dead_letter && !p->back; /* from a front it has a way to go yet */
    if (there) stats_add(&p->stats, COUNT_DEAD_LETTERED, 1);
    leg_end(l);
}

void leg_done(struct leg *l, const struct error *why)
{
    struct pipeline *p = l->slot->pipeline;
    struct lane_queue *q = slot_left(l);
    if (!why)
        leg_confirmed(l);
    else if (p->forced)
        leg_release(l);
    else
        leg_failed(l, why);
    slot_resume(q);
    pipeline_wake(p);
}
