/* lint, options and print-config: what they print, and their exit codes. */
#include "test_config_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "config/commands.h"

/* What one command wrote. */
struct output {
    int code;
    char out[16384], err[4096];
};

static int redirect(FILE *stream, int fd, const char *file)
{
    fflush(stream);
    int saved = dup(fd);
    int to = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(saved >= 0 && to >= 0);
    assert_int_equal(dup2(to, fd), fd);
    close(to);
    return saved;
}

static void restore(FILE *stream, int fd, int saved, const char *file, char *text, size_t size)
{
    fflush(stream);
    assert_int_equal(dup2(saved, fd), fd);
    close(saved);
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    size_t len = fread(text, 1, size - 1, in);
    text[len] = '\0';
    fclose(in);
}

/* arguments: with spaces between, the first is the name of the command. */
static void run(int (*command)(int, char **), const char *arguments, struct output *o)
{
    char text[256], *argv[8], *save = NULL;
    int argc = 0;
    snprintf(text, sizeof(text), "%s", arguments);
    for (char *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    argv[argc] = NULL;
    int out = redirect(stdout, STDOUT_FILENO, "out"), err = redirect(stderr, STDERR_FILENO, "err");
    o->code = command(argc, argv);
    restore(stdout, STDOUT_FILENO, out, "out", o->out, sizeof(o->out));
    restore(stderr, STDERR_FILENO, err, "err", o->err, sizeof(o->err));
}

static void lint(void **state)
{
    struct output o;
    (void)state;
    fixture_write(
        "good.conf",
        "pipelines = { a = { source = { type = \"queue\"; url = \"x\"; };\n"
        "sink = { type = \"sinkhole\"; }; dead_letter = { type = \"queue\"; url = \"d\"; }; };\n"
        "b = { source = { type = \"tap\"; }; sink = { type = \"sinkhole\"; }; }; };\n");
    fixture_write("one.conf", fixture_source(""));
    fixture_write("bad.conf", "pipelines = 5;\n");
    run(command_lint, "lint good.conf one.conf", &o);
    assert_int_equal(o.code, EX_OK);
    assert_string_equal(o.err, "");
    assert_string_equal(o.out,
                        "good.conf: ok, 2 pipelines\n"
                        "  pipeline \"a\": at-least-once, ordered by shelf, dead letter: thing d\n"
                        "  pipeline \"b\": at-most-once (a tap drips), not ordered\n"
                        "one.conf: ok, 1 pipeline\n"
                        "  pipeline \"p\": at-least-once, ordered by shelf\n");
    run(command_lint, "lint bad.conf none.conf one.conf", &o);
    assert_int_equal(o.code, EX_CONFIG);
    assert_string_equal(o.out, "one.conf: ok, 1 pipeline\n"
                               "  pipeline \"p\": at-least-once, ordered by shelf\n");
    assert_string_equal(o.err,
                        "bad.conf:1: there are no pipelines (write pipelines = { NAME = { source = "
                        "{...}; sink = {...}; }; };)\n"
                        "none.conf: reading \"none.conf\": No such file or directory\n");
    run(command_lint, "lint none.conf one.conf", &o);
    assert_int_equal(o.code, EX_NOINPUT);
}

static void usage(void **state)
{
    static const struct {
        int (*command)(int, char **);
        const char *arguments;
        int code;
    } cases[] = {
        {command_lint, "lint", EX_USAGE},
        {command_lint, "lint --nope", EX_USAGE},
        {command_lint, "lint --help", EX_OK},
        {command_options, "options --nope", EX_USAGE},
        {command_options, "options a b", EX_USAGE},
        {command_options, "options --help", EX_OK},
        {command_print_config, "print-config", EX_USAGE},
        {command_print_config, "print-config a b", EX_USAGE},
        {command_print_config, "print-config --help", EX_OK},
        {command_print_config, "print-config none.conf", EX_NOINPUT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct output o;
        run(cases[i].command, cases[i].arguments, &o);
        assert_int_equal(o.code, cases[i].code);
        assert_int_equal(o.out[0] == '\0', o.code != EX_OK);
        assert_int_equal(o.err[0] == '\0', o.code == EX_OK);
    }
}

static void options(void **state)
{
    struct output o;
    (void)state;
    run(command_options, "options", &o);
    assert_int_equal(o.code, EX_OK);
    assert_non_null(strstr(o.out, "  queue     source and sink  a queue\n"));
    assert_non_null(strstr(o.out, "  tap       source           drips\n"));
    assert_non_null(strstr(o.out, "\n  log_level "));
    assert_non_null(strstr(o.out, "\n  max_in_flight "));

    run(command_options, "options sinkhole", &o);
    assert_string_equal(o.out, "sinkhole: takes all\n"
                               "\n"
                               "sink or dead_letter = { type = \"sinkhole\"; ... }\n"
                               "  name  text      -  a name\n");
    run(command_options, "options queue", &o);
    assert_non_null(strstr(o.out, "\n  url       text      required    where the queue is\n"));
    assert_non_null(strstr(o.out, "\n  password  text      -           proves it [secret: also "
                                  "password_file = \"FILE\"]\n"));
    assert_non_null(strstr(o.out, "\n  linger    duration  5ms         a duration [0s to 1m]\n"));
    assert_non_null(strstr(o.out, "\n  mode      choice    two         a choice [\"one\", \"two\", "
                                  "\"3.1.1\"]\n"));
    run(command_options, "options quue", &o);
    assert_int_equal(o.code, EX_USAGE);
    assert_string_equal(o.err,
                        "sqsbridge: there is no connector \"quue\" (did you mean \"queue\"?)\n");
    run(command_options, "options xyz", &o);
    assert_string_equal(
        o.err, "sqsbridge: there is no connector \"xyz\" (`sqsbridge options` lists them)\n");
}

static void print_config(void **state)
{
    struct output o, again;
    (void)state;
    setenv("TEST_URL", "q$${1}\n", 1);
    fixture_write("secret", "hunter2\n");
    fixture_write("ends.conf",
                  "source = { type = \"queue\"; url = \"${TEST_URL}\"; user = \"$${u}\";\n"
                  "password_file = \"secret\"; topic = \"${key}/$${x}\"; topics = [\"red\"];\n"
                  "big = 5000000000; };\n"
                  "sinks = ( { type = \"sinkhole\"; }, { type = \"queue\"; url = \"a\"; } );\n"
                  "dead_letter = { type = \"sinkhole\"; };\n"
                  "set_attributes = [\"a=${topic}$${x}\"];\n");
    fixture_write("main.conf", "pipelines = { p = { @include \"ends.conf\"\n}; };\n");
    run(command_print_config, "print-config main.conf", &o);
    assert_int_equal(o.code, EX_OK);
    assert_string_equal(o.err, "");
    assert_null(strstr(o.out, "hunter2"));
    assert_non_null(strstr(o.out, "log_level = \"info\";\n"));
    assert_non_null(strstr(o.out, "    p = {\n"
                                  "        source = {\n"
                                  "            type = \"queue\";\n"
                                  "            url = \"q$$${1}\\x0a\";\n"
                                  "            user = \"$${u}\";\n"
                                  "            password = \"***\";\n"
                                  "            topic = \"${key}/$${x}\";\n"
                                  "            fast = true;\n"
                                  "            low = 1;\n"
                                  "            high = 16;\n"
                                  "            big = 5000000000L;\n"
                                  "            linger = \"5ms\";\n"
                                  "            wait = 20;\n"
                                  "            room = \"64KiB\";\n"
                                  "            mode = \"two\";\n"
                                  "            topics = [\"red\"];\n"
                                  "        };\n"
                                  "        sinks = (\n"
                                  "            {\n"
                                  "                type = \"sinkhole\";\n"
                                  "            },\n"
                                  "            {\n"
                                  "                type = \"queue\";\n"
                                  "                url = \"a\";\n"
                                  "            }\n"
                                  "        );\n"
                                  "        dead_letter = {\n"
                                  "            type = \"sinkhole\";\n"
                                  "        };\n"
                                  "        max_in_flight = 1000;\n"));
    fixture_write("printed.conf", o.out);
    run(command_print_config, "print-config printed.conf", &again);
    assert_int_equal(again.code, EX_OK);
    assert_string_equal(again.out, o.out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lint),
        TEST(usage),
        TEST(options),
        TEST(print_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
