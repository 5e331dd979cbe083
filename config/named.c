#include "config/named.h"

#include <stdio.h>
#include <string.h>

#include "bridge/connector.h"
#include "config/section.h"

/* ---- kinds ---- */

static void add_kinds_of(const struct opt *opts, const struct section_kind **kinds);

static void add_kind(const struct section_kind *kind, const struct section_kind **kinds)
{
    size_t n = 0;
    for (; kinds[n]; n++)
        if (kinds[n] == kind) return;
    if (n == NAMED_MAX_KINDS) return; /* a test counts them */
    kinds[n] = kind;
    kinds[n + 1] = NULL;
    add_kinds_of(kind->opts, kinds);
}

static void add_kinds_of(const struct opt *opts, const struct section_kind **kinds)
{
    for (; opts->name; opts++)
        if (opts->type == OPT_SECTION) add_kind(opts->kind, kinds);
}

void named_kinds(const struct section_kind *kinds[NAMED_MAX_KINDS + 1])
{
    kinds[0] = NULL;
    for (const struct connector *const *c = connectors; *c; c++) {
        if ((*c)->source) add_kinds_of((*c)->source->opts, kinds);
        if ((*c)->sink) add_kinds_of((*c)->sink->opts, kinds);
    }
}

/* ---- sections ---- */

const struct named_section *named_find(const struct named_sections *all,
                                       const struct section_kind *kind, const char *name)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->items[i].kind == kind && strcmp(all->items[i].name, name) == 0)
            return &all->items[i];
    return NULL;
}

static void add_section(const struct reader *r, const struct section_kind *kind,
                        config_setting_t *group, struct named_sections *all)
{
    if (!config_setting_is_group(group)) {
        complain_at(r->complaints, setting_place(r, group), "%s.%s: expected { name = value; ... }",
                    kind->name, group->name);
        return;
    }
    struct named_section *s = &all->items[all->count++];
    const char *name = owned_strdup(r->owned, group->name);
    *s = (struct named_section){kind, name, owned_alloc(r->owned, kind->conf_size), true, group};
    memcpy(s->conf, &name, sizeof(name));
}

static config_setting_t *group_of(const struct reader *r, config_setting_t *root,
                                  const struct section_kind *kind)
{
    config_setting_t *at = config_setting_get_member(root, kind->name);
    if (!at || config_setting_is_group(at)) return at;
    complain_at(r->complaints, setting_place(r, at), "%s: expected { NAME = { ... }; }",
                kind->name);
    return NULL;
}

/* All of them exist before the first is read: they may name each other. */
static void list_sections(const struct reader *r, config_setting_t *root,
                          struct named_sections *all)
{
    const struct section_kind *kinds[NAMED_MAX_KINDS + 1];
    size_t most = 0;
    named_kinds(kinds);
    for (size_t k = 0; kinds[k]; k++) {
        config_setting_t *group = config_setting_get_member(root, kinds[k]->name);
        if (group) most += (size_t)config_setting_length(group);
    }
    all->items = owned_alloc(r->owned, (most + 1) * sizeof(all->items[0]));
    for (size_t k = 0; kinds[k]; k++) {
        config_setting_t *group = group_of(r, root, kinds[k]);
        for (int i = 0; group && i < config_setting_length(group); i++)
            add_section(r, kinds[k], group->value.list->elements[i], all);
    }
}

static struct section section_of(const struct reader *r, const struct named_section *s,
                                 char title[96])
{
    snprintf(title, 96, "%s \"%s\"", s->kind->name, s->name);
    return (struct section){.reader = r, .group = s->group, .title = title, .opts = s->kind->opts};
}

void named_read(struct reader *r, config_setting_t *root, struct named_sections *all)
{
    char title[96];
    *all = (struct named_sections){0};
    r->named = all;
    list_sections(r, root, all);
    for (size_t i = 0; i < all->count; i++) {
        struct section section = section_of(r, &all->items[i], title);
        all->items[i].right = section_read(&section, all->items[i].conf);
    }
    for (size_t i = 0; i < all->count; i++) {
        struct named_section *s = &all->items[i];
        struct section section = section_of(r, s, title);
        struct section_report report = section_report(&section);
        if (s->right && s->kind->check) s->kind->check(s->conf, &report.report);
        s->right = s->right && !report.complained;
    }
}
