#include "connectors/kafka/suspects.h"

#include <stdlib.h>
#include <string.h>

bool kafka_suspects_add(struct kafka_suspects *s, struct leg *l)
{
    if (s->trial == 1) return false;
    s->refused = true;
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? 2 * s->capacity : 64;
        s->legs = mem_realloc(s->legs, s->capacity * sizeof(struct leg *));
    }
    s->legs[s->count++] = l;
    return true;
}

static int by_emission(const void *a, const void *b)
{
    const struct leg *const *x = a, *const *y = b;
    return ((*x)->seq > (*y)->seq) - ((*x)->seq < (*y)->seq);
}

size_t kafka_suspects_next(struct kafka_suspects *s)
{
    size_t part = s->trial ? s->trial : s->count;
    if (s->refused) part = part > 1 ? part / 2 : 1;
    if (part > s->count) part = s->count;
    if (s->count > 1) qsort(s->legs, s->count, sizeof(struct leg *), by_emission);
    s->trial = part;
    s->refused = false;
    return part;
}

void kafka_suspects_take(struct kafka_suspects *s, size_t n, struct leg **taken)
{
    memcpy(taken, s->legs, n * sizeof(struct leg *));
    s->count -= n;
    memmove(s->legs, s->legs + n, s->count * sizeof(struct leg *));
}
