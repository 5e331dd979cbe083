/* Cutting what was read into lines. */
#include "connectors/file/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void feed(struct lines *l, struct bytes piece)
{
    memcpy(lines_room(l, piece.len ? piece.len : 1), piece.ptr, piece.len);
    lines_added(l, piece.len);
}

static void feed_text(struct lines *l, const char *text)
{
    feed(l, bytes_str(text));
}

static void expect_line(struct lines *l, const char *expected)
{
    char *line;
    size_t len;
    assert_int_equal(lines_peek(l, &line, &len), LINE_WHOLE);
    assert_true(bytes_eq(bytes_of(line, len), bytes_str(expected)));
    lines_take(l);
}

static void expect_found(struct lines *l, enum line_found expected)
{
    char *line;
    size_t len;
    assert_int_equal(lines_peek(l, &line, &len), expected);
}

static void test_cuts_wherever_the_pieces_end(void **state)
{
    (void)state;
    struct lines l = {.max_bytes = 100};
    static const char text[] = "one\n\ntwo three\r\n";
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        expect_found(&l, LINE_NONE);
        feed(&l, bytes_of(text + i, 1));
        if (i == 3) expect_line(&l, "one");
        if (i == 4) expect_line(&l, "");
    }
    expect_line(&l, "two three\r");
    expect_found(&l, LINE_NONE);
    assert_int_equal(l.taken, 3);
    free(l.in.ptr);
}

static void test_the_rest_is_a_line_at_the_end(void **state)
{
    (void)state;
    struct lines l = {.max_bytes = 100};
    feed_text(&l, "one\ntwo");
    expect_line(&l, "one");
    expect_found(&l, LINE_NONE);
    l.ended = true;
    expect_line(&l, "two");
    expect_found(&l, LINE_NONE);
    free(l.in.ptr);
}

static void test_a_newline_at_the_end_begins_no_line(void **state)
{
    (void)state;
    struct lines l = {.max_bytes = 100, .ended = true};
    expect_found(&l, LINE_NONE);
    feed_text(&l, "one\n");
    expect_line(&l, "one");
    expect_found(&l, LINE_NONE);
    free(l.in.ptr);
}

static void test_the_longest_line_allowed(void **state)
{
    (void)state;
    struct lines l = {.max_bytes = 4};
    feed_text(&l, "1234\n12345");
    expect_line(&l, "1234");
    expect_found(&l, LINE_TOO_LONG);
    expect_found(&l, LINE_TOO_LONG);
    lines_drop(&l);
    expect_found(&l, LINE_NONE);
    feed_text(&l, "67");
    expect_found(&l, LINE_NONE);
    feed_text(&l, "8\nnext\n");
    expect_line(&l, "next");
    assert_int_equal(l.taken, 3); /* the dropped line counts: numbers are those of the file */
    free(l.in.ptr);
}

static void test_a_long_line_may_be_the_last(void **state)
{
    (void)state;
    struct lines l = {.max_bytes = 4};
    feed_text(&l, "12345");
    l.ended = true;
    expect_found(&l, LINE_TOO_LONG);
    lines_drop(&l);
    expect_found(&l, LINE_NONE);
    expect_found(&l, LINE_NONE);
    assert_int_equal(l.taken, 1);
    free(l.in.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cuts_wherever_the_pieces_end),
        cmocka_unit_test(test_the_rest_is_a_line_at_the_end),
        cmocka_unit_test(test_a_newline_at_the_end_begins_no_line),
        cmocka_unit_test(test_the_longest_line_allowed),
        cmocka_unit_test(test_a_long_line_may_be_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
