/* The readers of what files, services and programs say: XML, ini, command lines, keys, times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ini.h"
#include "connectors/aws/words.h"
#include "connectors/aws/xml.h"

/* ---- XML ---- */

/* "<a" opens, "a>" closes, "'text'"; in the end the error, in brackets. */
static void add_token(struct buf *b, enum xml_token token, struct bytes text)
{
    switch (token) {
    case XML_OPEN:
        buf_printf(b, "<%.*s ", BYTES_ARGS(text));
        return;
    case XML_CLOSE:
        buf_printf(b, "%.*s> ", BYTES_ARGS(text));
        return;
    case XML_TEXT:
        buf_printf(b, "'%.*s' ", BYTES_ARGS(text));
        return;
    case XML_ERROR:
    case XML_END:
        return;
    }
}

static void expect_xml(const char *xml, const char *tokens)
{
    struct xml_reader r;
    struct buf got = {0};
    char *text = mem_strdup(xml);
    xml_read(&r, text, strlen(text));
    enum xml_token token = xml_next(&r);
    for (; token != XML_END && token != XML_ERROR; token = xml_next(&r))
        add_token(&got, token, r.text);
    if (token == XML_ERROR) {
        buf_printf(&got, "[%s]", r.error);
        assert_int_equal(xml_next(&r), XML_ERROR);
    }
    buf_add(&got, "", 1);
    if (strcmp(got.ptr, tokens) != 0) fail_msg("%s: \"%s\" != \"%s\"", xml, got.ptr, tokens);
    free(got.ptr);
    free(text);
}

static void test_xml(void **state)
{
    (void)state;
    expect_xml("<a/>", "<a a> ");
    expect_xml(" <?xml version=\"1.0\"?> <!-- <x> --> <a b='>' c=\"/>\" ><b>t</b> </a >\n<!---->",
               "<a <b 't' b> ' ' a> ");
    expect_xml("<n:a>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;&#x1F600;</n:a>",
               "<a '<>&\"'A\xE2\x82\xAC\xF0\x9F\x98\x80' a> ");
    expect_xml("<a><![CDATA[<b>&amp;]]></a>", "<a '<b>&amp;' a> ");
    expect_xml("<a><b><c/></b></a>", "<a <b <c c> b> a> ");
}

