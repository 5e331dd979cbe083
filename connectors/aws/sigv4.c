#include "connectors/aws/sigv4.h"

#include "connectors/aws/canonical.h"
#include "connectors/aws/sigv4_text.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { SHA256_SIZE = 32, DAY_LEN = 8 };
enum { SECRET_ROOM = 512 }; /* so that growing leaves no copy of a secret in freed memory */

struct sigv4_signer {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_MD_CTX *digest;
    EVP_MAC_CTX *deriving, *signing; /* signing holds the derived key */

    struct buf key_of;  /* what the derived key was made from */
    struct buf key_now; /* what it should be made from, for this request */
    int64_t time_of;    /* the second that is in time */
    char time[SIGV4_TIME_SIZE];

    struct canonical canonical;
    struct buf to_sign, body_hash;
};

/* OpenSSL fails here only without memory, or where the process has no SHA-256 at all. */
static void must(bool fine)
{
    if (!fine) abort();
}

struct sigv4_signer *sigv4_signer_create(void)
{
    struct sigv4_signer *s = mem_zalloc(sizeof(*s));
    char name[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    s->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    s->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    must(s->sha256 && s->hmac);
    s->digest = EVP_MD_CTX_new();
    s->deriving = EVP_MAC_CTX_new(s->hmac);
    s->signing = EVP_MAC_CTX_new(s->hmac);
    must(s->digest && s->deriving && s->signing);
    must(EVP_MAC_CTX_set_params(s->deriving, params));
    must(EVP_MAC_CTX_set_params(s->signing, params));
    buf_reserve(&s->key_of, SECRET_ROOM);
    buf_reserve(&s->key_now, SECRET_ROOM);
    return s;
}

static void free_secret(struct buf *b)
{
    if (b->ptr) OPENSSL_cleanse(b->ptr, b->cap);
    free(b->ptr);
}

void sigv4_signer_destroy(struct sigv4_signer *s)
{
    if (!s) return;
    EVP_MAC_CTX_free(s->signing);
    EVP_MAC_CTX_free(s->deriving);
    EVP_MD_CTX_free(s->digest);
    EVP_MAC_free(s->hmac);
    EVP_MD_free(s->sha256);
    free_secret(&s->key_of);
    free_secret(&s->key_now);
    canonical_free(&s->canonical);
    free(s->to_sign.ptr);
    free(s->body_hash.ptr);
    free(s);
}

static void add(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

static void add_bytes(struct buf *b, struct bytes text)
{
    buf_add(b, text.ptr, text.len);
}

static void add_hash(struct sigv4_signer *s, struct buf *b, struct bytes text)
{
    unsigned char hash[SHA256_SIZE];
    must(EVP_DigestInit_ex2(s->digest, s->sha256, NULL));
    must(EVP_DigestUpdate(s->digest, text.ptr, text.len));
    must(EVP_DigestFinal_ex(s->digest, hash, NULL));
    sigv4_add_hex(b, hash, sizeof(hash));
}

static void set_time(struct sigv4_signer *s, int64_t now_s)
{
    if (s->time_of == now_s && s->time[0]) return;
    sigv4_write_time(s->time, now_s);
    s->time_of = now_s;
}

static void hmac(EVP_MAC_CTX *context, const unsigned char *key, size_t key_len, struct bytes text,
                 unsigned char out[SHA256_SIZE])
{
    size_t len;
    must(EVP_MAC_init(context, key, key_len, NULL));
    must(EVP_MAC_update(context, text.ptr, text.len));
    must(EVP_MAC_final(context, out, &len, SHA256_SIZE));
}

/* key_now is "AWS4" secret, then the scope behind a NUL. */
static void derive(struct sigv4_signer *s, const struct sigv4_request *r)
{
    unsigned char key[SHA256_SIZE];
    const unsigned char *secret = (const unsigned char *)s->key_now.ptr;
    hmac(s->deriving, secret, strlen(s->key_now.ptr), bytes_of(s->time, DAY_LEN), key);
    hmac(s->deriving, key, sizeof(key), bytes_str(r->region), key);
    hmac(s->deriving, key, sizeof(key), bytes_str(r->service), key);
    hmac(s->deriving, key, sizeof(key), BYTES_LIT("aws4_request"), key);
    must(EVP_MAC_init(s->signing, key, sizeof(key), NULL));
    OPENSSL_cleanse(key, sizeof(key));
}

/* Leaves the derived key in s->signing; it is the same for a whole day. */
static void prepare_key(struct sigv4_signer *s, const struct aws_keys *keys,
                        const struct sigv4_request *r)
{
    s->key_now.len = 0;
    add(&s->key_now, "AWS4");
    buf_add(&s->key_now, keys->secret_access_key, strlen(keys->secret_access_key) + 1);
    sigv4_add_scope(&s->key_now, s->time, r);
    if (bytes_eq(bytes_of(s->key_of.ptr, s->key_of.len), bytes_of(s->key_now.ptr, s->key_now.len)))
        return;
    derive(s, r);
    struct buf was = s->key_of;
    s->key_of = s->key_now;
    s->key_now = was;
}

static void build_string_to_sign(struct sigv4_signer *s, const struct sigv4_request *r)
{
    struct buf *b = &s->to_sign;
    b->len = 0;
    add(b, "AWS4-HMAC-SHA256\n");
    add(b, s->time);
    add(b, "\n");
    sigv4_add_scope(b, s->time, r);
    add(b, "\n");
    add_hash(s, b, bytes_of(s->canonical.text.ptr, s->canonical.text.len));
}

static void write_authorization(struct sigv4_signer *s, const struct aws_keys *keys,
                                const struct sigv4_request *r, struct buf *b)
{
    unsigned char signature[SHA256_SIZE];
    hmac(s->signing, NULL, 0, bytes_of(s->to_sign.ptr, s->to_sign.len), signature);
    b->len = 0;
    add(b, "Authorization: AWS4-HMAC-SHA256 Credential=");
    add(b, keys->access_key_id);
    add(b, "/");
    sigv4_add_scope(b, s->time, r);
    add(b, ", SignedHeaders=");
    add_bytes(b, bytes_of(s->canonical.names.ptr, s->canonical.names.len));
    add(b, ", Signature=");
    sigv4_add_hex(b, signature, sizeof(signature));
    buf_add(b, "", 1);
    b->len--;
}

static void build_canonical(struct sigv4_signer *s, const struct aws_keys *keys,
                            const struct sigv4_request *r)
{
    const struct sigv4_header own[] = {
        {BYTES_LIT("x-amz-date"), bytes_str(s->time)},
        {BYTES_LIT("x-amz-security-token"), bytes_str(keys->session_token)},
    };
    s->body_hash.len = 0;
    add_hash(s, &s->body_hash, r->body);
    canonical_build(&s->canonical, r, own, keys->session_token ? 2 : 1,
                    bytes_of(s->body_hash.ptr, s->body_hash.len));
}

void sigv4_sign(struct sigv4_signer *s, const struct aws_keys *keys, const struct sigv4_request *r,
                struct sigv4_signature *out)
{
    set_time(s, r->now_s);
    build_canonical(s, keys, r);
    prepare_key(s, keys, r);
    build_string_to_sign(s, r);
    write_authorization(s, keys, r, &out->authorization);
    sigv4_write_date_header(out->date, s->time);
}
