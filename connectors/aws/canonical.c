/* The canonical request: what both sides hash, whatever the wire made of it.
 * Source: AWS documentation, "Create a signed AWS API request", step 1. */
#include "connectors/aws/canonical.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static void add(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

static void add_bytes(struct buf *b, struct bytes text)
{
    buf_add(b, text.ptr, text.len);
}

/* Percent-encodes all but RFC 3986's unreserved characters. */
static void add_encoded(struct buf *b, const char *text, size_t len)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_reserve(b, 3 * len);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i], letter = c | 0x20;
        bool plain = (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '.' || c == '_' || c == '~';
        if (plain) {
            b->ptr[b->len++] = text[i];
            continue;
        }
        b->ptr[b->len++] = '%';
        b->ptr[b->len++] = digits[c >> 4];
        b->ptr[b->len++] = digits[c & 15];
    }
}

/* Takes the last segment, and the slash before it, off a path that begins at `root`. */
static void drop_segment(struct buf *b, size_t root)
{
    while (b->len > root && b->ptr[--b->len] != '/')
        continue;
}

/* Dot segments and empty ones go; what is left is encoded once more than it is on the wire. */
static void add_normalised_path(struct buf *b, struct bytes path)
{
    const char *at = path.ptr, *end = at + path.len;
    size_t root = b->len;
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        size_t len = (size_t)((slash ? slash : end) - at);
        if (len == 2 && memcmp(at, "..", 2) == 0) {
            drop_segment(b, root);
        } else if (len && !(len == 1 && *at == '.')) {
            add(b, "/");
            add_encoded(b, at, len);
        }
        at += len + (slash ? 1 : 0);
    }
    if (b->len == root || end[-1] == '/') add(b, "/");
}

static void add_path(struct buf *b, const struct sigv4_request *r)
{
    if (!r->path.len || bytes_eq(r->path, BYTES_LIT("/"))) /* nearly every request */
        add(b, "/");
    else if (r->raw_path)
        add_bytes(b, r->path);
    else
        add_normalised_path(b, r->path);
}

static struct bytes scratch_at(const struct canonical *c, size_t offset, size_t len)
{
    return bytes_of(c->scratch.ptr + offset, len);
}

static int compare_bytes(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const struct canonical *c, const struct pair *a, const struct pair *b)
{
    return compare_bytes(scratch_at(c, a->name, a->name_len), scratch_at(c, b->name, b->name_len));
}

static int compare_pairs(const struct canonical *c, const struct pair *a, const struct pair *b)
{
    int order = compare_names(c, a, b);
    if (order) return order;
    return compare_bytes(scratch_at(c, a->value, a->value_len),
                         scratch_at(c, b->value, b->value_len));
}

/* Into its place among the pairs; behind its equals. They are few, and mostly in order. */
static void insert_pair(struct canonical *c, const struct pair *new,
                        int (*compare)(const struct canonical *, const struct pair *,
                                       const struct pair *))
{
    if (c->pair_count == c->pair_cap) {
        c->pair_cap = c->pair_cap ? 2 * c->pair_cap : 16;
        c->pairs = mem_realloc(c->pairs, c->pair_cap * sizeof(c->pairs[0]));
    }
    size_t at = c->pair_count++;
    for (; at > 0 && compare(c, &c->pairs[at - 1], new) > 0; at--)
        c->pairs[at] = c->pairs[at - 1];
    c->pairs[at] = *new;
}

