#include "bridge/store_row.h"

#include "bridge/text.h"

enum { HEAD_VERSION = 1 };

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t n)
{
    unsigned char bytes[10];
    size_t len = 0;
    for (; n >= 0x80; n >>= 7)
        bytes[len++] = (unsigned char)(n | 0x80);
    bytes[len++] = (unsigned char)n;
    buf_add(out, bytes, len);
}

static void put_bytes(struct buf *out, struct bytes b)
{
    put_number(out, b.ptr ? b.len + 1 : 0);
    if (b.len) buf_add(out, b.ptr, b.len);
}

void store_row_write(const struct msg *m, struct buf *head)
{
    put_number(head, HEAD_VERSION);
    put_number(head, (uint64_t)m->timestamp_ms);
    put_bytes(head, m->key);
    put_bytes(head, m->topic);
    put_bytes(head, m->position);
    put_number(head, m->attr_count);
    for (uint32_t i = 0; i < m->attr_count; i++) {
        put_number(head, (uint64_t)m->attrs[i].type);
        put_bytes(head, m->attrs[i].name);
        put_bytes(head, m->attrs[i].value);
        put_bytes(head, m->attrs[i].subtype);
    }
}

/* ---- reading ---- */

struct cursor {
    const unsigned char *at, *end;
    bool wrong;
};

static uint64_t get_number(struct cursor *c)
{
    uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        unsigned char byte = *c->at++;
        n |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return n;
    }
    c->wrong = true;
    return 0;
}

static struct bytes get_bytes(struct cursor *c)
{
    uint64_t n = get_number(c);
    if (n == 0) return BYTES_NONE;
    if (n - 1 > (uint64_t)(c->end - c->at)) {
        c->wrong = true;
        return BYTES_NONE;
    }
    struct bytes b = bytes_of(c->at, (size_t)(n - 1));
    c->at += b.len;
    return b;
}

static void get_attr(struct cursor *c, struct attr *a)
{
    uint64_t type = get_number(c);
    if (type > ATTR_BINARY) c->wrong = true;
    a->type = c->wrong ? ATTR_STRING : (enum attr_type)type;
    a->name = get_bytes(c);
    a->value = get_bytes(c);
    a->subtype = get_bytes(c);
}

bool store_row_read(struct bytes head, struct msg_draft *draft, struct store_room *room)
{
    struct cursor c = {.at = head.ptr, .end = (const unsigned char *)head.ptr + head.len};
    if (!head.ptr || get_number(&c) != HEAD_VERSION) return false;
    *draft = (struct msg_draft){.timestamp_ms = (int64_t)get_number(&c)};
    draft->key = get_bytes(&c);
    draft->topic = get_bytes(&c);
    draft->position = get_bytes(&c);
    draft->attrs = room->attrs;
    draft->attr_count = get_number(&c);
    if (c.wrong || draft->attr_count > MSG_MAX_ATTRS) return false;
    for (size_t i = 0; i < draft->attr_count; i++)
        get_attr(&c, &room->attrs[i]);
    return !c.wrong && c.at == c.end;
}

/* ---- ids ---- */

void store_ids_add(struct buf *ids, struct bytes id)
{
    put_bytes(ids, id);
}

bool store_ids_next(struct bytes *ids, struct bytes *id)
{
    struct cursor c = {.at = ids->ptr, .end = (const unsigned char *)ids->ptr + ids->len};
    if (!ids->len) return false;
    *id = get_bytes(&c);
    *ids = bytes_of(c.at, (size_t)(c.end - c.at));
    return !c.wrong && id->ptr;
}

/* The parts are told apart, and so is no body from an empty one. */
int64_t store_row_sum(uint32_t lane, struct bytes head, struct bytes body)
{
    uint64_t sum = text_hash(head) + (body.ptr ? 2 : 1) * (uint64_t)0x9E3779B97F4A7C15u;
    sum = (sum << 21 | sum >> 43) ^ text_hash(body);
    return (int64_t)((sum << 7 | sum >> 57) ^ lane);
}
