#include "tests/sim/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct text text_of(const char *s)
{
    return (struct text){s, s ? strlen(s) : 0};
}

struct text text_of_buf(const struct buf *b)
{
    return (struct text){b->ptr ? b->ptr : "", b->len};
}

bool text_equal(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool text_is(struct text a, const char *s)
{
    return text_equal(a, text_of(s));
}

bool text_starts(struct text a, const char *prefix)
{
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.ptr, prefix, len) == 0);
}

bool text_is_nocase(struct text a, const char *s)
{
    return a.len == strlen(s) && (a.len == 0 || strncasecmp(a.ptr, s, a.len) == 0);
}

int text_compare(struct text a, struct text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

struct text text_cut(struct text *rest, char at)
{
    const char *hit = rest->len ? memchr(rest->ptr, at, rest->len) : NULL;
    struct text before = *rest;
    if (!hit) {
        *rest = (struct text){"", 0};
        return before;
    }
    before.len = (size_t)(hit - rest->ptr);
    rest->ptr += before.len + 1;
    rest->len -= before.len + 1;
    return before;
}

char *text_copy(struct text t)
{
    char *copy = mem_alloc(t.len + 1);
    if (t.len) memcpy(copy, t.ptr, t.len);
    return copy;
}

static void out_of_memory(void)
{
    fputs("sqs_sim: out of memory\n", stderr);
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

void *mem_grow(void *old, size_t size)
{
    void *p = realloc(old, size ? size : 1);
    if (!p) out_of_memory();
    return p;
}

void buf_reserve(struct buf *b, size_t extra)
{
    if (b->cap - b->len >= extra) return;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len < extra)
        cap *= 2;
    b->ptr = mem_grow(b->ptr, cap);
    b->cap = cap;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (!len) return;
    buf_reserve(b, len);
    memcpy(b->ptr + b->len, bytes, len);
    b->len += len;
}

void buf_add_text(struct buf *b, struct text t)
{
    buf_add(b, t.ptr, t.len);
}

void buf_add_char(struct buf *b, char c)
{
    buf_reserve(b, 1);
    b->ptr[b->len++] = c;
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    buf_reserve(b, 64);
    int len = vsnprintf(b->ptr + b->len, b->cap - b->len, format, args);
    if (len > 0 && (size_t)len >= b->cap - b->len) {
        buf_reserve(b, (size_t)len + 1);
        vsnprintf(b->ptr + b->len, b->cap - b->len, format, again);
    }
    b->len += len > 0 ? (size_t)len : 0;
    va_end(again);
    va_end(args);
}

void buf_free(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void text_to_hex(const unsigned char *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * len] = 0;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void buf_add_base64(struct buf *b, struct text bytes)
{
    const unsigned char *in = (const unsigned char *)bytes.ptr;
    buf_reserve(b, (bytes.len + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t v = (uint32_t)in[i] << 16;
        v |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        v |= left > 2 ? in[i + 2] : 0;
        char *out = b->ptr + b->len;
        out[0] = base64_digits[v >> 18];
        out[1] = base64_digits[v >> 12 & 63];
        out[2] = left > 1 ? base64_digits[v >> 6 & 63] : '=';
        out[3] = left > 2 ? base64_digits[v & 63] : '=';
        b->len += 4;
    }
}

static int base64_value(char c)
{
    const char *hit = c ? strchr(base64_digits, c) : NULL;
    return hit ? (int)(hit - base64_digits) : -1;
}

bool buf_add_unbase64(struct buf *b, struct text t)
{
    if (t.len % 4) return false;
    size_t pad = t.len && t.ptr[t.len - 1] == '=' ? 1u + (t.ptr[t.len - 2] == '=') : 0;
    uint32_t v = 0;
    for (size_t i = 0; i < t.len - pad; i++) {
        int digit = base64_value(t.ptr[i]);
        if (digit < 0) return false;
        v = v << 6 | (uint32_t)digit;
        if (i % 4) buf_add_char(b, (char)(v >> (6 - 2 * (i % 4)) & 255));
    }
    return true;
}
