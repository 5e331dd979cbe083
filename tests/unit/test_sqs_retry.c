/* The token bucket and the delays. They take no clock: who asks waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_retry.h"

static bool ask(struct sqs_retry *r, enum sqs_class class, unsigned failed, uint32_t *delay_ms)
{
    unsigned cost;
    struct sqs_retry_ask a = {.class = class, .failed = failed};
    return sqs_retry_again(r, &a, &cost, delay_ms);
}

static void only_what_passes_is_tried_again(void **state)
{
    (void)state;
    struct sqs_retry r;
    uint32_t delay;
    sqs_retry_init(&r, 1);
    assert_true(ask(&r, SQS_TRANSIENT, 1, &delay));
    assert_true(ask(&r, SQS_THROTTLED, 1, &delay));
    assert_false(ask(&r, SQS_CONFIG, 1, &delay));
    assert_false(ask(&r, SQS_DENIED, 1, &delay));
    assert_false(ask(&r, SQS_CREDENTIALS, 1, &delay));
    assert_false(ask(&r, SQS_SENDER, 1, &delay));
    assert_int_equal(r.tokens,
                     SQS_RETRY_TOKENS - SQS_RETRY_COST_TRANSIENT - SQS_RETRY_COST_THROTTLED);
}

static void retries_stop_when_the_bucket_is_empty(void **state)
{
    (void)state;
    struct sqs_retry r;
    uint32_t delay;
    unsigned tries = 0, cost;
    sqs_retry_init(&r, 1);
    while (ask(&r, SQS_TRANSIENT, 1, &delay))
        tries++;
    assert_int_equal(tries, SQS_RETRY_TOKENS / SQS_RETRY_COST_TRANSIENT);
    struct sqs_retry_ask poll = {.class = SQS_TRANSIENT, .failed = 1, .long_poll = true};
    assert_true(sqs_retry_again(&r, &poll, &cost, &delay)); /* a long poll goes on */
    assert_int_equal(cost, 0);
}

static void success_fills_the_bucket_again(void **state)
{
    (void)state;
    struct sqs_retry r;
    uint32_t delay;
    unsigned cost;
    struct sqs_retry_ask a = {.class = SQS_TRANSIENT, .failed = 1};
    sqs_retry_init(&r, 1);
    assert_true(sqs_retry_again(&r, &a, &cost, &delay));
    sqs_retry_succeeded(&r, cost);
    assert_int_equal(r.tokens, SQS_RETRY_TOKENS);
    assert_true(sqs_retry_again(&r, &a, &cost, &delay));
    sqs_retry_succeeded(&r, 0);
    assert_int_equal(r.tokens, SQS_RETRY_TOKENS - SQS_RETRY_COST_TRANSIENT + 1);
    sqs_retry_succeeded(&r, SQS_RETRY_TOKENS);
    assert_int_equal(r.tokens, SQS_RETRY_TOKENS);
}

static uint32_t longest(enum sqs_class class, unsigned failed)
{
    uint32_t most = 0;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct sqs_retry r;
        uint32_t delay = 0;
        sqs_retry_init(&r, seed * UINT64_C(0x9e3779b97f4a7c15));
        assert_true(ask(&r, class, failed, &delay));
        if (delay > most) most = delay;
    }
    return most;
}

static void expect_between(uint32_t value, uint32_t low, uint32_t high)
{
    if (value < low || value > high) fail_msg("%u is not in %u..%u", value, low, high);
}

static void delays_double_up_to_twenty_seconds(void **state)
{
    (void)state;
    expect_between(longest(SQS_TRANSIENT, 1), 48, 50);
    expect_between(longest(SQS_TRANSIENT, 2), 95, 100);
    expect_between(longest(SQS_THROTTLED, 1), 950, 1000);
    expect_between(longest(SQS_THROTTLED, 3), 3800, 4000);
    expect_between(longest(SQS_THROTTLED, 50), 19000, SQS_RETRY_CAP_MS);
}

