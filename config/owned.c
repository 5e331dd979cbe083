#include "config/owned.h"

#include <stdlib.h>

struct owned_item {
    void *ptr;
    void (*release)(void *ptr);
};

void *owned_take(struct owned *o, void *ptr, void (*release)(void *ptr))
{
    if (o->count == o->cap) {
        o->cap = o->cap ? 2 * o->cap : 64;
        o->items = mem_realloc(o->items, o->cap * sizeof(*o->items));
    }
    o->items[o->count++] = (struct owned_item){ptr, release};
    return ptr;
}

void *owned_alloc(struct owned *o, size_t size)
{
    void *ptr = mem_zalloc(size);
    owned_take(o, ptr, free);
    return ptr;
}

char *owned_strdup(struct owned *o, const char *text)
{
    char *copy = mem_strdup(text);
    owned_take(o, copy, free);
    return copy;
}

void owned_release(struct owned *o)
{
    while (o->count > 0) {
        const struct owned_item *item = &o->items[--o->count];
        item->release(item->ptr);
    }
    free(o->items);
    *o = (struct owned){0};
}
