#include "bridge/mapping.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/text.h"

static const char companion_prefix[] = "sqsbridge.type.";
enum { PREFIX_LEN = sizeof(companion_prefix) - 1, MAX_TYPE_BYTES = 256 };

/* ---- types ---- */

static const struct {
    struct bytes name;
    enum attr_type type;
} types[] = {
    {BYTES_INIT("String"), ATTR_STRING},
    {BYTES_INIT("Number"), ATTR_NUMBER},
    {BYTES_INIT("Binary"), ATTR_BINARY},
};

static size_t put(char *text, size_t size, size_t at, struct bytes b)
{
    size_t len = b.len < size - at ? b.len : size - at;
    if (len) memcpy(text + at, b.ptr, len);
    return at + len;
}

size_t mapping_type_write(const struct attr *a, char *text, size_t size)
{
    size_t len = put(text, size, 0, types[a->type].name);
    if (!a->subtype.len) return len;
    len = put(text, size, len, BYTES_LIT("."));
    return put(text, size, len, a->subtype);
}

bool mapping_type_read(struct bytes text, struct attr *a)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct bytes name = types[i].name;
        if (!bytes_starts_with(text, name)) continue;
        const char *rest = (const char *)text.ptr + name.len;
        size_t len = text.len - name.len;
        if (len == 1 || (len && rest[0] != '.')) return false;
        a->type = types[i].type;
        a->subtype = len ? bytes_of(rest + 1, len - 1) : bytes_of(NULL, 0);
        return true;
    }
    return false;
}

/* ---- headers: Kafka, MQTT ---- */

static bool fits(const struct attr *a, enum mapping_values values)
{
    if (values == MAPPING_RAW) return true;
    return a->type != ATTR_BINARY && text_is_mqtt(a->value);
}

static void emit_companion(const struct attr *a, bool base64, mapping_header_fn *emit, void *arg)
{
    char type[MAX_TYPE_BYTES + 8];
    size_t len = mapping_type_write(a, type, MAX_TYPE_BYTES);
    if (base64) len += (size_t)snprintf(type + len, sizeof(type) - len, ";base64");
    struct buf name = {0};
    buf_add(&name, companion_prefix, PREFIX_LEN);
    buf_add(&name, a->name.ptr, a->name.len);
    emit(arg, bytes_of(name.ptr, name.len), bytes_of(type, len));
    free(name.ptr);
}

static void emit_base64(const struct attr *a, mapping_header_fn *emit, void *arg)
{
    struct buf text = {0};
    text_base64(a->value, &text);
    emit(arg, a->name, bytes_of(text.ptr ? text.ptr : "", text.len));
    free(text.ptr);
}

void mapping_headers(const struct msg *m, enum mapping_values values, mapping_header_fn *emit,
                     void *arg)
{
    for (uint32_t i = 0; i < m->attr_count; i++) {
        const struct attr *a = &m->attrs[i];
        bool plain = fits(a, values);
        if (plain)
            emit(arg, a->name, a->value);
        else
            emit_base64(a, emit, arg);
        if (!plain || a->type != ATTR_STRING || a->subtype.len)
            emit_companion(a, !plain, emit, arg);
    }
}

/* Reads "Binary.png;base64". */
static bool read_companion(struct bytes text, struct attr *type, bool *base64)
{
    struct bytes suffix = BYTES_LIT(";base64");
    *base64 = text.len > suffix.len &&
              memcmp((const char *)text.ptr + text.len - suffix.len, suffix.ptr, suffix.len) == 0;
    if (*base64) text.len -= suffix.len;
    return mapping_type_read(text, type);
}

/* Gives a its type, and its value where that was base64. */
static bool apply_companion(struct attr *a, struct bytes companion, struct buf *scratch)
{
    struct attr type = {0};
    bool base64;
    if (!read_companion(companion, &type, &base64)) return false;
    if (base64) {
        size_t start = scratch->len;
        if (!text_unbase64(a->value, scratch)) return false;
        a->value = bytes_of(scratch->ptr + start, scratch->len - start);
    }
    if (type.type != ATTR_BINARY && !text_is_utf8(a->value)) return false;
    a->type = type.type;
    a->subtype = type.subtype;
    return true;
}

static bool is_companion_of(const struct attr *c, const struct attr *a)
{
    return c->name.len == PREFIX_LEN + a->name.len &&
           bytes_starts_with(c->name, bytes_of(companion_prefix, PREFIX_LEN)) &&
           memcmp((const char *)c->name.ptr + PREFIX_LEN, a->name.ptr, a->name.len) == 0;
}

/* A companion stands right behind its header, so that repeated names keep their own types. */
size_t mapping_fold_headers(struct attr *attrs, size_t count, struct buf *scratch)
{
    size_t kept = 0, room = 0;
    for (size_t i = 0; i < count; i++)
        room += attrs[i].value.len;
    buf_reserve(scratch, room); /* once: views into it must not move */
    for (size_t i = 0; i < count; i++) {
        attrs[kept] = attrs[i];
        bool folded = i + 1 < count && is_companion_of(&attrs[i + 1], &attrs[i]) &&
                      apply_companion(&attrs[kept], attrs[i + 1].value, scratch);
        if (folded) i++;
        kept++;
    }
    return kept;
}
