/* MD5 over attributes as SQS computes it; the values were computed by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "connectors/sqs/sqs_pack.h"

/* Linked with --wrap: OpenSSL makes its context here, which fails without memory. */
int __real_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[]);
int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[]);
static bool without_memory;

int __wrap_EVP_DigestInit_ex2(EVP_MD_CTX *ctx, const EVP_MD *type, const OSSL_PARAM params[])
{
    return without_memory ? 0 : __real_EVP_DigestInit_ex2(ctx, type, params);
}

/* Linked likewise: a crypto policy that has no MD5. */
EVP_MD *__real_EVP_MD_fetch(OSSL_LIB_CTX *context, const char *algorithm, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *context, const char *algorithm, const char *properties);
static bool without_md5;

EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *context, const char *algorithm, const char *properties)
{
    if (without_md5 && strcmp(algorithm, "MD5") == 0) return NULL;
    return __real_EVP_MD_fetch(context, algorithm, properties);
}

#define TEXT(name, value)                                                                          \
    {                                                                                              \
        BYTES_LIT(name), BYTES_LIT(value), BYTES_NONE, ATTR_STRING                                 \
    }

static void expect(const struct attr *attrs, size_t count, const char *hex)
{
    struct sqs_digest *d = sqs_digest_create();
    struct sqs_md5 md5 = sqs_digest_attrs(d, attrs, count);
    assert_true(sqs_digest_has_md5(d));
    assert_true(sqs_digest_agrees(d, &md5, bytes_str(hex)));
    md5.bytes[15] ^= 1;
    assert_false(sqs_digest_agrees(d, &md5, bytes_str(hex)));
    sqs_digest_destroy(d);
}

static void attributes_enter_by_name_type_and_value(void **state)
{
    (void)state;
    const struct attr mixed[] = {
        TEXT("trace", "sensors/a/b"),
        {BYTES_LIT("n"), BYTES_LIT("42"), BYTES_LIT("int"), ATTR_NUMBER},
        {BYTES_LIT("bin"), BYTES_LIT("\0\1\xfe\xff"), BYTES_LIT("raw"), ATTR_BINARY},
    };
    const struct attr one[] = {TEXT("attribName1", "attribValue 1")};
    expect(mixed, 3, "5b4b75baea7ae689727c56813ace21af");
    expect(one, 1, "19e27d4e946b072f3f58da80d94fd778");
}

static void names_are_sorted_by_their_bytes(void **state)
{
    (void)state;
    const struct attr attrs[] = {TEXT("a", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), TEXT("B", "x"),
                                 TEXT("_", "y")};
    expect(attrs, 3, "a95aee53cfc135f325edf3afc15ee1b4");
    const struct attr other_way[] = {attrs[2], attrs[0], attrs[1]};
    expect(other_way, 3, "a95aee53cfc135f325edf3afc15ee1b4");
}

static void a_body_is_compared_in_any_case(void **state)
{
    (void)state;
    struct sqs_digest *d = sqs_digest_create();
    struct sqs_md5 md5 = sqs_digest_body(d, BYTES_LIT("hello"));
    assert_true(sqs_digest_agrees(d, &md5, BYTES_LIT("5d41402abc4b2a76b9719d911017c592")));
    assert_true(sqs_digest_agrees(d, &md5, BYTES_LIT("5D41402ABC4B2A76B9719D911017C592")));
    assert_true(sqs_digest_agrees(d, &md5, BYTES_LIT("")));
    assert_false(sqs_digest_agrees(d, &md5, BYTES_LIT("5d41402abc4b2a76b9719d911017c59")));
    assert_false(sqs_digest_agrees(d, &md5, BYTES_LIT("zz41402abc4b2a76b9719d911017c592")));
    sqs_digest_destroy(d);
}

