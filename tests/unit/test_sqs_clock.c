/* What the dates of answers tell of this machine's clock. */
#include "connectors/sqs/sqs_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

enum { NOON = 1795348800 }; /* Sun, 22 Nov 2026 12:00:00 GMT */

static enum sqs_clock_change read_date(struct sqs_clock *clock, int64_t theirs_s, int64_t now_s)
{
    struct http_request answer = {.status = 200};
    struct tm utc;
    time_t theirs = (time_t)theirs_s;
    strftime(answer.answer_headers[HTTP_DATE], sizeof(answer.answer_headers[HTTP_DATE]),
             "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&theirs, &utc));
    return sqs_clock_read(clock, &answer, now_s);
}

static void small_differences_are_left_alone(void **state)
{
    (void)state;
    struct sqs_clock clock = {0};
    assert_int_equal(read_date(&clock, NOON, NOON), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(read_date(&clock, NOON + 239, NOON), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(read_date(&clock, NOON - 239, NOON), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(clock.offset_s, 0);
}

static void a_wrong_clock_is_noted_once(void **state)
{
    (void)state;
    struct sqs_clock clock = {0};
    assert_int_equal(read_date(&clock, NOON - 3600, NOON), SQS_CLOCK_IS_WRONG);
    assert_int_equal(clock.offset_s, -3600);
    assert_int_equal(read_date(&clock, NOON - 3600 + 11, NOON + 10), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(clock.offset_s, -3600);
    assert_int_equal(read_date(&clock, NOON + 7200, NOON), SQS_CLOCK_IS_WRONG);
    assert_int_equal(clock.offset_s, 7200);
}

static void a_clock_that_was_set_is_believed_again(void **state)
{
    (void)state;
    struct sqs_clock clock = {.offset_s = 3600};
    assert_int_equal(read_date(&clock, NOON + 5, NOON), SQS_CLOCK_IS_RIGHT);
    assert_int_equal(clock.offset_s, 0);
}

static void dates_that_say_nothing(void **state)
{
    (void)state;
    static const char *const dates[] = {"", "yesterday", "Sun, 22 Nov 2026 12:00:00 CET",
                                        "Sun, 22 Nov 2026 12:00:00 GMT+1", "1795348800"};
    struct sqs_clock clock = {0};
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        struct http_request answer = {.status = 200};
        snprintf(answer.answer_headers[HTTP_DATE], 80, "%s", dates[i]);
        assert_int_equal(sqs_clock_read(&clock, &answer, 0), SQS_CLOCK_AS_BEFORE);
    }
    struct http_request cached = {.status = 200};
    snprintf(cached.answer_headers[HTTP_DATE], 80, "Sun, 22 Nov 2026 12:00:00 GMT");
    snprintf(cached.answer_headers[HTTP_AGE], 80, "3600");
    assert_int_equal(sqs_clock_read(&clock, &cached, 0), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(clock.offset_s, 0);
}

/* What an answer says is kept while the next ones say the same. */
static void the_same_date_is_read_anew_against_our_clock(void **state)
{
    (void)state;
    struct sqs_clock clock = {0};
    assert_int_equal(read_date(&clock, NOON, NOON), SQS_CLOCK_AS_BEFORE);
    assert_int_equal(read_date(&clock, NOON, NOON + 3600), SQS_CLOCK_IS_WRONG);
    assert_int_equal(clock.offset_s, -3600);
    assert_int_equal(read_date(&clock, NOON + 1, NOON + 1), SQS_CLOCK_IS_RIGHT);
    assert_int_equal(clock.offset_s, 0);
}

static void what_is_no_date_says_nothing(void **state)
{
    (void)state;
    struct sqs_clock clock = {0};
    struct http_request answer = {.status = 200, .answer_headers[HTTP_DATE] = "yesterday"};
    assert_int_equal(read_date(&clock, NOON, NOON), SQS_CLOCK_AS_BEFORE);
    for (int i = 0; i < 2; i++)
        assert_int_equal(sqs_clock_read(&clock, &answer, NOON + 3600), SQS_CLOCK_AS_BEFORE);
    answer.answer_headers[HTTP_DATE][0] = 0;
    assert_int_equal(sqs_clock_read(&clock, &answer, NOON + 3600), SQS_CLOCK_AS_BEFORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_differences_are_left_alone),
        cmocka_unit_test(a_wrong_clock_is_noted_once),
        cmocka_unit_test(a_clock_that_was_set_is_believed_again),
        cmocka_unit_test(dates_that_say_nothing),
        cmocka_unit_test(the_same_date_is_read_anew_against_our_clock),
        cmocka_unit_test(what_is_no_date_says_nothing),
    };
    return cmocka_run_group_tests_name("sqs_clock", tests, NULL, NULL);
}
