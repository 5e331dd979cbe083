#include "bridge/settings.h"

#include <stdlib.h>
#include <string.h>

#include "bridge/template.h"

/* ---- sections ---- */

static void put_text(const char *text, struct buf *out)
{
    size_t len = text ? strlen(text) : SIZE_MAX;
    buf_add(out, &len, sizeof(len));
    if (text) buf_add(out, text, len);
}

static void put_list(const struct opt_list *list, struct buf *out)
{
    bool given = list->items != NULL;
    buf_add(out, &given, sizeof(given));
    buf_add(out, &list->count, sizeof(list->count));
    for (size_t i = 0; given && i < list->count; i++)
        put_text(list->items[i], out);
}

static void put_section(const struct section_kind *kind, const void *section, struct buf *out)
{
    bool given = section != NULL;
    buf_add(out, &given, sizeof(given));
    if (given) settings_write(kind, section, out);
}

static void put_field(const struct opt *o, const void *field, struct buf *out)
{
    const struct template *const *template = field;
    switch (o->type) {
    case OPT_STRING:
    case OPT_PATH:
        put_text(*(const char *const *)field, out);
        return;
    case OPT_TEMPLATE:
        put_text(*template ? template_text(*template) : NULL, out);
        return;
    case OPT_BOOL:
        buf_add(out, field, sizeof(bool));
        return;
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        buf_add(out, field, sizeof(int64_t));
        return;
    case OPT_ENUM:
        buf_add(out, field, sizeof(int));
        return;
    case OPT_LIST:
        put_list(field, out);
        return;
    case OPT_SECTION:
        put_section(o->kind, *(const void *const *)field, out);
        return;
    }
}

static void put_all(const struct opt *opts, const void *conf, struct buf *out)
{
    for (const struct opt *o = opts; o->name; o++)
        put_field(o, (const char *)conf + o->offset, out);
}

void settings_write(const struct section_kind *kind, const void *section, struct buf *out)
{
    put_text(*(const char *const *)section, out);
    put_all(kind->opts, section, out);
}

/* ---- pipelines ---- */

static void put_sink(const struct sink_conf *sink, struct buf *out)
{
    const struct connector *c = sink->connector;
    put_text(c ? c->name : NULL, out);
    if (c) put_all(c->sink->opts, sink->conf, out);
}

/* The last resort follows from dead_letter_file. */
static struct buf written(const struct pipeline_conf *p)
{
    struct buf out = {0};
    put_text(p->source.connector->name, &out);
    put_all(p->source.connector->source->opts, p->source.conf, &out);
    buf_add(&out, &p->sink_count, sizeof(p->sink_count));
    for (size_t i = 0; i < p->sink_count; i++)
        put_sink(&p->sinks[i], &out);
    put_sink(&p->dead_letter, &out);
    put_all(pipeline_opts, p, &out);
    return out;
}

static void cleanse(struct buf *b)
{
    explicit_bzero(b->ptr, b->len);
    free(b->ptr);
}

bool settings_are_equal(const struct pipeline_conf *a, const struct pipeline_conf *b)
{
    struct buf left = written(a), right = written(b);
    bool equal = left.len == right.len && memcmp(left.ptr, right.ptr, left.len) == 0;
    cleanse(&left);
    cleanse(&right);
    return equal;
}
