#include "connectors/sqs/sqs_shape.h"

#include <stdlib.h>

#include "bridge/json.h"

/* Room for one more item of that size; returns the list's new place. */
static void *grown(void *items, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) return items;
    *cap = *cap ? 2 * *cap : 8;
    return mem_realloc(items, *cap * size);
}

void sqs_texts_add(struct sqs_texts *t, struct bytes text)
{
    t->items = grown(t->items, t->count, &t->cap, sizeof(*t->items));
    t->items[t->count++] = text;
}

void sqs_pairs_add(struct sqs_pairs *p, struct bytes name, struct bytes value)
{
    p->items = grown(p->items, p->count, &p->cap, sizeof(*p->items));
    p->items[p->count++] = (struct sqs_pair){name, value};
}

struct bytes sqs_pairs_find(const struct sqs_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (bytes_eq(p->items[i].name, bytes_str(name))) return p->items[i].value;
    return BYTES_NONE;
}

static void *structs_add(struct sqs_structs *s, size_t size)
{
    s->items = grown(s->items, s->count, &s->cap, size);
    return memset((char *)s->items + size * s->count++, 0, size);
}

/* ---- writing ---- */

static const void *field_of(const struct sqs_member *m, const void *from)
{
    return (const char *)from + m->offset;
}

static void write_text(const struct sqs_member *m, const struct bytes *text, struct json_writer *w)
{
    if (!text->ptr) return;
    json_key(w, m->name);
    json_string(w, *text);
}

static void write_number(const struct sqs_member *m, const struct sqs_number *n,
                         struct json_writer *w)
{
    if (!n->given) return;
    json_key(w, m->name);
    json_number(w, n->value);
}

static void write_texts(const struct sqs_member *m, const struct sqs_texts *texts,
                        struct json_writer *w)
{
    if (!texts->count) return;
    json_key(w, m->name);
    json_array(w);
    for (size_t i = 0; i < texts->count; i++)
        json_string(w, texts->items[i]);
    json_array_end(w);
}

static void write_pairs(const struct sqs_member *m, const struct sqs_pairs *pairs,
                        struct json_writer *w)
{
    if (!pairs->count) return;
    json_key(w, m->name);
    json_object(w);
    for (size_t i = 0; i < pairs->count; i++) {
        json_key_bytes(w, pairs->items[i].name);
        json_string(w, pairs->items[i].value);
    }
    json_object_end(w);
}

static void write_struct(const struct sqs_shape *shape, const void *from, struct json_writer *w);

static void write_structs(const struct sqs_member *m, const struct sqs_structs *structs,
                          struct json_writer *w)
{
    if (!structs->count) return;
    json_key(w, m->name);
    json_array(w);
    for (size_t i = 0; i < structs->count; i++)
        write_struct(m->of, (const char *)structs->items + i * m->of->size, w);
    json_array_end(w);
}

static void write_member(const struct sqs_member *m, const void *field, struct json_writer *w)
{
    switch (m->kind) {
    case SQS_TEXT:
        write_text(m, field, w);
        return;
    case SQS_NUMBER:
        write_number(m, field, w);
        return;
    case SQS_TEXTS:
        write_texts(m, field, w);
        return;
    case SQS_PAIRS:
        write_pairs(m, field, w);
        return;
    case SQS_STRUCTS:
        write_structs(m, field, w);
        return;
    }
}

static void write_struct(const struct sqs_shape *shape, const void *from, struct json_writer *w)
{
    json_object(w);
    for (const struct sqs_member *m = shape->members; m->name; m++)
        write_member(m, field_of(m, from), w);
    json_object_end(w);
}

void sqs_shape_encode(const struct sqs_shape *shape, const void *from, struct buf *out)
{
    struct json_writer w = {.out = out};
    write_struct(shape, from, &w);
}

/* ---- reading ---- */

static bool read_object(struct json_reader *r, const struct sqs_shape *shape, void *to);

static bool read_text(struct json_reader *r, enum json_token token, struct bytes *text)
{
    if (token == JSON_STRING || token == JSON_NUMBER) *text = r->text;
    return token == JSON_STRING || token == JSON_NUMBER || token == JSON_NULL;
}

static bool read_number(struct json_reader *r, enum json_token token, struct sqs_number *n)
{
    struct bytes text = BYTES_NONE;
    if (!read_text(r, token, &text)) return false;
    n->given = text.ptr != NULL;
    return !n->given || json_int(text, &n->value);
}

