/* The canonical message within SQS's rules, and back. Source of the rules: Amazon SQS Developer
 * Guide, "Message metadata"; API reference, SendMessage. */
#include <strings.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

#define ENCODING BYTES_LIT("sqsbridge.encoding")
#define PACKED BYTES_LIT("sqsbridge.attributes")

enum { MAX_NAME_BYTES = 256, MAX_TYPE_BYTES = 256, MAX_DIGITS = 38 };

/* ---- what SQS accepts ---- */

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool reserved_name(struct bytes name)
{
    const char *text = name.ptr;
    bool amazon = (name.len >= 4 && strncasecmp(text, "aws.", 4) == 0) ||
                  (name.len >= 7 && strncasecmp(text, "amazon.", 7) == 0);
    return amazon || bytes_eq(name, ENCODING) || bytes_eq(name, PACKED);
}

static bool legal_name(struct bytes name)
{
    const char *text = name.ptr;
    if (name.len == 0 || name.len > MAX_NAME_BYTES || reserved_name(name)) return false;
    if (text[0] == '.' || text[name.len - 1] == '.') return false;
    for (size_t i = 0; i < name.len; i++) {
        if (!name_char(text[i])) return false;
        if (text[i] == '.' && text[i + 1] == '.') return false; /* the last one is no dot */
    }
    return true;
}

/* Digits with a sign, a point and an exponent; few enough that SQS keeps them all. */
static bool legal_number(struct bytes value)
{
    const char *at = value.ptr, *end = at + value.len;
    size_t digits = 0, points = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.')
            points++;
        else if (*at >= '0' && *at <= '9')
            digits++;
        else
            return false;
    }
    return at == end && digits > 0 && digits <= MAX_DIGITS && points <= 1;
}

static bool legal_value(const struct attr *a)
{
    if (a->value.len == 0) return false;
    switch (a->type) {
    case ATTR_STRING:
        return text_is_xml(a->value);
    case ATTR_NUMBER:
        return legal_number(a->value);
    case ATTR_BINARY:
        return true;
    }
    return false;
}

static bool legal(const struct attr *a)
{
    return legal_name(a->name) && legal_value(a) && a->subtype.len < MAX_TYPE_BYTES - 8 &&
           text_is_xml(a->subtype);
}

static bool seen_before(const struct msg *m, uint32_t at)
{
    for (uint32_t i = 0; i < at; i++)
        if (bytes_eq(m->attrs[i].name, m->attrs[at].name)) return true;
    return false;
}

/* ---- there ---- */

static void put_text(struct json_writer *w, struct bytes value, bool base64)
{
    if (base64)
        json_base64(w, value);
    else
        json_string(w, value);
}

/* ["name", "type", "value"], with true as a fourth where the name is base64 too. */
void mapping_pack_attr(struct json_writer *w, const struct attr *a)
{
    char type[MAX_TYPE_BYTES + 8];
    size_t len = mapping_type_write(a, type, MAX_TYPE_BYTES);
    bool name64 = !text_is_xml(a->name);
    bool value64 = a->type != ATTR_BINARY && !text_is_xml(a->value);
    struct bytes form = value64 ? BYTES_LIT(";base64") : BYTES_NONE;
    if (form.len) memcpy(type + len, form.ptr, form.len);
    len += form.len;
    json_array(w);
    put_text(w, a->name, name64);
    json_string(w, bytes_of(type, len));
    put_text(w, a->value, value64 || a->type == ATTR_BINARY);
    if (name64) json_bool(w, true);
    json_array_end(w);
}

static bool body_is_plain(struct bytes body)
{
    return body.len && text_is_xml(body);
}

static const char *body_form(struct bytes body)
{
    if (!body.ptr) return "none";
    return body.len ? "base64" : "empty";
}

static void append(struct mapping_sqs *out, struct bytes name, struct bytes value)
{
    out->attrs[out->attr_count++] =
        (struct attr){.name = name, .value = value, .type = ATTR_STRING};
}

/* Bit i: attribute i must be packed. One place is kept for the pack itself. */
static size_t choose(const struct msg *m, size_t places, bool *packed)
{
    size_t misfits = 0, fitting = 0;
    for (uint32_t i = 0; i < m->attr_count; i++) {
        packed[i] = !legal(&m->attrs[i]) || seen_before(m, i);
        misfits += packed[i];
    }
    if (m->attr_count - misfits > places - (misfits ? 1 : 0)) misfits = misfits ? misfits : 1;
    size_t most = places - (misfits ? 1 : 0);
    for (uint32_t i = 0; i < m->attr_count; i++) {
        if (!packed[i] && fitting == most) packed[i] = true;
        fitting += !packed[i];
    }
    return misfits;
}

static void put_attributes(const struct msg *m, size_t places, struct mapping_sqs *out,
                           struct buf *scratch)
{
    bool packed[MSG_MAX_ATTRS];
    size_t start = scratch->len, misfits = choose(m, places, packed);
    struct json_writer w = {.out = scratch};
    if (misfits) json_array(&w);
    for (uint32_t i = 0; i < m->attr_count; i++)
        if (packed[i])
            mapping_pack_attr(&w, &m->attrs[i]);
        else
            out->attrs[out->attr_count++] = m->attrs[i];
    if (!misfits) return;
    json_array_end(&w);
    append(out, PACKED, bytes_of(scratch->ptr + start, scratch->len - start));
}

static void put_body(const struct msg *m, struct mapping_sqs *out, struct buf *scratch)
{
    size_t start = scratch->len;
    out->body = m->body;
    if (body_is_plain(m->body)) return;
    append(out, ENCODING, bytes_str(body_form(m->body)));
    if (m->body.len)
        text_base64(m->body, scratch);
    else
        buf_add(scratch, "-", 1);
    out->body = bytes_of(scratch->ptr + start, scratch->len - start);
}

