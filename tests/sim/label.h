/* Named strings: the tags of a queue. The table owns them.
 */
#ifndef SIM_LABEL_H
#define SIM_LABEL_H

#include "tests/sim/table.h"

struct label {
    struct table_node by_name;
    char *name, *value;
};

void label_set(struct table *t, struct text name, struct text value);
bool label_remove(struct table *t, struct text name);
struct label *label_find(const struct table *t, struct text name);
struct label *label_next(const struct table *t, const struct label *after);
void label_free_all(struct table *t);

#endif
