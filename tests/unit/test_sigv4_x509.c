/* Signatures with a certificate's key, against requests that were signed and verified elsewhere:
 * tests/unit/data/rolesanywhere.json. RSA must give the same bytes; ECDSA is never the same twice,
 * so the public key says whether it is right. */
#include "connectors/aws/sigv4_x509.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/json.h"

enum { NOW_S = 1795348800 }; /* 2026-11-22 12:00:00 */

static struct {
    struct bytes vector, name;
    char *value;
} vectors[32];
static size_t vector_count;

static const char *text_of(const char *vector, const char *name)
{
    for (size_t i = 0; i < vector_count; i++)
        if (bytes_eq(vectors[i].vector, bytes_str(vector)) &&
            bytes_eq(vectors[i].name, bytes_str(name)))
            return vectors[i].value;
    fail_msg("no %s in vector %s", name, vector);
    return NULL;
}

static X509 *decode_certificate(const char *base64)
{
    unsigned char der[4096];
    const unsigned char *at = der;
    assert_true(strlen(base64) < sizeof(der));
    int len = EVP_DecodeBlock(der, (const unsigned char *)base64, (int)strlen(base64));
    X509 *certificate = d2i_X509(NULL, &at, len);
    assert_non_null(certificate);
    return certificate;
}

static struct identity identity_of(const char *vector)
{
    char path[512];
    snprintf(path, sizeof(path), TEST_DATA "/rolesanywhere-%s.key", vector);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    struct identity identity = {
        .certificate = decode_certificate(text_of(vector, "cert_b64")),
        .key = PEM_read_PrivateKey(file, NULL, NULL, NULL),
        .chain = sk_X509_new_null(),
    };
    fclose(file);
    assert_non_null(identity.key);
    assert_true(sk_X509_push(identity.chain, decode_certificate(text_of(vector, "chain_b64"))));
    return identity;
}

static void release(struct identity *identity)
{
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
}

static void sign(const char *vector, const struct identity *identity,
                 struct sigv4_x509_signature *out)
{
    struct error e = {0};
    const struct sigv4_header headers[] = {
        {BYTES_LIT("Content-Type"), BYTES_LIT("application/json")},
        {BYTES_LIT("Host"), bytes_str(text_of(vector, "host"))},
    };
    struct sigv4_request r = {
        .method = "POST",
        .region = "eu-central-1",
        .service = "rolesanywhere",
        .path = BYTES_LIT("/sessions"),
        .query = bytes_str(text_of(vector, "query")),
        .headers = headers,
        .header_count = 2,
        .body = bytes_str(text_of(vector, "body")),
        .now_s = NOW_S,
    };
    assert_true(sigv4_x509_sign(identity, &r, out, &e));
}

static void expect_line(const struct buf *line, const char *name, const char *value)
{
    char *expected = mem_printf("%s: %s", name, value);
    assert_string_equal(line->ptr, expected);
    assert_int_equal(line->len, strlen(expected));
    free(expected);
}

static void test_rsa_gives_the_same_bytes(void **state)
{
    (void)state;
    struct identity identity = identity_of("rsa");
    struct sigv4_x509_signature out = {0};
    for (int i = 0; i < 2; i++) { /* it is signed into again */
        sign("rsa", &identity, &out);
        assert_string_equal(out.date, "X-Amz-Date: 20261122T120000Z");
        expect_line(&out.certificate, "X-Amz-X509", text_of("rsa", "cert_b64"));
        expect_line(&out.chain, "X-Amz-X509-Chain", text_of("rsa", "chain_b64"));
        expect_line(&out.authorization, "Authorization", text_of("rsa", "authorization"));
    }
    sigv4_x509_signature_free(&out);
    release(&identity);
}

static unsigned char nibble(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);
    assert_true(c && at);
    return (unsigned char)(at - digits);
}

