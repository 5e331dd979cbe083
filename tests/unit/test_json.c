/* The JSON reader and writer. tests/fuzz compares both with jansson on text that nobody thought of.
 */
#include "bridge/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The tokens of a text, in one line: keys as k(...), strings as s(...), errors as !offset:why. */
static void tokens(struct bytes text, struct buf *out)
{
    static const char *const marks[] = {
        [JSON_OBJECT] = "{",    [JSON_OBJECT_END] = "}", [JSON_ARRAY] = "[",
        [JSON_ARRAY_END] = "]", [JSON_KEY] = "k",        [JSON_STRING] = "s",
        [JSON_NUMBER] = "n",    [JSON_TRUE] = "true",    [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    char *copy = malloc(text.len + 1); /* exactly as long as it must be: ASan sees each overrun */
    memcpy(copy, text.ptr, text.len);
    copy = realloc(copy, text.len ? text.len : 1);
    struct json_reader r;
    json_read(&r, copy, text.len);
    out->len = 0;
    enum json_token token;
    while ((token = json_next(&r)) != JSON_END && token != JSON_ERROR) {
        buf_printf(out, "%s", marks[token]);
        if (token == JSON_KEY || token == JSON_STRING || token == JSON_NUMBER) {
            buf_add(out, "(", 1);
            buf_add(out, r.text.ptr, r.text.len);
            buf_add(out, ")", 1);
        }
    }
    if (token == JSON_ERROR) buf_printf(out, "!%zu:%s", r.error_offset, r.error);
    assert_int_equal(json_next(&r), token); /* the end stays the end */
    buf_add(out, "", 1);
    free(copy);
}

static void expect(const char *text, const char *expected)
{
    struct buf out = {0};
    tokens(bytes_str(text), &out);
    assert_string_equal(out.ptr, expected);
    free(out.ptr);
}

static void test_reads_every_kind_of_value(void **state)
{
    (void)state;
    expect("{}", "{}");
    expect(" [ ] ", "[]");
    expect("null", "null");
    expect("\t\"x\"\r\n", "s(x)");
    expect("{\"a\":1,\"b\":[true,false,null,-0.5e+10],\"c\":{\"d\":\"\"}}",
           "{k(a)n(1)k(b)[truefalsenulln(-0.5e+10)]k(c){k(d)s()}}");
    expect("{\"Messages\" : [ {\"Body\" : \"hello\"} , {} ] }",
           "{k(Messages)[{k(Body)s(hello)}{}]}");
}

static void test_unescapes_in_place(void **state)
{
    (void)state;
    expect("\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\te\"", "s(a\"b\\c/d\b\f\n\r\te)");
    expect("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00!\"", "s(A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80!)");
    expect("\"{\\\"temperature\\\":21.5,\\\"device\\\":\\\"abcdefghijklmnop\\\"}\"",
           "s({\"temperature\":21.5,\"device\":\"abcdefghijklmnop\"})");
    expect("{\"k\\u0065y\":\"\xC3\xA9\"}", "{k(key)s(\xC3\xA9)}");
}

static void test_keeps_nul_in_strings(void **state)
{
    (void)state;
    char text[] = "\"a\\u0000b\"";
    struct json_reader r;
    json_read(&r, text, strlen(text));
    assert_int_equal(json_next(&r), JSON_STRING);
    assert_int_equal(r.text.len, 3);
    assert_memory_equal(r.text.ptr, "a\0b", 3);
}

static void test_refuses_what_is_not_json(void **state)
{
    (void)state;
    expect("", "!0:the text ends too early");
    expect("  ", "!2:the text ends too early");
    expect("{\"a\":1", "{k(a)n(1)!6:the text ends too early");
    expect("{\"a\":", "{k(a)!5:the text ends too early");
    expect("{\"a\"", "{!4:the text ends too early");
    expect("\"abc", "!4:the text ends too early");
    expect("\"abc\\", "!5:the text ends too early");
    expect("[1,]", "[n(1)!3:value expected");
    expect("[,1]", "[!1:value expected");
    expect("[1 2]", "[n(1)!3:comma expected");
    expect("{,}", "{!1:key in quotes expected");
    expect("{\"a\":1,}", "{k(a)n(1)!7:key in quotes expected");
    expect("{\"a\",1}", "{!4:colon expected after a key");
    expect("{\"a\":}", "{k(a)!5:value expected");
    expect("{a:1}", "{!1:key in quotes expected");
    expect("[1}", "[n(1)!2:bracket without its partner");
    expect("{]", "{!1:bracket without its partner");
    expect("]", "!0:value expected");
    expect("1 2", "n(1)!2:more text after the value");
    expect("{}}", "{}!2:more text after the value");
    expect("nul", "!0:value expected");
    expect("True", "!0:value expected");
    expect("\xEF\xBB\xBF{}", "!0:value expected");
    expect("<html><body>502</body></html>", "!0:value expected");
}

static void test_refuses_bad_numbers(void **state)
{
    (void)state;
    expect("-", "!1:the text ends too early");
    expect("[-a]", "[!2:digit expected");
    expect("[1.]", "[!3:digit expected after the point");
    expect("[1e]", "[!3:digit expected in the exponent");
    expect("[1e+]", "[!4:digit expected in the exponent");
    expect("[01]", "[n(0)!2:comma expected");
    expect("[.5]", "[!1:value expected");
    expect("[+1]", "[!1:value expected");
    expect("NaN", "!0:value expected");
}

static void test_refuses_bad_strings(void **state)
{
    (void)state;
    expect("\"a\nb\"", "!2:control character in a string");
    expect("\"abcdefghijk\x1F\"", "!12:control character in a string");
    expect("\"\\x41\"", "!2:no such escape");
    expect("\"\\u12g4\"", "!2:four hex digits expected after \\u");
    expect("\"\\u12", "!2:four hex digits expected after \\u");
    expect("\"\\ud83d\"", "!2:lone surrogate");
    expect("\"\\ud83dxxxxxx\"", "!2:lone surrogate");
    expect("\"\\ud83d\\u0041\"", "!2:lone surrogate");
    expect("\"\\ude00\\ud83d\"", "!2:lone surrogate");
    expect("\"\xC3\"", "!1:invalid UTF-8");
    expect("\"abcdefgh\xC0\x80\"", "!9:invalid UTF-8");
    expect("\"\xED\xA0\x80\"", "!1:invalid UTF-8");
    expect("\"\xF4\x90\x80\x80\"", "!1:invalid UTF-8");
    expect("\"\\n\xFF\"", "!3:invalid UTF-8");
    expect("{\"\x80\":1}", "{!2:invalid UTF-8");
}

static void test_depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 2];
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    struct json_reader r;
    json_read(&r, text, (size_t)2 * JSON_MAX_DEPTH);
    assert_int_equal(json_next(&r), JSON_ARRAY);
    assert_true(json_skip(&r, JSON_ARRAY));
    assert_int_equal(json_next(&r), JSON_END);

    memset(text, '[', JSON_MAX_DEPTH + 1);
    json_read(&r, text, JSON_MAX_DEPTH + 1);
    assert_int_equal(json_next(&r), JSON_ARRAY);
    assert_false(json_skip(&r, JSON_ARRAY));
    assert_string_equal(r.error, "nested too deep");
    assert_int_equal(r.error_offset, JSON_MAX_DEPTH);
}

