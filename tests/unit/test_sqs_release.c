/* What a sink refuses goes back to its queue (on_reject = "release"), comes again later, and in the
 * end goes to the queue's own dead-letter queue. Against a strict simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "tests/unit/test_sqs_fixture.h"

enum { MANY = 64, POISON = 3 };

struct run {
    const struct sim *sim;
    const char *queue;
    char url[128];
    struct sqs_source_conf source;
    struct scripted_sink_conf sink, slow;
    struct pipeline_conf conf;
    unsigned refusals, refused; /* of the poison: wanted, and done */
    unsigned numbers[MANY], seen;
    unsigned expected;
    uint64_t began_ns, looked_ns;
};

static struct run *run_of(struct scripted_sink_conf *sink)
{
    return (struct run *)((char *)sink - offsetof(struct run, sink));
}

static unsigned number_of(const struct leg *l)
{
    return (unsigned)strtoul(leg_body(l), NULL, 10);
}

static enum action refuse_the_poison(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    if (number_of(l) != POISON || run->refused == run->refusals) return ACT_CONFIRM;
    run->refused++;
    return ACT_REJECT;
}

static void note_number(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    assert_true(run->seen < MANY);
    run->numbers[run->seen++] = number_of(l);
}

static void prepare(struct run *run, void **state, const char *queue, unsigned n)
{
    *run = (struct run){.sim = *state, .queue = queue, .refusals = UINT32_MAX};
    snprintf(run->url, sizeof(run->url), "%s/123456789012/%s", run->sim->url, queue);
    run->source = sim_source(run->url);
    run->source.visibility_timeout = 30; /* what comes again earlier was given back */
    run->sink = (struct scripted_sink_conf){
        .order = strstr(queue, ".fifo") ? ORDER_STREAM : ORDER_NONE,
        .decide = refuse_the_poison,
        .confirming = note_number,
    };
    run->conf = sim_from(&run->source, &run->sink);
    run->conf.on_reject = ON_REJECT_RELEASE;
    sim_fill(run->url, "g", n);
}

static void go(struct run *run, bool (*until)(void *))
{
    run->began_ns = uv_hrtime();
    scripted_run(&run->conf, until, run);
}

static bool is_time_to_look(struct run *run)
{
    if (uv_hrtime() - run->looked_ns < 20000000) return false;
    run->looked_ns = uv_hrtime();
    return true;
}

static bool is_over(void *arg)
{
    struct run *run = arg;
    return run->seen >= run->expected && is_time_to_look(run) && sim_is_empty(run->sim, run->queue);
}

/* 0, 1, ... n - 1; without the poison, where that was put away. */
static void expect_in_order(const struct run *run, unsigned n, bool put_away)
{
    unsigned at = 0;
    for (unsigned i = 0; i < n; i++)
        if (i != POISON || !put_away) assert_int_equal(run->numbers[at++], i);
    assert_int_equal(run->seen, at);
}

static void it_goes_to_the_dead_letter_queue_of_its_queue(void **state)
{
    struct run run;
    prepare(&run, state, "strict", 20);
    run.conf.max_in_flight = 2; /* the room of what is given back returns */
    run.expected = 19;
    go(&run, is_over);
    assert_int_equal(run.seen, 19);
    assert_int_equal(run.refused, 2); /* as often as the redrive policy says */
    assert_int_equal(sim_count(run.sim, "dead", "ready"), 1);
}

/* Refused twice, then taken: what was received behind it has waited for it. */
static void a_group_waits_for_what_comes_again(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo", 10);
    run.refusals = 2;
    run.expected = 10;
    go(&run, is_over);
    expect_in_order(&run, 10, false);
    assert_int_equal(sim_count(run.sim, "q.fifo", "received"), 10 + 7 + 7);
    assert_true(uv_hrtime() - run.began_ns > UINT64_C(2000000000)); /* a second for each refusal */
}

