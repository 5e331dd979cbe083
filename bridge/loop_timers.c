#include "bridge/loop_timers.h"

#include <stdlib.h>

#include "bridge/loop.h"
#include "bridge/mem.h"

static void place(struct loop_timers *t, size_t slot, struct loop_timer *timer)
{
    t->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct loop_timers *t, size_t slot)
{
    struct loop_timer *timer = t->heap[slot];
    for (; slot > 1 && t->heap[slot / 2]->due_ms > timer->due_ms; slot /= 2)
        place(t, slot, t->heap[slot / 2]);
    place(t, slot, timer);
}

static void sift_down(struct loop_timers *t, size_t slot)
{
    struct loop_timer *timer = t->heap[slot];
    for (;;) {
        size_t child = 2 * slot;
        if (child > t->count) break;
        if (child < t->count && t->heap[child + 1]->due_ms < t->heap[child]->due_ms) child++;
        if (t->heap[child]->due_ms >= timer->due_ms) break;
        place(t, slot, t->heap[child]);
        slot = child;
    }
    place(t, slot, timer);
}

static void remove_slot(struct loop_timers *t, size_t slot)
{
    struct loop_timer *last = t->heap[t->count--];
    t->heap[slot]->slot = 0;
    if (slot > t->count) return;
    place(t, slot, last);
    sift_up(t, slot);
    sift_down(t, last->slot);
}

static void on_due(uv_timer_t *uv);

/* The libuv timer is never moved later, only earlier: one that comes too early costs a glance. */
static void schedule(struct loop_timers *t)
{
    if (!t->count) return;
    uint64_t now = uv_now(t->uv.loop), due = t->heap[1]->due_ms;
    uint64_t after = due > now ? due - now : 0;
    if (uv_is_active((uv_handle_t *)&t->uv) && uv_timer_get_due_in(&t->uv) <= after) return;
    uv_timer_start(&t->uv, on_due, after, 0);
}

static void on_due(uv_timer_t *uv)
{
    struct loop_timers *t = uv->data;
    uint64_t now = uv_now(uv->loop);
    while (t->count && t->heap[1]->due_ms <= now) {
        struct loop_timer *timer = t->heap[1];
        remove_slot(t, 1);
        timer->run(timer->arg);
    }
    schedule(t);
}

void loop_timers_init(struct loop_timers *t, uv_loop_t *uv)
{
    uv_timer_init(uv, &t->uv);
    t->uv.data = t;
}

void loop_timers_close(struct loop_timers *t)
{
    uv_close((uv_handle_t *)&t->uv, NULL);
}

void loop_timers_free(struct loop_timers *t)
{
    free(t->heap);
}

void loop_timers_start(struct loop_timers *t, struct loop_timer *timer, uint64_t due_ms)
{
    if (timer->slot) remove_slot(t, timer->slot);
    if (t->count + 2 > t->cap) {
        t->cap = t->cap ? 2 * t->cap : 16;
        t->heap = mem_realloc(t->heap, t->cap * sizeof(struct loop_timer *));
    }
    timer->due_ms = due_ms;
    place(t, ++t->count, timer);
    sift_up(t, t->count);
    schedule(t);
}

void loop_timers_stop(struct loop_timers *t, struct loop_timer *timer)
{
    if (timer->slot) remove_slot(t, timer->slot);
}
