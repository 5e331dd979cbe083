#include "tests/sim/table.h"

#include <stdlib.h>

/* FNV-1a */
static uint64_t hash_of(struct text key)
{
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (unsigned char)key.ptr[i]) * 1099511628211ull;
    return hash ^ hash >> 32;
}

struct table_node *table_find(const struct table *t, struct text key)
{
    if (!t->count) return NULL;
    uint64_t hash = hash_of(key);
    struct table_node *node = t->buckets[hash & (t->size - 1)];
    while (node && (node->hash != hash || !text_equal(node->key, key)))
        node = node->next;
    return node;
}

static void grow(struct table *t)
{
    size_t size = t->size ? t->size * 2 : 16;
    struct table_node **buckets = mem_alloc(size * sizeof(struct table_node *));
    for (size_t i = 0; i < t->size; i++) {
        for (struct table_node *node = t->buckets[i], *next; node; node = next) {
            next = node->next;
            node->next = buckets[node->hash & (size - 1)];
            buckets[node->hash & (size - 1)] = node;
        }
    }
    free(t->buckets);
    t->buckets = buckets;
    t->size = size;
}

void table_add(struct table *t, struct table_node *node, struct text key)
{
    if (t->count >= t->size) grow(t);
    node->key = key;
    node->hash = hash_of(key);
    struct table_node **slot = &t->buckets[node->hash & (t->size - 1)];
    node->next = *slot;
    *slot = node;
    t->count++;
}

void table_remove(struct table *t, struct table_node *node)
{
    struct table_node **slot = &t->buckets[node->hash & (t->size - 1)];
    while (*slot != node)
        slot = &(*slot)->next;
    *slot = node->next;
    t->count--;
}

struct table_node *table_next(const struct table *t, const struct table_node *after)
{
    if (after && after->next) return after->next;
    for (size_t i = after ? (after->hash & (t->size - 1)) + 1 : 0; i < t->size; i++) {
        if (t->buckets[i]) return t->buckets[i];
    }
    return NULL;
}

void table_free(struct table *t)
{
    free(t->buckets);
    *t = (struct table){0};
}
