#include "connectors/sqs/queue/message.h"

#include <stdlib.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

void queue_message_free(struct queue_message *m)
{
    free(m->line);
    free(m->binary.ptr);
}

struct line {
    struct json_reader r;
    struct queue_message *m;
    struct error *e;
};

static bool refuse(struct line *l, const char *why, struct bytes what)
{
    if (l->r.failed)
        return error_set(l->e, FAULT_REJECT, "not JSON: %s at byte %zu", l->r.error,
                         l->r.error_offset + 1);
    return error_set(l->e, FAULT_REJECT, "\"%.*s\": %s", BYTES_ARGS(what), why);
}

static bool read_text(struct line *l, struct bytes key, struct bytes *text)
{
    if (json_next(&l->r) != JSON_STRING) return refuse(l, "a string is expected", key);
    *text = l->r.text;
    return true;
}

static bool read_delay(struct line *l, struct bytes key)
{
    enum json_token token = json_next(&l->r);
    if (token != JSON_NUMBER || !json_int(l->r.text, &l->m->entry.delay_s))
        return refuse(l, "a number of seconds is expected", key);
    l->m->entry.no_delay = l->m->entry.delay_s == 0;
    return true;
}

/* All values together are shorter than the line, so the buffer never moves. */
static bool read_base64(struct line *l, struct attr *a)
{
    struct buf *binary = &l->m->binary;
    struct bytes text = BYTES_NONE;
    if (!read_text(l, a->name, &text)) return false;
    size_t begin = binary->len;
    if (!text_unbase64(text, binary)) return refuse(l, "value_base64 is not base64", a->name);
    a->value = bytes_of(binary->ptr + begin, binary->len - begin);
    return true;
}

static bool attr_member(struct line *l, struct attr *a)
{
    struct bytes key = l->r.text, type = BYTES_NONE;
    if (bytes_eq(key, BYTES_LIT("value"))) return read_text(l, a->name, &a->value);
    if (bytes_eq(key, BYTES_LIT("value_base64"))) return read_base64(l, a);
    if (!bytes_eq(key, BYTES_LIT("type")))
        return refuse(l, "an attribute has type, value and value_base64, and nothing else",
                      a->name);
    if (!read_text(l, a->name, &type)) return false;
    return mapping_type_read(type, a) ||
           refuse(l, "the type is String, Number or Binary, with .anything behind it", a->name);
}

static bool read_attr(struct line *l, struct attr *a)
{
    enum json_token token = json_next(&l->r);
    a->value = l->r.text;
    if (token == JSON_STRING) return true;
    a->type = ATTR_NUMBER;
    if (token == JSON_NUMBER) return true;
    if (token != JSON_OBJECT) return refuse(l, "a string, a number or an object", a->name);
    a->type = ATTR_STRING;
    a->value = BYTES_LIT("");
    while ((token = json_next(&l->r)) == JSON_KEY)
        if (!attr_member(l, a)) return false;
    return token == JSON_OBJECT_END || refuse(l, "", a->name);
}

static bool read_attrs(struct line *l, struct bytes key)
{
    struct sqs_entry *entry = &l->m->entry;
    enum json_token token = json_next(&l->r);
    if (token != JSON_OBJECT) return refuse(l, "an object is expected", key);
    while ((token = json_next(&l->r)) == JSON_KEY) {
        if (entry->attr_count == QUEUE_MAX_ATTRS) return refuse(l, "far too many attributes", key);
        struct attr *a = &l->m->attrs[entry->attr_count++];
        *a = (struct attr){.name = l->r.text};
        if (!read_attr(l, a)) return false;
    }
    return token == JSON_OBJECT_END || refuse(l, "", key);
}

static bool read_member(struct line *l)
{
    struct bytes key = l->r.text;
    struct sqs_entry *entry = &l->m->entry;
    const struct {
        const char *name;
        struct bytes *text;
    } texts[] = {
        {"id", &entry->id},
        {"body", &entry->body},
        {"group", &entry->group_id},
        {"deduplication_id", &entry->deduplication_id},
        {"trace_header", &entry->trace_header},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        if (bytes_eq(key, bytes_str(texts[i].name))) return read_text(l, key, texts[i].text);
    if (bytes_eq(key, BYTES_LIT("delay"))) return read_delay(l, key);
    if (bytes_eq(key, BYTES_LIT("attributes"))) return read_attrs(l, key);
    return refuse(l,
                  "no such member (id, body, group, deduplication_id, delay, trace_header, "
                  "attributes)",
                  key);
}

bool queue_message_read(struct queue_message *m, size_t len, struct error *e)
{
    struct line l = {.m = m, .e = e};
    enum json_token token;
    m->binary.len = 0;
    buf_reserve(&m->binary, len + 1);
    json_read(&l.r, m->line, len);
    if (json_next(&l.r) != JSON_OBJECT) return refuse(&l, "an object is expected", BYTES_LIT("{"));
    while ((token = json_next(&l.r)) == JSON_KEY)
        if (!read_member(&l)) return false;
    if (token == JSON_OBJECT_END && json_next(&l.r) == JSON_END) return true;
    return refuse(&l, "one object and nothing else is expected", BYTES_LIT("}"));
}
