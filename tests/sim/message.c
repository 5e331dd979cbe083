#include "tests/sim/message.h"

#include <stdlib.h>
#include <string.h>

bool attribute_is_binary(const struct attribute *a)
{
    return text_starts(a->type, "Binary");
}

static size_t attributes_size(const struct draft *d)
{
    size_t total = 0;
    for (size_t i = 0; i < d->n_attributes; i++)
        total += d->attributes[i].name.len + d->attributes[i].type.len + d->attributes[i].value.len;
    return total;
}

size_t draft_size(const struct draft *d)
{
    return d->body.len + attributes_size(d);
}

void draft_free(struct draft *d)
{
    for (size_t i = 0; i < MESSAGE_ATTRIBUTES_MAX; i++)
        buf_free(&d->scratch[i]);
}

/* Copies `t` to *at, moves *at on, and returns the view of the copy. Absent stays absent. */
static struct text keep(struct text t, char **at)
{
    struct text kept = {t.ptr ? *at : NULL, t.len};
    if (t.ptr && t.len) memcpy(*at, t.ptr, t.len);
    *at += t.len;
    return kept;
}

struct message *message_create(const struct draft *d)
{
    size_t bytes = draft_size(d) + d->group.len + d->dedup.len + d->trace_header.len;
    struct message *m = mem_alloc(sizeof(*m) + bytes);
    char *at = (char *)(m + 1);
    m->body = keep(d->body, &at);
    m->group = keep(d->group, &at);
    m->dedup = keep(d->dedup, &at);
    m->trace_header = keep(d->trace_header, &at);
    m->n_attributes = d->n_attributes;
    for (size_t i = 0; i < d->n_attributes; i++) {
        m->attributes[i].name = keep(d->attributes[i].name, &at);
        m->attributes[i].type = keep(d->attributes[i].type, &at);
        m->attributes[i].value = keep(d->attributes[i].value, &at);
    }
    md5_text(m->body, m->body_md5);
    md5_attributes(m->attributes, m->n_attributes, m->attributes_md5);
    list_init(&m->all);
    list_init(&m->waiting);
    return m;
}

void message_destroy(struct message *m)
{
    if (!m) return;
    free(m->dead_letter_source);
    free(m);
}
