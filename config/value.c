#include "config/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bridge/template.h"
#include "config/suggest.h"
#include "config/units.h"

bool value_is_text(const struct opt *o)
{
    return o->type == OPT_STRING || o->type == OPT_TEMPLATE || o->type == OPT_PATH;
}

/* Whatever type the field has: its size says how much. */
static bool set_field(const struct opt *o, void *conf, const void *value, size_t size)
{
    memcpy((char *)conf + o->offset, value, size);
    return true;
}

static bool set_pointer(const struct opt *o, void *conf, const void *ptr)
{
    return set_field(o, conf, &ptr, sizeof(ptr));
}

bool value_refuse(const struct opt *o, const char *hint, struct error *e)
{
    struct buf text = {0};
    value_expected(o, &text);
    error_set(e, FAULT_CONFIG, "expected %.*s%s%s%s", (int)text.len, text.ptr, hint ? " (" : "",
              hint ? hint : "", hint ? ")" : "");
    free(text.ptr);
    return false;
}

static bool within_bounds(const struct opt *o, int64_t value)
{
    if (o->min == 0 && o->max == 0) return value >= 0;
    return value >= o->min && value <= o->max;
}

static bool parse_integer(const struct opt *o, const char *text, void *conf, struct error *e)
{
    const char *hint = NULL;
    int64_t value = 0;
    bool right = false;
    if (o->type == OPT_INT) right = units_parse_integer(text, &value);
    if (o->type == OPT_DURATION) right = units_parse_duration(text, &value, &hint);
    if (o->type == OPT_SECONDS) right = units_parse_seconds(text, &value, &hint);
    if (o->type == OPT_SIZE) right = units_parse_size(text, &value, &hint);
    if (!right || !within_bounds(o, value)) return value_refuse(o, hint, e);
    return set_field(o, conf, &value, sizeof(value));
}

static bool parse_bool(const struct opt *o, const char *text, void *conf, struct error *e)
{
    bool value = strcmp(text, "true") == 0;
    if (!value && strcmp(text, "false") != 0) return value_refuse(o, NULL, e);
    return set_field(o, conf, &value, sizeof(value));
}

/* Without choices everything is right. */
static bool find_choice(const struct opt *o, const char *text, int *index, struct error *e)
{
    struct suggestion s = suggest_begin(text);
    for (*index = 0; o->choices && o->choices[*index]; ++*index) {
        if (strcmp(o->choices[*index], text) == 0) return true;
        suggest_offer(&s, o->choices[*index]);
    }
    if (!o->choices) return true;
    char hint[96];
    snprintf(hint, sizeof(hint), "did you mean \"%s\"?", s.nearest ? s.nearest : "");
    return value_refuse(o, s.nearest ? hint : NULL, e);
}

static bool parse_choice(const struct opt *o, const char *text, void *conf, struct error *e)
{
    int index;
    return find_choice(o, text, &index, e) && set_field(o, conf, &index, sizeof(index));
}

static bool parse_path(const struct opt *o, const char *text, void *conf, struct owned *owned,
                       struct error *e)
{
    struct stat st;
    if (access(text, R_OK) != 0 || stat(text, &st) != 0)
        return error_set(e, FAULT_CONFIG, "reading the file: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return error_set(e, FAULT_CONFIG, "reading the file: it is a directory");
    return set_pointer(o, conf, owned_strdup(owned, text));
}

static void release_template(void *t)
{
    template_free(t);
}

static bool parse_template(const struct opt *o, const char *text, void *conf, struct owned *owned,
                           struct error *e)
{
    struct template *t = template_compile(text, e);
    if (!t) return false;
    return set_pointer(o, conf, owned_take(owned, t, release_template));
}

static bool parse_text(const struct opt *o, const char *text, void *conf, struct owned *owned)
{
    return set_pointer(o, conf, owned_strdup(owned, text));
}

/* The array is always one item larger than the list, and so never NULL. */
static void set_list(const struct opt *o, void *conf, const char *const *items, size_t count)
{
    struct opt_list list = {items, count};
    set_field(o, conf, &list, sizeof(list));
}

void value_clear_list(const struct opt *o, void *conf, struct owned *owned)
{
    set_list(o, conf, owned_alloc(owned, sizeof(const char *)), 0);
}

static bool add_item(const struct opt *o, const char *text, void *conf, struct owned *owned,
                     struct error *e)
{
    int index;
    struct opt_list list;
    if (!find_choice(o, text, &index, e)) return false;
    memcpy(&list, (const char *)conf + o->offset, sizeof(list));
    const char **items = owned_alloc(owned, (list.count + 2) * sizeof(*items));
    for (size_t i = 0; i < list.count; i++)
        items[i] = list.items[i];
    items[list.count] = owned_strdup(owned, text);
    set_list(o, conf, items, list.count + 1);
    return true;
}

bool value_parse(const struct opt *o, const char *text, void *conf, struct owned *owned,
                 struct error *e)
{
    if (value_is_text(o) && (o->flags & OPT_REQUIRED) && !*text)
        return error_set(e, FAULT_CONFIG, "it is empty");
    switch (o->type) {
    case OPT_STRING:
        return parse_text(o, text, conf, owned);
    case OPT_TEMPLATE:
        return parse_template(o, text, conf, owned, e);
    case OPT_PATH:
        return parse_path(o, text, conf, owned, e);
    case OPT_BOOL:
        return parse_bool(o, text, conf, e);
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        return parse_integer(o, text, conf, e);
    case OPT_ENUM:
        return parse_choice(o, text, conf, e);
    case OPT_LIST:
        return add_item(o, text, conf, owned, e);
    case OPT_SECTION: /* known to a whole configuration only */
        break;
    }
    return value_refuse(o, "in a configuration file", e);
}

bool value_defaults(const struct opt *opts, void *conf, struct owned *owned, struct error *e)
{
    for (const struct opt *o = opts; o->name; o++)
        if (o->fallback && !value_parse(o, o->fallback, conf, owned, e)) return false;
    return true;
}
