#include "tests/fuzz/canonical_oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "connectors/aws/canonical.h"

enum { MOST = 512 };

static void add(struct buf *b, struct bytes text)
{
    buf_add(b, text.ptr, text.len);
}

static const unsigned char *raw(struct bytes text, size_t at)
{
    return (const unsigned char *)text.ptr + at;
}

/* Cuts the text before the first c, and takes that off; the whole of it where there is none. */
static struct bytes take_until(struct bytes *text, char c)
{
    size_t len = 0;
    while (len < text->len && *raw(*text, len) != (unsigned char)c)
        len++;
    struct bytes taken = bytes_of(text->ptr, len);
    size_t gone = len < text->len ? len + 1 : len;
    *text = bytes_of(raw(*text, gone), text->len - gone);
    return taken;
}

static void add_encoded(struct buf *b, struct bytes text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < text.len; i++) {
        if (memchr(plain, *raw(text, i), sizeof(plain) - 1))
            buf_add(b, raw(text, i), 1);
        else
            buf_printf(b, "%%%02X", *raw(text, i));
    }
}

/* ---- the path: a stack of segments ---- */

static void add_path(struct buf *b, struct bytes path)
{
    struct bytes stack[MOST], rest = path;
    size_t depth = 0;
    while (rest.len && depth < MOST) {
        struct bytes segment = take_until(&rest, '/');
        bool here = !segment.len || bytes_eq(segment, BYTES_LIT("."));
        if (bytes_eq(segment, BYTES_LIT("..")))
            depth -= depth > 0;
        else if (!here)
            stack[depth++] = segment;
    }
    for (size_t i = 0; i < depth; i++) {
        add(b, BYTES_LIT("/"));
        add_encoded(b, stack[i]);
    }
    if (!depth || *raw(path, path.len - 1) == '/') add(b, BYTES_LIT("/"));
}

/* ---- pairs: copies in an array, sorted by the C library ---- */

struct copy {
    struct buf name, value;
    size_t place; /* where equals stood before */
};

static int compare_buf(const struct buf *a, const struct buf *b)
{
    for (size_t i = 0; i < a->len && i < b->len; i++)
        if (a->ptr[i] != b->ptr[i])
            return (unsigned char)a->ptr[i] < (unsigned char)b->ptr[i] ? -1 : 1;
    return a->len < b->len ? -1 : a->len > b->len;
}

static int by_name_then_value(const void *a, const void *b)
{
    const struct copy *x = a, *y = b;
    int order = compare_buf(&x->name, &y->name);
    return order ? order : compare_buf(&x->value, &y->value);
}

static int by_name_then_place(const void *a, const void *b)
{
    const struct copy *x = a, *y = b;
    int order = compare_buf(&x->name, &y->name);
    return order ? order : (x->place > y->place) - (x->place < y->place);
}

static struct bytes text_of(const struct buf *b)
{
    return bytes_of(b->ptr, b->len);
}

static void forget(struct copy *copies, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(copies[i].name.ptr);
        free(copies[i].value.ptr);
    }
}

static unsigned hex_value(unsigned char c)
{
    const char *digits = "0123456789abcdef0123456789ABCDEF", *at = c ? strchr(digits, c) : NULL;
    return at ? (unsigned)(at - digits) % 16 : 16;
}

static void add_decoded(struct buf *b, struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned high = i + 2 < text.len ? hex_value(*raw(text, i + 1)) : 16;
        unsigned low = i + 2 < text.len ? hex_value(*raw(text, i + 2)) : 16;
        bool escape = *raw(text, i) == '%' && high < 16 && low < 16;
        char c = (char)(escape ? high * 16 + low : *raw(text, i));
        buf_add(b, &c, 1);
        i += escape ? 2 : 0;
    }
}

static void add_query_part(struct buf *b, struct bytes text)
{
    struct buf decoded = {0};
    add_decoded(&decoded, text);
    add_encoded(b, text_of(&decoded));
    free(decoded.ptr);
}

static void add_query(struct buf *b, struct bytes query)
{
    struct copy pairs[MOST] = {{.place = 0}};
    size_t count = 0;
    bool more = query.len > 0;
    while (more) {
        size_t before = query.len;
        struct bytes pair = take_until(&query, '&');
        more = pair.len < before;
        struct bytes name = take_until(&pair, '=');
        add_query_part(&pairs[count].name, name);
        add_query_part(&pairs[count++].value, pair);
    }
    qsort(pairs, count, sizeof(pairs[0]), by_name_then_value);
    for (size_t i = 0; i < count; i++) {
        if (i) add(b, BYTES_LIT("&"));
        add(b, text_of(&pairs[i].name));
        add(b, BYTES_LIT("="));
        add(b, text_of(&pairs[i].value));
    }
    forget(pairs, count);
}

