#include "connectors/sqs/sqs_digest.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

#include "bridge/mapping.h"

struct sqs_digest {
    EVP_MD *md5, *sha256; /* fetched once: an implicit fetch costs more than the digest */
    EVP_MD_CTX *ctx;
};

/* OpenSSL fails here only without memory, and what it leaves is no digest of anything. */
static void must(bool fine)
{
    if (!fine) abort();
}

struct sqs_digest *sqs_digest_create(void)
{
    struct sqs_digest *d = mem_zalloc(sizeof(*d));
    d->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    d->ctx = EVP_MD_CTX_new();
    must(d->sha256 && d->ctx);
    return d;
}

void sqs_digest_destroy(struct sqs_digest *d)
{
    if (!d) return;
    EVP_MD_CTX_free(d->ctx);
    EVP_MD_free(d->md5);
    EVP_MD_free(d->sha256);
    free(d);
}

bool sqs_digest_has_md5(const struct sqs_digest *d)
{
    return d->md5 != NULL;
}

static struct sqs_md5 finish_md5(struct sqs_digest *d)
{
    struct sqs_md5 md5;
    must(EVP_DigestFinal_ex(d->ctx, md5.bytes, NULL));
    return md5;
}

struct sqs_md5 sqs_digest_body(struct sqs_digest *d, struct bytes body)
{
    if (!d->md5) return (struct sqs_md5){{0}};
    must(EVP_DigestInit_ex2(d->ctx, d->md5, NULL));
    must(EVP_DigestUpdate(d->ctx, body.ptr, body.len));
    return finish_md5(d);
}

static void add_with_length(struct sqs_digest *d, struct bytes b)
{
    uint32_t len = htonl((uint32_t)b.len);
    must(EVP_DigestUpdate(d->ctx, &len, sizeof(len)));
    if (b.len) must(EVP_DigestUpdate(d->ctx, b.ptr, b.len));
}

static void add_attr(struct sqs_digest *d, const struct attr *a)
{
    char type[300];
    const char binary = 2, text = 1;
    add_with_length(d, a->name);
    add_with_length(d, bytes_of(type, mapping_type_write(a, type, sizeof(type))));
    must(EVP_DigestUpdate(d->ctx, a->type == ATTR_BINARY ? &binary : &text, 1));
    add_with_length(d, a->value);
}

static int by_name(struct bytes a, struct bytes b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Insertion sort: there are ten at most, and often they are sorted. */
static void sort_by_name(const struct attr **sorted, const struct attr *attrs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at && by_name(sorted[at - 1]->name, attrs[i].name) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &attrs[i];
    }
}

struct sqs_md5 sqs_digest_attrs(struct sqs_digest *d, const struct attr *attrs, size_t count)
{
    const struct attr *sorted[MSG_MAX_ATTRS];
    if (!d->md5) return (struct sqs_md5){{0}};
    sort_by_name(sorted, attrs, count);
    must(EVP_DigestInit_ex2(d->ctx, d->md5, NULL));
    for (size_t i = 0; i < count; i++)
        add_attr(d, sorted[i]);
    return finish_md5(d);
}

static void put_hex(const unsigned char *bytes, size_t n, char *hex)
{
    for (size_t i = 0; i < n; i++) {
        *hex++ = "0123456789abcdef"[bytes[i] >> 4];
        *hex++ = "0123456789abcdef"[bytes[i] & 15];
    }
}

bool sqs_digest_agrees(const struct sqs_digest *d, const struct sqs_md5 *md5, struct bytes hex)
{
    char ours[2 * sizeof(md5->bytes)];
    if (!d->md5 || !hex.len) return true;
    put_hex(md5->bytes, sizeof(md5->bytes), ours);
    return hex.len == sizeof(ours) && strncasecmp(hex.ptr, ours, sizeof(ours)) == 0;
}

void sqs_digest_sha256(struct sqs_digest *d, const struct bytes *parts, size_t count,
                       char hex[static 65])
{
    unsigned char sum[32];
    must(EVP_DigestInit_ex2(d->ctx, d->sha256, NULL));
    for (size_t i = 0; i < count; i++)
        add_with_length(d, parts[i]);
    must(EVP_DigestFinal_ex(d->ctx, sum, NULL));
    put_hex(sum, sizeof(sum), hex);
    hex[64] = '\0';
}