static void test_skips_what_does_not_matter(void **state)
{
    (void)state;
    char text[] = "{\"a\":{\"x\":[1,{\"y\":2}]},\"b\":[[],{}],\"c\":\"s\",\"d\":7}";
    struct json_reader r;
    json_read(&r, text, strlen(text));
    assert_int_equal(json_next(&r), JSON_OBJECT);
    for (const char *key = "abc"; *key; key++) {
        assert_int_equal(json_next(&r), JSON_KEY);
        assert_memory_equal(r.text.ptr, key, 1);
        assert_true(json_skip(&r, json_next(&r)));
    }
    assert_int_equal(json_next(&r), JSON_KEY);
    assert_int_equal(json_next(&r), JSON_NUMBER);
    assert_int_equal(json_next(&r), JSON_OBJECT_END);
    assert_false(json_skip(&r, JSON_OBJECT_END));
    assert_int_equal(json_next(&r), JSON_END);
}

/* Each cut of a text that exercises everything must fail, and never read beyond its end (ASan). */
static void test_every_prefix_fails(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\\u00e9\\ud83d\\ude00\":[1.5e3,\"\xE2\x82\xAC 0123456789\\n\",true,"
        "null,false,{}],\"b\":\"\xF0\x9F\x98\x80\"}";
    struct buf out = {0};
    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        tokens(bytes_of(text, len), &out);
        assert_non_null(strchr(out.ptr, '!'));
    }
    tokens(bytes_of(text, sizeof(text) - 1), &out);
    assert_null(strchr(out.ptr, '!'));
    free(out.ptr);
}

