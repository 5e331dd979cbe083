#include "bridge/transform.h"

#include <stdlib.h>

#include "bridge/template.h"
#include "bridge/text.h"

struct setting {
    struct bytes name; /* points into the option's text */
    struct template *value;
};

struct transform {
    size_t count;
    struct buf scratch;
    struct setting settings[];
};

static bool read_setting(const char *text, struct setting *s, struct error *e)
{
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return error_set(e, FAULT_CONFIG, "\"%s\" is not \"name=text\" (as in \"topic=${topic}\")",
                         text);
    s->name = bytes_of(text, (size_t)(equals - text));
    s->value = template_compile(equals + 1, e);
    return s->value != NULL;
}

struct transform *transform_create(const struct opt_list *set_attributes, struct error *e)
{
    size_t n = set_attributes->count;
    e->fault = FAULT_NONE;
    if (!n) return NULL;
    struct transform *t = mem_zalloc(sizeof(*t) + n * sizeof(t->settings[0]));
    while (t->count < n) {
        if (!read_setting(set_attributes->items[t->count], &t->settings[t->count], e)) {
            transform_destroy(t);
            return NULL;
        }
        t->count++;
    }
    return t;
}

void transform_destroy(struct transform *t)
{
    if (!t) return;
    for (size_t i = 0; i < t->count; i++)
        template_free(t->settings[i].value);
    free(t->scratch.ptr);
    free(t);
}

/* The last setting wins over what the message brought. */
static size_t keep_others(const struct transform *t, const struct msg *m, struct attr *attrs)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->attr_count && n + t->count < MSG_MAX_ATTRS; i++) {
        bool replaced = false;
        for (size_t k = 0; k < t->count; k++)
            replaced |= bytes_eq(m->attrs[i].name, t->settings[k].name);
        if (!replaced) attrs[n++] = m->attrs[i];
    }
    return n;
}

static bool expand(const struct setting *s, const struct msg *m, struct buf *scratch, size_t *len)
{
    struct error missing;
    size_t start = scratch->len;
    if (template_expand(s->value, m, scratch, &missing)) {
        *len = scratch->len - start;
        return true;
    }
    scratch->len = start;
    return false;
}

struct msg *transform_apply(struct transform *t, struct msg *m)
{
    if (!t) return m;
    struct attr attrs[MSG_MAX_ATTRS];
    size_t n = keep_others(t, m, attrs), first = n, len, at = 0;
    t->scratch.len = 0;
    for (size_t i = 0; i < t->count; i++)
        if (expand(&t->settings[i], m, &t->scratch, &len))
            attrs[n++] = (struct attr){.name = t->settings[i].name, .value.len = len};
    for (size_t i = first; i < n; i++) { /* only now does the scratch stay where it is */
        attrs[i].value.ptr = t->scratch.ptr ? t->scratch.ptr + at : "";
        at += attrs[i].value.len;
        attrs[i].type = text_is_utf8(attrs[i].value) ? ATTR_STRING : ATTR_BINARY;
    }
    struct msg *changed = msg_with_attrs(m, attrs, n);
    msg_unref(m);
    return changed;
}
