/* What config_load() says of wrong files, word for word. */
#include "test_config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check_complaints(const char *text, const char *expected)
{
    char *got = fixture_complaints(text);
    assert_string_equal(got, expected);
    free(got);
}

/* lines go into the source of fixture_source(), where the first is line 3. */
struct wrong {
    const char *lines, *complaints;
};

static void check_all(const struct wrong *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_complaints(fixture_source(cases[i].lines), cases[i].complaints);
}
#define CHECK_ALL(cases) check_all(cases, sizeof(cases) / sizeof((cases)[0]))

#define DURATION "a duration like \"30s\" (units ms, s, m, h, d), 0s to 1m"
#define SECONDS "seconds, like 20 or \"20s\", 0 to 20"
#define SIZE "a size like \"64KiB\" (units B, KiB, MiB, GiB, KB, MB, GB), 1B to 1024GiB"
#define MODE "one of \"one\", \"two\", \"3.1.1\""
#define TOPICS "a list, like [\"a\", \"b\"], of \"red\", \"green\""

static void wrong_texts_flags_and_integers(void **state)
{
    static const struct wrong cases[] = {
        {"user = 5;", "main.conf:3: user = 5: expected text in quotes\n"},
        {"user = true;", "main.conf:3: user = true: expected text in quotes\n"},
        {"user = [\"x\"];", "main.conf:3: user = [...]: expected text in quotes\n"},
        {"topic = { };", "main.conf:3: topic = {...}: expected text in quotes\n"},
        {"fast = 1;", "main.conf:3: fast = 1: expected true or false\n"},
        {"fast = \"yes\";", "main.conf:3: fast = \"yes\": expected true or false\n"},
        {"low = \"5x\";", "main.conf:3: low = \"5x\": expected an integer, 0 to 100\n"},
        {"low = \"\";", "main.conf:3: low = \"\": expected an integer, 0 to 100\n"},
        {"low = \" 5\";", "main.conf:3: low = \" 5\": expected an integer, 0 to 100\n"},
        {"low = -1;", "main.conf:3: low = -1: expected an integer, 0 to 100\n"},
        {"low = 101;", "main.conf:3: low = 101: expected an integer, 0 to 100\n"},
        {"low = 3.0;", "main.conf:3: low = 3.000: expected an integer, 0 to 100\n"},
        {"low = true;", "main.conf:3: low = true: expected an integer, 0 to 100\n"},
        {"low = { x = 1; };", "main.conf:3: low = {...}: expected an integer, 0 to 100\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void wrong_units(void **state)
{
    static const struct wrong cases[] = {
        {"linger = 5;", "main.conf:3: linger = 5: expected " DURATION " (the unit is missing)\n"},
        {"linger = \"5\";",
         "main.conf:3: linger = \"5\": expected " DURATION " (the unit is missing)\n"},
        {"linger = \"5 s\";",
         "main.conf:3: linger = \"5 s\": expected " DURATION " (no such unit)\n"},
        {"linger = \"5sec\";",
         "main.conf:3: linger = \"5sec\": expected " DURATION " (no such unit)\n"},
        {"linger = \"1.5s\";", "main.conf:3: linger = \"1.5s\": expected " DURATION
                               " (whole numbers only: take a smaller unit)\n"},
        {"linger = \"-5s\";", "main.conf:3: linger = \"-5s\": expected " DURATION "\n"},
        {"linger = \"61s\";", "main.conf:3: linger = \"61s\": expected " DURATION "\n"},
        {"linger = \"9223372036854775807s\";",
         "main.conf:3: linger = \"9223372036854775807s\": expected " DURATION
         " (the number is too large)\n"},
        {"linger = \"9223372036854775808ms\";",
         "main.conf:3: linger = \"9223372036854775808ms\": expected " DURATION
         " (the number is too large)\n"},
        {"wait = 21;", "main.conf:3: wait = 21: expected " SECONDS "\n"},
        {"wait = \"1500ms\";",
         "main.conf:3: wait = \"1500ms\": expected " SECONDS " (whole seconds only)\n"},
        {"room = 0;", "main.conf:3: room = 0: expected " SIZE "\n"},
        {"room = \"5kib\";", "main.conf:3: room = \"5kib\": expected " SIZE " (no such unit)\n"},
        {"room = \"8589934592GiB\";",
         "main.conf:3: room = \"8589934592GiB\": expected " SIZE " (the number is too large)\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void wrong_choices_files_and_templates(void **state)
{
    static const struct wrong cases[] = {
        {"mode = \"tow\";",
         "main.conf:3: mode = \"tow\": expected " MODE " (did you mean \"two\"?)\n"},
        {"mode = 4;", "main.conf:3: mode = 4: expected " MODE "\n"},
        {"topics = \"red\";", "main.conf:3: topics: expected " TOPICS "\n"},
        {"topics = [1, 2];", "main.conf:3: topics: expected " TOPICS "\n"},
        {"topics = ([\"red\"]);", "main.conf:3: topics: expected " TOPICS "\n"},
        {"topics = [\"red\",\n \"gren\"];",
         "main.conf:3: topics = \"gren\": expected " TOPICS " (did you mean \"green\"?)\n"},
        {"ca = \"nowhere.pem\";",
         "main.conf:3: ca = \"nowhere.pem\": reading the file: No such file or directory\n"},
        {"ca = \".\";", "main.conf:3: ca = \".\": reading the file: it is a directory\n"},
        {"topic = \"a/${nope}\";",
         "main.conf:3: topic = \"a/${nope}\": no such field: \"${nope}\" (there are ${attr:NAME}, "
         "${key}, ${topic}, ${topic:N}, ${position}, ${timestamp})\n"},
        {"user = \"a/${key}\";",
         "main.conf:3: user: fields of the message, ${in lower case}, work only in templates; here "
         "${NAME} is a variable of the environment (write $${ for a plain ${)\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

/* libconfig 1.5 alone would read these as 1, -1, -2147483648, -1 and INT64_MAX. */
static void integers_that_libconfig_wraps(void **state)
{
    static const struct wrong cases[] = {
        {"low = 4294967297;", "main.conf:3: low = 4294967297: expected an integer, 0 to 100\n"},
        {"low = 0xFFFFFFFF;", "main.conf:3: low = 4294967295: expected an integer, 0 to 100\n"},
        {"low = 2147483648;", "main.conf:3: low = 2147483648: expected an integer, 0 to 100\n"},
        {"low = 0xFFFFFFFFFFFFFFFFL;",
         "main.conf:3: low = 18446744073709551616: expected an integer, 0 to 100\n"},
        {"big = 9223372036854775808;", "main.conf:3: big = 9223372036854775808: expected an "
                                       "integer, -9223372036854775808 or more\n"},
        {"big = 99999999999999999999999L;",
         "main.conf:3: big = 99999999999999991611392: expected an integer, "
         "-9223372036854775808 or more\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void wrong_names(void **state)
{
    static const struct wrong cases[] = {
        {"usr = \"x\";",
         "main.conf:3: unknown option \"usr\" of the queue source (did you mean \"user\"?)\n"},
        {"pasword_file = \"x\";", "main.conf:3: unknown option \"pasword_file\" of the queue "
                                  "source (did you mean \"password_file\"?)\n"},
        {"user_file = \"x\";", "main.conf:3: unknown option \"user_file\" of the queue source (see "
                               "`sqsbridge options`)\n"},
        {"completely_else = 5;", "main.conf:3: unknown option \"completely_else\" of the queue "
                                 "source (see `sqsbridge options`)\n"},
        {"tpye = 5;",
         "main.conf:3: unknown option \"tpye\" of the queue source (did you mean \"type\"?)\n"},
        {"max_in_flight = 5;", "main.conf:3: max_in_flight is no option of the queue source, but "
                               "of the pipeline (move it there)\n"},
    };
    (void)state;
    CHECK_ALL(cases);
}

static void the_environment(void **state)
{
    static const struct wrong cases[] = {
        {"user = \"${TEST_UNSET}\";",
         "main.conf:3: user: ${TEST_UNSET} is not set in the environment (set it, or write "
         "${TEST_UNSET:-default})\n"},
        {"topics = [\"red\",\n\"${TEST_UNSET}\"];",
         "main.conf:3: topics: ${TEST_UNSET} is not set in the environment (set it, or write "
         "${TEST_UNSET:-default})\n"},
        {"low = \"${TEST_WORD}\";", "main.conf:3: low = \"word\": expected an integer, 0 to 100\n"},
        {"mode = \"${TEST_WORD}\";", "main.conf:3: mode = \"word\": expected " MODE "\n"},
    };
    (void)state;
    unsetenv("TEST_UNSET");
    setenv("TEST_WORD", "word", 1);
    CHECK_ALL(cases);
}

static void rules_between_options(void **state)
{
    static const struct wrong cases[] = {
        {"low = 20;", "main.conf:3: low: is more than high (16)\n"},
        {"high = 0;\nuser = \"x\";", "main.conf:2: low: is more than high (0)\n"},
        {"password = \"hush\";", "main.conf:3: password: needs user too\n"},
        {"\npassword_file = \"secret\";", "main.conf:4: password: needs user too\n"},
        {"usr = 5; low = 20;",
         "main.conf:3: unknown option \"usr\" of the queue source (did you mean \"user\"?)\n"
         "main.conf:3: low: is more than high (16)\n"},
    };
    (void)state;
    fixture_write("secret", "hush");
    CHECK_ALL(cases);
    check_complaints("pipelines = { p = {\n source =\n { type = \"queue\"; url = \"bad\"; };\n"
                     "sink = { type = \"sinkhole\"; }; }; };\n",
                     "main.conf:2: queue source: that url is no use\n");
    check_complaints("pipelines = { p = { source = { type = \"tap\"; };\n"
                     "sink = { type = \"queue\"; url = \"${TEST_UNSET:-}\"; }; }; };\n",
                     "main.conf:2: url = \"\": it is empty\n");
}

static void rules_of_pipelines(void **state)
{
    (void)state;
    check_complaints(
        "pipelines = { p = {\n source = { type = \"tap\"; };\n"
        "sink = { type = \"sinkhole\"; };\n"
        "require = (\"at-least-once\");\n"
        "max_in_flight = 5; max_in_flight_per_lane = 6;\n"
        "retry_delay = \"2s\";\nretry_max_delay = \"1s\"; }; };\n",
        "main.conf:4: require: at-least-once can't be kept here: it is at-most-once (a "
        "tap drips), not ordered\n"
        "main.conf:5: max_in_flight_per_lane: is more than max_in_flight (5)\n"
        "main.conf:7: retry_max_delay: is less than retry_delay (2000 ms)\n");
}

static void rules_of_stores(void **state)
{
    (void)state;
    static const char ends[] = "source = { type = \"tap\"; }; sink = { type = \"sinkhole\"; };";
    static const struct {
        const char *options, *complaint;
    } cases[] = {
        {"store = \"always\"",
         "main.conf:1: store: a store needs store_path, the folder of its files\n"},
        {"store_path = \"/x\"",
         "main.conf:1: store_path needs store = \"overflow\" or \"always\"\n"},
        {"store = \"overflow\"; store_path = \"/x\"; max_in_flight = 1",
         "main.conf:1: max_in_flight: with a store at least 2: half is for the source, half for "
         "the "
         "sinks\n"},
        {"store = \"always\"; store_path = \"/x\"; store_full = \"reject\"",
         "main.conf:1: store_full: \"reject\" needs a dead_letter sink\n"},
        /* What a source loses by itself ends where the store begins. */
        {"store = \"overflow\"; store_path = \"/x\"; require = (\"at-least-once\")",
         "main.conf:1: require: at-least-once can't be kept here: it is at-most-once (a tap "
         "drips), "
         "not ordered, store: overflow (/x)\n"},
        {"store = \"always\"; store_path = \"/x\"; require = (\"at-least-once\")", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = mem_printf("pipelines = { p = { %s %s; }; };\n", ends, cases[i].options);
        check_complaints(text, cases[i].complaint);
        free(text);
    }
}

static void sections(void **state)
{
    (void)state;
    check_complaints("", "main.conf:1: there are no pipelines (write pipelines = { NAME = { source "
                         "= {...}; sink = {...}; }; };)\n");
    check_complaints("\npipelines = { };\n",
                     "main.conf:2: there are no pipelines (write pipelines = { NAME = { source = "
                     "{...}; sink = {...}; }; };)\n");
    check_complaints(
        "log_levle = \"info\";\n"
        "workers = 5;\n"
        "pipelines = {\n"
        "  a = { };\n"
        "  b = { source = { }; sink = \"queue\"; };\n"
        "  c = { source = { type = \"sinkhole\"; };\n"
        "        sink = { type = \"quue\"; }; };\n"
        "  d = 5;\n"
        "  e* = { source = { type = 5; }; sinks = { }; };\n"
        "  f = { source = { type = \"tap\"; }; sink = { type = \"sinkhole\"; };\n"
        "        sinks = ( { type = \"sinkhole\"; },\n"
        "                  { type = \"queue\"; } );\n"
        "        dead_leter = { }; dead_letter = { type = \"queue\" }; };\n"
        "};\n"
        "log_level = \"loud\";\n",
        "main.conf:1: unknown option \"log_levle\" of the top level (did you mean \"log_level\"?)\n"
        "main.conf:2: workers is no option of the top level, but of a pipeline (move it there)\n"
        "main.conf:4: the pipeline \"a\" lacks its source (source = { type = \"...\"; ... };)\n"
        "main.conf:4: the pipeline \"a\" lacks its sink (sink = { type = \"...\"; ... };)\n"
        "main.conf:5: the source lacks type (as in type = \"queue\")\n"
        "main.conf:5: the sink: expected { type = \"...\"; ... }\n"
        "main.conf:6: type = \"sinkhole\": expected one of \"queue\", \"tap\"\n"
        "main.conf:7: type = \"quue\": expected one of \"queue\", \"sinkhole\" (did you mean "
        "\"queue\"?)\n"
        "main.conf:8: the pipeline \"d\": expected { source = {...}; sink = {...}; }\n"
        "main.conf:9: the name of a pipeline has letters, digits, _ and - (\"e*\" has a *)\n"
        "main.conf:9: type: expected text in quotes\n"
        "main.conf:9: sinks: expected 1 to 16 sinks, like ( { type = \"...\"; }, { ... } )\n"
        "main.conf:11: sink and sinks are both given (put all of them into sinks)\n"
        "main.conf:12: the queue sink lacks url (where the queue is)\n"
        "main.conf:13: unknown option \"dead_leter\" of the pipeline \"f\" (did you mean "
        "\"dead_letter\"?)\n"
        "main.conf:13: the queue dead letter lacks url (where the queue is)\n"
        "main.conf:15: log_level = \"loud\": expected one of \"error\", \"warn\", \"info\", "
        "\"debug\"\n");
}

static void too_many_sinks(void **state)
{
    struct buf text = {0};
    (void)state;
    buf_printf(&text, "pipelines = { p = { source = { type = \"tap\"; };\nsinks = (\n");
    for (int i = 0; i <= PIPELINE_MAX_SINKS; i++)
        buf_printf(&text, "%s{ type = \"sinkhole\"; }", i ? ", " : "");
    buf_printf(&text, "); }; };");
    buf_add(&text, "", 1);
    check_complaints(text.ptr, "main.conf:2: sinks: expected 1 to 16 sinks, like ( { type = "
                               "\"...\"; }, { ... } )\n");
    free(text.ptr);
}

static void secret_files(void **state)
{
    static const struct wrong cases[] = {
        {"password_file = \"none\";",
         "main.conf:3: password_file: reading \"none\": No such file or directory\n"},
        {"password_file = \"empty\";",
         "main.conf:3: password_file: reading \"empty\": it is empty\n"},
        {"password_file = \"newline\";",
         "main.conf:3: password_file: reading \"newline\": it is empty\n"},
        {"password_file = \"large\";",
         "main.conf:3: password_file: reading \"large\": it is over 64 KiB\n"},
        {"password_file = \"nul\";",
         "main.conf:3: password_file: reading \"nul\": it holds a NUL byte\n"},
        {"password_file = 5;", "main.conf:3: password_file: expected text in quotes\n"},
        {"password = \"hush\";\npassword_file = \"empty\";",
         "main.conf:4: password and password_file are both given (keep one)\n"},
        {"password = 5;", "main.conf:3: password: expected text in quotes\n"},
    };
    (void)state;
    char *large = mem_alloc(65537);
    memset(large, 'x', 65537);
    fixture_write("empty", "");
    fixture_write("newline", "\r\n");
    fixture_write_bytes("large", large, 65537);
    fixture_write_bytes("nul", "a\0b", 3);
    free(large);
    CHECK_ALL(cases);
}

static char *dead_letter_complaints(const char *url, const char *options)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "pipelines = { p = { source = { type = \"queue\"; url = \"u\"; };\n"
             "sink = { type = \"sinkhole\"; };\n"
             "dead_letter = { type = \"queue\"; url = \"%s\"; };\n%s }; };\n",
             url, options);
    return fixture_complaints(text);
}

/* What it refuses must have somewhere to go: 3 times the message and 32 KiB is what it may need. */
static void a_dead_letter_sink_takes_what_the_source_emits(void **state)
{
    static const struct {
        const char *url, *options, *complaint; /* NULL: none */
    } cases[] = {
        {"all", "", NULL},
        {"small", "", "main.conf:3: dead_letter: it takes 976 KiB at most"},
        {"small", "max_message_bytes = \"300KiB\";", NULL},
        {"small", "max_message_bytes = \"320KiB\";", "may need 992 KiB there"},
        {"small", "on_reject = \"drop\";", NULL},
        {"unknown", "max_message_bytes = 1;",
         "known only at its far end: give the pipeline "
         "dead_letter_file"},
        {"flat", "",
         "main.conf:3: dead_letter: a dead letter needs attributes: it is flat (bend "
         "it)"},
        {"all", "on_reject = \"drpo\";", "on_reject"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *said = dead_letter_complaints(cases[i].url, cases[i].options);
        if (cases[i].complaint)
            assert_non_null(strstr(said, cases[i].complaint));
        else
            assert_string_equal(said, "");
        free(said);
    }
}

static void release_needs_a_source_that_takes_it_back_and_nothing_else_in_its_way(void **state)
{
    static const struct {
        const char *source, *options, *complaint; /* NULL: none */
    } cases[] = {
        {"type = \"queue\"; url = \"u\";", "", NULL},
        {"type = \"tap\";", "",
         "main.conf:3: on_reject: \"release\" gives a message back to a queue"},
        {"type = \"queue\"; url = \"u\";", "store = \"overflow\"; store_path = \"/nowhere\";",
         "main.conf:3: on_reject: with a store"},
        {"type = \"queue\"; url = \"u\";", "dead_letter = { type = \"queue\"; url = \"all\"; };",
         "main.conf:3: on_reject: \"release\" and a dead letter exclude each other"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];
        snprintf(text, sizeof(text),
                 "pipelines = { p = { source = { %s };\n"
                 "sink = { type = \"sinkhole\"; };\n"
                 "on_reject = \"release\"; %s }; };\n",
                 cases[i].source, cases[i].options);
        char *said = fixture_complaints(text);
        if (cases[i].complaint)
            assert_non_null(strstr(said, cases[i].complaint));
        else
            assert_string_equal(said, "");
        free(said);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_texts_flags_and_integers),
        TEST(wrong_units),
        TEST(wrong_choices_files_and_templates),
        TEST(integers_that_libconfig_wraps),
        TEST(wrong_names),
        TEST(the_environment),
        TEST(rules_between_options),
        TEST(rules_of_pipelines),
        TEST(rules_of_stores),
        TEST(sections),
        TEST(too_many_sinks),
        TEST(secret_files),
        TEST(a_dead_letter_sink_takes_what_the_source_emits),
        TEST(release_needs_a_source_that_takes_it_back_and_nothing_else_in_its_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
