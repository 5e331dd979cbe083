/* A configuration with anything done to it loads, or is complained of: it never crashes, each line
 * of a complaint has its place, and none shows a secret. The same mutations in every run. */
#include "test_config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 1500, MAX_TEXT = 4096 };

#define SECRET "Quokka-Wombat.8f31"

static const char original[] =
    "log_level = \"info\"; # a comment\n"
    "@include \"part.conf\"\n"
    "pipelines = {\n"
    "  first = {\n"
    "    source = {\n"
    "      type = \"queue\"; url = \"${TEST_URL:-http://x}\";\n"
    "      user = \"me\";\n"
    "      password = \"" SECRET "\";\n"
    "      topic = \"a/${key}/$${b}\"; fast = true;\n"
    "      low = 0x10; high = 17L; big = 4294967297;\n"
    "      linger = \"50ms\"; room = \"1MiB\"; mode = \"3.1.1\";\n"
    "      topics = [\"red\", \"green\"];\n"
    "    };\n"
    "    sinks = ( { type = \"sinkhole\"; }, { type = \"queue\"; url = \"b\"; } );\n"
    "    require = (\"ordered\"); /* another */\n"
    "  };\n"
    "  second: { source: { type: \"tap\" }, sink: { type: \"sinkhole\" } }\n"
    "};\n";

static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ";",
    ",",
    "=",
    "\"",
    "\\",
    "\n",
    "${",
    "}",
    "$${",
    "/*",
    "//",
    "#",
    "@include",
    "\"part.conf\"",
    "9999999999999999999999",
    "-",
    ".",
    "1e9",
    "true",
    "\xff",
    "\x00x",
    "\\x00",
    "password",
    "type",
    "${A:-",
    "\"\"",
};
enum { PIECES = sizeof(pieces) / sizeof(pieces[0]) };

static size_t chance(uint64_t *seed, size_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (size_t)(*seed % n);
}

static void mutate(char *text, uint64_t *seed)
{
    size_t len = strlen(text), at = chance(seed, len), end = at + chance(seed, 20);
    const char *piece = pieces[chance(seed, PIECES)];
    char rest[MAX_TEXT];
    if (end > len) end = len;
    switch (chance(seed, 5)) {
    case 0: /* cut off */
        if (chance(seed, 4) == 0) text[at > 0 ? at : 1] = '\0';
        break;
    case 1: /* take out */
        memmove(text + at, text + end, len - end + 1);
        break;
    case 2: /* one byte is another */
        text[at] = (char)(1 + chance(seed, 255));
        break;
    default: /* put in */
        snprintf(rest, sizeof(rest), "%s", text + at);
        snprintf(text + at, MAX_TEXT - at, "%s%s", piece, rest);
        break;
    }
    if (text[0] == '\0') snprintf(text, MAX_TEXT, ";");
}

static void check_lines(const char *messages)
{
    for (const char *at = messages; *at; at = strchr(at, '\n') + 1) {
        assert_true(strncmp(at, "main.conf:", 10) == 0 || strncmp(at, "part.conf:", 10) == 0);
        assert_non_null(strchr(at, '\n'));
    }
}

/* Not even a piece of it. */
static void check_secret(const char *messages, const char *text)
{
    enum { PIECE = 5 };
    for (size_t i = 0; i + PIECE < sizeof(SECRET); i++) {
        char part[PIECE + 1];
        memcpy(part, &SECRET[i], PIECE);
        part[PIECE] = '\0';
        if (strstr(messages, part)) print_error("%s\n%s\n", text, messages);
        assert_null(strstr(messages, part));
    }
}

static void mutations(void **state)
{
    uint64_t seed = 88172645463325252;
    unsigned loaded = 0;
    (void)state;
    fixture_write("part.conf", "stats_interval = \"5s\";\n");
    for (int round = 0; round < ROUNDS; round++) {
        char text[MAX_TEXT];
        snprintf(text, sizeof(text), "%s", original);
        for (size_t i = 0; i <= (size_t)round % 3; i++)
            mutate(text, &seed);
        char *messages = fixture_complaints(text);
        loaded += messages[0] == '\0';
        check_lines(messages);
        check_secret(messages, text);
        free(messages);
    }
    assert_in_range(loaded, ROUNDS / 100, ROUNDS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(mutations, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
