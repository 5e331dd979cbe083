/* What runs after which signal, and in which order. The supervisor has a thread of its own here;
 * the test sends signals and reads what was said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sysexits.h>
#include <unistd.h>

#include "bridge/crew.h"
#include "tests/unit/supervised.h"

enum { TRIES = 50 };

static const char *const *plans; /* "": it is refused */
static atomic_uint loads;
static int code;

static struct plan *load(void *arg, int *exit_code)
{
    (void)arg;
    unsigned number = atomic_fetch_add(&loads, 1);
    *exit_code = EX_CONFIG;
    return *plans[number] ? supervised_plan(plans[number], (int)number) : NULL;
}

/* ---- one that ends just after it was looked at ---- */

static atomic_bool just_after;
static void (*crew_ended)(void *arg);
static void *crew_ended_arg;

struct crew *__real_crew_start(const struct pipeline_conf *conf, void (*ended)(void *), void *arg);
struct crew *__wrap_crew_start(const struct pipeline_conf *conf, void (*ended)(void *), void *arg);
bool __real_crew_has_ended(const struct crew *c);
bool __wrap_crew_has_ended(const struct crew *c);

struct crew *__wrap_crew_start(const struct pipeline_conf *conf, void (*ended)(void *), void *arg)
{
    crew_ended = ended;
    crew_ended_arg = arg;
    return __real_crew_start(conf, ended, arg);
}

bool __wrap_crew_has_ended(const struct crew *c)
{
    bool has_ended = __real_crew_has_ended(c);
    if (!has_ended || !atomic_exchange(&just_after, false)) return has_ended;
    crew_ended(crew_ended_arg);
    return false;
}

static void *run(void *arg)
{
    static const struct plan_source source = {load, supervised_release, NULL, "plans"};
    (void)arg;
    code = supervisor_run(&source);
    return NULL;
}

static pthread_t begin(const char *const *all)
{
    pthread_t thread;
    plans = all;
    atomic_store(&loads, 0);
    journal_clear();
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
    return thread;
}

static int end(pthread_t thread)
{
    pthread_join(thread, NULL);
    return code;
}

static int stop(pthread_t thread)
{
    kill(getpid(), SIGTERM);
    return end(thread);
}

static void wait_until(bool (*condition)(unsigned number), unsigned number)
{
    for (int waited_ms = 0; !condition(number) && waited_ms < 20000; waited_ms++)
        usleep(1000);
    assert_true(condition(number));
}

static bool has_loaded(unsigned number)
{
    return atomic_load(&loads) > number;
}

static bool has_stopped(unsigned number)
{
    return supervised_stops() >= number;
}

/* Until the plan of this number was asked for. */
static void reload(unsigned number)
{
    kill(getpid(), SIGHUP);
    wait_until(has_loaded, number);
}

/* ---- tests ---- */

static void unchanged_changed_new_and_removed(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a1 b1", "a1 b2", "a1 c1", "a1"};
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    reload(1);
    journal_wait("+b1 ");
    reload(2);
    journal_wait("+b2 ");
    reload(3);
    journal_wait("+c1 ");
    reload(4);
    journal_wait("-c1 ");
    journal_wait("free3 ");
    assert_int_equal(stop(thread), EX_OK);
    journal_expect("+a1 +b1 -b1 free1 +b2 -b2 free2 +c1 -c1 free3 -a1 free0 free4 ");
}

static void a_bad_plan_changes_nothing(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "", "/a2", "a1"};
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    reload(1);
    reload(2);
    journal_wait("free2 ");
    reload(3);
    assert_int_equal(stop(thread), EX_OK);
    journal_expect("+a1 free2 -a1 free0 free3 ");
}

static void a_bad_plan_at_first_is_the_end(void **state)
{
    (void)state;
    static const char *const bad[] = {""}, *const no_counters[] = {"/a1"};
    assert_int_equal(end(begin(bad)), EX_CONFIG);
    journal_expect("");
    assert_int_equal(end(begin(no_counters)), EX_CANTCREAT);
    journal_expect("free0 ");
}

static void nothing_starts_before_all_that_ends_has_ended(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "b1"};
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    supervised_gate(true);
    reload(1);
    journal_expect("+a1 ");
    supervised_gate(false);
    journal_wait("+b1 ");
    assert_int_equal(stop(thread), EX_OK);
    journal_expect("+a1 -a1 free0 +b1 -b1 free1 ");
}

static void one_that_ends_between_two_looks_is_not_the_end_of_all(void **state)
{
    (void)state;
    pthread_t thread = begin((const char *[]){"a1", "a2"});
    journal_wait("+a1");
    atomic_store(&just_after, true);
    reload(1);
    journal_wait("+a2");
    assert_false(atomic_load(&just_after));
    assert_int_equal(stop(thread), EX_OK);
}

