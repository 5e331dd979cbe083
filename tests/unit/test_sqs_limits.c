/* What SQS refuses is refused before it is sent, at the exact bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_limits.h"
#include "tests/unit/owned_text.h"

static struct bytes repeat(char c, size_t n)
{
    char *text = mem_alloc(n + 1);
    memset(text, c, n);
    return bytes_of(text, n);
}

static void queue_names(void **state)
{
    (void)state;
    struct error e;
    struct bytes longest = repeat('q', 80), longer = repeat('q', 81);
    static const char *const wrong[] = {"", ".fifo", "a b", "a.b", "q.FIFO", "a/b", "q.fifo.fifo"};
    assert_true(sqs_check_queue_name(longest, &e));
    assert_false(sqs_check_queue_name(longer, &e));
    assert_true(sqs_check_queue_name(BYTES_LIT("A-z_0.fifo"), &e));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (sqs_check_queue_name(bytes_str(wrong[i]), &e)) fail_msg("accepted: %s", wrong[i]);
    assert_true(sqs_is_fifo_name(BYTES_LIT("q.fifo")));
    assert_false(sqs_is_fifo_name(BYTES_LIT("fifo")));
    owned_text_free(longest);
    owned_text_free(longer);
}

static void ids(void **state)
{
    (void)state;
    struct error e;
    struct bytes longest = repeat('!', 128), longer = repeat('!', 129), batch = repeat('b', 80),
                 batch_longer = repeat('b', 81);
    assert_true(sqs_check_id("the group", longest, &e));
    assert_false(sqs_check_id("the group", longer, &e));
    assert_false(sqs_check_id("the group", BYTES_LIT("a b"), &e));
    assert_false(sqs_check_id("the group", BYTES_LIT("\xc3\xa9"), &e));
    assert_false(sqs_check_id("the group", BYTES_LIT(""), &e));
    assert_true(sqs_check_batch_id(batch, &e));
    assert_false(sqs_check_batch_id(batch_longer, &e));
    assert_false(sqs_check_batch_id(BYTES_LIT("a.b"), &e));
    owned_text_free(longest);
    owned_text_free(longer);
    owned_text_free(batch);
    owned_text_free(batch_longer);
}

static bool attr_is_fine(const char *name, enum attr_type type, struct bytes value)
{
    struct error e;
    struct attr a = {.name = bytes_str(name), .type = type, .value = value};
    return sqs_check_attr(&a, &e);
}

static void attribute_names(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      ".a",    "a.",       "a..b",    "a b",
                                        "AWS.x", "aws.x", "Amazon.x", "\xc3\xa4"};
    static const char *const right[] = {"a", "A-b_c.9", "AWSx", "awsx.y", "Amazonia"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (attr_is_fine(wrong[i], ATTR_STRING, BYTES_LIT("v"))) fail_msg("accepted: %s", wrong[i]);
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        if (!attr_is_fine(right[i], ATTR_STRING, BYTES_LIT("v"))) fail_msg("refused: %s", right[i]);
    struct bytes longest = repeat('n', 257);
    struct attr a = {.name = longest, .value = BYTES_LIT("v")};
    struct error e;
    assert_false(sqs_check_attr(&a, &e));
    a.name.len = 256;
    assert_true(sqs_check_attr(&a, &e));
    a.subtype = bytes_of(longest.ptr, 249); /* "Number." and this: 256 */
    assert_true(sqs_check_attr(&a, &e));
    a.subtype.len = 250;
    assert_false(sqs_check_attr(&a, &e));
    owned_text_free(longest);
}

static void attribute_values(void **state)
{
    (void)state;
    assert_false(attr_is_fine("a", ATTR_STRING, BYTES_LIT("")));
    assert_false(attr_is_fine("a", ATTR_STRING, BYTES_LIT("a\x01")));
    assert_false(attr_is_fine("a", ATTR_STRING, BYTES_LIT("\xff")));
    assert_true(attr_is_fine("a", ATTR_STRING, BYTES_LIT("\t\r\n\xf0\x9f\x98\x80")));
    assert_true(attr_is_fine("a", ATTR_BINARY, BYTES_LIT("\x00\xff")));
    assert_false(attr_is_fine("a", ATTR_BINARY, BYTES_LIT("")));
}

static void numbers(void **state)
{
    (void)state;
    static const char *const right[] = {
        "0",
        "-1",
        "+1.50",
        ".5",
        "1.",
        "12345678901234567890123456789012345678",      /* 38 digits */
        "1234567890123456789012345678901234567800000", /* 38 that matter */
        "0.00012345678901234567890123456789012345678", /* likewise */
        "1e126",
        "9.9E+126",
        "1e-128",
        "0e9999",
        "100e124",
    };
    static const char *const wrong[] = {
        "",        "-",      ".",      "e5",
        "1e",      "1e+",    "0x10",   "1 ",
        "1,5",     "1.2.3",  "NaN",    "123456789012345678901234567890123456789", /* 39 */
        "1e127",   "10e126", "1e-129", "0.1e-128",
        "1e99999",
    };
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
        if (!attr_is_fine("n", ATTR_NUMBER, bytes_str(right[i]))) fail_msg("refused: %s", right[i]);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (attr_is_fine("n", ATTR_NUMBER, bytes_str(wrong[i]))) fail_msg("accepted: %s", wrong[i]);
}

