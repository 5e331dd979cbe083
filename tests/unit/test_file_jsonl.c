/* Messages as JSON lines: what is written reads back equal. */
#include "connectors/file/jsonl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* A copy of exactly its length, so that ASan sees each overrun. */
static bool read_copy(struct bytes text, struct msg_draft *draft, struct jsonl_room *room,
                      char **copy, struct error *e)
{
    *copy = malloc(text.len ? text.len : 1);
    memcpy(*copy, text.ptr, text.len);
    return jsonl_read(*copy, text.len, draft, room, e);
}

static bool same(struct bytes a, struct bytes b)
{
    return bytes_eq(a, b) && !a.ptr == !b.ptr;
}

static void assert_same(const struct msg *m, const struct msg_draft *d)
{
    assert_true(same(m->body, d->body));
    assert_true(same(m->key, d->key));
    assert_true(same(m->topic, d->topic));
    assert_int_equal(m->timestamp_ms, d->timestamp_ms);
    assert_int_equal(m->attr_count, d->attr_count);
    for (size_t i = 0; i < d->attr_count; i++) {
        const struct attr *a = &m->attrs[i], *b = &d->attrs[i];
        assert_int_equal(a->type, b->type);
        assert_true(bytes_eq(a->name, b->name) && bytes_eq(a->value, b->value));
        assert_true(bytes_eq(a->subtype, b->subtype));
    }
}

/* Writes the draft, reads it back, and returns the line, which is the caller's. */
static char *round_trip(const struct msg_draft *draft)
{
    struct jsonl_room room = {0};
    struct msg_draft back = {0};
    struct buf line = {0};
    struct error e = {0};
    struct msg *m = msg_new(draft);
    char *copy;
    jsonl_write(m, &line);
    assert_null(memchr(line.ptr, '\n', line.len));
    bool ok = read_copy(bytes_of(line.ptr, line.len), &back, &room, &copy, &e);
    if (!ok) fail_msg("%s: %.*s", e.text, (int)line.len, line.ptr);
    assert_same(m, &back);
    msg_unref(m);
    free(copy);
    free(room.scratch.ptr);
    buf_add(&line, "", 1);
    return line.ptr;
}

static void expect_line(const struct msg_draft *draft, const char *expected)
{
    char *line = round_trip(draft);
    assert_string_equal(line, expected);
    free(line);
}

static void test_bodies(void **state)
{
    (void)state;
    expect_line(&(struct msg_draft){.body = BYTES_LIT("a\n\"b\"\\")},
                "{\"body\":\"a\\n\\\"b\\\"\\\\\"}");
    expect_line(&(struct msg_draft){.body = BYTES_LIT("")}, "{\"body\":\"\"}");
    expect_line(&(struct msg_draft){.body = BYTES_NONE}, "{}");
    expect_line(&(struct msg_draft){.body = BYTES_LIT("\xff\x00")}, "{\"body_base64\":\"/wA=\"}");
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    free(round_trip(&(struct msg_draft){.body = bytes_of(all, 256), .key = bytes_of(all, 256)}));
    free(round_trip(&(struct msg_draft){.body = bytes_of(all, 128)}));
}

static void test_the_rest_of_a_message(void **state)
{
    (void)state;
    struct attr attrs[] = {
        {.name = BYTES_LIT("device"), .value = BYTES_LIT("d1")},
        {.name = BYTES_LIT("n"),
         .value = BYTES_LIT("42"),
         .type = ATTR_NUMBER,
         .subtype = BYTES_LIT("int")},
        {.name = BYTES_LIT("icon"), .value = BYTES_LIT("\x89P"), .type = ATTR_BINARY},
    };
    struct msg_draft draft = {.body = BYTES_LIT("b"),
                              .key = BYTES_LIT("k"),
                              .topic = BYTES_LIT("t/1"),
                              .timestamp_ms = 1700000000123,
                              .attrs = attrs,
                              .attr_count = 3};
    expect_line(&draft, "{\"body\":\"b\",\"key\":\"k\",\"topic\":\"t/1\",\"timestamp\":"
                        "1700000000123,\"attributes\":{\"device\":\"d1\",\"n\":{\"type\":"
                        "\"Number.int\",\"value\":\"42\"},\"icon\":{\"type\":\"Binary\",\"value_"
                        "base64\":\"iVA=\"}}}");
}

