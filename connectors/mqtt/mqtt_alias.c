#include "connectors/mqtt/mqtt_alias.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/mem.h"
#include "bridge/text.h"

enum { REMEMBERED = 256 }; /* topics that may come again; a power of two */

struct alias {
    char *topic;
    uint64_t hash;
    atomic_bool known;
};

struct mqtt_aliases {
    uint64_t seen[REMEMBERED]; /* hashes of topics that came lately */
    unsigned limit, count;
    struct alias items[];
};

struct mqtt_aliases *mqtt_aliases_create(unsigned limit)
{
    struct mqtt_aliases *a = mem_zalloc(sizeof(*a) + limit * sizeof(a->items[0]));
    a->limit = limit;
    return a;
}

void mqtt_aliases_destroy(struct mqtt_aliases *a)
{
    if (!a) return;
    for (unsigned i = 0; i < a->count; i++)
        free(a->items[i].topic);
    free(a);
}

static bool came_before(struct mqtt_aliases *a, uint64_t hash)
{
    uint64_t *place = &a->seen[hash % REMEMBERED];
    bool before = *place == hash;
    *place = hash;
    return before;
}

unsigned mqtt_alias_of(struct mqtt_aliases *a, const char *topic, bool *known)
{
    uint64_t hash = text_hash(bytes_str(topic));
    *known = false;
    for (unsigned i = 0; i < a->count; i++) {
        struct alias *item = &a->items[i];
        if (item->hash != hash || strcmp(item->topic, topic) != 0) continue;
        *known = atomic_load_explicit(&item->known, memory_order_relaxed);
        return i + 1;
    }
    if (a->count == a->limit || !came_before(a, hash)) return 0;
    a->items[a->count].topic = mem_strdup(topic);
    a->items[a->count].hash = hash;
    return ++a->count;
}

void mqtt_alias_confirm(struct mqtt_aliases *a, unsigned alias)
{
    if (alias) atomic_store_explicit(&a->items[alias - 1].known, true, memory_order_relaxed);
}
