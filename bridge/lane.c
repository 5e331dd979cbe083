#include "bridge/lane.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_BUCKETS = 65536 };

void lane_table_init(struct lane_table *t, size_t window, size_t queue_count)
{
    size_t buckets = 16;
    while (buckets < window && buckets < MAX_BUCKETS)
        buckets *= 2;
    t->buckets = mem_zalloc(buckets * sizeof(struct lane *));
    t->mask = buckets - 1;
    t->queue_count = queue_count;
}

void lane_table_free(struct lane_table *t)
{
    free(t->buckets);
}

/* Lane ids are hashes: any bits of theirs spread well. */
static struct lane **bucket_of(const struct lane_table *t, uint32_t id)
{
    return &t->buckets[(id ^ (id >> 16)) & t->mask];
}

struct lane *lane_get(struct lane_table *t, uint32_t id)
{
    struct lane **bucket = bucket_of(t, id);
    for (struct lane *lane = *bucket; lane; lane = lane->next)
        if (lane->id == id) return lane;
    struct lane *lane = mem_zalloc(sizeof(*lane) + t->queue_count * sizeof(lane->queues[0]));
    lane->id = id;
    lane->next = *bucket;
    *bucket = lane;
    return lane;
}

void lane_drop(struct lane_table *t, struct lane *lane)
{
    struct lane **at = bucket_of(t, lane->id);
    while (*at != lane)
        at = &(*at)->next;
    *at = lane->next;
    free(lane);
}

void lane_queue_append(struct lane_queue *q, struct leg *l)
{
    l->next = NULL;
    if (q->tail)
        q->tail->next = l;
    else
        q->head = l;
    q->tail = l;
}

/* Sinks give a lost window back in its order, so the search starts behind the last one. */
void lane_queue_return(struct lane_queue *q, struct leg *l)
{
    bool hint = q->returned && q->returned->seq < l->seq;
    struct leg *before = hint ? q->returned : NULL;
    struct leg *after = before ? before->next : q->head;
    while (after && after->seq < l->seq) {
        before = after;
        after = after->next;
    }
    l->next = after;
    if (before)
        before->next = l;
    else
        q->head = l;
    if (!after) q->tail = l;
    q->returned = l;
}

struct leg *lane_queue_pop(struct lane_queue *q)
{
    struct leg *l = q->head;
    if (!l) return NULL;
    q->head = l->next;
    if (!q->head) q->tail = NULL;
    q->returned = NULL;
    l->next = NULL;
    return l;
}