static size_t size_of(const struct mapping_sqs *s)
{
    char type[MAX_TYPE_BYTES];
    size_t size = s->body.len;
    for (size_t i = 0; i < s->attr_count; i++)
        size += s->attrs[i].name.len + s->attrs[i].value.len +
                mapping_type_write(&s->attrs[i], type, sizeof(type));
    return size;
}

/* The most that base64 and JSON escapes can make of the message: scratch must not move under the
 * views. */
static size_t most_scratch(const struct msg *m)
{
    size_t body = body_is_plain(m->body) ? 0 : m->body.len / 3 * 4 + 8;
    size_t attrs = m->size - m->body.len;
    return body + 6 * attrs + (size_t)m->attr_count * (MAX_TYPE_BYTES + 64) + 64;
}

bool mapping_to_sqs(const struct msg *m, size_t max_size, struct mapping_sqs *out,
                    struct buf *scratch, struct error *e)
{
    size_t places = MAPPING_SQS_ATTRS - (body_is_plain(m->body) ? 0 : 1);
    bool plain = m->attr_count == 0 && places == MAPPING_SQS_ATTRS;
    if (!plain) buf_reserve(scratch, most_scratch(m));
    out->attr_count = 0;
    put_attributes(m, places, out, scratch);
    put_body(m, out, scratch);
    out->size = size_of(out);
    if (out->size <= max_size) return true;
    return error_set(
        e, FAULT_REJECT,
        "message is too large for SQS: %zu bytes with its attributes, and the limit is %zu "
        "(raise the queue's MaximumMessageSize, or give the pipeline a dead_letter sink)",
        out->size, max_size);
}

/* ---- and back ---- */

static bool read_string(struct json_reader *r, struct bytes *text)
{
    if (json_next(r) != JSON_STRING) return false;
    *text = r->text;
    return true;
}

static bool decode(struct bytes *value, struct buf *scratch)
{
    size_t start = scratch->len;
    if (!text_unbase64(*value, scratch)) return false;
    *value = bytes_of(scratch->ptr + start, scratch->len - start);
    return true;
}

static bool drop_suffix(struct bytes *text, struct bytes suffix)
{
    if (text->len < suffix.len) return false;
    const char *at = (const char *)text->ptr + text->len - suffix.len;
    if (memcmp(at, suffix.ptr, suffix.len) != 0) return false;
    text->len -= suffix.len;
    return true;
}

bool mapping_unpack_attr(struct json_reader *r, struct attr *a, struct buf *scratch)
{
    struct bytes type;
    if (!read_string(r, &a->name) || !read_string(r, &type) || !read_string(r, &a->value))
        return false;
    bool base64 = drop_suffix(&type, BYTES_LIT(";base64"));
    if (!mapping_type_read(type, a)) return false;
    if ((base64 || a->type == ATTR_BINARY) && !decode(&a->value, scratch)) return false;
    enum json_token t = json_next(r);
    if (t == JSON_TRUE) {
        if (!decode(&a->name, scratch)) return false;
        t = json_next(r);
    }
    return t == JSON_ARRAY_END;
}

/* Appends what was packed; the new count, or the old one where it is not of our making. */
static size_t unpack(struct bytes packed, struct attr *attrs, size_t count, struct buf *scratch)
{
    size_t start = scratch->len, n = count;
    struct json_reader r;
    enum json_token t;
    buf_add(scratch, packed.ptr, packed.len); /* a copy that may be written to */
    json_read(&r, scratch->ptr + start, packed.len);
    if (json_next(&r) != JSON_ARRAY) return count;
    while ((t = json_next(&r)) == JSON_ARRAY) {
        if (n == MSG_MAX_ATTRS || !mapping_unpack_attr(&r, &attrs[n], scratch)) return count;
        n++;
    }
    return t == JSON_ARRAY_END && json_next(&r) == JSON_END ? n : count;
}

/* False: not of our making. */
static bool undo_encoding(struct msg_draft *draft, struct bytes form, struct buf *scratch)
{
    if (bytes_eq(form, BYTES_LIT("base64"))) return decode(&draft->body, scratch);
    if (!bytes_eq(draft->body, BYTES_LIT("-"))) return false;
    if (bytes_eq(form, BYTES_LIT("empty")))
        draft->body = bytes_of("", 0);
    else if (bytes_eq(form, BYTES_LIT("none")))
        draft->body = BYTES_NONE;
    else
        return false;
    return true;
}

void mapping_from_sqs(struct msg_draft *draft, struct attr *attrs, struct buf *scratch)
{
    struct attr packed = {0};
    size_t n = 0, room = 0;
    for (size_t i = 0; i < draft->attr_count; i++)
        if (bytes_eq(draft->attrs[i].name, PACKED)) room = draft->attrs[i].value.len;
    buf_reserve(scratch, draft->body.len + 2 * room); /* once: views into it must not move */
    for (size_t i = 0; i < draft->attr_count; i++) {
        struct attr a = draft->attrs[i];
        if (bytes_eq(a.name, ENCODING) && undo_encoding(draft, a.value, scratch)) continue;
        if (bytes_eq(a.name, PACKED))
            packed = a;
        else
            attrs[n++] = a;
    }
    if (packed.value.ptr) {
        size_t with = unpack(packed.value, attrs, n, scratch);
        if (with == n) attrs[with++] = packed; /* not of our making */
        n = with;
    }
    draft->attrs = attrs;
    draft->attr_count = n;
}
