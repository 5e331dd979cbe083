/* Messages as lines of JSON, for `sqsbridge queue send-batch`: what is read, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/queue/message.h"

static void begin(struct queue_message *m, const char *text, size_t len)
{
    free(m->line);
    m->line = mem_strndup(text, len);
    m->entry = (struct sqs_entry){.attrs = m->attrs};
}

static bool read_line(struct queue_message *m, const char *text, struct error *e)
{
    begin(m, text, strlen(text));
    return queue_message_read(m, strlen(text), e);
}

static void expect_bytes(struct bytes b, const char *text)
{
    assert_int_equal(b.len, strlen(text));
    assert_memory_equal(b.ptr, text, b.len);
}

static const char whole[] =
    "{\"id\":\"a\",\"body\":\"x\\n\\u00e9\",\"group\":\"g\",\"deduplication_id\":\"d\",\"delay\":5,"
    "\"trace_header\":\"Root=1\",\"attributes\":{\"s\":\"v\",\"n\":4.5,\"i\":{\"type\":\"Number."
    "int\","
    "\"value\":\"42\"},\"b\":{\"value_base64\":\"AAH+/"
    "w==\",\"type\":\"Binary.png\"},\"c\":{\"type\":"
    "\"Binary\",\"value_base64\":\"AA==\"}}}";

static void all_that_a_line_can_say(void **state)
{
    (void)state;
    struct queue_message *m = mem_zalloc(sizeof(*m));
    struct error e;
    assert_true(read_line(m, whole, &e));
    const struct sqs_entry *entry = &m->entry;
    expect_bytes(entry->id, "a");
    expect_bytes(entry->body, "x\n\xc3\xa9");
    expect_bytes(entry->group_id, "g");
    expect_bytes(entry->deduplication_id, "d");
    expect_bytes(entry->trace_header, "Root=1");
    assert_int_equal(entry->delay_s, 5);
    assert_int_equal(entry->attr_count, 5);
    assert_int_equal(entry->attrs[0].type, ATTR_STRING);
    assert_int_equal(entry->attrs[1].type, ATTR_NUMBER);
    expect_bytes(entry->attrs[1].value, "4.5");
    expect_bytes(entry->attrs[2].subtype, "int");
    assert_int_equal(entry->attrs[3].type, ATTR_BINARY);
    expect_bytes(entry->attrs[3].subtype, "png");
    assert_true(bytes_eq(entry->attrs[3].value, BYTES_LIT("\0\1\xfe\xff")));
    assert_true(bytes_eq(entry->attrs[4].value, BYTES_LIT("\0")));
    queue_message_free(m);
    free(m);
}

static void no_delay_is_said_too(void **state)
{
    (void)state;
    struct queue_message *m = mem_zalloc(sizeof(*m));
    struct error e;
    assert_true(read_line(m, "{\"body\":\"x\",\"delay\":0}", &e));
    assert_true(m->entry.no_delay);
    assert_true(read_line(m, "{\"body\":\"x\"}", &e));
    assert_false(m->entry.no_delay);
    assert_null(m->entry.id.ptr);
    queue_message_free(m);
    free(m);
}

static void wrong_lines_say_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *said;
    } cases[] = {
        {"", "not JSON"},
        {"hello", "not JSON"},
        {"[]", "an object is expected"},
        {"{\"body\":\"x\"} {}", "not JSON"},
        {"{\"Body\":\"x\"}", "\"Body\": no such member"},
        {"{\"body\":7}", "\"body\": a string is expected"},
        {"{\"delay\":\"5\"}", "\"delay\": a number"},
        {"{\"delay\":1.5}", "\"delay\": a number"},
        {"{\"attributes\":[]}", "\"attributes\": an object"},
        {"{\"attributes\":{\"a\":null}}", "\"a\": a string, a number or an object"},
        {"{\"attributes\":{\"a\":{\"kind\":\"String\"}}}", "\"a\": an attribute has"},
        {"{\"attributes\":{\"a\":{\"type\":\"Float\",\"value\":\"1\"}}}", "\"a\": the type is"},
        {"{\"attributes\":{\"a\":{\"value_base64\":\"?\"}}}", "\"a\": value_base64"},
        {"{\"body\":\"\\ud800\"}", "not JSON: lone surrogate"},
    };
    struct queue_message *m = mem_zalloc(sizeof(*m));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error e = {.text = ""};
        if (read_line(m, cases[i].line, &e)) fail_msg("accepted: %s", cases[i].line);
        if (!strstr(e.text, cases[i].said)) fail_msg("%s: said: %s", cases[i].line, e.text);
    }
    queue_message_free(m);
    free(m);
}

/* Wherever it ends or whatever byte is another: an error or a message, and nothing the sanitizer
 * sees. */
static void no_line_can_harm(void **state)
{
    (void)state;
    struct queue_message *m = mem_zalloc(sizeof(*m));
    char changed[sizeof(whole)];
    struct error e;
    for (size_t len = 0; len < sizeof(whole) - 1; len++) {
        begin(m, whole, len);
        assert_false(queue_message_read(m, len, &e));
        for (const char *other = "\"\\{}[],:0\xff"; *other; other++) {
            memcpy(changed, whole, sizeof(whole));
            changed[len] = *other;
            begin(m, changed, sizeof(whole) - 1);
            if (queue_message_read(m, sizeof(whole) - 1, &e)) assert_true(m->entry.attr_count <= 5);
        }
    }
    queue_message_free(m);
    free(m);
}

static void attributes_without_end(void **state)
{
    (void)state;
    struct queue_message *m = mem_zalloc(sizeof(*m));
    struct buf line = {0};
    struct error e;
    buf_printf(&line, "{\"attributes\":{");
    for (int i = 0; i < 200; i++)
        buf_printf(&line, "%s\"a%d\":\"v\"", i ? "," : "", i);
    buf_add(&line, "}}", 3);
    assert_false(read_line(m, line.ptr, &e));
    assert_non_null(strstr(e.text, "too many"));
    free(line.ptr);
    queue_message_free(m);
    free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_a_line_can_say),       cmocka_unit_test(no_delay_is_said_too),
        cmocka_unit_test(wrong_lines_say_what_is_wrong), cmocka_unit_test(no_line_can_harm),
        cmocka_unit_test(attributes_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
