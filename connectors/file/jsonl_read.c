#include "connectors/file/jsonl.h"

#include "bridge/json.h"
#include "bridge/mapping.h"
#include "bridge/text.h"

struct parse {
    struct json_reader in;
    struct msg_draft *draft;
    struct jsonl_room *room;
    struct error *e;
};

/* A member whose value is text, as it is or under NAME_base64. */
struct member {
    struct bytes name, *value;
};

static bool fail(struct parse *p, const char *why, struct bytes name)
{
    if (p->in.failed)
        return error_set(p->e, FAULT_REJECT, "not JSON at byte %zu: %s", p->in.error_offset + 1,
                         p->in.error);
    return error_set(p->e, FAULT_REJECT, "%s: \"%.*s\"", why, BYTES_ARGS(name));
}

static const struct member *find(const struct member *members, size_t n, struct bytes name,
                                 bool *base64)
{
    for (size_t i = 0; i < n; i++) {
        if (!bytes_starts_with(name, members[i].name)) continue;
        struct bytes rest = {(const char *)name.ptr + members[i].name.len,
                             name.len - members[i].name.len};
        *base64 = bytes_eq(rest, BYTES_LIT("_base64"));
        if (*base64 || rest.len == 0) return &members[i];
    }
    return NULL;
}

/* The room was made for the whole line at once, so what was decoded before stays where it is. */
static bool decode(struct parse *p, struct bytes name, struct bytes *value)
{
    struct buf *scratch = &p->room->scratch;
    size_t before = scratch->len;
    if (!text_unbase64(p->in.text, scratch)) return fail(p, "not base64", name);
    *value = bytes_of(scratch->ptr + before, scratch->len - before);
    return true;
}

/* The value of the key that was just read. */
static bool read_text(struct parse *p, const struct member *members, size_t n)
{
    struct bytes name = p->in.text;
    bool base64;
    const struct member *member = find(members, n, name, &base64);
    if (!member) return fail(p, "unknown member", name);
    if (member->value->ptr) return fail(p, "given twice", name);
    enum json_token token = json_next(&p->in);
    if (token == JSON_NULL) return true;
    if (token != JSON_STRING) return fail(p, "string expected", name);
    if (base64) return decode(p, name, member->value);
    *member->value = p->in.text;
    return true;
}

static bool set_type(struct parse *p, struct attr *a, struct bytes type)
{
    if (type.ptr && !mapping_type_read(type, a)) return fail(p, "unknown attribute type", type);
    if (a->type != ATTR_BINARY && !text_is_utf8(a->value))
        return fail(p, "attribute is not UTF-8 (type Binary may be any bytes)", a->name);
    return true;
}

/* {"type": ..., "value": ...}, and "name" where it has none yet. */
static bool read_typed(struct parse *p, struct attr *a)
{
    struct bytes type = BYTES_NONE;
    const struct member members[] = {
        {BYTES_LIT("type"), &type}, {BYTES_LIT("value"), &a->value}, {BYTES_LIT("name"), &a->name}};
    size_t n = a->name.ptr ? 2 : 3;
    enum json_token token;
    while ((token = json_next(&p->in)) == JSON_KEY)
        if (!read_text(p, members, n)) return false;
    if (token != JSON_OBJECT_END) return fail(p, "", BYTES_NONE);
    if (!a->name.ptr || !a->value.ptr) return fail(p, "attribute without name or value", a->name);
    return set_type(p, a, type);
}

static bool read_attribute(struct parse *p, enum json_token token, struct attr *a)
{
    if (token == JSON_OBJECT) return read_typed(p, a);
    if (!a->name.ptr) return fail(p, "object expected in the array", BYTES_LIT("attributes"));
    if (token != JSON_STRING && token != JSON_NUMBER)
        return fail(p, "string, number or object expected", a->name);
    a->value = p->in.text;
    a->type = token == JSON_NUMBER ? ATTR_NUMBER : ATTR_STRING;
    return true;
}

static struct attr *next_attribute(struct parse *p)
{
    if (p->draft->attr_count == MSG_MAX_ATTRS) {
        error_set(p->e, FAULT_REJECT, "more than %d attributes", MSG_MAX_ATTRS);
        return NULL;
    }
    struct attr *a = &p->room->attrs[p->draft->attr_count++];
    *a = (struct attr){.type = ATTR_STRING};
    return a;
}

static bool read_attributes(struct parse *p)
{
    enum json_token opened = json_next(&p->in), token;
    enum json_token end = opened == JSON_OBJECT ? JSON_OBJECT_END : JSON_ARRAY_END;
    if (opened != JSON_OBJECT && opened != JSON_ARRAY)
        return fail(p, "object or array expected", BYTES_LIT("attributes"));
    while ((token = json_next(&p->in)) != end) {
        struct attr *a = next_attribute(p);
        if (!a) return false;
        if (token == JSON_KEY) {
            a->name = p->in.text;
            token = json_next(&p->in);
        }
        if (!read_attribute(p, token, a)) return false;
    }
    return true;
}

static bool read_timestamp(struct parse *p)
{
    bool number = json_next(&p->in) == JSON_NUMBER;
    if (number && json_int(p->in.text, &p->draft->timestamp_ms)) return true;
    return fail(p, "milliseconds since 1970 expected", BYTES_LIT("timestamp"));
}

static bool read_member(struct parse *p)
{
    const struct member members[] = {{BYTES_LIT("body"), &p->draft->body},
                                     {BYTES_LIT("key"), &p->draft->key},
                                     {BYTES_LIT("topic"), &p->draft->topic}};
    if (bytes_eq(p->in.text, BYTES_LIT("timestamp"))) return read_timestamp(p);
    if (bytes_eq(p->in.text, BYTES_LIT("attributes"))) return read_attributes(p);
    return read_text(p, members, sizeof(members) / sizeof(members[0]));
}

bool jsonl_read(char *line, size_t len, struct msg_draft *draft, struct jsonl_room *room,
                struct error *e)
{
    struct parse p = {.draft = draft, .room = room, .e = e};
    *draft = (struct msg_draft){.position = draft->position, .attrs = room->attrs};
    room->scratch.len = 0;
    buf_reserve(&room->scratch, len + 1);
    json_read(&p.in, line, len);
    enum json_token token = json_next(&p.in);
    if (token != JSON_OBJECT && !p.in.failed)
        return error_set(e, FAULT_REJECT, "not a JSON object (format = \"lines\" takes any line)");
    while ((token = json_next(&p.in)) == JSON_KEY)
        if (!read_member(&p)) return false;
    if (token != JSON_OBJECT_END || json_next(&p.in) != JSON_END) return fail(&p, "", BYTES_NONE);
    return true;
}
