/* MD5 as SQS reports it: of a body, and of a set of message attributes. */
#include "tests/sim/message.h"

#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>

static const EVP_MD *md5(void)
{
    static EVP_MD *fetched; /* fetched once: an implicit fetch costs more than the digest */
    if (!fetched) fetched = EVP_MD_fetch(NULL, "MD5", NULL);
    if (!fetched) {
        fputs("sqs_sim: this OpenSSL has no MD5\n", stderr);
        abort();
    }
    return fetched;
}

static EVP_MD_CTX *start(void)
{
    static EVP_MD_CTX *ctx;
    if (!ctx) ctx = EVP_MD_CTX_new();
    EVP_DigestInit_ex2(ctx, md5(), NULL);
    return ctx;
}

static void finish(EVP_MD_CTX *ctx, char out[MD5_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_DigestFinal_ex(ctx, digest, &len);
    text_to_hex(digest, len, out);
}

void md5_text(struct text t, char out[MD5_TEXT])
{
    EVP_MD_CTX *ctx = start();
    EVP_DigestUpdate(ctx, t.ptr, t.len);
    finish(ctx, out);
}

static void update_sized(EVP_MD_CTX *ctx, struct text t)
{
    unsigned char len[4] = {(unsigned char)(t.len >> 24), (unsigned char)(t.len >> 16),
                            (unsigned char)(t.len >> 8), (unsigned char)t.len};
    EVP_DigestUpdate(ctx, len, sizeof(len));
    EVP_DigestUpdate(ctx, t.ptr, t.len);
}

static int by_name(const void *a, const void *b)
{
    const struct attribute *const *left = a, *const *right = b;
    return text_compare((*left)->name, (*right)->name);
}

void md5_attributes(const struct attribute *attributes, size_t n, char out[MD5_TEXT])
{
    const struct attribute *sorted[MESSAGE_ATTRIBUTES_MAX];
    for (size_t i = 0; i < n; i++)
        sorted[i] = &attributes[i];
    if (n) qsort(sorted, n, sizeof(struct attribute *), by_name);
    EVP_MD_CTX *ctx = start();
    for (size_t i = 0; i < n; i++) {
        unsigned char transport = attribute_is_binary(sorted[i]) ? 2 : 1;
        update_sized(ctx, sorted[i]->name);
        update_sized(ctx, sorted[i]->type);
        EVP_DigestUpdate(ctx, &transport, 1);
        update_sized(ctx, sorted[i]->value);
    }
    finish(ctx, out);
}