/* ---- headers: words with a space between ---- */

static bool is_white(unsigned char c)
{
    return c && strchr(" \t\n\v\f\r", c);
}

static void add_words(struct buf *b, struct bytes value)
{
    bool gap = false;
    for (size_t i = 0; i < value.len; i++) {
        bool white = is_white(*raw(value, i));
        if (!white && gap && b->len) add(b, BYTES_LIT(" "));
        if (!white) buf_add(b, raw(value, i), 1);
        gap = white;
    }
}

static void add_small(struct buf *b, struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = *raw(name, i);
        char small = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        buf_add(b, &small, 1);
    }
}

static void add_headers(struct buf *b, const struct sigv4_header *headers, size_t count)
{
    struct copy copies[MOST] = {{.place = 0}};
    struct buf names = {0};
    for (size_t i = 0; i < count; i++) {
        copies[i].place = i;
        add_small(&copies[i].name, headers[i].name);
        add_words(&copies[i].value, headers[i].value);
    }
    qsort(copies, count, sizeof(copies[0]), by_name_then_place);
    for (size_t i = 0; i < count; i++) {
        bool again = i && !compare_buf(&copies[i].name, &copies[i - 1].name);
        bool last = i + 1 == count || compare_buf(&copies[i].name, &copies[i + 1].name);
        if (!again) buf_printf(&names, "%s", i ? ";" : "");
        if (!again) add(&names, text_of(&copies[i].name));
        if (!again) add(b, text_of(&copies[i].name));
        add(b, again ? BYTES_LIT(",") : BYTES_LIT(":"));
        add(b, text_of(&copies[i].value));
        if (last) add(b, BYTES_LIT("\n"));
    }
    add(b, BYTES_LIT("\n"));
    add(b, text_of(&names));
    free(names.ptr);
    forget(copies, count);
}

/* ---- both ---- */

static const struct sigv4_header own[] = {
    {BYTES_INIT("x-amz-date"), BYTES_INIT("20261122T120000Z")},
    {BYTES_INIT("x-amz-security-token"), BYTES_INIT("TOKEN/+==")},
};

static void build_obvious(struct buf *b, const struct sigv4_request *r)
{
    struct sigv4_header all[MOST];
    memcpy(all, r->headers, r->header_count * sizeof(all[0]));
    memcpy(all + r->header_count, own, sizeof(own));
    buf_printf(b, "%s\n", r->method);
    if (r->raw_path && r->path.len)
        add(b, r->path);
    else
        add_path(b, r->path);
    add(b, BYTES_LIT("\n"));
    add_query(b, r->query);
    add(b, BYTES_LIT("\n"));
    add_headers(b, all, r->header_count + 2);
    add(b, BYTES_LIT("\nHASH"));
}

static void compare(const struct sigv4_request *r)
{
    static struct canonical ours;
    struct buf theirs = {0};
    canonical_build(&ours, r, own, 2, BYTES_LIT("HASH"));
    build_obvious(&theirs, r);
    if (compare_buf(&ours.text, &theirs) != 0) {
        fprintf(stderr, "ours:\n%.*s\nobvious:\n%.*s\n", (int)ours.text.len, ours.text.ptr,
                (int)theirs.len, theirs.ptr);
        abort();
    }
    free(theirs.ptr);
}

bool canonical_oracle_check(const char *text, size_t len)
{
    struct sigv4_header headers[MOST];
    struct bytes rest = bytes_of(text, len < MOST ? len : MOST - 4); /* so that all arrays do */
    struct bytes kind = take_until(&rest, '\n');
    struct sigv4_request r = {.method = "POST", .headers = headers};
    r.raw_path = bytes_starts_with(kind, BYTES_LIT("r"));
    r.path = take_until(&rest, '\n');
    r.query = take_until(&rest, '\n');
    while (rest.len) {
        struct bytes line = take_until(&rest, '\n');
        headers[r.header_count].name = take_until(&line, ':');
        headers[r.header_count++].value = line;
    }
    compare(&r);
    return true;
}
