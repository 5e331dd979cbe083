/* What runs after which signal, in which order, by pipelines that do nothing but say that they begin
 * and end. The supervisor has a thread of its own here; the test sends signals and reads what was
 * said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "bridge/supervisor.h"

enum { MOST_PLANS = 8, MOST_PIPELINES = 4, TRIES = 50 };

/* ---- what was said ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    char said[32768]; /* "+a1 -a1 ": begins and ends, each with the setting of its pipeline */
    int loads, code;
    bool gate_closed; /* ends wait for it */
} journal = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER};

static void say(const char *what, const char *name, int64_t setting)
{
    pthread_mutex_lock(&journal.lock);
    size_t len = strlen(journal.said);
    snprintf(journal.said + len, sizeof(journal.said) - len, "%s%s%d ", what, name, (int)setting);
    pthread_cond_broadcast(&journal.more);
    pthread_mutex_unlock(&journal.lock);
}

static bool has_said(const void *words)
{
    return strstr(journal.said, words) != NULL;
}

static bool has_loaded(const void *times)
{
    return journal.loads >= *(const int *)times;
}

static void wait_for(bool (*condition)(const void *arg), const void *arg)
{
    struct timespec deadline;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 20;
    pthread_mutex_lock(&journal.lock);
    while (!condition(arg) && !late)
        late = pthread_cond_timedwait(&journal.more, &journal.lock, &deadline);
    pthread_mutex_unlock(&journal.lock);
    if (late) fail_msg("not within 20 s; said so far: %s", journal.said);
}

static void wait_said(const char *words)
{
    wait_for(has_said, words);
}

static void expect_said(const char *exactly)
{
    assert_string_equal(journal.said, exactly);
}

/* ---- pipelines ---- */

enum deed { RUNS, CANNOT_START, FINISHES, GIVES_UP };

struct end_conf {
    const char *name;
    int64_t setting;
    int deed;
};

struct end {
    struct source source;
    const struct end_conf *conf;
    struct loop_timer look;
};

static const struct opt end_opts[] = {
    {OPT_FIELD(struct end_conf, name), .type = OPT_STRING},
    {OPT_FIELD(struct end_conf, setting), .type = OPT_INT},
    {OPT_FIELD(struct end_conf, deed), .type = OPT_ENUM},
    OPT_END,
};

static struct source_promise promise(const void *conf)
{
    (void)conf;
    return (struct source_promise){.at_least_once = true};
}

static struct sink_promise sink_promise(const void *conf)
{
    (void)conf;
    return (struct sink_promise){.confirmed = true};
}

static void describe(const void *conf, char *text, size_t size)
{
    (void)conf;
    snprintf(text, size, "nothing");
}

static void close_when_open(void *arg)
{
    struct end *end = arg;
    pthread_mutex_lock(&journal.lock);
    bool wait = journal.gate_closed;
    pthread_mutex_unlock(&journal.lock);
    if (wait) {
        loop_timer_start(pipeline_loop(end->source.pipeline), &end->look, 1);
        return;
    }
    say("-", end->conf->name, end->conf->setting);
    pipeline_source_closed(&end->source);
}

static struct source *create(const void *conf, struct pipeline *p, struct error *e)
{
    (void)p;
    (void)e;
    struct end *end = mem_zalloc(sizeof(*end));
    end->conf = conf;
    end->look = (struct loop_timer){.run = close_when_open, .arg = end};
    return &end->source;
}

static bool start(struct source *s, struct error *e)
{
    const struct end_conf *conf = ((struct end *)s)->conf;
    if (conf->deed == CANNOT_START) return error_set(e, FAULT_CONFIG, "as the test says");
    say("+", conf->name, conf->setting);
    pipeline_source_state(s, true, NULL);
    if (conf->deed == FINISHES) pipeline_source_finished(s);
    error_set(e, FAULT_CONFIG, "as the test says");
    if (conf->deed == GIVES_UP) pipeline_source_failed(s, e);
    return true;
}

static void room(struct source *s)
{
    (void)s;
}

static void settle(struct source *s, struct receipt *const *receipts, size_t n)
{
    pipeline_acknowledged(s->pipeline, receipts, n);
}

static void destroy(struct source *s)
{
    free(s);
}

static void close_source(struct source *s)
{
    close_when_open(s);
}