static bool verifies(EVP_PKEY *key, const char *text, const char *hex)
{
    unsigned char signature[256];
    size_t len = strlen(hex) / 2;
    assert_true(len <= sizeof(signature));
    for (size_t i = 0; i < len; i++)
        signature[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
    int result =
        EVP_DigestVerify(context, signature, len, (const unsigned char *)text, strlen(text));
    EVP_MD_CTX_free(context);
    return result == 1;
}

static void test_ecdsa_verifies_with_the_certificate(void **state)
{
    (void)state;
    struct identity identity = identity_of("ec");
    EVP_PKEY *public = X509_get0_pubkey(identity.certificate);
    const char *to_sign = text_of("ec", "string_to_sign");
    struct sigv4_x509_signature out = {0};
    sign("ec", &identity, &out);
    const char *mine = strstr(out.authorization.ptr, "Signature=");
    const char *theirs = strstr(text_of("ec", "authorization"), "Signature=");
    assert_non_null(mine);
    char *before = mem_strndup(out.authorization.ptr, (size_t)(mine - out.authorization.ptr));
    char *expected =
        mem_printf("Authorization: %.*s", (int)(theirs - text_of("ec", "authorization")),
                   text_of("ec", "authorization"));
    assert_string_equal(before, expected);
    assert_true(verifies(public, to_sign, mine + 10));
    assert_true(verifies(public, to_sign, theirs + 10));
    assert_false(verifies(public, "something else", mine + 10));
    free(before);
    free(expected);
    sigv4_x509_signature_free(&out);
    release(&identity);
}

static void test_without_a_chain_there_is_no_such_header(void **state)
{
    (void)state;
    struct identity identity = identity_of("rsa");
    struct sigv4_x509_signature out = {0};
    sign("rsa", &identity, &out);
    X509_free(sk_X509_pop(identity.chain));
    sign("rsa", &identity, &out);
    assert_int_equal(out.chain.len, 0);
    assert_non_null(strstr(out.authorization.ptr,
                           ", SignedHeaders=content-type;host;x-amz-date;x-amz-x509, Signature="));
    assert_string_not_equal(out.authorization.ptr + strlen("Authorization: "),
                            text_of("rsa", "authorization"));
    sigv4_x509_signature_free(&out);
    release(&identity);
}

static void test_several_in_a_chain_are_joined(void **state)
{
    (void)state;
    struct identity identity = identity_of("rsa");
    struct sigv4_x509_signature out = {0};
    const char *root = text_of("rsa", "chain_b64");
    assert_true(sk_X509_push(identity.chain, decode_certificate(root)));
    sign("rsa", &identity, &out);
    char *both = mem_printf("%s,%s", root, root);
    expect_line(&out.chain, "X-Amz-X509-Chain", both);
    free(both);
    sigv4_x509_signature_free(&out);
    release(&identity);
}

/* As a token that was pulled out: a public key can't sign. */
static void test_a_key_that_refuses_is_an_error(void **state)
{
    (void)state;
    struct identity identity = identity_of("ec");
    struct sigv4_request r = {
        .method = "POST", .region = "eu-central-1", .service = "rolesanywhere"};
    struct sigv4_x509_signature out = {0};
    struct error e = {0};
    EVP_PKEY_free(identity.key);
    identity.key = X509_get_pubkey(identity.certificate);
    assert_false(sigv4_x509_sign(&identity, &r, &out, &e));
    assert_int_equal(e.fault, FAULT_DOWN);
    assert_non_null(strstr(e.text, "signing with the client certificate's key: "));
    sigv4_x509_signature_free(&out);
    release(&identity);
}

static void take_vector(struct json_reader *r, struct bytes vector)
{
    assert_int_equal(json_next(r), JSON_OBJECT);
    while (json_next(r) == JSON_KEY) {
        struct bytes name = r->text;
        if (json_next(r) != JSON_STRING) continue;
        assert_true(vector_count < sizeof(vectors) / sizeof(vectors[0]));
        vectors[vector_count].vector = vector;
        vectors[vector_count].name = name;
        vectors[vector_count++].value = mem_strndup(r->text.ptr, r->text.len);
    }
}

static char vectors_text[32768];

static int load_vectors(void **state)
{
    (void)state;
    struct json_reader r;
    FILE *file = fopen(TEST_DATA "/rolesanywhere.json", "r");
    assert_non_null(file);
    json_read(&r, vectors_text, fread(vectors_text, 1, sizeof(vectors_text), file));
    fclose(file);
    assert_int_equal(json_next(&r), JSON_OBJECT);
    while (json_next(&r) == JSON_KEY)
        take_vector(&r, r.text);
    assert_int_equal(json_next(&r), JSON_END);
    return 0;
}

static int forget_vectors(void **state)
{
    (void)state;
    while (vector_count)
        free(vectors[--vector_count].value);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rsa_gives_the_same_bytes),
        cmocka_unit_test(test_ecdsa_verifies_with_the_certificate),
        cmocka_unit_test(test_without_a_chain_there_is_no_such_header),
        cmocka_unit_test(test_several_in_a_chain_are_joined),
        cmocka_unit_test(test_a_key_that_refuses_is_an_error),
    };
    return cmocka_run_group_tests_name("sigv4_x509", tests, load_vectors, forget_vectors);
}
