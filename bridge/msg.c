#include "bridge/msg.h"

#include <assert.h>
#include <stdlib.h>

/* Copies into the space behind the message, and moves on. "None" stays none, empty stays empty. */
static struct bytes put(char **at, struct bytes b)
{
    if (!b.ptr) return BYTES_NONE;
    char *start = *at;
    if (b.len) memcpy(start, b.ptr, b.len);
    *at += b.len;
    return bytes_of(start, b.len);
}

static size_t payload_size(const struct msg_draft *d)
{
    size_t size = d->body.len + d->key.len + d->topic.len + d->position.len;
    for (size_t i = 0; i < d->attr_count; i++)
        size += d->attrs[i].name.len + d->attrs[i].value.len + d->attrs[i].subtype.len;
    return size;
}

struct msg *msg_new(const struct msg_draft *draft)
{
    assert(draft->attr_count <= MSG_MAX_ATTRS);
    size_t head = sizeof(struct msg) + draft->attr_count * sizeof(struct attr);
    /* One byte more, so that an empty value at the very end still points into the message. */
    size_t size = head + payload_size(draft) + 1;
    struct msg *m = mem_alloc(size);
    char *at = (char *)m + head;
    m->refs = 1;
    m->attr_count = (uint32_t)draft->attr_count;
    m->size = size;
    m->timestamp_ms = draft->timestamp_ms;
    m->body = put(&at, draft->body);
    m->key = put(&at, draft->key);
    m->topic = put(&at, draft->topic);
    m->position = put(&at, draft->position);
    for (size_t i = 0; i < draft->attr_count; i++) {
        const struct attr *from = &draft->attrs[i];
        m->attrs[i] = (struct attr){
            .name = put(&at, from->name),
            .value = put(&at, from->value),
            .subtype = put(&at, from->subtype),
            .type = from->type,
        };
    }
    return m;
}

struct msg *msg_with_attrs(const struct msg *m, const struct attr *attrs, size_t count)
{
    return msg_new(&(struct msg_draft){
        .body = m->body,
        .key = m->key,
        .topic = m->topic,
        .position = m->position,
        .timestamp_ms = m->timestamp_ms,
        .attrs = attrs,
        .attr_count = count,
    });
}

struct msg *msg_ref(struct msg *m)
{
    m->refs++;
    return m;
}

void msg_unref(struct msg *m)
{
    if (m && --m->refs == 0) free(m);
}

const struct attr *msg_attr(const struct msg *m, struct bytes name)
{
    for (uint32_t i = 0; i < m->attr_count; i++)
        if (bytes_eq(m->attrs[i].name, name)) return &m->attrs[i];
    return NULL;
}
