/* Everything of a state that can make a difference later, as one number. Counters for people, times
 * and addresses are left out. */
#include "tests/model/model_loop.h"
#include "tests/model/world.h"

struct hash {
    uint64_t value;
};

static void mix(struct hash *h, uint64_t x)
{
    h->value = (h->value ^ x) * UINT64_C(0x9e3779b97f4a7c15);
    h->value ^= h->value >> 29;
}

static void mix_leg(struct hash *h, const struct leg *l)
{
    mix(h, l->receipt->cookie);
    mix(h, l->attempts | (uint64_t)l->parked << 8 | (uint64_t)l->slot->index << 16 |
               (uint64_t)(l->retry.slot != 0) << 24);
}

static void mix_legs(struct hash *h, const struct leg *l)
{
    for (; l; l = l->next)
        mix_leg(h, l);
    mix(h, UINT64_MAX);
}

static void mix_queue(struct hash *h, const struct lane_queue *q)
{
    mix(h, q->in_flight | (uint64_t)q->failed << 8 | (uint64_t)q->ready << 9 |
               (uint64_t)(q->delay.slot != 0) << 10);
    mix(h, q->returned ? q->returned->receipt->cookie : UINT64_MAX);
    mix_legs(h, q->head);
}

static const struct lane *find_lane(const struct pipeline *p, uint32_t id)
{
    for (size_t b = 0; b <= p->lanes.mask; b++)
        for (const struct lane *lane = p->lanes.buckets[b]; lane; lane = lane->next)
            if (lane->id == id) return lane;
    return NULL;
}

static void mix_lanes(struct hash *h, const struct pipeline *p)
{
    for (uint32_t id = 0; id <= MAX_MESSAGES; id++) {
        const struct lane *lane = find_lane(p, id);
        mix(h, lane ? lane->receipts | (uint64_t)lane->held << 8 : UINT64_MAX);
        for (size_t i = 0; lane && i < p->slot_count; i++)
            mix_queue(h, &lane->queues[i]);
    }
}

static void mix_slot(struct hash *h, const struct sink_slot *slot)
{
    mix(h, (uint64_t)slot->state | (uint64_t)slot->full << 8 | (uint64_t)slot->closed << 9);
    mix(h, slot->waiting << 8 | slot->in_flight);
    for (const struct lane_queue *q = slot->ready_head; q; q = q->ready_next)
        mix(h, q->head ? q->head->receipt->lane_id : UINT64_MAX);
    mix_legs(h, slot->delayed);
}

static void mix_core(struct hash *h, const struct pipeline *p)
{
    mix(h, (uint64_t)p->phase | (uint64_t)p->forced << 8 | (uint64_t)p->source_closed << 9 |
               (uint64_t)p->turn.armed << 10 | (uint64_t)(p->deadline.slot != 0) << 11);
    mix(h, p->in_flight | p->reserved << 8 | p->wanted << 16 | (uint64_t)p->parked << 24);
    for (size_t i = 0; i < p->slot_count; i++)
        mix_slot(h, &p->slots[i]);
    mix_lanes(h, p);
    for (size_t i = 0; i < p->settled_count; i++)
        mix(h, p->settled[i]->cookie);
    mix(h, UINT64_MAX);
}

static void mix_message(struct hash *h, const struct model_message *m)
{
    mix(h, m->emitted | (unsigned)m->settled << 1 | (unsigned)m->acknowledged << 2 |
               (unsigned)m->verdict << 3 | (unsigned)(m->receipt != NULL) << 4 |
               (unsigned)m->put_away << 5 | m->receives << 6 | m->letters << 12);
    for (unsigned i = 0; i < MAX_SINKS; i++)
        mix(h, m->fate[i]);
}

static void mix_sink(struct hash *h, const struct model_sink *s)
{
    mix(h, s->refused | (unsigned)s->broken << 1);
    for (unsigned i = 0; i < s->count; i++)
        mix_leg(h, s->legs[i]);
    mix(h, UINT64_MAX);
}

uint64_t world_signature(const struct world *w)
{
    struct hash h = {.value = 1};
    mix_core(&h, w->pipeline);
    for (unsigned i = 0; i < w->message_count; i++)
        mix_message(&h, &w->messages[i]);
    for (unsigned i = 0; i < w->sink_count; i++)
        mix_sink(&h, &w->sinks[i]);
    mix(&h, w->faults_left << 8 | (unsigned)w->stopped << 16 | (unsigned)w->closed << 17 |
                (unsigned)w->source.waits << 18 | (unsigned)w->source.stopped << 19);
    return h.value;
}
