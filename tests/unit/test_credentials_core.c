/* The refresh of credentials: ahead of expiry, failing, refused, with many who wait. */
#include "tests/unit/credentials_fixture.h"

#include <pthread.h>

#include "bridge/log.h"

static void test_when_to_refresh(void **state)
{
    (void)state;
    const int64_t got = 1790000000000, hour = got + 60 * MINUTE_MS, day = got + 1440 * MINUTE_MS;
    for (uint64_t random = 0; random < 1000000; random += 997) {
        int64_t at = credentials_refresh_at(got, hour, random);
        assert_true(at <= hour - 15 * MINUTE_MS && at >= hour - 18 * MINUTE_MS);
        at = credentials_refresh_at(got, day, random);
        assert_true(at <= day - 15 * MINUTE_MS && at >= day - 18 * MINUTE_MS);
        at = credentials_refresh_at(got, got + 10 * MINUTE_MS, random); /* short: half of it */
        assert_true(at <= got + 5 * MINUTE_MS && at >= got + 4 * MINUTE_MS);
        at = credentials_refresh_at(got, got + 1000, random);
        assert_true(at >= got && at <= got + 500);
    }
    assert_true(credentials_refresh_at(got, hour, 1) != credentials_refresh_at(got, hour, 2));
    assert_int_equal(credentials_refresh_at(got, INT64_MAX, 5), INT64_MAX);
}

static void test_when_to_try_again(void **state)
{
    (void)state;
    for (uint64_t random = 0; random < 100000; random += 97) {
        int64_t first = credentials_retry_after_ms(1, random);
        int64_t late = credentials_retry_after_ms(1000, random);
        assert_true(first >= 500 && first <= 1000);
        assert_true(late >= 30000 && late <= 60000);
        assert_true(credentials_retry_after_ms(3, random) >= 2000);
    }
}

static void test_many_wait_and_one_fetch_serves_them(void **state)
{
    (void)state;
    enum { MANY = 100 };
    static struct waiting all[MANY];
    unsigned left = MANY;
    struct loop *loop = loop_create();
    atomic_store(&script.answer, LATER);
    struct provider *p = scripted_create();
    struct credentials *c = credentials_start(p, "credentials \"test\"", scripted_clock);
    expect_none(c);
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < MANY; i++) {
        all[i].left = &left;
        all[i].w = (struct credentials_waiter){.loop = loop, .ready = note_ready, .arg = &all[i]};
        credentials_wait(c, &all[i].w);
    }
    until_fetches(1);
    answer_now(p, GOOD);
    run_loop(loop);
    for (size_t i = 0; i < MANY; i++)
        assert_true(all[i].good == 1 && all[i].bad == 0);
    assert_int_equal(atomic_load(&script.fetches), 1);
    expect_id(c, "id-1");
    loop_destroy(loop);
    credentials_end(c);
}

static void test_refreshed_ahead_of_expiry(void **state)
{
    (void)state;
    struct credentials *c = begin();
    until_state(c, 1, 0);
    advance_ms(c, 41 * MINUTE_MS);
    settle(c);
    assert_int_equal(atomic_load(&script.fetches), 1);
    expect_id(c, "id-1");
    advance_ms(c, 5 * MINUTE_MS); /* fourteen are left */
    until_state(c, 2, 0);
    expect_id(c, "id-2");
    settle(c);
    assert_int_equal(atomic_load(&script.fetches), 2);
    credentials_end(c);
}

static void test_keys_without_an_end_are_never_refreshed(void **state)
{
    (void)state;
    atomic_store(&script.lifetime_s, 0);
    struct credentials *c = begin();
    struct credentials_state now;
    until_state(c, 1, 0);
    advance_ms(c, (int64_t)1000 * 24 * 60 * MINUTE_MS);
    settle(c);
    assert_int_equal(atomic_load(&script.fetches), 1);
    expect_id(c, "id-1");
    credentials_state(c, &now);
    assert_int_equal(now.expires_in_s, INT64_MAX);
    credentials_end(c);
}

static void test_a_failing_refresh_leaves_the_old_keys(void **state)
{
    (void)state;
    struct credentials *c = begin();
    struct credentials_state now;
    until_state(c, 1, 0);
    atomic_store(&script.answer, BAD);
    advance_ms(c, 46 * MINUTE_MS);
    until_state(c, 1, 1);
    expect_id(c, "id-1");
    advance_ms(c, 2 * MINUTE_MS);
    until_state(c, 1, 2);
    expect_id(c, "id-1");
    credentials_state(c, &now);
    assert_int_equal(now.expires_in_s, 12 * 60);
    assert_string_equal(now.last.text, "credentials \"test\": the far end is away");
    atomic_store(&script.answer, GOOD);
    advance_ms(c, 2 * MINUTE_MS);
    until_state(c, 2, 2);
    expect_id(c, "id-4");
    credentials_state(c, &now);
    assert_int_equal(now.last.fault, FAULT_NONE);
    credentials_end(c);
}

