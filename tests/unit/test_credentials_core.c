/* The refresh of credentials, with a provider that does as it is told and a clock that stands still
 * until the test moves it. */
#include "connectors/aws/credentials_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "bridge/log.h"
#include "connectors/aws/credentials_thread.h"

enum { HOUR_S = 3600, MINUTE_MS = 60000, DEADLINE_MS = 10000 };

static _Atomic int64_t clock_ms;

static int64_t scripted_clock(void)
{
    return atomic_load(&clock_ms);
}

static void advance_ms(struct credentials *c, int64_t ms)
{
    atomic_fetch_add(&clock_ms, ms);
    if (c) credentials_look(c);
}

/* ---- a provider by script ---- */

enum answer { GOOD, BAD, LATER };

static struct {
    _Atomic int answer;
    _Atomic int64_t lifetime_s; /* 0: for ever */
    atomic_bool of_a_service;
    atomic_uint fetches, destroyed; /* so far */
} script;

struct scripted {
    struct provider base;
    struct post post;
    enum answer then;
};

static void answer(struct provider *p, enum answer what)
{
    struct error e;
    struct fresh_keys keys = {0};
    unsigned n = atomic_load(&script.fetches);
    if (what == BAD) {
        error_set(&e, FAULT_DOWN, "the far end is away");
        provider_failed(p, &e);
        return;
    }
    int64_t lifetime = atomic_load(&script.lifetime_s);
    keys.keys.access_key_id = mem_printf("id-%u", n);
    keys.keys.secret_access_key = mem_printf("id-%u", n); /* they must always fit */
    keys.of_a_service = atomic_load(&script.of_a_service);
    keys.expires_s = lifetime ? scripted_clock() / 1000 + lifetime : 0;
    provider_done(p, &keys);
}

static void fetch(struct provider *p)
{
    atomic_fetch_add(&script.fetches, 1);
    enum answer what = (enum answer)atomic_load(&script.answer);
    if (what != LATER) answer(p, what);
}

static void destroy(struct provider *p)
{
    atomic_fetch_add(&script.destroyed, 1);
    free(p);
}

static const struct provider_ops scripted_ops = {.fetch = fetch, .destroy = destroy};

static struct provider *scripted_create(void)
{
    struct scripted *s = mem_zalloc(sizeof(*s));
    s->base.ops = &scripted_ops;
    return &s->base;
}

static void run_late_answer(struct post *post)
{
    struct scripted *s = (struct scripted *)((char *)post - offsetof(struct scripted, post));
    answer(&s->base, s->then);
}

/* What a fetch under LATER waits for. */
static void answer_now(struct provider *p, enum answer what)
{
    struct scripted *s = (struct scripted *)p;
    s->then = what;
    s->post.run = run_late_answer;
    loop_post(p->home->loop, &s->post);
}

/* ---- waiting with a deadline ---- */

static void until(bool (*fact)(void *arg), void *arg, const char *what)
{
    for (int ms = 0; !fact(arg); ms++) {
        if (ms > DEADLINE_MS) fail_msg("not within ten seconds: %s", what);
        usleep(1000);
    }
}

static bool has_fetched(void *arg)
{
    return atomic_load(&script.fetches) >= *(unsigned *)arg;
}

static void until_fetches(unsigned n)
{
    until(has_fetched, &n, "a fetch");
}

struct count {
    struct credentials *c;
    uint64_t refreshes, failures;
};

static bool has_counted(void *arg)
{
    struct count *want = arg;
    struct credentials_state state;
    credentials_state(want->c, &state);
    return state.refreshes >= want->refreshes && state.failures >= want->failures;
}

static void until_state(struct credentials *c, uint64_t refreshes, uint64_t failures)
{
    struct count want = {c, refreshes, failures};
    until(has_counted, &want, "a refresh or a failure");
}

/* A look that found nothing to do has no trace of its own: one that a waiter's post passed has. */
static void settle(struct credentials *c)
{
    struct credentials_state state;
    credentials_look(c);
    credentials_look(c);
    usleep(20000); /* what must not happen gets the time to happen */
    credentials_state(c, &state);
}

struct waiting {
    struct credentials_waiter w;
    unsigned good, bad;
    unsigned *left;
    char why[512];
};

static void ready(struct credentials_waiter *w, const struct error *why)
{
    struct waiting *t = w->arg;
    if (why) {
        t->bad++;
        snprintf(t->why, sizeof(t->why), "%s", why->text);
    } else {
        t->good++;
    }
    if (--*t->left == 0) loop_stop(w->loop);
}

static void overdue(void *arg)
{
    (void)arg;
    fail_msg("nobody was called within ten seconds");
}

static void run_loop(struct loop *loop)
{
    struct loop_timer deadline = {.run = overdue};
    loop_timer_start(loop, &deadline, DEADLINE_MS);
    loop_run(loop);
    loop_timer_stop(loop, &deadline);
}

/* Waits; where p is given, its fetch number n gets its answer meanwhile. */
static struct waiting await_answer(struct credentials *c, uint64_t newer_than, struct provider *p,
                                   unsigned n, enum answer what)
{
    unsigned left = 1;
    struct loop *loop = loop_create();
    struct waiting t = {.left = &left};
    t.w = (struct credentials_waiter){
        .loop = loop, .newer_than = newer_than, .ready = ready, .arg = &t};
    credentials_wait(c, &t.w);
    if (p) {
        until_fetches(n);
        answer_now(p, what);
    }
    run_loop(loop);
    loop_destroy(loop);
    return t;
}

static struct waiting await(struct credentials *c, uint64_t newer_than)
{
    return await_answer(c, newer_than, NULL, 0, GOOD);
}

static void expect_id(struct credentials *c, const char *id)
{
    const struct aws_keys *keys = credentials_acquire(c);
    assert_non_null(keys);
    assert_string_equal(keys->access_key_id, id);
    credentials_release(c, keys);
}

static void expect_none(struct credentials *c)
{
    assert_null(credentials_acquire(c));
}

static bool has_no_thread(void *arg)
{
    (void)arg;
    return !credentials_thread_runs();
}

static void until_the_thread_ended(void)
{
    until(has_no_thread, NULL, "the end of the thread");
}

static int setup(void **state)
{
    (void)state;
    atomic_store(&clock_ms, 1790000000000);
    atomic_store(&script.answer, GOOD);
    atomic_store(&script.lifetime_s, HOUR_S);
    atomic_store(&script.of_a_service, false);
    atomic_store(&script.fetches, 0);
    atomic_store(&script.destroyed, 0);
    return 0;
}

/* The last close ends the thread. */
static int teardown(void **state)
{
    (void)state;
    until_the_thread_ended();
    return 0;
}

static struct credentials *begin(void)
{
    return credentials_start(scripted_create(), "credentials \"test\"", scripted_clock);
}

/* ---- tests ---- */

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
        all[i].w = (struct credentials_waiter){.loop = loop, .ready = ready, .arg = &all[i]};
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
    t.w = (struct credentials_waiter){.loop = loop, .ready = ready, .arg = &t};
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
    t.w = (struct credentials_waiter){.loop = loop, .ready = ready, .arg = &t};
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

#define CORE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
