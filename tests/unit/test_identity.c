/* Client certificates out of PEM and PKCS#12 files and folders of them, and what people are told
 * where that fails. Tokens: test_identity_token.c. */
#include "connectors/aws/identity.h"

#include <openssl/err.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/certificates.h"

static EVP_PKEY *root_key, *key, *other_key;
static X509 *root, *leaf;

static struct identity *load(const char *certificate, const char *key_file)
{
    struct error e = {0};
    struct identity_options options = {.certificate = certificate, .key = key_file};
    struct identity *identity = identity_load(&options, &e);
    if (!identity) fail_msg("%s", e.text);
    return identity;
}

/* Messages name files: "%" stands for the folder. */
static void expect_error(const struct identity_options *options, const char *expected)
{
    struct error e = {0};
    char text[1024], *to = text;
    for (const char *at = expected; *at; at++) {
        if (*at == '%')
            to = stpcpy(to, certificates_folder);
        else
            *to++ = *at;
    }
    *to = 0;
    assert_null(identity_load(options, &e));
    assert_string_equal(e.text, text);
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_int_equal(ERR_peek_error(), 0); /* nothing is left for others to trip over */
}

static void expect_leaf(const struct identity *identity, int chain)
{
    assert_int_equal(X509_cmp(identity->certificate, leaf), 0);
    assert_int_equal(EVP_PKEY_eq(identity->key, key), 1);
    assert_int_equal(sk_X509_num(identity->chain), chain);
    if (chain) assert_int_equal(X509_cmp(sk_X509_value(identity->chain, chain - 1), root), 0);
}

/* ---- PEM ---- */

static void test_certificate_and_key_in_two_files(void **state)
{
    (void)state;
    write_certificate("leaf.pem", leaf, "w");
    write_key("leaf.key", key, NULL, "w");
    struct identity *identity = load(path_in_folder("leaf.pem"), path_in_folder("leaf.key"));
    expect_leaf(identity, 0);
    identity_destroy(identity);
}

static void test_all_in_one_file(void **state)
{
    (void)state;
    write_certificate("all.pem", leaf, "w");
    write_key("all.pem", key, NULL, "a");
    write_certificate("all.pem", root, "a");
    struct identity *identity = load(path_in_folder("all.pem"), NULL);
    expect_leaf(identity, 1);
    identity_destroy(identity);
}

/* The certificate itself, which a full chain begins with, is not sent twice. */
static void test_a_chain_file_replaces_what_follows(void **state)
{
    (void)state;
    struct error e = {0};
    write_certificate("two.pem", leaf, "w");
    write_certificate("two.pem", leaf, "a");
    write_certificate("chain.pem", leaf, "w");
    write_certificate("chain.pem", root, "a");
    write_key("leaf.key", key, NULL, "w");
    struct identity_options options = {.certificate = path_in_folder("two.pem"),
                                       .key = path_in_folder("leaf.key"),
                                       .chain = path_in_folder("chain.pem")};
    struct identity *identity = identity_load(&options, &e);
    assert_non_null(identity);
    expect_leaf(identity, 1);
    identity_destroy(identity);
    options.chain = path_in_folder("nothing.pem");
    expect_error(&options, "reading \"%/nothing.pem\": no such file or directory");
}

static void test_an_encrypted_key(void **state)
{
    (void)state;
    struct error e = {0};
    write_certificate("leaf.pem", leaf, "w");
    write_key("secret.key", key, "correct horse", "w");
    struct identity_options options = {.certificate = path_in_folder("leaf.pem"),
                                       .key = path_in_folder("secret.key"),
                                       .password = "correct horse"};
    struct identity *identity = identity_load(&options, &e);
    assert_non_null(identity);
    expect_leaf(identity, 0);
    identity_destroy(identity);
    options.password = "battery staple";
    expect_error(&options, "private key \"%/secret.key\": wrong password");
    options.password = "";
    expect_error(&options, "private key \"%/secret.key\": it is encrypted (set its password)");
}