static struct sink *create_sink(const void *conf, struct pipeline *p, struct error *e)
{
    (void)conf;
    (void)p;
    (void)e;
    return mem_zalloc(sizeof(struct sink));
}

static bool start_sink(struct sink *s, struct error *e)
{
    (void)e;
    pipeline_sink_state(s, SINK_UP, NULL);
    return true;
}

static size_t submit(struct sink *s, struct leg *const *legs, size_t n)
{
    (void)s;
    (void)legs;
    return n;
}

static void destroy_sink(struct sink *s)
{
    free(s);
}

static const struct source_ops source_ops = {.opts = end_opts,
                                             .promise = promise,
                                             .describe = describe,
                                             .create = create,
                                             .start = start,
                                             .room = room,
                                             .settle = settle,
                                             .stop = room,
                                             .close = close_source,
                                             .destroy = destroy};
static const struct sink_ops sink_ops = {.opts = end_opts + 3,
                                         .promise = sink_promise,
                                         .describe = describe,
                                         .create = create_sink,
                                         .start = start_sink,
                                         .submit = submit,
                                         .max_batch = 1,
                                         .close = pipeline_sink_closed,
                                         .destroy = destroy_sink};
static const struct connector nothing = {"nothing", "", &source_ops, &sink_ops, NULL};

/* ---- plans ---- */

/* "a1 b2": pipelines and their settings; "!": can't start, ".": finishes at once, "~": gives up.
 * "": it is refused. */
static const char *const *plans;

struct made {
    struct plan plan;
    int number;
    struct pipeline_conf pipelines[MOST_PIPELINES];
    struct end_conf ends[MOST_PIPELINES];
    char names[MOST_PIPELINES][2];
};

static enum deed deed_of(char mark)
{
    return mark == '!' ? CANNOT_START : mark == '.' ? FINISHES : mark == '~' ? GIVES_UP : RUNS;
}

static void add_pipeline(struct made *m, const char *text)
{
    size_t i = m->plan.count++;
    m->names[i][0] = text[0];
    m->ends[i] = (struct end_conf){m->names[i], text[1] - '0', (int)deed_of(text[2])};
    m->pipelines[i] = (struct pipeline_conf){
        .name = m->names[i],
        .source = {&nothing, &m->ends[i]},
        .sinks = {{&nothing, &m->ends[i]}},
        .sink_count = 1,
        .max_in_flight = 1,
        .max_in_flight_bytes = 1024,
        .drain_timeout = 1000,
        .workers = 1,
    };
}

static struct plan *make_plan(const char *text, int number)
{
    struct made *m = mem_zalloc(sizeof(*m));
    m->number = number;
    m->plan.pipelines = m->pipelines;
    m->plan.log_level = LOG_ERROR;
    if (*text == '/') m->plan.stats_file = "/nowhere/at/all";
    for (text += *text == '/'; *text; text += strcspn(text, " "), text += strspn(text, " "))
        add_pipeline(m, text);
    return &m->plan;
}

static struct plan *load(void *arg, int *code)
{
    (void)arg;
    pthread_mutex_lock(&journal.lock);
    int number = journal.loads++;
    pthread_cond_broadcast(&journal.more);
    pthread_mutex_unlock(&journal.lock);
    *code = EX_CONFIG;
    return *plans[number] ? make_plan(plans[number], number) : NULL;
}

static void release(struct plan *plan)
{
    struct made *m = (struct made *)plan;
    say("free", "", m->number);
    free(m);
}

static void *run(void *arg)
{
    static const struct plan_source source = {load, release, NULL, "plans"};
    (void)arg;
    journal.code = supervisor_run(&source);
    return NULL;
}

static pthread_t begin(const char *const *all)
{
    pthread_t thread;
    plans = all;
    journal.said[0] = '\0';
    journal.loads = 0;
    journal.gate_closed = false;
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
    return thread;
}

static int end(pthread_t thread)
{
    pthread_join(thread, NULL);
    return journal.code;
}

static int stop(pthread_t thread)
{
    kill(getpid(), SIGTERM);
    return end(thread);
}

/* Until the plan of this number was asked for. */
static void reload(int number)
{
    int loads = number + 1;
    kill(getpid(), SIGHUP);
    wait_for(has_loaded, &loads);
}

