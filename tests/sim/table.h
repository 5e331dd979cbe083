/* A hash table of intrusive nodes with byte keys. The owner of a node owns its key too, and keeps
 * both alive. */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include "tests/sim/text.h"

struct table_node {
    struct table_node *next;
    uint64_t hash;
    struct text key;
};

struct table {
    struct table_node **buckets;
    size_t size, count;
};

struct table_node *table_find(const struct table *t, struct text key);
void table_add(struct table *t, struct table_node *node, struct text key);
void table_remove(struct table *t, struct table_node *node);
/* Walks all nodes in no order; start with NULL. Nothing may be added or removed on the way. */
struct table_node *table_next(const struct table *t, const struct table_node *after);
void table_free(struct table *t);

#endif
