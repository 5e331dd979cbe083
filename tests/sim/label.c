#include "tests/sim/label.h"

#include "tests/sim/list.h"

#include <stdlib.h>

static struct label *label_of(struct table_node *node)
{
    return node ? LIST_ENTRY(node, struct label, by_name) : NULL;
}

struct label *label_find(const struct table *t, struct text name)
{
    return label_of(table_find(t, name));
}

struct label *label_next(const struct table *t, const struct label *after)
{
    return label_of(table_next(t, after ? &after->by_name : NULL));
}

bool label_remove(struct table *t, struct text name)
{
    struct label *l = label_find(t, name);
    if (!l) return false;
    table_remove(t, &l->by_name);
    free(l->name);
    free(l->value);
    free(l);
    return true;
}

void label_set(struct table *t, struct text name, struct text value)
{
    label_remove(t, name);
    struct label *l = mem_alloc(sizeof(*l));
    l->name = text_copy(name);
    l->value = text_copy(value);
    table_add(t, &l->by_name, text_of(l->name));
}

void label_free_all(struct table *t)
{
    for (struct label *l; (l = label_next(t, NULL));)
        label_remove(t, text_of(l->name));
    table_free(t);
}
