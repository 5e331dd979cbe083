#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/log.h"

static char written[8192];

/* What say() writes to standard error. */
static void capture(void (*say)(void))
{
    int ends[2], real = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    say();
    dup2(real, STDERR_FILENO);
    close(real);
    close(ends[1]);
    ssize_t n = read(ends[0], written, sizeof(written) - 1); /* all of it is in the pipe */
    close(ends[0]);
    written[n > 0 ? n : 0] = 0;
}

static unsigned lines_with(const char *text)
{
    unsigned n = 0;
    for (const char *at = written; (at = strstr(at, text)); at += strlen(text))
        n++;
    return n;
}

static void say_in_turns(void)
{
    struct log_limit limit = {0};
    for (int i = 0; i < 100; i++) {
        log_limited(&limit, LOG_WARN, "p", "down");
        log_limited(&limit, LOG_WARN, "p", "lost");
    }
    log_limited(&limit, LOG_WARN, "p", "something else");
}

static void repeats_are_counted_also_when_texts_take_turns(void **state)
{
    (void)state;
    capture(say_in_turns);
    assert_int_equal(lines_with("down"), 1);
    assert_int_equal(lines_with("lost"), 1);
    assert_int_equal(lines_with("something else (and 198 such lines before)\n"), 1);
}

static void say_garbage(void)
{
    log_warn("p", "a\nb\x1b[31mc");
    log_warn("sqsbridge", "plain");
    log_debug("p", "not at this level");
}

static void a_line_stays_one_line_and_says_whose_it_is(void **state)
{
    (void)state;
    capture(say_garbage);
    assert_int_equal(lines_with(" warn  pipeline \"p\": a b [31mc\n"), 1);
    assert_int_equal(lines_with(" warn  sqsbridge: plain\n"), 1);
    assert_int_equal(lines_with("not at this level"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(repeats_are_counted_also_when_texts_take_turns),
        cmocka_unit_test(a_line_stays_one_line_and_says_whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
