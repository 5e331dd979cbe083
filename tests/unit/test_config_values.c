/* Units, values there and back, and near names. */
#include "test_config_fixture.h"

#include <stdlib.h>
#include <string.h>

#include "config/environment.h"
#include "config/suggest.h"
#include "config/units.h"
#include "config/value.h"

struct number {
    const char *text;
    bool right;
    int64_t value;
};

static void integers(void **state)
{
    static const struct number cases[] = {
        {"0", true, 0},
        {"-5", true, -5},
        {"+5", true, 5},
        {"0x1F", true, 31},
        {"010", true, 10},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"0x8000000000000000", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"0x", false, 0},
        {" 5", false, 0},
        {"5 ", false, 0},
        {"5.0", false, 0},
        {"-0x5", false, 0},
        {"--5", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t value = 0;
        assert_int_equal(units_parse_integer(cases[i].text, &value), cases[i].right);
        if (cases[i].right) assert_true(value == cases[i].value);
    }
}

static void durations_and_sizes(void **state)
{
    static const struct number durations[] = {
        {"100ms", true, 100},
        {"30s", true, 30000},
        {"5m", true, 300000},
        {"12h", true, 43200000},
        {"1d", true, 86400000},
        {"0s", true, 0},
        {"106751991167d", true, INT64_C(9223372036828800000)},
        {"106751991168d", false, 0},
        {"s", false, 0},
        {"30", false, 0},
        {"30S", false, 0},
        {"1h30m", false, 0},
        {"30s ", false, 0},
        {"+30s", false, 0},
    };
    static const struct number sizes[] = {
        {"65536", true, 65536},     {"64KiB", true, 65536},
        {"1MiB", true, 1048576},    {"1MB", true, 1000000},
        {"1GiB", true, 1073741824}, {"2kB", true, 2000},
        {"2KB", true, 2000},        {"7B", true, 7},
        {"1.5MiB", false, 0},       {"1mib", false, 0},
        {"1M", false, 0},           {"8589934592GiB", false, 0},
    };
    const char *hint = NULL;
    int64_t value;
    (void)state;
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        assert_int_equal(units_parse_duration(durations[i].text, &value, &hint),
                         durations[i].right);
        if (durations[i].right) assert_true(value == durations[i].value);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(units_parse_size(sizes[i].text, &value, &hint), sizes[i].right);
        if (sizes[i].right) assert_true(value == sizes[i].value);
    }
}

/* What value_write() gives is read again as the same. */
static void check_written(const struct opt *o, const char *text, const char *expected)
{
    struct owned owned = {0};
    struct error e;
    struct buf out = {0};
    int64_t conf[4] = {0};
    assert_true(value_parse(o, text, conf, &owned, &e));
    assert_true(value_write(o, conf, &out));
    buf_add(&out, "", 1);
    assert_string_equal(out.ptr, expected);
    free(out.ptr);
    owned_release(&owned);
}

static void written_values(void **state)
{
    static const char *const choices[] = {"a", "b", NULL};
    static const struct opt text = {.type = OPT_STRING}, template = {.type = OPT_TEMPLATE},
                            secret = {.type = OPT_STRING, .flags = OPT_SECRET},
                            secrets = {.type = OPT_LIST, .flags = OPT_SECRET},
                            duration = {.type = OPT_DURATION}, seconds = {.type = OPT_SECONDS},
                            size = {.type = OPT_SIZE}, boolean = {.type = OPT_BOOL},
                            choice = {.type = OPT_ENUM, .choices = choices},
                            list = {.type = OPT_LIST},
                            integer = {.type = OPT_INT, .min = INT64_MIN, .max = INT64_MAX};
    (void)state;
    check_written(&text, "a \"b\" \\ \n\x7f \xc3\xa4 ${x} $y",
                  "\"a \\\"b\\\" \\\\ \\x0a\\x7f \xc3\xa4 $${x} $y\"");
    check_written(&template, "a/${key}/$${x}", "\"a/${key}/$${x}\"");
    check_written(&secret, "hush", "\"***\"");
    check_written(&secrets, "hush", "[\"***\"]");
    check_written(&list, "x", "[\"x\"]");
    check_written(&choice, "b", "\"b\"");
    check_written(&boolean, "true", "true");
    check_written(&seconds, "2m", "120");
    check_written(&duration, "0s", "\"0s\"");
    check_written(&duration, "90000ms", "\"90s\"");
    check_written(&duration, "1500ms", "\"1500ms\"");
    check_written(&duration, "48h", "\"2d\"");
    check_written(&size, "1048576", "\"1MiB\"");
    check_written(&size, "1MB", "1000000");
    check_written(&size, "0", "\"0B\"");
    check_written(&integer, "-2147483648", "-2147483648");
    check_written(&integer, "-2147483649", "-2147483649L");
    check_written(&integer, "0xffffffff", "4294967295L");
}