static void test_keys_end_when_they_expire(void **state)
{
    (void)state;
    struct provider *p = scripted_create();
    struct credentials *c = credentials_start(p, "credentials \"test\"", scripted_clock);
    struct credentials_state now;
    until_state(c, 1, 0);
    const struct aws_keys *held = credentials_acquire(c);
    atomic_store(&script.answer, BAD);
    advance_ms(c, 59 * MINUTE_MS);
    until_state(c, 1, 1);
    expect_id(c, "id-1");
    atomic_store(&script.answer, LATER);
    advance_ms(c, 2 * MINUTE_MS);
    expect_none(c);
    credentials_state(c, &now);
    assert_int_equal(now.expires_in_s, 0);
    struct waiting t = await_answer(c, 0, p, 3, BAD);
    assert_int_equal(t.bad, 1);
    assert_string_equal(t.why, "credentials \"test\": the far end is away");
    assert_string_equal(held->access_key_id, "id-1"); /* whoever holds them has them */
    atomic_store(&script.answer, GOOD);
    advance_ms(c, 2 * MINUTE_MS);
    assert_int_equal(await(c, 0).good, 1);
    credentials_end(c);
    assert_string_equal(held->secret_access_key, "id-1");
    credentials_release(NULL, held);
}

static void test_who_waits_hears_of_the_failure(void **state)
{
    (void)state;
    atomic_store(&script.answer, LATER);
    struct provider *p = scripted_create();
    struct credentials *c = credentials_start(p, "credentials \"test\"", scripted_clock);
    struct waiting t = await_answer(c, 0, p, 1, BAD);
    assert_int_equal(t.bad, 1);
    assert_string_equal(t.why, "credentials \"test\": the far end is away");
    atomic_store(&script.answer, GOOD); /* the clock stands still: only its own pace helps */
    advance_ms(c, MINUTE_MS);
    assert_int_equal(await(c, 0).good, 1);
    credentials_end(c);
}

static void test_refused_keys_are_refreshed_once(void **state)
{
    (void)state;
    struct credentials *c = begin();
    until_state(c, 1, 0);
    assert_true(credentials_refused(c, 1));
    assert_true(credentials_refused(c, 1)); /* another call with the same keys */
    assert_int_equal(await(c, 1).good, 1);
    assert_true(credentials_refused(c, 1)); /* a late one: there are newer keys */
    settle(c);
    assert_int_equal(atomic_load(&script.fetches), 2);
    expect_id(c, "id-2");
    assert_false(credentials_refused(c, 2)); /* too soon: it would go on like that for ever */
    advance_ms(c, 31000);
    assert_true(credentials_refused(c, 2));
    until_state(c, 3, 0);
    credentials_end(c);
}

static void test_refused_while_a_refresh_fails(void **state)
{
    (void)state;
    struct provider *p = scripted_create();
    struct credentials *c = credentials_start(p, "credentials \"test\"", scripted_clock);
    until_state(c, 1, 0);
    atomic_store(&script.answer, LATER);
    assert_true(credentials_refused(c, 1));
    struct waiting t = await_answer(c, 1, p, 2, BAD);
    assert_int_equal(t.bad, 1);
    expect_id(c, "id-1"); /* AWS may have been wrong */
    credentials_end(c);
}

static void test_refused_during_a_refresh(void **state)
{
    (void)state;
    struct provider *p = scripted_create();
    struct credentials *c = credentials_start(p, "credentials \"test\"", scripted_clock);
    until_state(c, 1, 0);
    atomic_store(&script.answer, LATER);
    advance_ms(c, 50 * MINUTE_MS);
    until_fetches(2);
    assert_true(credentials_refused(c, 1));
    settle(c);
    answer_now(p, GOOD);
    assert_int_equal(await(c, 1).good, 1);
    settle(c);
    assert_int_equal(atomic_load(&script.fetches), 2);
    credentials_end(c);
}

static void test_a_service_whose_clock_differs(void **state)
{
    (void)state;
    atomic_store(&script.lifetime_s, -600); /* ours is ahead of theirs */
    atomic_store(&script.of_a_service, true);
    struct credentials *c = begin();
    until_state(c, 1, 0);
    expect_id(c, "id-1");
    credentials_end(c);
}

