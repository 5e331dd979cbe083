/* Certificates and keys in a token: SoftHSM's, through the engine that the product uses. */
#include "connectors/aws/identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "connectors/aws/sigv4_x509.h"
#include "tests/unit/certificates.h"

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"
#define PIN "2468"

static EVP_PKEY *keys[2];
static X509 *leaves[2];
static const char *const types[2] = {"RSA", "P-256"};

static void run(const char *format, ...) PRINTF_LIKE(1, 2);

static void run(const char *format, ...)
{
    char command[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    int status = system(command);
    if (status != 0) fail_msg("%s: status %d", command, status);
}

static void put(int i)
{
    char pem[8], der[8];
    snprintf(pem, sizeof(pem), "%d.key", i);
    snprintf(der, sizeof(der), "%d.der", i);
    write_key(pem, keys[i], NULL, "w");
    FILE *file = fopen(path_in_folder(der), "w");
    assert_non_null(file);
    assert_true(i2d_X509_fp(file, leaves[i]));
    fclose(file);
    run("softhsm2-util --import %s --token bridge --label leaf-%d --id 0%d --pin " PIN
        " >/dev/null",
        path_in_folder(pem), i, i);
    run("pkcs11-tool --module " MODULE " --token-label bridge --login --pin " PIN
        " --write-object %s --type cert --label leaf-%d --id 0%d >/dev/null 2>&1",
        path_in_folder(der), i, i);
}

static int make_token(void **state)
{
    char text[256];
    if (certificates_setup(state) != 0) return -1;
    mkdir(path_in_folder("tokens"), 0700);
    snprintf(text, sizeof(text), "directories.tokendir = %s\nlog.level = ERROR\n",
             path_in_folder("tokens"));
    write_text("softhsm2.conf", text);
    setenv("SOFTHSM2_CONF", path_in_folder("softhsm2.conf"), 1);
    run("softhsm2-util --init-token --free --label bridge --so-pin 1357 --pin " PIN " >/dev/null");
    for (int i = 0; i < 2; i++) {
        keys[i] = make_key(types[i]);
        leaves[i] = make_certificate(&(struct certificate_wish){.name = types[i]}, keys[i]);
        put(i);
    }
    return 0;
}

static int drop_token(void **state)
{
    for (int i = 0; i < 2; i++) {
        X509_free(leaves[i]);
        EVP_PKEY_free(keys[i]);
    }
    return certificates_teardown(state);
}

static struct identity *load(const struct identity_options *options)
{
    struct error e = {0};
    struct identity *identity = identity_load(options, &e);
    if (!identity) fail_msg("%s", e.text);
    return identity;
}

/* The key inside signs, and the certificate outside verifies. */
static void expect_signs(const struct identity *identity, X509 *leaf)
{
    unsigned char signature[512];
    size_t len = sizeof(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const unsigned char text[] = "what is signed";
    assert_int_equal(X509_cmp(identity->certificate, leaf), 0);
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, identity->key), 1);
    assert_int_equal(EVP_DigestSign(context, signature, &len, text, sizeof(text)), 1);
    EVP_MD_CTX_free(context);
    context = EVP_MD_CTX_new();
    EVP_PKEY *public = X509_get0_pubkey(leaf);
    assert_int_equal(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, public), 1);
    assert_int_equal(EVP_DigestVerify(context, signature, len, text, sizeof(text)), 1);
    EVP_MD_CTX_free(context);
}

static void test_certificate_and_key_in_the_token(void **state)
{
    (void)state;
    struct identity *identity = load(&(struct identity_options){
        .certificate = "pkcs11:token=bridge;object=leaf-0?module-path=" MODULE "&pin-value=" PIN});
    expect_signs(identity, leaves[0]);
    identity_destroy(identity);
    identity = load(&(struct identity_options){
        .certificate = "pkcs11:token=bridge;id=%01?module-path=" MODULE, .password = PIN});
    expect_signs(identity, leaves[1]);
    identity_destroy(identity);
}

static void test_only_the_key_in_the_token(void **state)
{
    (void)state;
    write_certificate("1.pem", leaves[1], "w");
    struct identity_options options = {
        .certificate = path_in_folder("1.pem"),
        .key = "pkcs11:token=bridge;object=leaf-1?pin-value=%32468&module-path=" MODULE};
    struct identity *identity = load(&options);
    expect_signs(identity, leaves[1]);
    identity_destroy(identity);
}

static void test_signatures_for_aws(void **state)
{
    (void)state;
    struct error e = {0};
    struct sigv4_x509_signature out = {0};
    struct sigv4_request r = {
        .method = "POST", .region = "eu-central-1", .service = "rolesanywhere"};
    struct identity *identity = load(&(struct identity_options){
        .certificate = "pkcs11:token=bridge;object=leaf-0?module-path=" MODULE, .password = PIN});
    assert_true(sigv4_x509_sign(identity, &r, &out, &e));
    assert_non_null(strstr(out.authorization.ptr, "AWS4-X509-RSA-SHA256 Credential=1/"));
    assert_int_equal(strlen(strstr(out.authorization.ptr, "Signature=")), 10 + 512);
    sigv4_x509_signature_free(&out);
    identity_destroy(identity);
}