static void test_xml_that_is_none(void **state)
{
    (void)state;
    expect_xml("", "[it ends too early]");
    expect_xml("hello", "[text outside of the element]");
    expect_xml("<a>", "<a [it ends too early]");
    expect_xml("<a>t", "<a 't' [it ends too early]");
    expect_xml("<a></b>", "<a [an end without its beginning]");
    expect_xml("</a>", "[an end without its beginning]");
    expect_xml("<a/><b/>", "<a a> [more than one element at the top]");
    expect_xml("<a/>x", "<a a> [text outside of the element]");
    expect_xml("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "[a DTD]");
    expect_xml("<a>&x;</a>", "<a [an entity that is not known]");
    expect_xml("<a>&#0;</a>", "<a [an entity that is not known]");
    expect_xml("<a>&#xD800;</a>", "<a [an entity that is not known]");
    expect_xml("<a>&#x110000;</a>", "<a [an entity that is not known]");
    expect_xml("<a>&#99999999999999999999;</a>", "<a [an entity that is not known]");
    expect_xml("<a>&amp</a>", "<a [an entity that is not known]");
    expect_xml("<a b='", "[a tag without an end]");
    expect_xml("<a b='>", "[a tag without an end]");
    expect_xml("<a", "[a tag without an end]");
    expect_xml("< a/>", "[a tag without a name]");
    expect_xml("<a><!-- ", "<a [a comment without an end]");
    expect_xml("<a><![CDATA[x</a>", "<a [CDATA without an end]");
    char deep[200] = "";
    for (int i = 0; i < 33; i++)
        memcpy(deep + 3 * (size_t)i, "<a>", 4);
    struct xml_reader r;
    xml_read(&r, deep, strlen(deep));
    for (int i = 0; i < 32; i++)
        assert_int_equal(xml_next(&r), XML_OPEN);
    assert_int_equal(xml_next(&r), XML_ERROR);
    assert_string_equal(r.error, "too deep");
}

/* ---- ini ---- */

static void expect_ini(const char *text, const char *tokens)
{
    struct ini_reader r;
    struct buf got = {0};
    enum ini_token token;
    ini_read(&r, text, strlen(text));
    while ((token = ini_next(&r)) != INI_END) {
        if (token == INI_SECTION) buf_printf(&got, "[%.*s] ", BYTES_ARGS(r.name));
        if (token == INI_SETTING)
            buf_printf(&got, "%.*s=%.*s ", BYTES_ARGS(r.name), BYTES_ARGS(r.value));
        if (token == INI_ERROR) buf_printf(&got, "!%u ", r.line);
    }
    buf_add(&got, "", 1);
    if (strcmp(got.ptr, tokens) != 0) fail_msg("%s: \"%s\" != \"%s\"", text, got.ptr, tokens);
    free(got.ptr);
}

static void test_ini(void **state)
{
    (void)state;
    expect_ini("", "");
    expect_ini("\n# c\n; c\n \n", "");
    expect_ini("[a]\nb = c\r\nd=e f\ng =\n", "[a] b=c d=e f g= ");
    expect_ini("[ profile  x ] # c\nk = v # c\nk = v;w ; c\nk=#c\n", "[profile  x] k=v k=v;w k= ");
    expect_ini("[a]\ns3 =\n  max = 1\n\tx = y\nb = c", "[a] s3= b=c ");
    expect_ini("k = a=b", "k=a=b ");
    expect_ini("[a\nb\n= c\n[]\n[x] y\nd = e", "!1 !2 !3 !4 !5 d=e ");
    struct ini_reader r;
    ini_read(&r, "a = b\0c\n", 8);
    assert_int_equal(ini_next(&r), INI_ERROR);
}

/* ---- command lines ---- */

static void expect_words(const char *line, const char *words)
{
    struct opt_list list;
    struct error e;
    struct buf got = {0};
    if (words_split(line, &list, &e)) {
        for (size_t i = 0; i < list.count; i++)
            buf_printf(&got, "(%s)", list.items[i]);
        words_free(&list);
    } else {
        buf_printf(&got, "%s", e.text);
    }
    buf_add(&got, "", 1);
    if (strcmp(got.ptr, words) != 0) fail_msg("%s: \"%s\" != \"%s\"", line, got.ptr, words);
    free(got.ptr);
}

static void test_words(void **state)
{
    (void)state;
    expect_words("a", "(a)");
    expect_words("  /opt/x --y  z\t", "(/opt/x)(--y)(z)");
    expect_words("'a b' \"c d\" e\\ f", "(a b)(c d)(e f)");
    expect_words("a'b'\"c\"d", "(abcd)");
    expect_words("\"a\\\"b\" 'a\\b' \"a\\nb\"", "(a\"b)(a\\b)(a\\nb)");
    expect_words("'' x", "()(x)");
    expect_words("$HOME `id` ; rm", "($HOME)(`id`)(;)(rm)");
    expect_words("", "the command is empty");
    expect_words("  ", "the command is empty");
    expect_words("a 'b", "a quote in the command has no end");
    expect_words("a \"b\\\"", "a quote in the command has no end");
    expect_words("a\\", "(a\\)");
}

/* ---- times ---- */

static void expect_time(const char *text, int64_t expected)
{
    int64_t at;
    if (!answer_time(text, &at)) at = -1;
    if (at != expected) fail_msg("%s: %lld", text, (long long)at);
}

static void test_times(void **state)
{
    (void)state;
    expect_time("1970-01-01T00:00:00Z", 0);
    expect_time("2026-11-22T13:00:00Z", 1795352400);
    expect_time("2026-11-22T13:00:00.123456Z", 1795352400);
    expect_time("2026-11-22 13:00:00Z", 1795352400);
    expect_time("2026-11-22T14:00:00+01:00", 1795352400);
    expect_time("2026-11-22T11:30:00-0130", 1795352400);
    expect_time("2024-02-29T00:00:00Z", 1709164800);
    static const char *const wrong[] = {"",
                                        "soon",
                                        "2026-11-22",
                                        "2026-11-22T13:00:00",
                                        "2026-11-22T13:00:00Zx",
                                        "2026-13-22T13:00:00Z",
                                        "2026-00-22T13:00:00Z",
                                        "2026-11-22T24:00:00Z",
                                        "2026-11-22T13:60:00Z",
                                        "1969-12-31T23:59:59Z",
                                        "2026-11-22T13:00:00+1",
                                        "1795352400",
                                        "-026-11-22T13:00:00Z"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_time(wrong[i], -1);
}

/* ---- answers ---- */

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "Token",
    [ANSWER_EXPIRATION] = "Expiration",
}};