static void test_certificates_are_read_past_an_encrypted_key(void **state)
{
    (void)state;
    struct error e = {0};
    write_key("mixed.pem", key, "correct horse", "w");
    write_certificate("mixed.pem", leaf, "a");
    struct identity_options options = {.certificate = path_in_folder("mixed.pem"),
                                       .password = "correct horse"};
    struct identity *identity = identity_load(&options, &e);
    assert_non_null(identity);
    expect_leaf(identity, 0);
    identity_destroy(identity);
}

static void test_what_is_missing_is_said(void **state)
{
    (void)state;
    struct identity_options options = {0};
    write_certificate("leaf.pem", leaf, "w");
    write_key("leaf.key", key, NULL, "w");
    write_text("damaged.pem", "-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n");
    write_text("damaged.key", "-----BEGIN PRIVATE KEY-----\nMIID\n-----END PRIVATE KEY-----\n");
    write_text("text.txt", "hello\n");
    expect_error(&options, "no client certificate is configured (name its file)");
    options.certificate = path_in_folder("nothing.pem");
    expect_error(&options, "reading \"%/nothing.pem\": no such file or directory");
    options.certificate = path_in_folder("leaf.key");
    expect_error(&options, "certificate \"%/leaf.key\": no PEM certificate in it");
    options.certificate = path_in_folder("text.txt");
    expect_error(&options,
                 "certificate \"%/text.txt\": neither PEM nor PKCS#12 (convert it with openssl)");
    options.certificate = path_in_folder("leaf.pem");
    expect_error(&options, "private key \"%/leaf.pem\": no PEM private key in it");
    options.key = path_in_folder("damaged.key");
    expect_error(&options, "private key \"%/damaged.key\": damaged");
    options.key = path_in_folder("nothing.key");
    expect_error(&options, "reading \"%/nothing.key\": no such file or directory");
    struct error e = {0};
    options = (struct identity_options){.certificate = path_in_folder("damaged.pem")};
    assert_null(identity_load(&options, &e));
    assert_non_null(strstr(e.text, "damaged.pem\": damaged: "));
}

static void test_a_key_of_another_certificate_is_refused(void **state)
{
    (void)state;
    write_certificate("leaf.pem", leaf, "w");
    write_key("other.key", other_key, NULL, "w");
    struct identity_options options = {.certificate = path_in_folder("leaf.pem"),
                                       .key = path_in_folder("other.key")};
    expect_error(&options, "certificate \"%/leaf.pem\": the private key in \"%/other.key\" is not "
                           "the one that belongs to it");
}

static char *date_of(const ASN1_TIME *time)
{
    static char text[64];
    struct tm parts;
    assert_true(ASN1_TIME_to_tm(time, &parts));
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return text;
}

static void test_certificates_are_refused_out_of_their_time(void **state)
{
    (void)state;
    char expected[256];
    struct certificate_wish wish = {.name = "old", .from_days = -20, .to_days = -10};
    X509 *old = make_certificate(&wish, key);
    wish = (struct certificate_wish){.name = "new", .from_days = 10, .to_days = 20};
    X509 *new = make_certificate(&wish, key);
    write_certificate("old.pem", old, "w");
    write_certificate("new.pem", new, "w");
    struct identity_options options = {.certificate = path_in_folder("old.pem")};
    snprintf(expected, sizeof(expected), "certificate \"%%/old.pem\": expired at %s (renew it)",
             date_of(X509_get0_notAfter(old)));
    expect_error(&options, expected);
    options.certificate = path_in_folder("new.pem");
    snprintf(expected, sizeof(expected),
             "certificate \"%%/new.pem\": not valid before %s (check this machine's clock)",
             date_of(X509_get0_notBefore(new)));
    expect_error(&options, expected);
    X509_free(old);
    X509_free(new);
}