/* The last time it is refused its group goes on: the others would end where it does. */
static void a_group_loses_nothing_but_what_is_refused(void **state)
{
    struct run run;
    prepare(&run, state, "strict.fifo", 10);
    run.expected = 9;
    go(&run, is_over);
    expect_in_order(&run, 10, true);
    assert_int_equal(run.refused, 2);
    assert_int_equal(sim_count(run.sim, "strict.fifo", "received"), 10 + 7);
    assert_int_equal(sim_count(run.sim, "dead.fifo", "ready"), 1);
}

/* Who may not ask for the redrive policy can't know which time is the last one. */
static void where_the_policy_is_not_known_others_go_along(void **state)
{
    struct run run;
    prepare(&run, state, "strict.fifo", 10);
    sim_fault(run.sim, "{\"kind\":\"status\",\"action\":\"GetQueueAttributes\",\"status\":403,"
                       "\"code\":\"AccessDenied\",\"message\":\"m\",\"count\":-1}");
    run.expected = 3;
    go(&run, is_over);
    assert_int_equal(run.seen, 3);
    assert_int_equal(sim_count(run.sim, "dead.fifo", "ready"), 7);
}

/* A second sink is slow with the first message: what is behind the one that was refused is to be
 * given back, waits for the end of the others of its group, and stays ours meanwhile. */
static enum action keep_the_first(struct scripted_sink_conf *slow, const struct leg *l)
{
    struct run *run = (struct run *)((char *)slow - offsetof(struct run, slow));
    uint64_t age_ms = (uv_hrtime() - run->began_ns) / 1000000;
    if (number_of(l) || age_ms > 4000) return ACT_CONFIRM;
    if (age_ms > 2500 && is_time_to_look(run))
        assert_int_equal(sim_count(run->sim, run->queue, "in_flight"), 6);
    return ACT_KEEP;
}

static void what_waits_to_be_given_back_stays_ours(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo", 6);
    run.source.visibility_timeout = 1;
    run.slow = (struct scripted_sink_conf){.order = ORDER_STREAM, .decide = keep_the_first};
    run.conf.sinks[1] = (struct sink_conf){&scripted_connector, &run.slow};
    run.conf.sink_count = 2;
    run.refusals = 1;
    run.expected = 6;
    go(&run, is_over);
    expect_in_order(&run, 6, false);
    assert_int_equal(run.slow.confirmed, 7); /* the poison goes there twice */
    assert_int_equal(sim_count(run.sim, "q.fifo", "received"), 6 + 3);
}

static bool the_rest_is_deleted(void *arg)
{
    struct run *run = arg;
    return run->refused && is_time_to_look(run) && sim_count(run->sim, "q", "deleted") == 9;
}

/* Nothing of ours waits meanwhile: a stop is clean, and what is hidden comes again. */
static void a_stop_while_it_is_hidden(void **state)
{
    struct run run;
    prepare(&run, state, "q", 10);
    run.conf.retry_delay = run.conf.retry_max_delay = 60000;
    run.conf.drain_timeout = 20000;
    go(&run, the_rest_is_deleted);
    assert_true(uv_hrtime() - run.began_ns < UINT64_C(10) * 1000000000);
    assert_int_equal(sim_count(run.sim, "q", "in_flight"), 1);
    sim_expire(run.sim, "q");
    run.refusals = run.refused;
    run.expected = 10;
    go(&run, is_over);
    assert_int_equal(run.seen, 10);
    assert_int_equal(run.numbers[9], POISON);
}

#define WITH_SIM(test) cmocka_unit_test_setup_teardown(test, sim_start, sim_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIM(it_goes_to_the_dead_letter_queue_of_its_queue),
        WITH_SIM(a_group_waits_for_what_comes_again),
        WITH_SIM(a_group_loses_nothing_but_what_is_refused),
        WITH_SIM(where_the_policy_is_not_known_others_go_along),
        WITH_SIM(what_waits_to_be_given_back_stays_ours),
        WITH_SIM(a_stop_while_it_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
