#include "tests/conformance/headers.h"

#include <stdio.h>

#include "bridge/text.h"
#include "tests/conformance/wait.h"

static const char companion[] = "sqsbridge.type.";
static const char *const types[] = {"String", "Number", "Binary"};

enum { KEEP_BYTES = 16 * 1024 }; /* reserved once: views must not move */

static struct bytes keep_text(struct buf *keep, size_t from)
{
    return bytes_of(keep->ptr + from, keep->len - from);
}

size_t headers_write(const struct msg *m, bool text_only, struct header *headers, struct buf *keep)
{
    size_t n = 0, at;
    buf_reserve(keep, KEEP_BYTES);
    for (size_t i = 0; i < m->attr_count; i++) {
        const struct attr *a = &m->attrs[i];
        bool base64 = text_only && a->type == ATTR_BINARY;
        headers[n++] = (struct header){a->name, a->value};
        if (base64) {
            at = keep->len;
            text_base64(a->value, keep);
            headers[n - 1].value = keep_text(keep, at);
        }
        if (a->type == ATTR_STRING && !a->subtype.len) continue;
        at = keep->len;
        buf_printf(keep, "%s%.*s", companion, BYTES_ARGS(a->name));
        headers[n].name = keep_text(keep, at);
        at = keep->len;
        buf_printf(keep, "%s%s%.*s%s", types[a->type], a->subtype.len ? "." : "",
                   BYTES_ARGS(a->subtype), base64 ? ";base64" : "");
        headers[n++].value = keep_text(keep, at);
    }
    return n;
}

static void apply(struct attr *a, struct bytes type, struct buf *keep)
{
    struct bytes suffix = BYTES_LIT(";base64");
    const char *text = type.ptr;
    bool base64 =
        type.len > suffix.len && memcmp(text + type.len - suffix.len, suffix.ptr, suffix.len) == 0;
    if (base64) type.len -= suffix.len;
    for (int i = 0; i < 3; i++)
        if (bytes_starts_with(type, bytes_str(types[i]))) a->type = (enum attr_type)i;
    if (type.len > 7) a->subtype = bytes_of(text + 7, type.len - 7);
    size_t at = keep->len;
    if (!base64) return;
    if (!text_unbase64(a->value, keep)) check_failed("not base64: %.*s", BYTES_ARGS(a->value));
    a->value = keep_text(keep, at);
}

size_t headers_read(const struct header *headers, size_t n, struct attr *attrs, struct buf *keep)
{
    size_t count = 0, len = sizeof(companion) - 1;
    buf_reserve(keep, KEEP_BYTES);
    for (size_t i = 0; i < n; i++)
        if (!bytes_starts_with(headers[i].name, bytes_of(companion, len)))
            attrs[count++] = (struct attr){.name = headers[i].name, .value = headers[i].value};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < count; j++)
            if (headers[i].name.len == len + attrs[j].name.len &&
                bytes_starts_with(headers[i].name, bytes_of(companion, len)) &&
                memcmp((const char *)headers[i].name.ptr + len, attrs[j].name.ptr,
                       attrs[j].name.len) == 0)
                apply(&attrs[j], headers[i].value, keep);
    return count;
}