static void a_wish_is_honoured_within_reason(void **state)
{
    (void)state;
    struct sqs_retry r;
    unsigned cost;
    uint32_t delay;
    sqs_retry_init(&r, 7);
    struct sqs_retry_ask a = {.class = SQS_TRANSIENT, .failed = 1, .retry_after_ms = 3000};
    assert_true(sqs_retry_again(&r, &a, &cost, &delay));
    assert_int_equal(delay, 3000);
    a.retry_after_ms = 600000;
    assert_true(sqs_retry_again(&r, &a, &cost, &delay));
    expect_between(delay, 5000, 5050);
}

static void an_outage_is_met_with_growing_pauses(void **state)
{
    (void)state;
    uint64_t random = 42;
    struct sqs_backoff b = {0};
    for (uint32_t most = 1000; most < 30000; most *= 2)
        expect_between(sqs_backoff_next_ms(&b, &random), most / 2, most);
    for (int i = 0; i < 100; i++)
        expect_between(sqs_backoff_next_ms(&b, &random), 15000, 30000);
    b.failures = 0;
    expect_between(sqs_backoff_next_ms(&b, &random), 500, 1000);
}

static void the_far_end_may_ask_for_patience(void **state)
{
    (void)state;
    const int64_t now_s = 1795348800; /* Sun, 22 Nov 2026 12:00:00 GMT */
    assert_int_equal(sqs_retry_wish_ms("", "", now_s), 0);
    assert_int_equal(sqs_retry_wish_ms("250", "", now_s), 250);
    assert_int_equal(sqs_retry_wish_ms("250", "7", now_s), 250);
    assert_int_equal(sqs_retry_wish_ms("", "7", now_s), 7000);
    assert_int_equal(sqs_retry_wish_ms("", "Sun, 22 Nov 2026 12:00:03 GMT", now_s), 3000);
    assert_int_equal(sqs_retry_wish_ms("", "Sun, 22 Nov 2026 11:00:03 GMT", now_s), 0);
    assert_int_equal(sqs_retry_wish_ms("", "Sun, 22 Nov 2026 13:00:03 GMT", now_s), 60000);
    assert_int_equal(sqs_retry_wish_ms("", "9223372036854775807", now_s), 60000);
    assert_int_equal(sqs_retry_wish_ms("", "-9223372036854775807", now_s), 0);
    assert_int_equal(sqs_retry_wish_ms("9223372036854775807", "", now_s), 60000);
    assert_int_equal(sqs_retry_wish_ms("soon", "later", now_s), 0);
}

static void expect_environment(const char *most, const char *mode, unsigned expected)
{
    struct error e = {0};
    unsigned max_attempts = 0;
    setenv("AWS_MAX_ATTEMPTS", most, 1);
    setenv("AWS_RETRY_MODE", mode, 1);
    assert_int_equal(sqs_retry_environment(&max_attempts, &e), expected > 0);
    assert_int_equal(max_attempts, expected);
    assert_int_equal(e.fault, expected ? FAULT_NONE : FAULT_CONFIG);
    unsetenv("AWS_MAX_ATTEMPTS");
    unsetenv("AWS_RETRY_MODE");
}

static void the_environment_says_how_often(void **state)
{
    (void)state;
    expect_environment("", "", SQS_RETRY_ATTEMPTS);
    expect_environment("1", "", 1);
    expect_environment("12", "adaptive", 12);
    expect_environment("", "Standard", SQS_RETRY_ATTEMPTS);
    expect_environment("", "legacy", SQS_RETRY_ATTEMPTS);
    expect_environment("0", "", 0);
    expect_environment("-1", "", 0);
    expect_environment("many", "", 0);
    expect_environment("1001", "", 0);
    expect_environment("3", "lazy", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_far_end_may_ask_for_patience),
        cmocka_unit_test(the_environment_says_how_often),
        cmocka_unit_test(only_what_passes_is_tried_again),
        cmocka_unit_test(retries_stop_when_the_bucket_is_empty),
        cmocka_unit_test(success_fills_the_bucket_again),
        cmocka_unit_test(delays_double_up_to_twenty_seconds),
        cmocka_unit_test(a_wish_is_honoured_within_reason),
        cmocka_unit_test(an_outage_is_met_with_growing_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