static void set_gate(bool closed)
{
    pthread_mutex_lock(&journal.lock);
    journal.gate_closed = closed;
    pthread_mutex_unlock(&journal.lock);
}

/* ---- tests ---- */

static void unchanged_changed_new_and_removed(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a1 b1", "a1 b2", "a1 c1", "a1"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    reload(1);
    wait_said("+b1 ");
    reload(2);
    wait_said("+b2 ");
    reload(3);
    wait_said("+c1 ");
    reload(4);
    wait_said("-c1 ");
    wait_said("free3 ");
    assert_int_equal(stop(thread), EX_OK);
    expect_said("+a1 +b1 -b1 free1 +b2 -b2 free2 +c1 -c1 free3 -a1 free0 free4 ");
}

static void a_bad_plan_changes_nothing(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "", "/a2", "a1"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    reload(1);
    reload(2);
    wait_said("free2 ");
    reload(3);
    assert_int_equal(stop(thread), EX_OK);
    expect_said("+a1 free2 -a1 free0 free3 ");
}

static void a_bad_plan_at_first_is_the_end(void **state)
{
    (void)state;
    static const char *const bad[] = {""}, *const no_counters[] = {"/a1"};
    assert_int_equal(end(begin(bad)), EX_CONFIG);
    expect_said("");
    assert_int_equal(end(begin(no_counters)), EX_CANTCREAT);
    expect_said("free0 ");
}

static void nothing_starts_before_all_that_ends_has_ended(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "b1"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    set_gate(true);
    reload(1);
    expect_said("+a1 ");
    set_gate(false);
    wait_said("+b1 ");
    assert_int_equal(stop(thread), EX_OK);
    expect_said("+a1 -a1 free0 +b1 -b1 free1 ");
}

static void the_newest_plan_wins(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a2", "a3", "a1"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    set_gate(true);
    reload(1);
    reload(2);
    wait_said("free1 ");
    reload(3);
    wait_said("free2 ");
    set_gate(false);
    wait_said("-a1 free0 +a1 ");
    assert_int_equal(stop(thread), EX_OK);
    expect_said("+a1 free1 free2 -a1 free0 +a1 -a1 free3 ");
}

static void an_end_during_a_reload(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a2"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    set_gate(true);
    reload(1);
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    set_gate(false);
    assert_int_equal(end(thread), EX_OK);
    assert_null(strstr(journal.said, "+a2"));
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
        wait_said("+a1 ");
        reload(1);
        wait_said("-b1 ");
        reload(2);
        wait_said("+b1 ");
        reload(3);
        wait_said("-b2 ");
        assert_null(strstr(journal.said, "-a1"));
        assert_int_equal(stop(thread), EX_CONFIG);
    }
}

static void what_was_mended_has_no_say_in_the_status(void **state)
{
    (void)state;
    static const char *const all[] = {"a1", "a1 b1!", "a1 b1"};
    pthread_t thread = begin(all);
    wait_said("+a1 ");
    reload(1);
    wait_said("-b1 ");
    reload(2);
    wait_said("+b1 ");
    assert_int_equal(stop(thread), EX_OK);
}

static void one_that_has_finished_is_not_run_again(void **state)
{
    (void)state;
    static const char *const all[] = {"a1. b1", "a1. b2"};
    pthread_t thread = begin(all);
    wait_said("-a1 ");
    reload(1);
    wait_said("+b2 ");
    assert_int_equal(stop(thread), EX_OK);
    assert_null(strstr(strstr(journal.said, "+a1") + 1, "+a1"));
}

static bool ran_again(void)
{
    pthread_mutex_lock(&journal.lock);
    bool again = strstr(strstr(journal.said, "+a1") + 1, "+a1") != NULL;
    pthread_mutex_unlock(&journal.lock);
    return again;
}

/* Its end takes a moment, in which it counts as running. */
static void one_that_gave_up_is_run_again(void **state)
{
    (void)state;
    const char *all[TRIES * TRIES];
    int number = 0;
    for (size_t i = 0; i < TRIES * TRIES; i++)
        all[i] = "a1~ b1";
    pthread_t thread = begin(all);
    wait_said("-a1 ");
    while (!ran_again() && ++number < TRIES * TRIES)
        reload(number);
    assert_true(ran_again());
    assert_null(strstr(journal.said, "-b1"));
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
