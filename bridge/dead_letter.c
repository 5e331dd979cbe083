#include "bridge/dead_letter.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

#define LETTER BYTES_LIT("sqsbridge.dead_letter")
#define REASON BYTES_LIT("sqsbridge.reason")

enum {
    MOST_IN_PLACE = 96, /* a letter's headers, each with its companion, stay below MSG_MAX_ATTRS */
    EXTRA_BYTES = 32 * 1024, /* names, types and brackets of MSG_MAX_ATTRS, and of the letter */
    MAX_REASON = 512,
};

int64_t dead_letter_largest(int64_t message_bytes)
{
    return message_bytes > INT64_MAX / 4 ? INT64_MAX : 3 * message_bytes + EXTRA_BYTES;
}

/* ---- the letter's members ---- */

struct text_member {
    const char *name;
    size_t offset;
};
#define TEXT(field)                                                                                \
    {                                                                                              \
#field, offsetof(struct dead_letter, field)                                                \
    }
static const struct text_member texts[] = {TEXT(reason), TEXT(pipeline), TEXT(source), TEXT(origin),
                                           TEXT(sink),   TEXT(key),      TEXT(topic),  TEXT(run)};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

static const struct text_member numbers[] = {
    TEXT(attempts),
    {"first", offsetof(struct dead_letter, first_ms)},
    {"last", offsetof(struct dead_letter, last_ms)},
    {"timestamp", offsetof(struct dead_letter, timestamp_ms)},
    TEXT(lane),
};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

static struct bytes text_of(const struct dead_letter *d, size_t i)
{
    return *(const struct bytes *)(const void *)((const char *)d + texts[i].offset);
}

static int64_t number_of(const struct dead_letter *d, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)d + numbers[i].offset);
}

/* ---- writing ---- */

static void write_text(struct json_writer *w, const char *name, struct bytes text)
{
    char name_base64[32];
    if (!text.ptr) return;
    if (text_is_xml(text)) {
        json_key(w, name);
        json_string(w, text);
        return;
    }
    snprintf(name_base64, sizeof(name_base64), "%s_base64", name);
    json_key(w, name_base64);
    json_base64(w, text);
}

/* Connectors give these names a meaning, or we do, or they can't go everywhere. */
static bool means_something(struct bytes name)
{
    return bytes_starts_with(name, BYTES_LIT("mqtt.")) ||
           bytes_starts_with(name, BYTES_LIT("sqsbridge.")) || !text_is_mqtt(name);
}

/* Moves what can stay in its place to attrs; the rest is written. Returns how many stay. */
static size_t sort_attributes(struct json_writer *w, const struct msg *m, struct attr *attrs)
{
    size_t n = 0;
    bool any = false;
    for (uint32_t i = 0; i < m->attr_count; i++) {
        if (n < MOST_IN_PLACE && !means_something(m->attrs[i].name)) {
            attrs[n++] = m->attrs[i];
            continue;
        }
        if (!any) {
            json_key(w, "attributes");
            json_array(w);
        }
        any = true;
        mapping_pack_attr(w, &m->attrs[i]);
    }
    if (any) json_array_end(w);
    return n;
}

static size_t write_members(const struct msg *m, const struct dead_letter *d, struct attr *attrs,
                            struct buf *out)
{
    struct json_writer w = {.out = out};
    json_object(&w);
    for (size_t i = 0; i < TEXTS; i++)
        write_text(&w, texts[i].name, text_of(d, i));
    for (size_t i = 0; i < NUMBERS; i++) {
        if (!number_of(d, i)) continue;
        json_key(&w, numbers[i].name);
        json_number(&w, number_of(d, i));
    }
    if (d->no_body) {
        json_key(&w, "no_body");
        json_bool(&w, true);
    }
    size_t n = sort_attributes(&w, m, attrs);
    json_object_end(&w);
    return n;
}

/* The letter comes first: SQS packs what stands behind its last place. */
struct msg *dead_letter_write(const struct msg *m, const struct dead_letter *d,
                              struct bytes position)
{
    struct attr attrs[MOST_IN_PLACE + 2];
    struct buf letter = {0};
    size_t n = 1 + write_members(m, d, attrs + 1, &letter);
    attrs[0] = (struct attr){
        .name = LETTER, .value = bytes_of(letter.ptr, letter.len), .type = ATTR_STRING};
    if (n + 2 <= MAPPING_SQS_ATTRS && d->reason.len && text_is_xml(d->reason))
        attrs[n++] = (struct attr){.name = REASON, .value = d->reason, .type = ATTR_STRING};
    struct msg *written = msg_new(&(struct msg_draft){
        .body = m->body,
        .key = m->key,
        .topic = m->topic,
        .position = position,
        .timestamp_ms = m->timestamp_ms,
        .attrs = attrs,
        .attr_count = n,
    });
    free(letter.ptr);
    return written;
}