static void test_names_that_no_object_can_have(void **state)
{
    (void)state;
    struct attr attrs[] = {
        {.name = BYTES_LIT("a"), .value = BYTES_LIT("1")},
        {.name = BYTES_LIT("b\xfe"), .value = BYTES_LIT("")},
        {.name = BYTES_LIT("a"), .value = BYTES_LIT("2")},
        {.name = BYTES_LIT(""), .value = BYTES_LIT("\xff"), .type = ATTR_BINARY},
    };
    struct msg_draft draft = {.attrs = attrs, .attr_count = 4};
    expect_line(&draft,
                "{\"attributes\":[{\"name\":\"a\",\"type\":\"String\",\"value\":\"1\"},"
                "{\"name_base64\":\"Yv4=\",\"type\":\"String\",\"value\":\"\"},{\"name\":\"a\","
                "\"type\":\"String\",\"value\":\"2\"},{\"name\":\"\",\"type\":\"Binary\","
                "\"value_base64\":\"/w==\"}]}");
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A few bytes of an arena that lives as long as the draft. */
static struct bytes random_bytes(uint32_t *seed, char *arena, size_t *used, unsigned mask)
{
    size_t len = next_random(seed) % 6;
    char *at = arena + *used;
    for (size_t i = 0; i < len; i++)
        at[i] = (char)(next_random(seed) & mask);
    *used += len;
    return bytes_of(at, len);
}

static void test_any_message(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        char arena[256];
        size_t used = 0;
        struct attr attrs[6];
        struct msg_draft draft = {.attrs = attrs, .attr_count = next_random(&seed) % 7};
        if (next_random(&seed) % 4) draft.body = random_bytes(&seed, arena, &used, 0xff);
        if (next_random(&seed) % 2) draft.key = random_bytes(&seed, arena, &used, 0xff);
        for (size_t i = 0; i < draft.attr_count; i++) {
            bool binary = next_random(&seed) % 2;
            attrs[i] = (struct attr){.type = binary ? ATTR_BINARY : ATTR_STRING};
            attrs[i].name = random_bytes(&seed, arena, &used, binary ? 0xff : 0x41);
            attrs[i].value = random_bytes(&seed, arena, &used, binary ? 0xff : 0x7f);
        }
        free(round_trip(&draft));
    }
}

static void expect_error(const char *text, const char *expected)
{
    struct jsonl_room room = {0};
    struct msg_draft draft = {0};
    struct error e = {0};
    char *copy;
    assert_false(read_copy(bytes_str(text), &draft, &room, &copy, &e));
    assert_string_equal(e.text, expected);
    free(copy);
    free(room.scratch.ptr);
}

static void test_lines_that_are_no_message(void **state)
{
    (void)state;
    expect_error("", "not JSON at byte 1: the text ends too early");
    expect_error("{\"body\":\"x\"", "not JSON at byte 12: the text ends too early");
    expect_error("{} {}", "not JSON at byte 4: more text after the value");
    expect_error("[1]", "not a JSON object (format = \"lines\" takes any line)");
    expect_error("{\"temperature\":1}", "unknown member: \"temperature\"");
    expect_error("{\"body\":1}", "string expected: \"body\"");
    expect_error("{\"body\":\"x\",\"body_base64\":\"eA==\"}", "given twice: \"body_base64\"");
    expect_error("{\"body_base64\":\"%%\"}", "not base64: \"body_base64\"");
    expect_error("{\"timestamp\":1.5}", "milliseconds since 1970 expected: \"timestamp\"");
    expect_error("{\"attributes\":\"x\"}", "object or array expected: \"attributes\"");
    expect_error("{\"attributes\":{\"a\":[]}}", "string, number or object expected: \"a\"");
    expect_error("{\"attributes\":[\"a\"]}", "object expected in the array: \"attributes\"");
    expect_error("{\"attributes\":{\"a\":{\"type\":\"String\"}}}",
                 "attribute without name or value: \"a\"");
    expect_error("{\"attributes\":{\"a\":{\"type\":\"Numbr\",\"value\":\"1\"}}}",
                 "unknown attribute type: \"Numbr\"");
    expect_error("{\"attributes\":{\"a\":{\"value_base64\":\"/w==\"}}}",
                 "attribute is not UTF-8 (type Binary may be any bytes): \"a\"");
    expect_error("{\"attributes\":{\"a\":}}", "not JSON at byte 20: value expected");
}

static void test_what_people_write(void **state)
{
    (void)state;
    struct jsonl_room room = {0};
    struct msg_draft draft = {0};
    struct error e = {0};
    char *copy;
    assert_true(
        read_copy(bytes_str(" {\"key\": null, \"attributes\": {\"n\": 1.50, \"s\": \"x\"}} "),
                  &draft, &room, &copy, &e));
    assert_null(draft.key.ptr);
    assert_int_equal(draft.attr_count, 2);
    assert_int_equal(draft.attrs[0].type, ATTR_NUMBER);
    assert_true(bytes_eq(draft.attrs[0].value, BYTES_LIT("1.50")));
    assert_int_equal(draft.attrs[1].type, ATTR_STRING);
    free(copy);
    free(room.scratch.ptr);
}

static void test_too_many_attributes(void **state)
{
    (void)state;
    struct buf text = {0};
    buf_printf(&text, "{\"attributes\":{\"a\":\"\"");
    for (int i = 0; i < MSG_MAX_ATTRS; i++)
        buf_printf(&text, ",\"a\":\"\"");
    buf_printf(&text, "}}");
    buf_add(&text, "", 1);
    expect_error(text.ptr, "more than 256 attributes");
    free(text.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_the_rest_of_a_message),
        cmocka_unit_test(test_names_that_no_object_can_have),
        cmocka_unit_test(test_any_message),
        cmocka_unit_test(test_lines_that_are_no_message),
        cmocka_unit_test(test_what_people_write),
        cmocka_unit_test(test_too_many_attributes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
