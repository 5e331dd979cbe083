#include "connectors/aws/sigv4_x509.h"

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "connectors/aws/canonical.h"
#include "connectors/aws/sigv4_text.h"

enum { SHA256_SIZE = 32 };

static void add(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

static void add_bytes(struct buf *b, struct bytes text)
{
    buf_add(b, text.ptr, text.len);
}

static void end_text(struct buf *b)
{
    buf_add(b, "", 1);
    b->len--;
}

static void add_hash(struct buf *b, struct bytes text)
{
    unsigned char hash[SHA256_SIZE];
    if (!EVP_Digest(text.ptr, text.len, hash, NULL, EVP_sha256(), NULL))
        abort(); /* out of memory */
    sigv4_add_hex(b, hash, sizeof(hash));
}

static const char *algorithm(const struct identity *identity)
{
    bool rsa = EVP_PKEY_get_base_id(identity->key) == EVP_PKEY_RSA;
    return rsa ? "AWS4-X509-RSA-SHA256" : "AWS4-X509-ECDSA-SHA256";
}

/* ---- certificates in headers ---- */

static void add_certificate(struct buf *b, X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    if (len < 0) abort(); /* out of memory: it was parsed from such bytes */
    buf_reserve(b, 4 * (((size_t)len + 2) / 3) + 1);
    b->len += (size_t)EVP_EncodeBlock((unsigned char *)b->ptr + b->len, der, len);
    OPENSSL_free(der);
}

static struct bytes value_of(const struct buf *line)
{
    const char *colon = memchr(line->ptr, ':', line->len);
    return bytes_of(colon + 2, line->len - (size_t)(colon + 2 - line->ptr));
}

static void write_certificates(const struct identity *identity, struct sigv4_x509_signature *out)
{
    out->certificate.len = out->chain.len = 0;
    add(&out->certificate, "X-Amz-X509: ");
    add_certificate(&out->certificate, identity->certificate);
    end_text(&out->certificate);
    for (int i = 0; i < sk_X509_num(identity->chain); i++) {
        add(&out->chain, i ? "," : "X-Amz-X509-Chain: ");
        add_certificate(&out->chain, sk_X509_value(identity->chain, i));
    }
    if (out->chain.len) end_text(&out->chain);
}

/* ---- the signature ---- */

static void add_serial(struct buf *b, X509 *certificate)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *decimal = number ? BN_bn2dec(number) : NULL;
    if (!decimal) abort(); /* out of memory */
    add(b, decimal);
    OPENSSL_free(decimal);
    BN_free(number);
}

static void build_canonical(struct canonical *c, const struct sigv4_request *r, const char *time,
                            const struct sigv4_x509_signature *out)
{
    struct buf body_hash = {0};
    bool chain = out->chain.len > 0;
    const struct sigv4_header own[] = {
        {BYTES_LIT("x-amz-date"), bytes_str(time)},
        {BYTES_LIT("x-amz-x509"), value_of(&out->certificate)},
        {BYTES_LIT("x-amz-x509-chain"), chain ? value_of(&out->chain) : BYTES_NONE},
    };
    add_hash(&body_hash, r->body);
    canonical_build(c, r, own, chain ? 3 : 2, bytes_of(body_hash.ptr, body_hash.len));
    free(body_hash.ptr);
}

static void build_string_to_sign(struct buf *b, const struct identity *identity,
                                 const struct sigv4_request *r, const char *time,
                                 const struct canonical *c)
{
    add(b, algorithm(identity));
    add(b, "\n");
    add(b, time);
    add(b, "\n");
    sigv4_add_scope(b, time, r);
    add(b, "\n");
    add_hash(b, bytes_of(c->text.ptr, c->text.len));
}

/* RSASSA-PKCS1-v1_5, or a DER sequence of r and s: OpenSSL's own choice for either key. */
static bool make_signature(const struct identity *identity, struct bytes text, struct buf *b)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    size_t len = (size_t)EVP_PKEY_get_size(identity->key);
    unsigned char *bytes = mem_alloc(len);
    if (!context) abort(); /* out of memory */
    bool made = EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, identity->key) == 1 &&
                EVP_DigestSign(context, bytes, &len, text.ptr, text.len) == 1;
    if (made) sigv4_add_hex(b, bytes, len);
    free(bytes);
    EVP_MD_CTX_free(context);
    return made;
}

static bool key_refused(struct error *e)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    error_set(e, FAULT_DOWN, "signing with the client certificate's key: %s (check the token)",
              reason ? reason : "failed");
    ERR_clear_error(); /* what is left there would be blamed on the next TLS call */
    return false;
}

/* All of the line but the signature itself. */
static void begin_authorization(struct buf *b, const struct identity *identity,
                                const struct sigv4_request *r, const char *time,
                                const struct canonical *c)
{
    b->len = 0;
    buf_printf(b, "Authorization: %s Credential=", algorithm(identity));
    add_serial(b, identity->certificate);
    add(b, "/");
    sigv4_add_scope(b, time, r);
    add(b, ", SignedHeaders=");
    add_bytes(b, bytes_of(c->names.ptr, c->names.len));
    add(b, ", Signature=");
}

bool sigv4_x509_sign(const struct identity *identity, const struct sigv4_request *r,
                     struct sigv4_x509_signature *out, struct error *e)
{
    char time[SIGV4_TIME_SIZE];
    struct canonical c = {0};
    struct buf to_sign = {0}, *line = &out->authorization;
    sigv4_write_time(time, r->now_s);
    sigv4_write_date_header(out->date, time);
    write_certificates(identity, out);
    build_canonical(&c, r, time, out);
    build_string_to_sign(&to_sign, identity, r, time, &c);
    begin_authorization(line, identity, r, time, &c);
    bool made = make_signature(identity, bytes_of(to_sign.ptr, to_sign.len), line);
    end_text(line);
    canonical_free(&c);
    free(to_sign.ptr);
    return made || key_refused(e);
}

void sigv4_x509_signature_free(struct sigv4_x509_signature *signature)
{
    free(signature->certificate.ptr);
    free(signature->chain.ptr);
    free(signature->authorization.ptr);
    *signature = (struct sigv4_x509_signature){0};
}