/* ---- reading ---- */

static bool set_text(struct dead_letter *d, size_t i, bool base64, struct json_reader *r,
                     struct buf *scratch)
{
    struct bytes *to = (struct bytes *)(void *)((char *)d + texts[i].offset);
    size_t start = scratch->len;
    if (json_next(r) != JSON_STRING) return false;
    *to = r->text;
    if (!base64) return true;
    if (!text_unbase64(r->text, scratch)) return false;
    *to = bytes_of(scratch->ptr + start, scratch->len - start);
    return true;
}

/* Keeps the array as it is written, for dead_letter_open(). Once: scratch has no more room. */
static bool set_attributes(struct dead_letter *d, struct json_reader *r, struct buf *scratch)
{
    if (d->attributes.ptr) return false;
    const char *from = r->at;
    size_t start = scratch->len, left = (size_t)(r->end - r->at);
    buf_add(scratch, from, left); /* reading unescapes in place */
    if (!json_skip(r, json_next(r))) return false;
    d->attributes = bytes_of(scratch->ptr + start, (size_t)(r->at - from));
    return true;
}

static bool read_member(struct dead_letter *d, struct json_reader *r, struct buf *scratch)
{
    struct bytes name = r->text;
    for (size_t i = 0; i < TEXTS; i++) {
        size_t len = strlen(texts[i].name);
        if (!bytes_starts_with(name, bytes_str(texts[i].name))) continue;
        struct bytes rest = bytes_of((const char *)name.ptr + len, name.len - len);
        bool base64 = bytes_eq(rest, BYTES_LIT("_base64"));
        if (base64 || !rest.len) return set_text(d, i, base64, r, scratch);
    }
    for (size_t i = 0; i < NUMBERS; i++)
        if (bytes_eq(name, bytes_str(numbers[i].name)))
            return json_next(r) == JSON_NUMBER &&
                   json_int(r->text, (int64_t *)(void *)((char *)d + numbers[i].offset));
    if (bytes_eq(name, BYTES_LIT("attributes"))) return set_attributes(d, r, scratch);
    if (bytes_eq(name, BYTES_LIT("no_body"))) return d->no_body = json_next(r) == JSON_TRUE;
    return json_skip(r, json_next(r)); /* of a later version */
}

bool dead_letter_read(const struct msg *m, struct dead_letter *d, struct buf *scratch)
{
    const struct attr *letter = msg_attr(m, LETTER);
    struct json_reader r;
    enum json_token t;
    *d = (struct dead_letter){0};
    if (!letter) return false;
    scratch->len = 0;
    buf_reserve(scratch, 4 * letter->value.len + 1); /* once: views into it must not move */
    buf_add(scratch, letter->value.ptr, letter->value.len);
    json_read(&r, scratch->ptr, letter->value.len);
    if (json_next(&r) != JSON_OBJECT) return false;
    while ((t = json_next(&r)) == JSON_KEY)
        if (!read_member(d, &r, scratch)) return false;
    return t == JSON_OBJECT_END && json_next(&r) == JSON_END && d->pipeline.ptr && d->sink.ptr;
}

/* ---- the message again ---- */

/* A writable copy of the array is in scratch already. Returns the new count. */
static size_t unpack(struct bytes packed, struct attr *attrs, size_t n, struct buf *scratch)
{
    struct json_reader r;
    if (!packed.ptr) return n;
    buf_reserve(scratch, 2 * packed.len + 1);
    buf_add(scratch, packed.ptr, packed.len);
    const char *colon = memchr(scratch->ptr, '[', packed.len);
    size_t skip = colon ? (size_t)(colon - scratch->ptr) : packed.len;
    json_read(&r, scratch->ptr + skip, packed.len - skip);
    if (json_next(&r) != JSON_ARRAY) return n;
    while (n < MSG_MAX_ATTRS && json_next(&r) == JSON_ARRAY &&
           mapping_unpack_attr(&r, &attrs[n], scratch))
        n++;
    return n;
}

struct msg *dead_letter_open(const struct msg *m, const struct dead_letter *d)
{
    struct attr attrs[MSG_MAX_ATTRS];
    struct buf scratch = {0};
    size_t n = 0;
    for (uint32_t i = 0; i < m->attr_count; i++)
        if (!bytes_starts_with(m->attrs[i].name, BYTES_LIT("sqsbridge."))) attrs[n++] = m->attrs[i];
    n = unpack(d->attributes, attrs, n, &scratch);
    struct msg *opened = msg_new(&(struct msg_draft){
        .body = d->no_body ? BYTES_NONE : m->body,
        .key = d->key,
        .topic = d->topic,
        .position = d->origin,
        .timestamp_ms = d->timestamp_ms,
        .attrs = attrs,
        .attr_count = n,
    });
    free(scratch.ptr);
    return opened;
}
