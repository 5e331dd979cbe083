#include "tests/model/seen.h"

#include <stdlib.h>

#include "bridge/mem.h"

static bool insert(struct seen *s, uint64_t hash)
{
    size_t at = hash & (s->capacity - 1);
    for (; s->slots[at]; at = (at + 1) & (s->capacity - 1))
        if (s->slots[at] == hash) return false;
    s->slots[at] = hash;
    s->count++;
    return true;
}

static void grow(struct seen *s)
{
    struct seen bigger = {.capacity = s->capacity ? 2 * s->capacity : 1024};
    bigger.slots = mem_zalloc(bigger.capacity * sizeof(bigger.slots[0]));
    for (size_t i = 0; i < s->capacity; i++)
        if (s->slots[i]) insert(&bigger, s->slots[i]);
    free(s->slots);
    *s = bigger;
}

bool seen_add(struct seen *s, uint64_t hash)
{
    if (2 * s->count >= s->capacity) grow(s);
    return insert(s, hash ? hash : 1);
}

void seen_free(struct seen *s)
{
    free(s->slots);
    *s = (struct seen){0};
}