/* ("ab", "c") and ("a", "bc") are different messages. */
static void parts_of_an_id_do_not_run_together(void **state)
{
    (void)state;
    struct sqs_digest *d = sqs_digest_create();
    const struct bytes one[] = {BYTES_LIT("ab"), BYTES_LIT("c")};
    const struct bytes two[] = {BYTES_LIT("a"), BYTES_LIT("bc")};
    char first[65], second[65], again[65];
    sqs_digest_sha256(d, one, 2, first);
    sqs_digest_sha256(d, two, 2, second);
    sqs_digest_sha256(d, one, 2, again);
    assert_int_equal(strlen(first), 64);
    assert_string_not_equal(first, second);
    assert_string_equal(first, again);
    sqs_digest_destroy(d);
}

/* A made-up deduplication id could make SQS drop a message for another one. */
static void no_digest_is_made_up(void **state)
{
    (void)state;
    const struct rlimit no_core = {0, 0};
    const struct bytes part = BYTES_LIT("ab");
    char hex[65];
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sqs_digest *d = sqs_digest_create();
        setrlimit(RLIMIT_CORE, &no_core);
        without_memory = true;
        sqs_digest_sha256(d, &part, 1, hex);
        _exit(1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void without_md5_nothing_is_compared(void **state)
{
    (void)state;
    without_md5 = true;
    struct sqs_digest *d = sqs_digest_create();
    without_md5 = false;
    const struct attr attr = TEXT("a", "v");
    struct sqs_entry entry = {.body = BYTES_LIT("x"),
                              .attrs = &attr,
                              .attr_count = 1,
                              .trace_header = BYTES_LIT("Root=1")};
    struct sqs_result wrong = {
        .body_md5 = BYTES_LIT("00"), .attrs_md5 = BYTES_LIT("00"), .system_md5 = BYTES_LIT("00")};
    assert_false(sqs_digest_has_md5(d));
    struct sqs_sums sums = sqs_sums_of(d, &entry);
    assert_true(sqs_sums_agree(&sums, d, &wrong));
    sqs_digest_destroy(d);
}

static void all_three_sums_are_compared(void **state)
{
    (void)state;
    struct sqs_digest *d = sqs_digest_create();
    const struct attr attr = TEXT("attribName1", "attribValue 1");
    struct sqs_entry entry = {.body = BYTES_LIT("hello"),
                              .attrs = &attr,
                              .attr_count = 1,
                              .trace_header =
                                  BYTES_LIT("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")};
    const struct bytes body = BYTES_LIT("5d41402abc4b2a76b9719d911017c592"),
                       attrs = BYTES_LIT("19e27d4e946b072f3f58da80d94fd778"),
                       system = BYTES_LIT("5f48eef650c1d0207456969c85af2fdd");
    struct sqs_sums sums = sqs_sums_of(d, &entry);
    struct sqs_result right = {.body_md5 = body, .attrs_md5 = attrs, .system_md5 = system};
    struct sqs_result wrong_body = right, wrong_attrs = right, wrong_system = right, none = {0};
    wrong_body.body_md5 = attrs;
    wrong_attrs.attrs_md5 = body;
    wrong_system.system_md5 = body;
    assert_true(sqs_sums_agree(&sums, d, &right));
    assert_true(sqs_sums_agree(&sums, d, &none)); /* an emulator that gives none */
    assert_false(sqs_sums_agree(&sums, d, &wrong_body));
    assert_false(sqs_sums_agree(&sums, d, &wrong_attrs));
    assert_false(sqs_sums_agree(&sums, d, &wrong_system));
    sqs_digest_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_md5_nothing_is_compared),
        cmocka_unit_test(all_three_sums_are_compared),
        cmocka_unit_test(attributes_enter_by_name_type_and_value),
        cmocka_unit_test(names_are_sorted_by_their_bytes),
        cmocka_unit_test(a_body_is_compared_in_any_case),
        cmocka_unit_test(parts_of_an_id_do_not_run_together),
        cmocka_unit_test(no_digest_is_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
