/* Files that are no configuration at all, and includes: what is said, word for word. */
#include "test_config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#define UNQUOTED "text needs double quotes, and so do numbers with a unit (\"30s\")\n"
#define NO_SEPARATOR                                                                               \
    "a \";\" is missing after the value (or a \" in a text, which is written \\\")\n"

#define NO_END                                                                                     \
    "the text has no end on its line (add the missing \"; what follows was not checked)\n"

static void check_complaints(const char *text, const char *expected)
{
    char *got = fixture_complaints(text);
    assert_string_equal(got, expected);
    free(got);
}

static void mistakes(void **state)
{
    static const struct {
        const char *text, *complaints;
    } cases[] = {
        {"bootstrap.servers = \"x\";",
         "main.conf:1: bootstrap.servers: names have no dots (write _ instead; settings of a "
         "library go into properties = [\"bootstrap.servers=...\"])\n"},
        {"a = b;\nb = eu-west-1;\nc = 30s;\nd = http://x/y;\ne = /etc/x;\ng = 'x';\n",
         "main.conf:1: a: " UNQUOTED "main.conf:2: b: " UNQUOTED "main.conf:3: c: " UNQUOTED
         "main.conf:4: d: " UNQUOTED "main.conf:5: e: " UNQUOTED "main.conf:6: g: " UNQUOTED},
        {"a = b;\nb = \"abc;\nc = d;\n", "main.conf:1: a: " UNQUOTED "main.conf:2: " NO_END},
        {"a = { b = \"\nabc = d;\"};\n", "main.conf:1: " NO_END},
        {"@include \"x\n", "main.conf:1: " NO_END},
        {"a = 5;;\nb = 5,;\n;\n", "main.conf:1: \";\" follows nothing (delete it)\n"
                                  "main.conf:2: \";\" follows nothing (delete it)\n"
                                  "main.conf:3: \";\" follows nothing (delete it)\n"},
        {"a = ;\nb\nc = 5;\nd = { x = };\ne = = 5;\nf",
         "main.conf:1: a has no value\n"
         "main.conf:2: a name needs an = and a value after it\n"
         "main.conf:4: x has no value\n"
         "main.conf:5: \"=\" is in the place of a value\n"
         "main.conf:6: a name needs an = and a value after it\n"},
        {"a = [\"x\",];\nb = (\"x\" \"y\" 5);\nc = (;);\nd = [{}];\ne = (1; 2);\n",
         "main.conf:1: an item is missing here, or a separator is one too many\n"
         "main.conf:2: a \",\" is missing between the items, or a \")\" after the last\n"
         "main.conf:3: an item is missing here, or a separator is one too many\n"
         "main.conf:4: [ ] holds only plain values (write ( ) around groups)\n"
         "main.conf:5: items of a list are separated by \",\"\n"},
        {"a = { b = 5;\n", "main.conf:2: \"}\" is missing: the \"{\" of main.conf:1 is never "
                           "closed\n"},
        {"a = { b = 5)\n]\n", "main.conf:1: \")\" does not close the \"{\" of main.conf:1 (write "
                              "\"}\")\nmain.conf:2: \"]\" closes nothing\n"},
        {"(\n{", "main.conf:1: \"(\" needs a name before it (write name = ()\n"
                 "main.conf:2: \"}\" is missing: the \"{\" of main.conf:2 is never closed\n"},
        {"a = 5; /* no end\n b = 6;\n", "main.conf:1: the comment has no end (write */)\n"},
        {"1st = 5;\n_x = 5;\n= 5;\n\"a\" = 5;\n$ = 5;\n\xff = 5;\na.b c\n",
         "main.conf:1: 1st: names start with a letter\n"
         "main.conf:2: _x: names start with a letter\n"
         "main.conf:3: a setting starts with its name (write name = value;)\n"
         "main.conf:4: a setting starts with its name (write name = value;)\n"
         "main.conf:5: $: names start with a letter\n"
         "main.conf:6: \xff: names start with a letter\n"
         "main.conf:7: this is no name (names start with a letter; text needs double quotes)\n"},
        {"a = \"x\\x00y\"; b = \"\\\\x00\";", "main.conf:1: text can't hold \\x00\n"},
        {"a = [1, \"x\"];", "main.conf:1: mismatched element type in array\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_complaints(cases[i].text, cases[i].complaints);
}

static void given_twice(void **state)
{
    (void)state;
    fixture_write("more.conf", "\nb = 5;\n");
    check_complaints("a = 1;\nb = { a = 1; };\na = 3;\nc = ( { a = 1; }, { a = 2;\na = 3; } );\n"
                     "@include \"more.conf\"\n",
                     "main.conf:3: a is given twice (first at main.conf:1)\n"
                     "main.conf:5: a is given twice (first at main.conf:4)\n"
                     "more.conf:2: b is given twice (first at main.conf:2)\n");
}

/* A quote too many in a secret must not bring its rest into a message. */
static void secrets_stay_secret(void **state)
{
    static const struct {
        const char *text, *complaints;
    } cases[] = {
        {"password = hunter2;\n", "main.conf:1: password: " UNQUOTED},
        {"password = hunter2 hunter3.x = 5;\n", "main.conf:1: password: " UNQUOTED},
        {"password = \"ab\"hunter2;\n", "main.conf:1: " NO_SEPARATOR},
        {"password = \"ab\"hunter.2;hunter3\n", "main.conf:1: " NO_SEPARATOR},
        {"password = \"ab\"hunter2\";\nx = 5;\n",
         "main.conf:1: " NO_SEPARATOR "main.conf:1: " NO_END},
        {"password = [\"ab\"hunter2];\n",
         "main.conf:1: a \",\" is missing between the items, or a \"]\" after the last\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        check_complaints(cases[i].text, cases[i].complaints);
}

static void deep_brackets(void **state)
{
    struct buf text = {0};
    (void)state;
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, "a = {\n");
    buf_add(&text, "", 1);
    char *got = fixture_complaints(text.ptr);
    assert_non_null(strstr(got, "main.conf:33: brackets go deeper than 32 levels\n"));
    free(got);
    free(text.ptr);
}

static void forms_that_are_right(void **state)
{
    static const char *const texts[] = {
        "pipelines = { p = { source = { type = \"tap\"; }; sink = { type = \"sinkhole\"; }; }; };",
        "pipelines: { p: { source: { type: \"tap\" }, sink: { type: \"sinkhole\" } } } # end",
        "\xef\xbb\xbfpipelines = {\r\np = {\r\nsource = {type=\"tap\"}\r\nsink = "
        "{type=\"sinkhole\"}"
        "\r\n}}\r\n",
        "/* a */ pipelines /**/ = { // b\n# c \"\n p = { source = { type = \"ta\" /* d */\n \"p\" "
        "}\n"
        "sinks = ( { type = \"sinkhole\" }, { type = \"sinkhole\" } ) } }",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        config_free(fixture_load(texts[i]));
}

/* Relative to the file that includes, not to where the program or the first file is. */
static void includes(void **state)
{
    (void)state;
    mkdir("parts", 0700);
    mkdir("parts/ends", 0700);
    fixture_write("parts/pipeline.conf", "p = {\n@include \"ends/source.conf\"\n"
                                         "@include \"../sink.conf\"\n};\n");
    fixture_write("parts/ends/source.conf", "source = { type = \"tap\"; }; # no newline");
    fixture_write("sink.conf", "sink = {\n type = \"sinkhole\"; nam = \"x\"; };\n");
    check_complaints(
        "pipelines = {\n  @include \"parts/pipeline.conf\"\n};\nlog_levl = \"info\";\n",
        "parts/../sink.conf:2: unknown option \"nam\" of the sinkhole sink (did you "
        "mean \"name\"?)\n"
        "main.conf:4: unknown option \"log_levl\" of the top level (did you mean "
        "\"log_level\"?)\n");
}

static void wrong_includes(void **state)
{
    (void)state;
    fixture_write("self.conf", "@include \"self.conf\"\n");
    mkdir("folder", 0700);
    check_complaints("@include \"none.conf\"\n@include none\n@include\n@include \"folder\"\n"
                     "@include \"self.conf\"\n",
                     "main.conf:1: reading \"none.conf\": No such file or directory\n"
                     "main.conf:2: @include needs a file (write @include \"file\")\n"
                     "main.conf:3: @include needs a file (write @include \"file\")\n"
                     "main.conf:4: reading \"folder\": Is a directory\n"
                     "self.conf:1: includes go too deep (does a file include itself?)\n");
}

static void unreadable_files(void **state)
{
    struct config_messages messages;
    (void)state;
    assert_null(config_load("none.conf", &messages));
    assert_string_equal(messages.text,
                        "none.conf: reading \"none.conf\": No such file or directory\n");
    assert_int_equal(messages.exit_code, EX_NOINPUT);
    config_messages_free(&messages);

    fixture_write_bytes("nul.conf", "a = 5;\0", 7);
    assert_null(config_load("nul.conf", &messages));
    assert_string_equal(messages.text,
                        "nul.conf: reading \"nul.conf\": it holds a NUL byte, so it is not text\n");
    config_messages_free(&messages);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(mistakes),       TEST(given_twice),          TEST(secrets_stay_secret),
        TEST(deep_brackets),  TEST(forms_that_are_right), TEST(includes),
        TEST(wrong_includes), TEST(unreadable_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