static void expect_answer(const char *json, const char *id, const char *why)
{
    struct answer a;
    struct error e = {.text = ""};
    struct fresh_keys keys = {0};
    char *text = mem_strdup(json);
    size_t len = strlen(text);
    bool good = answer_read_json(text, len, &names, &a, &e);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(text[i], 0); /* it held secrets */
    good = good && answer_keys(&a, &names, &keys, &e);
    if (id && !good) fail_msg("%s: %s", json, e.text);
    if (id) assert_string_equal(keys.keys.access_key_id, id);
    if (!id && (good || !strstr(e.text, why))) fail_msg("%s: %s", json, e.text);
    assert_null(strstr(e.text, "SECRET"));
    answer_free(&a);
    keys_free(&keys);
    free(text);
}

static void test_answers(void **state)
{
    (void)state;
    expect_answer("{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"SECRET\"}", "i", NULL);
    expect_answer("{\"x\":[{\"AccessKeyId\":\"i\"}],\"y\":{\"SecretAccessKey\":\"SECRET\"}}", "i",
                  NULL);
    expect_answer("{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"SECRET\",\"Token\":null}", "i",
                  NULL);
    expect_answer("{\"AccessKeyId\":\"i\",\"AccessKeyId\":\"j\",\"SecretAccessKey\":\"SECRET\"}",
                  "i", NULL);
    expect_answer("{\"AccessKeyId\":\"i\"}", NULL, "the answer lacks SecretAccessKey");
    expect_answer("{\"AccessKeyId\":{\"a\":1},\"SecretAccessKey\":\"SECRET\"}", NULL,
                  "the answer lacks AccessKeyId");
    expect_answer("{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"SECRET\"", NULL, "not JSON");
    expect_answer("\"AccessKeyId\"", NULL, "no JSON object");
    expect_answer("{\"AccessKeyId\":\"i\\u0000\",\"SecretAccessKey\":\"SECRET\"}", NULL,
                  "the answer lacks AccessKeyId");
    expect_answer("{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"SECRET\\r\\nX: y\"}", NULL,
                  "SecretAccessKey: holds a space or a control character");
    expect_answer("{\"AccessKeyId\":\"i\",\"SecretAccessKey\":\"SECRET\",\"Expiration\":1}", NULL,
                  "the answer's Expiration is no time");
    expect_answer("<html>SECRET", NULL, "not JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml),   cmocka_unit_test(test_xml_that_is_none),
        cmocka_unit_test(test_ini),   cmocka_unit_test(test_words),
        cmocka_unit_test(test_times), cmocka_unit_test(test_answers),
    };
    return cmocka_run_group_tests_name("aws_readers", tests, NULL, NULL);
}
