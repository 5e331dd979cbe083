/* The named sections of a configuration: credentials = { plant = { ... }; }; Which kinds there are
 * follows from the option tables that refer to them. Thread: the one that loads. */
#ifndef CONFIG_NAMED_H
#define CONFIG_NAMED_H

#include <libconfig.h>

#include "bridge/opt.h"

struct reader;

enum { NAMED_MAX_KINDS = 8 };

struct named_section {
    const struct section_kind *kind;
    const char *name;
    void *conf;              /* zero, but for its name, until it was read */
    bool right;              /* it can be used */
    config_setting_t *group; /* while loading */
};

struct named_sections {
    struct named_section *items; /* owned by the load */
    size_t count;
};

/* All kinds that any option of a connector refers to, directly or through another kind; NULL at
 * the end. */
void named_kinds(const struct section_kind *kinds[NAMED_MAX_KINDS + 1]);

/* Reads and checks all of them; r->named is set. */
void named_read(struct reader *r, config_setting_t *root, struct named_sections *all);

/* NULL: there is none. */
const struct named_section *named_find(const struct named_sections *all,
                                       const struct section_kind *kind, const char *name);

#endif
