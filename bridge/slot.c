#include <assert.h>

#include "bridge/pipeline_private.h"

enum { MAX_OFFER = 256 };

static bool keeps_order(const struct lane_queue *q)
{
    const struct sink_slot *slot = q->slot;
    return q != &slot->pipeline->no_lane->queues[slot->index];
}

static void queue_due(void *arg)
{
    struct lane_queue *q = arg;
    slot_resume(q);
    pipeline_wake(q->slot->pipeline);
}

static struct lane_queue *queue_of(struct sink_slot *slot, const struct leg *l)
{
    struct lane *lane = slot->ordered ? l->receipt->lane : slot->pipeline->no_lane;
    struct lane_queue *q = &lane->queues[slot->index];
    if (!q->slot) {
        q->slot = slot;
        q->delay.run = queue_due;
        q->delay.arg = q;
    }
    return q;
}

/* Whether the sink's kind of order lets a leg of this queue go now. */
static bool may_go(const struct lane_queue *q)
{
    if (!q->head || q->failed) return false;
    return !keeps_order(q) || q->slot->order == ORDER_STREAM || q->in_flight == 0;
}

static void mark_ready(struct lane_queue *q)
{
    struct sink_slot *slot = q->slot;
    if (q->ready || !may_go(q)) return;
    q->ready = true;
    q->ready_next = NULL;
    if (slot->ready_tail)
        slot->ready_tail->ready_next = q;
    else
        slot->ready_head = q;
    slot->ready_tail = q;
}

static struct lane_queue *next_ready(struct sink_slot *slot)
{
    struct lane_queue *q = slot->ready_head;
    if (!q) return NULL;
    slot->ready_head = q->ready_next;
    if (!slot->ready_head) slot->ready_tail = NULL;
    q->ready = false;
    return q;
}

void slot_add(struct sink_slot *slot, struct leg *l)
{
    struct lane_queue *q = queue_of(slot, l);
    l->slot = slot;
    slot->waiting++;
    lane_queue_append(q, l);
    mark_ready(q);
}

static void delayed_unlink(struct sink_slot *slot, struct leg *l)
{
    if (l->next) l->next->prev = l->prev;
    if (l->prev)
        l->prev->next = l->next;
    else
        slot->delayed = l->next;
}

static void leg_due(void *arg)
{
    struct leg *l = arg;
    struct sink_slot *slot = l->slot;
    delayed_unlink(slot, l);
    lane_queue_append(queue_of(slot, l), l);
    mark_ready(queue_of(slot, l));
    pipeline_wake(slot->pipeline);
}

static void delay_leg(struct sink_slot *slot, struct leg *l, uint64_t after_ms)
{
    l->prev = NULL;
    l->next = slot->delayed;
    if (l->next) l->next->prev = l;
    slot->delayed = l;
    l->retry.run = leg_due;
    l->retry.arg = l;
    loop_timer_start(slot->pipeline->loop, &l->retry, after_ms);
}

/* A leg that keeps its order holds its whole lane back; any other waits alone. */
void slot_return(struct sink_slot *slot, struct leg *l, uint64_t after_ms)
{
    struct lane_queue *q = queue_of(slot, l);
    struct loop *loop = slot->pipeline->loop;
    slot->waiting++;
    if (!keeps_order(q) && after_ms) {
        delay_leg(slot, l, after_ms);
        return;
    }
    lane_queue_return(q, l);
    if (!keeps_order(q)) return;
    q->failed = true;
    bool later = !q->delay.slot || q->delay.due_ms < loop_now_ms(loop) + after_ms;
    if (after_ms && later) loop_timer_start(loop, &q->delay, after_ms);
}

struct lane_queue *slot_left(struct leg *l)
{
    struct lane_queue *q = queue_of(l->slot, l);
    assert(q->in_flight > 0);
    q->in_flight--;
    l->slot->in_flight--;
    return q;
}

void slot_resume(struct lane_queue *q)
{
    if (q->in_flight == 0 && !q->delay.slot) q->failed = false;
    mark_ready(q);
}

static void take(struct sink_slot *slot, struct lane_queue *q)
{
    slot->waiting--;
    slot->in_flight++;
    q->in_flight++;
}

static size_t gather(struct sink_slot *slot, struct leg **legs, size_t max)
{
    size_t n = 0;
    struct lane_queue *q;
    while (n < max && (q = next_ready(slot))) {
        size_t quota = keeps_order(q) && slot->order == ORDER_NONE ? 1 : max - n;
        while (quota-- && q->head) {
            legs[n++] = lane_queue_pop(q);
            take(slot, q);
        }
        mark_ready(q);
    }
    return n;
}

static void put_back(struct sink_slot *slot, struct leg *l)
{
    struct lane_queue *q = slot_left(l);
    slot->waiting++;
    lane_queue_return(q, l);
    mark_ready(q);
}

/* One submit(). False: there is nothing to offer, or no room for it. */
static bool offer_once(struct sink_slot *slot)
{
    struct leg *legs[MAX_OFFER];
    size_t max = slot->sink->ops->max_batch < MAX_OFFER ? slot->sink->ops->max_batch : MAX_OFFER;
    size_t n = gather(slot, legs, max);
    if (!n) return false;
    size_t taken = slot->sink->ops->submit(slot->sink, legs, n);
    assert(taken <= n);
    while (n > taken)
        put_back(slot, legs[--n]); /* those taken may be gone already */
    slot->full = taken == 0;
    return taken > 0;
}

void slot_offer(struct sink_slot *slot)
{
    bool more = true;
    while (more && slot->state != SINK_DOWN && !slot->full) {
        if (slot->state == SINK_TRY && slot->in_flight) return;
        more = offer_once(slot);
    }
}

struct leg *slot_take_waiting(struct sink_slot *slot)
{
    struct leg *l = slot->delayed;
    if (l) {
        delayed_unlink(slot, l);
        loop_timer_stop(slot->pipeline->loop, &l->retry);
        slot->waiting--;
        return l;
    }
    /* Lanes that are held back are not on the ready list, so all lanes are looked through: once, at
     * the end. */
    const struct lane_table *lanes = &slot->pipeline->lanes;
    for (size_t b = 0; b <= lanes->mask; b++)
        for (struct lane *lane = lanes->buckets[b]; lane; lane = lane->next) {
            l = lane_queue_pop(&lane->queues[slot->index]);
            if (!l) continue;
            slot->waiting--;
            return l;
        }
    return NULL;
}

/* A lane may end while its queue is on the list: nobody takes it from there while the sink is down.
 */
static void forget_ready(struct lane_queue *q)
{
    struct sink_slot *slot = q->slot;
    struct lane_queue **at = &slot->ready_head, *before = NULL;
    while (*at != q) {
        before = *at;
        at = &before->ready_next;
    }
    *at = q->ready_next;
    if (slot->ready_tail == q) slot->ready_tail = before;
    q->ready = false;
}

struct leg *slot_take_behind(struct sink_slot *slot, const struct leg *l)
{
    struct lane_queue *q = &l->receipt->lane->queues[slot->index];
    struct leg *last = NULL, *first = q->head;
    while (first && (first->seq < l->seq || first->receipt == l->receipt)) {
        last = first;
        first = first->next;
    }
    if (!first) return NULL;
    if (last)
        last->next = NULL;
    else
        q->head = NULL;
    q->tail = last;
    q->returned = NULL;
    if (q->ready && !q->head) forget_ready(q);
    for (const struct leg *taken = first; taken; taken = taken->next)
        slot->waiting--;
    return first;
}