static void test_only_rsa_and_ec(void **state)
{
    (void)state;
    EVP_PKEY *edwards = make_key("ED25519"), *rsa = make_key("RSA"), *p384 = make_key("P-384");
    X509 *refused = make_certificate(&(struct certificate_wish){.name = "e"}, edwards);
    X509 *one = make_certificate(&(struct certificate_wish){.name = "r"}, rsa);
    X509 *two = make_certificate(&(struct certificate_wish){.name = "p"}, p384);
    write_certificate("edwards.pem", refused, "w");
    write_certificate("rsa.pem", one, "w");
    write_key("rsa.pem", rsa, NULL, "a");
    write_certificate("p384.pem", two, "w");
    write_key("p384.pem", p384, NULL, "a");
    struct identity_options options = {.certificate = path_in_folder("edwards.pem")};
    expect_error(&options,
                 "certificate \"%/edwards.pem\": its key is of type ED25519 (use RSA or EC)");
    identity_destroy(load(path_in_folder("rsa.pem"), NULL));
    identity_destroy(load(path_in_folder("p384.pem"), NULL));
    X509_free(refused), X509_free(one), X509_free(two);
    EVP_PKEY_free(edwards), EVP_PKEY_free(rsa), EVP_PKEY_free(p384);
}

/* ---- PKCS#12 ---- */

static void test_pkcs12(void **state)
{
    (void)state;
    struct error e = {0};
    write_pkcs12("leaf.p12", leaf, key, root, "correct horse");
    struct identity_options options = {.certificate = path_in_folder("leaf.p12"),
                                       .password = "correct horse"};
    struct identity *identity = identity_load(&options, &e);
    if (!identity) fail_msg("%s", e.text);
    expect_leaf(identity, 1);
    identity_destroy(identity);
    options.password = "battery staple";
    expect_error(&options, "PKCS#12 file \"%/leaf.p12\": wrong password");
    options.password = NULL;
    expect_error(&options, "PKCS#12 file \"%/leaf.p12\": it has a password (set it)");
}

static void test_pkcs12_without_a_password(void **state)
{
    (void)state;
    write_pkcs12("open.p12", leaf, key, NULL, "");
    struct identity *identity = load(path_in_folder("open.p12"), NULL);
    expect_leaf(identity, 0);
    identity_destroy(identity);
}

static void test_pkcs12_that_lacks_a_part(void **state)
{
    (void)state;
    write_pkcs12("keyless.p12", leaf, NULL, NULL, "pw");
    write_pkcs12("bare.p12", NULL, key, NULL, "pw");
    struct identity_options options = {.certificate = path_in_folder("keyless.p12"),
                                       .password = "pw"};
    expect_error(&options, "PKCS#12 file \"%/keyless.p12\": no private key in it");
    options.certificate = path_in_folder("bare.p12");
    expect_error(&options,
                 "PKCS#12 file \"%/bare.p12\": no certificate in it fits its private key");
}

/* ---- folders ---- */

static int fill_folder(void **state)
{
    if (certificates_setup(state) != 0) return -1;
    struct certificate_wish wishes[] = {
        {.name = "one", .serial = 0x1234abL, .issuer = root, .issuer_key = root_key},
        {.name = "two", .serial = 2, .from_days = -9, .to_days = 9},
        {.name = "two", .serial = 3, .from_days = -9, .to_days = 19},
        {.name = "two", .serial = 4, .from_days = 9, .to_days = 29},
        {.name = "three", .serial = 5, .from_days = -9, .to_days = -2},
    };
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        char name[32];
        EVP_PKEY *own = i ? other_key : key;
        X509 *certificate = make_certificate(&wishes[i], own);
        snprintf(name, sizeof(name), "%zu.pem", i);
        write_certificate(name, certificate, "w");
        X509_free(certificate);
    }
    write_certificate("0.pem", root, "a");
    write_key("a.key", key, NULL, "w");
    write_text("readme.txt", "what these are\n");
    if (mkfifo(path_in_folder("pipe"), 0600) != 0) return -1;
    if (symlink("0.pem", path_in_folder("9.pem")) != 0) return -1;
    return 0;
}