static bool read_texts(struct json_reader *r, enum json_token token, struct sqs_texts *texts)
{
    if (token == JSON_NULL) return true;
    if (token != JSON_ARRAY) return false;
    while ((token = json_next(r)) == JSON_STRING)
        sqs_texts_add(texts, r->text);
    return token == JSON_ARRAY_END;
}

static bool read_pairs(struct json_reader *r, enum json_token token, struct sqs_pairs *pairs)
{
    if (token == JSON_NULL) return true;
    if (token != JSON_OBJECT) return false;
    while ((token = json_next(r)) == JSON_KEY) {
        struct bytes name = r->text, value = BYTES_NONE;
        if (!read_text(r, json_next(r), &value)) return false;
        if (value.ptr) sqs_pairs_add(pairs, name, value);
    }
    return token == JSON_OBJECT_END;
}

static bool read_structs(struct json_reader *r, enum json_token token,
                         const struct sqs_shape *shape, struct sqs_structs *structs)
{
    if (token == JSON_NULL) return true;
    if (token != JSON_ARRAY) return false;
    while ((token = json_next(r)) == JSON_OBJECT)
        if (!read_object(r, shape, structs_add(structs, shape->size))) return false;
    return token == JSON_ARRAY_END;
}

static bool read_member(struct json_reader *r, enum json_token token, const struct sqs_member *m,
                        void *field)
{
    switch (m->kind) {
    case SQS_TEXT:
        return read_text(r, token, field);
    case SQS_NUMBER:
        return read_number(r, token, field);
    case SQS_TEXTS:
        return read_texts(r, token, field);
    case SQS_PAIRS:
        return read_pairs(r, token, field);
    case SQS_STRUCTS:
        return read_structs(r, token, m->of, field);
    }
    return false;
}

static const struct sqs_member *find(const struct sqs_shape *shape, struct bytes name)
{
    const struct sqs_member *m = shape->members;
    while (m->name && !bytes_eq(name, bytes_str(m->name)))
        m++;
    return m->name ? m : NULL;
}

static bool read_object(struct json_reader *r, const struct sqs_shape *shape, void *to)
{
    enum json_token token;
    while ((token = json_next(r)) == JSON_KEY) {
        const struct sqs_member *m = find(shape, r->text);
        token = json_next(r);
        if (!(m ? read_member(r, token, m, (char *)to + m->offset) : json_skip(r, token)))
            return false;
    }
    return token == JSON_OBJECT_END;
}

static bool read_whole(const struct sqs_shape *shape, struct bytes json, void *to, struct error *e)
{
    union {
        const void *borrowed;
        char *owned;
    } text = {.borrowed = json.ptr};
    struct json_reader r;
    json_read(&r, text.owned, json.len);
    if (json_next(&r) == JSON_OBJECT && read_object(&r, shape, to) && json_next(&r) == JSON_END)
        return true;
    return error_set(e, FAULT_DOWN, "answer is not as SQS writes it: %s at byte %zu",
                     r.error ? r.error : "unexpected value",
                     r.error ? r.error_offset : (size_t)(r.at - r.start));
}

bool sqs_shape_decode(const struct sqs_shape *shape, struct bytes json, void *to, struct error *e)
{
    memset(to, 0, shape->size);
    if (json.len && !read_whole(shape, json, to, e)) return false;
    for (const struct sqs_member *m = shape->members; m->name; m++) {
        const struct bytes *text = field_of(m, to);
        if (m->required && !text->len)
            return error_set(e, FAULT_DOWN, "answer without %s", m->name);
    }
    return true;
}

/* ---- the end ---- */

static void free_structs(const struct sqs_shape *shape, struct sqs_structs *structs)
{
    for (size_t i = 0; i < structs->count; i++)
        sqs_shape_free(shape, (char *)structs->items + i * shape->size);
    free(structs->items);
    *structs = (struct sqs_structs){0};
}

void sqs_shape_free(const struct sqs_shape *shape, void *decoded)
{
    for (const struct sqs_member *m = shape->members; m->name; m++) {
        void *field = (char *)decoded + m->offset;
        if (m->kind == SQS_TEXTS) {
            struct sqs_texts *texts = field;
            free(texts->items);
            *texts = (struct sqs_texts){0};
        } else if (m->kind == SQS_PAIRS) {
            struct sqs_pairs *pairs = field;
            free(pairs->items);
            *pairs = (struct sqs_pairs){0};
        } else if (m->kind == SQS_STRUCTS) {
            free_structs(m->of, field);
        }
    }
}