static void the_newest_plan_wins(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a2", "a3", "a1"};
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    supervised_gate(true);
    reload(1);
    reload(2);
    journal_wait("free1 ");
    reload(3);
    journal_wait("free2 ");
    supervised_gate(false);
    journal_wait("-a1 free0 +a1 ");
    assert_int_equal(stop(thread), EX_OK);
    journal_expect("+a1 free1 free2 -a1 free0 +a1 -a1 free3 ");
}

static void an_end_during_a_reload(void **state)
{
    (void)state;
    static const char *const all[] = {"a1 b1", "a2 b1"};
    unsigned stops = supervised_stops();
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    journal_wait("+b1 ");
    supervised_gate(true);
    reload(1);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    wait_until(has_stopped, stops + 2);
    supervised_gate(false);
    assert_int_equal(end(thread), EX_OK);
    assert_int_equal(journal_count("+a2 "), 0);
}

static void at_first_all_run_or_none(void **state)
{
    (void)state;
    static const char *const one[] = {"a1!"}, *const more[] = {"a1 b1! c1"};
    for (int i = 0; i < TRIES; i++) {
        assert_int_equal(end(begin(one)), EX_CONFIG);
        assert_int_equal(end(begin(more)), EX_CONFIG);
    }
}

static void later_one_that_cannot_start_is_on_its_own(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a1 b1!", "a1 b1", "a1 b2!"};
    for (int i = 0; i < TRIES; i++) {
        pthread_t thread = begin(all);
        journal_wait("+a1 ");
        reload(1);
        journal_wait("-b1 ");
        reload(2);
        journal_wait("+b1 ");
        reload(3);
        journal_wait("-b2 ");
        assert_int_equal(journal_count("-a1"), 0);
        assert_int_equal(stop(thread), EX_CONFIG);
    }
}

static void what_was_mended_has_no_say_in_the_status(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a1 b1!", "a1 b1"};
    pthread_t thread = begin(all);
    journal_wait("+a1 ");
    reload(1);
    journal_wait("-b1 ");
    reload(2);
    journal_wait("+b1 ");
    assert_int_equal(stop(thread), EX_OK);
}

static void one_that_has_finished_is_not_run_again(void **state)
{
    (void)state;
    static const char *const all[] = {"a1. b1", "a1. b2"};
    pthread_t thread = begin(all);
    journal_wait("-a1 ");
    reload(1);
    journal_wait("+b2 ");
    assert_int_equal(stop(thread), EX_OK);
    assert_int_equal(journal_count("+a1 "), 1);
}

/* Its end takes a moment, in which it counts as running. */
static void one_that_gave_up_is_run_again(void **state)
{
    (void)state;
    const char *all[TRIES * TRIES];
    unsigned number = 0;
    for (size_t i = 0; i < TRIES * TRIES; i++)
        all[i] = "a1~ b1";
    pthread_t thread = begin(all);
    journal_wait("-a1 ");
    while (journal_count("+a1 ") < 2 && ++number < TRIES * TRIES)
        reload(number);
    assert_true(journal_count("+a1 ") >= 2);
    assert_int_equal(journal_count("-b1"), 0);
    assert_int_equal(stop(thread), EX_CONFIG);
}

static void it_ends_when_all_have_finished(void **state)
{
    (void)state;
    static const char *const all[] = {"a1. b1."};
    for (int i = 0; i < TRIES; i++)
        assert_int_equal(end(begin(all)), EX_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unchanged_changed_new_and_removed),
        cmocka_unit_test(a_bad_plan_changes_nothing),
        cmocka_unit_test(a_bad_plan_at_first_is_the_end),
        cmocka_unit_test(nothing_starts_before_all_that_ends_has_ended),
        cmocka_unit_test(one_that_ends_between_two_looks_is_not_the_end_of_all),
        cmocka_unit_test(the_newest_plan_wins),
        cmocka_unit_test(an_end_during_a_reload),
        cmocka_unit_test(at_first_all_run_or_none),
        cmocka_unit_test(later_one_that_cannot_start_is_on_its_own),
        cmocka_unit_test(what_was_mended_has_no_say_in_the_status),
        cmocka_unit_test(one_that_has_finished_is_not_run_again),
        cmocka_unit_test(one_that_gave_up_is_run_again),
        cmocka_unit_test(it_ends_when_all_have_finished),
    };
    signal(SIGHUP, SIG_IGN); /* of a test that is too early or too late */
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
