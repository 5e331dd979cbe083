/* MD5 over attributes as SQS computes it; the values were computed by others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_digest.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attributes_enter_by_name_type_and_value),
        cmocka_unit_test(names_are_sorted_by_their_bytes),
        cmocka_unit_test(a_body_is_compared_in_any_case),
        cmocka_unit_test(parts_of_an_id_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
