#include <string.h>

#include "bridge/template.h"
#include "config/units.h"
#include "config/value.h"

static bool is_number(const struct opt *o)
{
    return o->type == OPT_INT || o->type == OPT_DURATION || o->type == OPT_SECONDS ||
           o->type == OPT_SIZE;
}

static void write_choices(const char *const *choices, struct buf *out)
{
    for (size_t i = 0; choices[i]; i++)
        buf_printf(out, "%s\"%s\"", i ? ", " : "", choices[i]);
}

/* In the option's unit, without quotes. */
static void write_bound(const struct opt *o, int64_t value, struct buf *out)
{
    if (o->type == OPT_DURATION)
        units_write_duration(value, out);
    else if (o->type == OPT_SIZE)
        units_write_size(value, out);
    else
        buf_printf(out, "%lld", (long long)value);
}

void value_bounds(const struct opt *o, struct buf *out)
{
    bool any = o->min == 0 && o->max == 0;
    if (o->choices) {
        write_choices(o->choices, out);
    } else if (is_number(o)) {
        write_bound(o, o->min, out);
        buf_printf(out, any || o->max == INT64_MAX ? " or more" : " to ");
        if (!any && o->max != INT64_MAX) write_bound(o, o->max, out);
    }
}

static const char *kind(const struct opt *o)
{
    switch (o->type) {
    case OPT_STRING:
    case OPT_TEMPLATE:
        return "text in quotes";
    case OPT_PATH:
        return "the path of a file, in quotes";
    case OPT_BOOL:
        return "true or false";
    case OPT_INT:
        return "an integer, ";
    case OPT_DURATION:
        return "a duration like \"30s\" (units ms, s, m, h, d), ";
    case OPT_SECONDS:
        return "seconds, like 20 or \"20s\", ";
    case OPT_SIZE:
        return "a size like \"64KiB\" (units B, KiB, MiB, GiB, KB, MB, GB), ";
    case OPT_ENUM:
        return "one of ";
    case OPT_LIST:
        return o->choices ? "a list, like [\"a\", \"b\"], of " : "a list, like [\"a\", \"b\"]";
    case OPT_SECTION:
        return "the name of a section of the top level, in quotes";
    }
    return "";
}

void value_expected(const struct opt *o, struct buf *out)
{
    buf_printf(out, "%s", kind(o));
    value_bounds(o, out);
}

void value_write_text(const char *text, bool escape_fields, struct buf *out)
{
    buf_add(out, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else if (escape_fields && c == '$' && text[1] == '{')
            buf_add(out, "$$", 2);
        else
            buf_add(out, text, 1);
    }
    buf_add(out, "\"", 1);
}

/* Fields of the message stay in lists: see setting.c. */
static bool write_list(const struct opt_list *list, bool secret, struct buf *out)
{
    if (!list->items) return false;
    buf_add(out, "[", 1);
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) buf_add(out, ", ", 2);
        value_write_text(secret ? "***" : list->items[i], false, out);
    }
    buf_add(out, "]", 1);
    return true;
}

static void write_number(const struct opt *o, int64_t value, struct buf *out)
{
    bool unit = o->type == OPT_DURATION || (o->type == OPT_SIZE && value % 1024 == 0);
    if (unit) buf_add(out, "\"", 1);
    if (unit)
        write_bound(o, value, out);
    else
        buf_printf(out, "%lld%s", (long long)value, value != (int32_t)value ? "L" : "");
    if (unit) buf_add(out, "\"", 1);
}

/* The text of the three types that are text; NULL: none. */
static const char *text_of(const struct opt *o, const void *field)
{
    if (o->type == OPT_TEMPLATE) {
        const struct template *t = *(const struct template *const *)field;
        return t ? template_text(t) : NULL;
    }
    return *(const char *const *)field;
}

/* A section begins with its name. */
static bool write_reference(const char *const *section, struct buf *out)
{
    if (section) value_write_text(*section, true, out);
    return section != NULL;
}

bool value_write(const struct opt *o, const void *conf, struct buf *out)
{
    const void *field = (const char *)conf + o->offset;
    bool secret = o->flags & OPT_SECRET;
    const char *text;
    switch (o->type) {
    case OPT_STRING:
    case OPT_TEMPLATE:
    case OPT_PATH:
        text = text_of(o, field);
        if (!text) return false;
        value_write_text(secret ? "***" : text, o->type != OPT_TEMPLATE, out);
        return true;
    case OPT_BOOL:
        buf_printf(out, *(const bool *)field ? "true" : "false");
        return true;
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        write_number(o, *(const int64_t *)field, out);
        return true;
    case OPT_ENUM:
        value_write_text(o->choices[*(const int *)field], true, out);
        return true;
    case OPT_LIST:
        return write_list(field, secret, out);
    case OPT_SECTION:
        return write_reference(*(const char *const *const *)field, out);
    }
    return false;
}