static void expectations(void **state)
{
    static const struct {
        struct opt o;
        const char *text;
    } cases[] = {
        {{.type = OPT_INT}, "an integer, 0 or more"},
        {{.type = OPT_INT, .min = 5, .max = INT64_MAX}, "an integer, 5 or more"},
        {{.type = OPT_INT, .min = -1, .max = 0}, "an integer, -1 to 0"},
        {{.type = OPT_SECONDS, .min = 1, .max = 43200}, "seconds, like 20 or \"20s\", 1 to 43200"},
        {{.type = OPT_PATH}, "the path of a file, in quotes"},
        {{.type = OPT_LIST}, "a list, like [\"a\", \"b\"]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = {0};
        value_expected(&cases[i].o, &out);
        buf_add(&out, "", 1);
        assert_string_equal(out.ptr, cases[i].text);
        free(out.ptr);
    }
}

static void distances(void **state)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"abc", "abc", 0},
        {"abc", "ab", 1},
        {"abc", "acb", 1},
        {"abc", "xbc", 1},
        {"abc", "", 3},
        {"ca", "abc", 3},
        {"queue-url", "queue_url", 0},
        {"QUEUE_URL", "queue_url", 0},
        {"kitten", "sitting", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(suggest_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(suggest_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char long_name[4096];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(suggest_distance(long_name, "y"), 64);
}

static void suggestions(void **state)
{
    static const char *const names[] = {"queue_url", "region", "qos", "topic", "topics", NULL};
    static const struct {
        const char *wrong, *nearest;
    } cases[] = {
        {"quue_url", "queue_url"},
        {"url", NULL},
        {"topcs", "topics"},
        {"topi", "topic"},
        {"qs", "qos"},
        {"qot", "qos"},
        {"xyz", NULL},
        {"regoin", "region"},
        {"queue-URL", "queue_url"},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct suggestion s = suggest_begin(cases[i].wrong);
        suggest_offer_all(&s, names);
        if (cases[i].nearest)
            assert_string_equal(s.nearest, cases[i].nearest);
        else
            assert_null(s.nearest);
    }
}

/* expanded NULL: an error that has the text `error` in it. */
static void check_environment(enum environment_text kind, const char *text, const char *expanded,
                              const char *error)
{
    struct buf out = {0};
    struct error e = {0};
    bool right = environment_expand(text, kind, &out, &e);
    assert_int_equal(right, expanded != NULL);
    if (expanded)
        assert_string_equal(out.ptr, expanded);
    else
        assert_non_null(strstr(e.text, error));
    free(out.ptr);
}

static void environment(void **state)
{
    (void)state;
    setenv("TEST_A", "alpha", 1);
    setenv("TEST_2", "${TEST_A}$${", 1);
    setenv("TEST_EMPTY", "", 1);
    unsetenv("TEST_UNSET");
    check_environment(ENVIRONMENT_PLAIN, "", "", NULL);
    check_environment(ENVIRONMENT_PLAIN, "a$b$$c{d}$", "a$b$$c{d}$", NULL);
    check_environment(ENVIRONMENT_PLAIN, "<${TEST_A}${TEST_2}>", "<alpha${TEST_A}$${>", NULL);
    check_environment(ENVIRONMENT_PLAIN, "${TEST_EMPTY}|${TEST_EMPTY:-x}", "|x", NULL);
    check_environment(ENVIRONMENT_PLAIN, "${TEST_UNSET:-a:-b}${TEST_UNSET:-}", "a:-b", NULL);
    check_environment(ENVIRONMENT_PLAIN, "$${TEST_A}$$${x", "${TEST_A}$${x", NULL);
    check_environment(ENVIRONMENT_PLAIN, "${TEST_UNSET}", NULL, "${TEST_UNSET} is not set");
    check_environment(ENVIRONMENT_PLAIN, "${TEST_A", NULL, "${TEST_A has no end");
    check_environment(ENVIRONMENT_PLAIN, "${TEST_A-x}", NULL, "${TEST_A has no end");
    check_environment(ENVIRONMENT_PLAIN, "${TEST_A:-x", NULL, "${TEST_A has no end");
    check_environment(ENVIRONMENT_PLAIN, "${TEST_A:-${TEST_B}}", NULL, "can't hold another ${");
    check_environment(ENVIRONMENT_PLAIN, "${key}", NULL, "work only in templates");
    check_environment(ENVIRONMENT_PLAIN, "${}", NULL, "work only in templates");
    check_environment(ENVIRONMENT_TEMPLATE, "${key}/$${TEST_A}/${TEST_A}",
                      "${key}/$${TEST_A}/alpha", NULL);
    check_environment(ENVIRONMENT_TEMPLATE, "${attr:a:-${TEST_A}}", "${attr:a:-alpha}", NULL);
    check_environment(ENVIRONMENT_TEMPLATE, "${TEST_UNSET}", NULL, "${TEST_UNSET} is not set");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers),       cmocka_unit_test(durations_and_sizes),
        cmocka_unit_test(written_values), cmocka_unit_test(expectations),
        cmocka_unit_test(distances),      cmocka_unit_test(suggestions),
        cmocka_unit_test(environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