static long chosen(const char *identifier)
{
    struct error e = {0};
    struct identity_options options = {.certificate = certificates_folder,
                                       .identifier = identifier};
    struct identity *identity = identity_load(&options, &e);
    if (!identity) fail_msg("%s: %s", identifier, e.text);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(identity->certificate));
    if (serial == 0x1234ab) assert_int_equal(sk_X509_num(identity->chain), 1);
    identity_destroy(identity);
    return serial;
}

static void test_a_folder_is_searched(void **state)
{
    (void)state;
    static const char *const names[] = {
        "one",           "subject:one",        "CN=one,O=Test",
        "O=Test,CN=one", "issuer:root",        "issuer:CN=root,O=Test;subject:one",
        "serial:1234AB", "serial:00:12:34:ab", "one; serial:1234ab",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(chosen(names[i]), 0x1234ab);
}

static void test_of_several_the_one_that_is_valid_longest(void **state)
{
    (void)state;
    struct identity_options options = {.certificate = certificates_folder, .identifier = "two"};
    expect_error(&options, "certificate \"%/2.pem\": no file beside it holds its private key");
    write_key("z.key", other_key, "pw", "w");
    expect_error(&options, "certificate \"%/2.pem\": no file beside it holds its private key; "
                           "private key \"%/z.key\": it is encrypted (set its password)");
    write_key("z.key", other_key, NULL, "w");
    assert_int_equal(chosen("two"), 3);
    assert_int_equal(chosen("two;serial:2"), 2);
}

static void test_a_folder_that_has_it_not(void **state)
{
    (void)state;
    struct error e = {0};
    struct identity_options options = {.certificate = certificates_folder, .identifier = "four"};
    expect_error(&options, "folder \"%\": none of its 6 certificates is \"four\" (there are: "
                           "\"/O=Test/CN=one\", \"/O=Test/CN=two\", \"/O=Test/CN=two\", ...)");
    options.identifier = NULL;
    expect_error(&options, "client certificate \"%\": a folder (set the client certificate "
                           "identifier, which chooses in it)");
    options.identifier = "three";
    assert_null(identity_load(&options, &e));
    assert_non_null(strstr(e.text, "4.pem\": expired at "));
    options =
        (struct identity_options){.certificate = path_in_folder("0.pem"), .identifier = "one"};
    expect_error(&options, "client certificate identifier \"one\": it chooses in a folder, and "
                           "\"%/0.pem\" is none");
}

/* ---- */

static int make_all(void **state)
{
    (void)state;
    root_key = make_key("P-256");
    key = make_key("P-256");
    other_key = make_key("P-256");
    root = make_certificate(&(struct certificate_wish){.name = "root"}, root_key);
    leaf = make_certificate(
        &(struct certificate_wish){
            .name = "bridge-01", .serial = 77, .issuer = root, .issuer_key = root_key},
        key);
    return 0;
}

static int drop_all(void **state)
{
    (void)state;
    EVP_PKEY_free(root_key), EVP_PKEY_free(key), EVP_PKEY_free(other_key);
    X509_free(root), X509_free(leaf);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, certificates_setup, certificates_teardown)
#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, fill_folder, certificates_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_certificate_and_key_in_two_files),
        TEST(test_all_in_one_file),
        TEST(test_a_chain_file_replaces_what_follows),
        TEST(test_an_encrypted_key),
        TEST(test_certificates_are_read_past_an_encrypted_key),
        TEST(test_what_is_missing_is_said),
        TEST(test_a_key_of_another_certificate_is_refused),
        TEST(test_certificates_are_refused_out_of_their_time),
        TEST(test_only_rsa_and_ec),
        TEST(test_pkcs12),
        TEST(test_pkcs12_without_a_password),
        TEST(test_pkcs12_that_lacks_a_part),
        FOLDER_TEST(test_a_folder_is_searched),
        FOLDER_TEST(test_of_several_the_one_that_is_valid_longest),
        FOLDER_TEST(test_a_folder_that_has_it_not),
    };
    return cmocka_run_group_tests_name("identity", tests, make_all, drop_all);
}