/* A server that wants a certificate, and a client that shows the token's, without a network. */
static SSL *side_of(SSL_CTX *context, BIO *bio, bool server)
{
    SSL *ssl = SSL_new(context);
    assert_non_null(ssl);
    SSL_set_bio(ssl, bio, bio);
    if (server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    return ssl;
}

static int accept_any(int fine, X509_STORE_CTX *verify)
{
    (void)fine, (void)verify;
    return 1;
}

static void expect_handshake(const struct identity *identity, int version, X509 *leaf)
{
    BIO *near, *far;
    SSL_CTX *client = SSL_CTX_new(TLS_client_method()), *server = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(client, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(client, identity->key), 1);
    assert_int_equal(SSL_CTX_use_certificate(server, leaves[1]), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server, keys[1]), 1);
    SSL_CTX_set_verify(server, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
    SSL_CTX_set_max_proto_version(server, version);
    assert_int_equal(BIO_new_bio_pair(&near, 1 << 16, &far, 1 << 16), 1);
    SSL *one = side_of(client, near, false), *other = side_of(server, far, true);
    for (int i = 0; i < 10 && !(SSL_is_init_finished(one) && SSL_is_init_finished(other)); i++) {
        SSL_do_handshake(one);
        SSL_do_handshake(other);
    }
    assert_int_equal(SSL_version(other), version);
    assert_int_equal(X509_cmp(SSL_get0_peer_certificate(other), leaf), 0);
    SSL_free(one), SSL_free(other);
    SSL_CTX_free(client), SSL_CTX_free(server);
}

static void test_tls_with_a_key_in_the_token(void **state)
{
    (void)state;
    static const char *const addresses[] = {
        "pkcs11:token=bridge;object=leaf-0?module-path=" MODULE,
        "pkcs11:token=bridge;object=leaf-1?module-path=" MODULE};
    for (int i = 0; i < 2; i++) {
        struct identity *identity =
            load(&(struct identity_options){.certificate = addresses[i], .password = PIN});
        expect_handshake(identity, TLS1_2_VERSION, leaves[i]);
        expect_handshake(identity, TLS1_3_VERSION, leaves[i]);
        identity_destroy(identity);
    }
}

static void expect_error(const struct identity_options *options, const char *part,
                         const char *other)
{
    struct error e = {0};
    assert_null(identity_load(options, &e));
    if (!strstr(e.text, part) || !strstr(e.text, other)) fail_msg("%s", e.text);
    assert_null(strstr(e.text, PIN));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_int_equal(ERR_peek_error(), 0);
}

static void test_what_goes_wrong_is_said(void **state)
{
    (void)state;
    struct identity_options options = {
        .certificate = "pkcs11:token=bridge;object=nobody?module-path=" MODULE "&pin-value=" PIN};
    expect_error(&options, "certificate \"pkcs11:token=bridge;object=nobody\": object not found ",
                 "(check the address and the PIN)");
    write_certificate("0.pem", leaves[0], "w");
    options = (struct identity_options){
        .certificate = path_in_folder("0.pem"),
        .key = "pkcs11:token=bridge;object=nobody?module-path=" MODULE "&pin-value=" PIN};
    expect_error(&options, "private key \"pkcs11:token=bridge;object=nobody\": object not found ",
                 "(check the address and the PIN)");
    options.key = "pkcs11:token=bridge;object=leaf-1?module-path=" MODULE "&pin-value=" PIN;
    expect_error(&options, "the private key in \"pkcs11:token=bridge;object=leaf-1\"",
                 "is not the one that belongs to it");
    options.key = "pkcs11:token=bridge;object=leaf-0?module-path=/another.so";
    expect_error(&options, "PKCS#11 library \"/another.so\": ", "this process uses \"" MODULE "\"");
}

static void test_a_wrong_pin(void **state)
{
    (void)state;
    write_certificate("0.pem", leaves[0], "w");
    struct identity_options options = {.certificate = path_in_folder("0.pem"),
                                       .key =
                                           "pkcs11:token=bridge;object=leaf-0?module-path=" MODULE,
                                       .password = "1111"};
    expect_error(&options, "private key \"pkcs11:token=bridge;object=leaf-0\": PIN incorrect ",
                 "(check the address and the PIN)");
}

/* Before anything else here: what has started stays. */
static void test_no_engine_and_no_library(void **state)
{
    (void)state;
    struct identity_options options = {.certificate =
                                           "pkcs11:token=bridge?module-path=/nonexistent.so"};
    expect_error(&options, "PKCS#11 library: /nonexistent.so: ", "(check module-path)");
    options.certificate = "pkcs11:token=bridge?module-path=" MODULE;
    setenv("OPENSSL_ENGINES", certificates_folder, 1);
    expect_error(&options, "the pkcs11 engine of OpenSSL is not there",
                 "(install libengine-pkcs11-openssl)");
    unsetenv("OPENSSL_ENGINES");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_engine_and_no_library),
        cmocka_unit_test(test_a_wrong_pin),
        cmocka_unit_test(test_certificate_and_key_in_the_token),
        cmocka_unit_test(test_only_the_key_in_the_token),
        cmocka_unit_test(test_signatures_for_aws),
        cmocka_unit_test(test_tls_with_a_key_in_the_token),
        cmocka_unit_test(test_what_goes_wrong_is_said),
    };
    return cmocka_run_group_tests_name("identity_token", tests, make_token, drop_token);
}
