/* What config_load() makes of right files. */
#include "test_config_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "bridge/template.h"

static const struct queue_source_conf *source_of(const struct config *c)
{
    return c->pipelines[0].source.conf;
}

static void check_password_file(const char *content, const char *expected)
{
    fixture_write("secret", content);
    struct config *c = fixture_load(fixture_source("user = \"u\"; password_file = \"secret\";"));
    assert_string_equal(source_of(c)->password, expected);
    config_free(c);
}

static void secrets_lose_one_newline(void **state)
{
    (void)state;
    check_password_file("hush", "hush");
    check_password_file("hush\n", "hush");
    check_password_file("hush\r\n", "hush");
    check_password_file("hush\n\n", "hush\n");
    check_password_file("${HUSH} \"\\", "${HUSH} \"\\");
}

static void defaults(void **state)
{
    (void)state;
    struct config *c = fixture_load(fixture_source(""));
    const struct queue_source_conf *s = source_of(c);
    assert_string_equal(s->url, "u");
    assert_null(s->user);
    assert_null(s->password);
    assert_string_equal(template_text(s->topic), "all/${key}");
    assert_true(s->fast);
    assert_int_equal(s->low, 1);
    assert_int_equal(s->high, 16);
    assert_int_equal(s->big, 0);
    assert_int_equal(s->linger, 5);
    assert_int_equal(s->wait, 20);
    assert_int_equal(s->room, 65536);
    assert_int_equal(s->mode, 1);
    assert_int_equal(s->topics.count, 0);
    assert_int_equal(c->log_level, LOG_INFO);
    assert_null(c->stats_file);
    assert_int_equal(c->pipelines[0].max_in_flight, 1000);
    config_free(c);
}

static void values(void **state)
{
    (void)state;
    setenv("TEST_NUMBER", "42", 1);
    setenv("TEST_BOOL", "false", 1);
    fixture_write("ca.pem", "x");
    struct config *c = fixture_load(fixture_source(
        "user = \"a \\\"b\\\" $${c} $d\"; ca = \"./ca.pem\"; fast = \"${TEST_BOOL}\";\n"
        "topic = \"${TEST_NUMBER}/${attr:x:-${TEST_NUMBER}}/$${key}\";\n"
        "low = \"${TEST_NUMBER}\"; high = 0x64L; big = 4294967297;\n"
        "linger = \"${TEST_NUMBER}ms\"; wait = \"20s\"; room = \"1GB\"; mode = \"3.1.1\";\n"
        "topics = (\"green\", \"${TEST_UNSET:-red}\");\n"));
    const struct queue_source_conf *s = source_of(c);
    assert_string_equal(s->user, "a \"b\" ${c} $d");
    assert_string_equal(s->ca, "./ca.pem");
    assert_string_equal(template_text(s->topic), "42/${attr:x:-42}/$${key}");
    assert_false(s->fast);
    assert_int_equal(s->low, 42);
    assert_int_equal(s->high, 100);
    assert_int_equal(s->big, INT64_C(4294967297));
    assert_int_equal(s->linger, 42);
    assert_int_equal(s->wait, 20);
    assert_int_equal(s->room, 1000000000);
    assert_int_equal(s->mode, 2);
    assert_int_equal(s->topics.count, 2);
    assert_string_equal(s->topics.items[0], "green");
    assert_string_equal(s->topics.items[1], "red");
    config_free(c);
}

static void large_integers(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"big = 2147483648;", INT64_C(2147483648)},
        {"big = -2147483649;", INT64_C(-2147483649)},
        {"big = 0xFFFFFFFF;", INT64_C(4294967295)},
        {"big = 9223372036854775807;", INT64_MAX},
        {"big = 9223372036854775807LL;", INT64_MAX},
        {"big = -9223372036854775808L;", INT64_MIN},
        {"big = \"9223372036854775807\";", INT64_MAX},
        {"big = 010;", 10},
        {"big = +5;", 5},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config *c = fixture_load(fixture_source(cases[i].text));
        assert_true(source_of(c)->big == cases[i].value);
        config_free(c);
    }
}

static void several_pipelines_and_sinks(void **state)
{
    (void)state;
    struct config *c = fixture_load(
        "log_level = \"debug\"; stats_interval = \"10s\"; stats_file = \"stats.jsonl\";\n"
        "pipelines = {\n"
        "  first-1 = { source = { type = \"tap\"; };\n"
        "    sinks = ( { type = \"sinkhole\"; name = \"a\"; }, { type = \"queue\"; url = \"b\"; } "
        ");\n"
        "    dead_letter = { type = \"queue\"; url = \"dead\"; };\n"
        "    max_in_flight = 7; };\n"
        "  Second_2 = { source = { type = \"queue\"; url = \"c\"; }; sink = { type = \"sinkhole\"; "
        "};\n"
        "    require = (\"ordered\", \"at-least-once\"); };\n"
        "};\n");
    const struct pipeline_conf *first = &c->pipelines[0], *second = &c->pipelines[1];
    assert_int_equal(c->pipeline_count, 2);
    assert_int_equal(c->log_level, LOG_DEBUG);
    assert_int_equal(c->stats_interval, 10000);
    assert_string_equal(c->stats_file, "stats.jsonl");
    assert_string_equal(first->name, "first-1");
    assert_ptr_equal(first->source.connector, connectors[1]);
    assert_int_equal(first->sink_count, 2);
    assert_ptr_equal(first->sinks[0].connector, connectors[2]);
    assert_string_equal(((const struct queue_sink_conf *)first->sinks[1].conf)->url, "b");
    assert_string_equal(((const struct queue_sink_conf *)first->dead_letter.conf)->url, "dead");
    assert_int_equal(first->max_in_flight, 7);
    assert_string_equal(second->name, "Second_2");
    assert_null(second->dead_letter.connector);
    assert_int_equal(second->require.count, 2);
    config_free(c);
}

static void options_of_the_command_line(void **state)
{
    struct error e;
    (void)state;
    struct config *c = fixture_load(fixture_source(""));
    assert_true(config_parse(c, "stats_interval", "2s", &e));
    assert_int_equal(c->stats_interval, 2000);
    assert_true(config_parse(c, "log_level", "warn", &e));
    assert_int_equal(c->log_level, LOG_WARN);
    assert_false(config_parse(c, "log_level", "warm", &e));
    assert_string_equal(e.text, "expected one of \"error\", \"warn\", \"info\", \"debug\" (did you "
                                "mean \"warn\"?)");
    assert_false(config_parse(c, "pipelines", "x", &e));
    config_free(c);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(secrets_lose_one_newline),
        TEST(defaults),
        TEST(values),
        TEST(large_integers),
        TEST(several_pipelines_and_sinks),
        TEST(options_of_the_command_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
