#include "tests/sim/sigv4.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fetched once: an implicit fetch costs more than the digest of a small request. */
static EVP_MD_CTX *digest_start(void)
{
    static EVP_MD *sha256;
    static EVP_MD_CTX *ctx;
    if (!ctx) {
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        ctx = EVP_MD_CTX_new();
    }
    EVP_DigestInit_ex2(ctx, sha256, NULL);
    return ctx;
}

void sigv4_sha256_hex(struct text t, char out[SIGV4_HEX + 1])
{
    unsigned char digest[SIGV4_DIGEST];
    EVP_MD_CTX *ctx = digest_start();
    EVP_DigestUpdate(ctx, t.ptr, t.len);
    EVP_DigestFinal_ex(ctx, digest, NULL);
    text_to_hex(digest, sizeof(digest), out);
}

static EVP_MAC_CTX *new_hmac(void)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    EVP_MAC_CTX_set_params(ctx, params);
    return ctx;
}

/* `out` may be the key: it is written last. */
static void hmac(const void *key, size_t key_len, struct text t, unsigned char out[SIGV4_DIGEST])
{
    static EVP_MAC_CTX *ctx;
    size_t len = 0;
    if (!ctx) ctx = new_hmac();
    if (!EVP_MAC_init(ctx, key, key_len, NULL) ||
        !EVP_MAC_update(ctx, (const unsigned char *)t.ptr, t.len) ||
        !EVP_MAC_final(ctx, out, &len, SIGV4_DIGEST)) {
        fputs("sqs_sim: HMAC-SHA256 is not available\n", stderr);
        abort();
    }
}

void sigv4_signing_key(const char *secret, const char *day, const char *region, const char *service,
                       unsigned char out[SIGV4_DIGEST])
{
    struct buf start = {0};
    buf_addf(&start, "AWS4%s", secret);
    hmac(start.ptr, start.len, (struct text){day, 8}, out);
    hmac(out, SIGV4_DIGEST, text_of(region), out);
    hmac(out, SIGV4_DIGEST, text_of(service), out);
    hmac(out, SIGV4_DIGEST, text_of("aws4_request"), out);
    buf_free(&start);
}

void sigv4_sign(const unsigned char key[SIGV4_DIGEST], struct text date, const char *region,
                const char *service, struct text canonical, char out[SIGV4_HEX + 1])
{
    unsigned char digest[SIGV4_DIGEST];
    char hash[SIGV4_HEX + 1];
    struct buf to_sign = {0};
    sigv4_sha256_hex(canonical, hash);
    buf_addf(&to_sign, "AWS4-HMAC-SHA256\n%.*s\n%.8s/%s/%s/aws4_request\n%s", (int)date.len,
             date.ptr, date.ptr, region, service, hash);
    hmac(key, SIGV4_DIGEST, text_of_buf(&to_sign), digest);
    text_to_hex(digest, sizeof(digest), out);
    buf_free(&to_sign);
}

/* Every byte but the unreserved ones and '/' is percent-encoded; what came encoded is so once more.
 */
static void add_path(struct buf *out, struct text path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (isalnum(c) || (c && strchr("-._~/", c)))
            buf_add_char(out, (char)c);
        else
            buf_addf(out, "%%%02X", c);
    }
}

static int by_bytes(const void *a, const void *b)
{
    const struct text *left = a, *right = b;
    return text_compare(*left, *right);
}

/* SQS takes no query parameters, but a proxy may add some; they come encoded already. */
static void add_query(struct buf *out, struct text query)
{
    struct text pairs[16];
    size_t n = 0;
    while (query.len && n < 16)
        pairs[n++] = text_cut(&query, '&');
    if (n) qsort(pairs, n, sizeof(pairs[0]), by_bytes);
    for (size_t i = 0; i < n; i++) {
        if (i) buf_add_char(out, '&');
        buf_add_text(out, pairs[i]);
        if (!memchr(pairs[i].ptr, '=', pairs[i].len)) buf_add_char(out, '=');
    }
}

/* Runs of spaces count as one; the ends are trimmed already. */
static void add_value(struct buf *out, struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ') buf_add_char(out, value.ptr[i]);
    }
}

static void add_header(struct buf *out, const struct http_request *r, struct text name)
{
    bool first = true;
    buf_add_text(out, name);
    buf_add_char(out, ':');
    for (size_t i = 0; i < r->n_headers; i++) {
        struct text have = r->headers[i].name;
        if (have.len != name.len || strncasecmp(have.ptr, name.ptr, name.len) != 0) continue;
        if (!first) buf_add_char(out, ',');
        add_value(out, r->headers[i].value);
        first = false;
    }
    buf_add_char(out, '\n');
}

void sigv4_canonical(const struct http_request *r, struct text signed_headers, struct buf *out)
{
    char hash[SIGV4_HEX + 1];
    buf_add_text(out, r->method);
    buf_add_char(out, '\n');
    add_path(out, r->path);
    buf_add_char(out, '\n');
    add_query(out, r->query);
    buf_add_char(out, '\n');
    for (struct text names = signed_headers; names.len;)
        add_header(out, r, text_cut(&names, ';'));
    buf_add_char(out, '\n');
    buf_add_text(out, signed_headers);
    buf_add_char(out, '\n');
    sigv4_sha256_hex(r->body, hash);
    buf_add_text(out, text_of(hash));
}