static void expect_int(const char *text, int64_t expected)
{
    int64_t value = 1;
    assert_true(json_int(bytes_str(text), &value));
    assert_true(value == expected);
}

static void test_integers(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "+1",
                                      "1a",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999"};
    expect_int("0", 0);
    expect_int("-0", 0);
    expect_int("1790000000000", 1790000000000);
    expect_int("9223372036854775807", INT64_MAX);
    expect_int("-9223372036854775808", INT64_MIN);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value;
        assert_false(json_int(bytes_str(bad[i]), &value));
    }
}

static void test_writes(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_object(&w);
    json_key(&w, "a");
    json_array(&w);
    json_number(&w, INT64_MIN);
    json_bool(&w, true);
    json_bool(&w, false);
    json_null(&w);
    json_object(&w);
    json_object_end(&w);
    json_array_end(&w);
    json_key_bytes(&w, BYTES_LIT("k\"\n"));
    json_base64(&w, BYTES_LIT("\x00\xFF!?"));
    json_key(&w, "e");
    json_string(&w, BYTES_NONE);
    json_object_end(&w);
    buf_add(&out, "", 1);
    assert_string_equal(out.ptr, "{\"a\":[-9223372036854775808,true,false,null,{}],"
                                 "\"k\\\"\\n\":\"AP8hPw==\",\"e\":\"\"}");
    free(out.ptr);
}

static void test_escapes_at_every_offset(void **state)
{
    (void)state;
    for (size_t len = 0; len < 40; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 0x23; c++) {
                char text[40], back[40 * 6 + 2];
                memset(text, 'x', len);
                text[at] = (char)(c == 0x22 ? '\\' : c == 0x21 ? '"' : c);
                struct buf out = {0};
                json_string(&(struct json_writer){.out = &out}, bytes_of(text, len));
                assert_in_range(out.len, len + 2, sizeof(back));
                memcpy(back, out.ptr, out.len);
                struct json_reader r;
                json_read(&r, back, out.len);
                assert_int_equal(json_next(&r), JSON_STRING);
                assert_true(bytes_eq(r.text, bytes_of(text, len)));
                free(out.ptr);
            }
        }
    }
}

static void test_utf8_is_written_as_it_is(void **state)
{
    (void)state;
    struct buf out = {0};
    json_string(&(struct json_writer){.out = &out}, BYTES_LIT("\xC3\xA9\xF0\x9F\x98\x80\x7F ok\t"));
    assert_memory_equal(out.ptr, "\"\xC3\xA9\xF0\x9F\x98\x80\x7F ok\\t\"", out.len);
    free(out.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_every_kind_of_value),
        cmocka_unit_test(test_unescapes_in_place),
        cmocka_unit_test(test_keeps_nul_in_strings),
        cmocka_unit_test(test_refuses_what_is_not_json),
        cmocka_unit_test(test_refuses_bad_numbers),
        cmocka_unit_test(test_refuses_bad_strings),
        cmocka_unit_test(test_depth_is_bounded),
        cmocka_unit_test(test_skips_what_does_not_matter),
        cmocka_unit_test(test_every_prefix_fails),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_escapes_at_every_offset),
        cmocka_unit_test(test_utf8_is_written_as_it_is),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
