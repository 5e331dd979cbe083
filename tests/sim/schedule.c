#include "tests/sim/schedule.h"

#include <stdlib.h>

static void place(struct schedule *s, size_t at, struct message *m)
{
    s->heap[at] = m;
    m->heap_at = at;
}

/* Equal times keep the order of the uids, so that messages sent together appear in order. */
static bool before(const struct message *a, const struct message *b)
{
    return a->visible_ms != b->visible_ms ? a->visible_ms < b->visible_ms : a->uid < b->uid;
}

static void sift_up(struct schedule *s, size_t at, struct message *m)
{
    while (at && before(m, s->heap[(at - 1) / 2])) {
        place(s, at, s->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(s, at, m);
}

static void sift_down(struct schedule *s, size_t at, struct message *m)
{
    for (size_t child; (child = 2 * at + 1) < s->count; at = child) {
        if (child + 1 < s->count && before(s->heap[child + 1], s->heap[child])) child++;
        if (!before(s->heap[child], m)) break;
        place(s, at, s->heap[child]);
    }
    place(s, at, m);
}

void schedule_add(struct schedule *s, struct message *m)
{
    if (s->count == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->heap = mem_grow(s->heap, s->cap * sizeof(struct message *));
    }
    sift_up(s, s->count++, m);
}

void schedule_remove(struct schedule *s, struct message *m)
{
    struct message *last = s->heap[--s->count];
    if (last == m) return;
    size_t at = m->heap_at;
    sift_down(s, at, last);
    sift_up(s, last->heap_at, last);
}

struct message *schedule_first(const struct schedule *s)
{
    return s->count ? s->heap[0] : NULL;
}

void schedule_free(struct schedule *s)
{
    free(s->heap);
    *s = (struct schedule){0};
}