static bool entry_is_fine(const struct sqs_entry *entry, bool fifo)
{
    struct error e;
    return sqs_check_entry(entry, fifo, &e);
}

static void sizes(void **state)
{
    (void)state;
    struct bytes most = repeat('x', SQS_MAX_BYTES + 1);
    struct sqs_entry entry = {.body = most};
    const struct attr attr = {.name = BYTES_LIT("ab"), .value = BYTES_LIT("v")}; /* 2 + 6 + 1 */
    assert_false(entry_is_fine(&entry, false));
    entry.body.len = SQS_MAX_BYTES;
    assert_true(entry_is_fine(&entry, false));
    entry.attrs = &attr;
    entry.attr_count = 1;
    assert_false(entry_is_fine(&entry, false));
    entry.body.len = SQS_MAX_BYTES - 9;
    assert_true(entry_is_fine(&entry, false));
    assert_int_equal(sqs_size_of(&entry), SQS_MAX_BYTES);
    entry.trace_header = BYTES_LIT("Root=1"); /* does not count */
    assert_true(entry_is_fine(&entry, false));
    entry.body.len = 0;
    assert_false(entry_is_fine(&entry, false));
    owned_text_free(most);
}

static void attributes_together(void **state)
{
    (void)state;
    struct attr attrs[11];
    static const char names[] = "abcdefghijk";
    for (size_t i = 0; i < 11; i++)
        attrs[i] = (struct attr){.name = bytes_of(names + i, 1), .value = BYTES_LIT("v")};
    struct sqs_entry entry = {.body = BYTES_LIT("x"), .attrs = attrs, .attr_count = 10};
    assert_true(entry_is_fine(&entry, false));
    entry.attr_count = 11;
    assert_false(entry_is_fine(&entry, false));
    entry.attr_count = 2;
    attrs[1].name = attrs[0].name;
    assert_false(entry_is_fine(&entry, false));
}

static void kinds_of_queue(void **state)
{
    (void)state;
    struct sqs_entry entry = {.body = BYTES_LIT("x")};
    assert_true(entry_is_fine(&entry, false));
    assert_false(entry_is_fine(&entry, true)); /* no group */
    entry.group_id = BYTES_LIT("g");
    assert_true(entry_is_fine(&entry, true));
    assert_true(entry_is_fine(&entry, false)); /* fair queues */
    entry.deduplication_id = BYTES_LIT("d");
    assert_true(entry_is_fine(&entry, true));
    assert_false(entry_is_fine(&entry, false));
    entry.deduplication_id = BYTES_NONE;
    entry.delay_s = 900;
    assert_true(entry_is_fine(&entry, false));
    assert_false(entry_is_fine(&entry, true));
    entry.delay_s = 901;
    assert_false(entry_is_fine(&entry, false));
}

static void tags_and_permissions(void **state)
{
    (void)state;
    struct error e;
    struct bytes text = repeat('t', 257);
    struct bytes key = bytes_of(text.ptr, 128), long_key = bytes_of(text.ptr, 129),
                 value = bytes_of(text.ptr, 256);
    assert_true(sqs_check_tag(key, value, &e));
    assert_true(sqs_check_tag(key, BYTES_LIT(""), &e));
    assert_false(sqs_check_tag(long_key, value, &e));
    assert_false(sqs_check_tag(key, text, &e));
    assert_false(sqs_check_tag(BYTES_LIT(""), value, &e));
    assert_false(sqs_check_tag(BYTES_LIT("aws:x"), value, &e));
    assert_true(sqs_check_account(BYTES_LIT("123456789012"), &e));
    assert_false(sqs_check_account(BYTES_LIT("12345678901a"), &e));
    assert_true(sqs_check_permitted(BYTES_LIT("*"), &e));
    assert_false(sqs_check_permitted(BYTES_LIT("sqs:SendMessage"), &e));
    assert_false(sqs_check_label(BYTES_LIT("a b"), &e));
    owned_text_free(text);
}

static void policies_and_arns(void **state)
{
    (void)state;
    struct error e;
    static const char *const wrong[] = {"arn:aws:s3:::b", "arn:aws:sqs:eu-west-1:1", "orders",
                                        "arn:aws:sqs:eu-west-1:1:q:x"};
    assert_true(sqs_check_policy(BYTES_LIT(""), &e));
    assert_true(sqs_check_policy(BYTES_LIT("{\"a\":[1,{}]}"), &e));
    assert_false(sqs_check_policy(BYTES_LIT("[]"), &e));
    assert_false(sqs_check_policy(BYTES_LIT("{} x"), &e));
    assert_false(sqs_check_policy(BYTES_LIT("{\"a\":"), &e));
    assert_true(sqs_check_arn(BYTES_LIT("arn:aws-cn:sqs:cn-north-1:123456789012:q.fifo"), &e));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (sqs_check_arn(bytes_str(wrong[i]), &e)) fail_msg("accepted: %s", wrong[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_names),
        cmocka_unit_test(ids),
        cmocka_unit_test(attribute_names),
        cmocka_unit_test(attribute_values),
        cmocka_unit_test(numbers),
        cmocka_unit_test(sizes),
        cmocka_unit_test(attributes_together),
        cmocka_unit_test(kinds_of_queue),
        cmocka_unit_test(tags_and_permissions),
        cmocka_unit_test(policies_and_arns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