static void test_keys_that_come_expired(void **state)
{
    (void)state;
    atomic_store(&script.lifetime_s, -600);
    struct credentials *c = begin();
    struct credentials_state now;
    until_state(c, 0, 1);
    expect_none(c);
    credentials_state(c, &now);
    assert_string_equal(now.last.text,
                        "credentials \"test\": the keys that it got expired 600 s ago (renew them "
                        "where they come from, or check this machine's clock)");
    credentials_end(c);
}

static void test_close_while_somebody_waits(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    unsigned left = 1;
    struct waiting t = {.left = &left};
    atomic_store(&script.answer, LATER);
    struct credentials *c = begin();
    t.w = (struct credentials_waiter){.loop = loop, .ready = note_ready, .arg = &t};
    credentials_wait(c, &t.w);
    until_fetches(1);
    assert_true(credentials_stop_waiting(c, &t.w));
    assert_false(credentials_stop_waiting(c, &t.w));
    credentials_end(c); /* and a fetch is on its way */
    loop_destroy(loop);
    assert_int_equal(t.good + t.bad, 0);
    until_the_thread_ended();
    assert_int_equal(atomic_load(&script.destroyed), 1);
}

static void test_an_answer_on_its_way_cannot_be_stopped(void **state)
{
    (void)state;
    struct loop *loop = loop_create();
    unsigned left = 1;
    struct waiting t = {.left = &left};
    struct credentials *c = begin();
    until_state(c, 1, 0);
    t.w = (struct credentials_waiter){.loop = loop, .ready = note_ready, .arg = &t};
    credentials_wait(c, &t.w);
    assert_false(credentials_stop_waiting(c, &t.w));
    assert_int_equal(t.good, 0); /* never from within */
    run_loop(loop);
    assert_int_equal(t.good, 1);
    loop_destroy(loop);
    credentials_end(c);
}

static void test_the_thread_starts_again(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct credentials *c = begin();
        if (round % 2) until_state(c, 1, 0);
        credentials_end(c);
        if (round % 3 == 0) until_the_thread_ended();
    }
}

/* ---- threads ---- */

struct reader {
    struct credentials *c;
    atomic_bool *stop;
};

static void *read_keys(void *arg)
{
    struct reader *r = arg;
    while (!atomic_load(r->stop)) {
        const struct aws_keys *keys = credentials_acquire(r->c);
        if (!keys) continue;
        if (strcmp(keys->access_key_id, keys->secret_access_key) != 0) abort();
        if (credentials_version(keys) % 7 == 0) credentials_refused(r->c, 1);
        credentials_release(r->c, keys);
    }
    return NULL;
}

static void test_readers_and_refreshes_at_once(void **state)
{
    (void)state;
    enum { READERS = 3, ROUNDS = 200 };
    pthread_t threads[READERS];
    atomic_bool stop = false;
    struct credentials *c = begin();
    struct reader r = {c, &stop};
    for (size_t i = 0; i < READERS; i++)
        pthread_create(&threads[i], NULL, read_keys, &r);
    for (unsigned i = 1; i <= ROUNDS; i++) {
        until_state(c, i, 0);
        advance_ms(c, 50 * MINUTE_MS);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    credentials_end(c);
}

#define CORE_TEST(name)                                                                            \
    cmocka_unit_test_setup_teardown(name, credentials_setup, credentials_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CORE_TEST(test_when_to_refresh),
        CORE_TEST(test_when_to_try_again),
        CORE_TEST(test_many_wait_and_one_fetch_serves_them),
        CORE_TEST(test_refreshed_ahead_of_expiry),
        CORE_TEST(test_keys_without_an_end_are_never_refreshed),
        CORE_TEST(test_a_failing_refresh_leaves_the_old_keys),
        CORE_TEST(test_keys_end_when_they_expire),
        CORE_TEST(test_who_waits_hears_of_the_failure),
        CORE_TEST(test_refused_keys_are_refreshed_once),
        CORE_TEST(test_refused_while_a_refresh_fails),
        CORE_TEST(test_refused_during_a_refresh),
        CORE_TEST(test_a_service_whose_clock_differs),
        CORE_TEST(test_keys_that_come_expired),
        CORE_TEST(test_close_while_somebody_waits),
        CORE_TEST(test_an_answer_on_its_way_cannot_be_stopped),
        CORE_TEST(test_the_thread_starts_again),
        CORE_TEST(test_readers_and_refreshes_at_once),
    };
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("credentials_core", tests, NULL, NULL);
}