static void clear_pairs(struct canonical *c)
{
    c->pair_count = 0;
    c->scratch.len = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char letter = (char)(c | 0x20);
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* The canonical encoding of what is on the wire encoded in some way: "%7e" is "~", ":" is "%3A". */
static void add_reencoded(struct buf *b, const char *at, size_t len)
{
    for (const char *end = at + len; at < end; at++) {
        char c = *at;
        bool escape = c == '%' && end - at > 2 && hex_digit(at[1]) >= 0 && hex_digit(at[2]) >= 0;
        if (escape) {
            c = (char)(hex_digit(at[1]) << 4 | hex_digit(at[2]));
            at += 2;
        }
        add_encoded(b, &c, 1);
    }
}

static void add_query_pair(struct canonical *c, const char *at, size_t len)
{
    const char *equals = memchr(at, '=', len);
    size_t name_len = equals ? (size_t)(equals - at) : len;
    struct pair pair = {.name = c->scratch.len};
    add_reencoded(&c->scratch, at, name_len);
    pair.name_len = c->scratch.len - pair.name;
    pair.value = c->scratch.len;
    if (equals) add_reencoded(&c->scratch, equals + 1, len - name_len - 1);
    pair.value_len = c->scratch.len - pair.value;
    insert_pair(c, &pair, compare_pairs);
}

static void add_query(struct canonical *c, struct bytes query)
{
    if (!query.len) return;
    const char *at = query.ptr, *end = at + query.len;
    clear_pairs(c);
    for (;;) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        add_query_pair(c, at, (size_t)((next ? next : end) - at));
        if (!next) break;
        at = next + 1;
    }
    for (size_t i = 0; i < c->pair_count; i++) {
        const struct pair *pair = &c->pairs[i];
        if (i) add(&c->text, "&");
        add_bytes(&c->text, scratch_at(c, pair->name, pair->name_len));
        add(&c->text, "=");
        add_bytes(&c->text, scratch_at(c, pair->value, pair->value_len));
    }
}

static void add_lower(struct buf *b, struct bytes name)
{
    const char *at = name.ptr;
    buf_reserve(b, name.len);
    for (size_t i = 0; i < name.len; i++)
        b->ptr[b->len++] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] | 0x20 : at[i]);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Trimmed, and each run of spaces inside made one. */
static void add_folded(struct buf *b, struct bytes value)
{
    const char *at = value.ptr;
    size_t begin = b->len;
    buf_reserve(b, value.len);
    for (size_t i = 0; i < value.len; i++) {
        if (!is_space(at[i]))
            b->ptr[b->len++] = at[i];
        else if (b->len > begin && b->ptr[b->len - 1] != ' ')
            b->ptr[b->len++] = ' ';
    }
    if (b->len > begin && b->ptr[b->len - 1] == ' ') b->len--;
}

static void add_header(struct canonical *c, struct bytes name, struct bytes value)
{
    struct pair pair = {.name = c->scratch.len, .name_len = name.len};
    add_lower(&c->scratch, name);
    pair.value = c->scratch.len;
    add_folded(&c->scratch, value);
    pair.value_len = c->scratch.len - pair.value;
    insert_pair(c, &pair, compare_names);
}

static void collect_headers(struct canonical *c, const struct sigv4_request *r,
                            const struct sigv4_header *own, size_t own_count)
{
    clear_pairs(c);
    for (size_t i = 0; i < r->header_count; i++)
        add_header(c, r->headers[i].name, r->headers[i].value);
    for (size_t i = 0; i < own_count; i++)
        add_header(c, own[i].name, own[i].value);
}

/* The headers' lines, repeated ones joined, and their names, in c->names. */
static void add_headers(struct canonical *c)
{
    c->names.len = 0;
    for (size_t i = 0; i < c->pair_count; i++) {
        const struct pair *pair = &c->pairs[i];
        struct bytes name = scratch_at(c, pair->name, pair->name_len);
        bool repeated = i && compare_names(c, pair, pair - 1) == 0;
        if (!repeated) {
            if (i) {
                add(&c->text, "\n");
                add(&c->names, ";");
            }
            add_bytes(&c->names, name);
            add_bytes(&c->text, name);
        }
        add(&c->text, repeated ? "," : ":");
        add_bytes(&c->text, scratch_at(c, pair->value, pair->value_len));
    }
    add(&c->text, "\n");
}

void canonical_build(struct canonical *c, const struct sigv4_request *r,
                     const struct sigv4_header *own, size_t own_count, struct bytes body_hash)
{
    struct buf *b = &c->text;
    b->len = 0;
    add(b, r->method);
    add(b, "\n");
    add_path(b, r);
    add(b, "\n");
    add_query(c, r->query);
    add(b, "\n");
    collect_headers(c, r, own, own_count);
    add_headers(c);
    add(b, "\n");
    add_bytes(b, bytes_of(c->names.ptr, c->names.len));
    add(b, "\n");
    add_bytes(b, body_hash);
}

void canonical_free(struct canonical *c)
{
    if (c->scratch.ptr)
        OPENSSL_cleanse(c->scratch.ptr, c->scratch.cap); /* held the session token */
    if (c->text.ptr) OPENSSL_cleanse(c->text.ptr, c->text.cap);
    free(c->scratch.ptr);
    free(c->text.ptr);
    free(c->names.ptr);
    free(c->pairs);
}
