#include "bridge/template.h"

#include <stdio.h>
#include <stdlib.h>

enum field {
    FIELD_LITERAL,
    FIELD_ATTR,
    FIELD_KEY,
    FIELD_TOPIC,
    FIELD_LEVEL,
    FIELD_POSITION,
    FIELD_TIMESTAMP
};

/* A run of literal text, or a field with its fallback. All views point into the template's own copy
 * of the text. */
struct part {
    enum field field;
    struct bytes text;     /* the literal, or the attribute's name */
    struct bytes fallback; /* ptr NULL: none */
    unsigned level;
};

struct template
{
    char *text;
    struct part *parts;
    size_t count;
};

static void add_part(struct template *t, struct part part)
{
    if (part.field == FIELD_LITERAL && part.text.len == 0) return;
    t->parts = mem_realloc(t->parts, (t->count + 1) * sizeof(t->parts[0]));
    t->parts[t->count++] = part;
}

static bool read_level(struct bytes digits, unsigned *level)
{
    const char *at = digits.ptr;
    *level = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (at[i] < '0' || at[i] > '9' || *level > 1000) return false;
        *level = *level * 10 + (unsigned)(at[i] - '0');
    }
    return *level > 0;
}

static struct bytes after(struct bytes b, size_t n)
{
    return bytes_of((const char *)b.ptr + n, b.len - n);
}

static bool read_field(struct bytes name, struct part *part)
{
    static const struct {
        const char *name;
        enum field field;
    } plain[] = {{"key", FIELD_KEY},
                 {"topic", FIELD_TOPIC},
                 {"position", FIELD_POSITION},
                 {"timestamp", FIELD_TIMESTAMP}};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (bytes_eq(name, bytes_str(plain[i].name))) {
            part->field = plain[i].field;
            return true;
        }
    if (bytes_starts_with(name, BYTES_LIT("attr:")) && name.len > 5) {
        part->field = FIELD_ATTR;
        part->text = after(name, 5);
        return true;
    }
    part->field = FIELD_LEVEL;
    return bytes_starts_with(name, BYTES_LIT("topic:")) && read_level(after(name, 6), &part->level);
}

/* What stands between ${ and }. */
static bool compile_field(struct template *t, struct bytes inside, struct error *e)
{
    struct part part = {.fallback = BYTES_NONE};
    struct bytes name = inside;
    const char *dash = memmem(inside.ptr, inside.len, ":-", 2);
    if (dash) {
        name.len = (size_t)(dash - (const char *)inside.ptr);
        part.fallback = after(inside, name.len + 2);
    }
    if (!read_field(name, &part))
        return error_set(e, FAULT_CONFIG,
                         "no such field: \"${%.*s}\" (there are ${attr:NAME}, ${key}, ${topic}, "
                         "${topic:N}, ${position}, "
                         "${timestamp})",
                         BYTES_ARGS(inside));
    add_part(t, part);
    return true;
}

static bool compile(struct template *t, struct error *e)
{
    const char *at = t->text, *start = at;
    while ((at = strchr(at, '$'))) {
        bool escaped = strncmp(at, "$${", 3) == 0;
        if (!escaped && at[1] != '{') {
            at++;
            continue;
        }
        add_part(t, (struct part){.text = bytes_of(start, (size_t)(at - start))});
        if (escaped) { /* the literal goes on from the second dollar */
            start = at + 1;
            at += 3;
            continue;
        }
        const char *end = strchr(at, '}');
        if (!end)
            return error_set(e, FAULT_CONFIG,
                             "\"${\" without \"}\" (write \"$${\" for a plain one)");
        if (!compile_field(t, bytes_of(at + 2, (size_t)(end - at) - 2), e)) return false;
        start = at = end + 1;
    }
    add_part(t, (struct part){.text = bytes_str(start)});
    return true;
}

struct template *template_compile(const char *text, struct error *e)
{
    struct template *t = mem_zalloc(sizeof(*t));
    t->text = mem_strdup(text);
    if (!compile(t, e)) {
        template_free(t);
        return NULL;
    }
    return t;
}

void template_free(struct template *t)
{
    if (!t) return;
    free(t->text);
    free(t->parts);
    free(t);
}

const char *template_text(const struct template *t)
{
    return t->text;
}

bool template_is_constant(const struct template *t, struct bytes *text)
{
    bool constant = t->count == 0 || (t->count == 1 && t->parts[0].field == FIELD_LITERAL);
    if (constant) *text = t->count ? t->parts[0].text : bytes_of("", 0);
    return constant;
}

static struct bytes topic_level(struct bytes topic, unsigned level)
{
    while (topic.ptr) {
        const char *slash = memchr(topic.ptr, '/', topic.len);
        size_t len = slash ? (size_t)(slash - (const char *)topic.ptr) : topic.len;
        if (--level == 0) return bytes_of(topic.ptr, len);
        topic = slash ? after(topic, len + 1) : BYTES_NONE;
    }
    return BYTES_NONE;
}

/* ptr NULL: the message has none. number: room for a timestamp in digits. */
static struct bytes field_of(const struct part *part, const struct msg *m, char number[24])
{
    const struct attr *a;
    switch (part->field) {
    case FIELD_LITERAL:
        return part->text;
    case FIELD_ATTR:
        a = msg_attr(m, part->text);
        return a ? a->value : BYTES_NONE;
    case FIELD_KEY:
        return m->key;
    case FIELD_TOPIC:
        return m->topic;
    case FIELD_LEVEL:
        return topic_level(m->topic, part->level);
    case FIELD_POSITION:
        return m->position;
    case FIELD_TIMESTAMP:
        if (!m->timestamp_ms) return BYTES_NONE;
        return bytes_of(number, (size_t)snprintf(number, 24, "%lld", (long long)m->timestamp_ms));
    }
    return BYTES_NONE;
}

bool template_expand(const struct template *t, const struct msg *m, struct buf *out,
                     struct error *e)
{
    char number[24];
    for (size_t i = 0; i < t->count; i++) {
        const struct part *part = &t->parts[i];
        struct bytes value = field_of(part, m, number);
        if (!value.ptr) value = part->fallback;
        if (!value.ptr)
            return error_set(
                e, FAULT_REJECT,
                "the message lacks a field of \"%s\" (give it a fallback: \"${attr:NAME:-none}\")",
                t->text);
        buf_add(out, value.ptr, value.len);
    }
    return true;
}
