/* What is ours while we hold it: the rules (a) to (g) of FIFO queues, handles that died, and what
 * an outage of the sink does to receive counts. Against a strict simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "tests/unit/test_sqs_fixture.h"

enum { MANY = 64 };

/* One run: from the queue to a script. */
struct run {
    const struct sim *sim;
    const char *queue;
    char url[128];
    struct sqs_source_conf source;
    struct scripted_sink_conf sink;
    struct pipeline_conf conf;
    unsigned total, step;
    uint64_t began_ns, looked_ns, wrong_bodies, wrong_attributes;
    unsigned numbers[MANY];
};

static struct run *run_of(struct scripted_sink_conf *sink)
{
    return (struct run *)((char *)sink - offsetof(struct run, sink));
}

static uint64_t age_ms(const struct run *run)
{
    return (uv_hrtime() - run->began_ns) / 1000000;
}

static bool is_time_to_look(struct run *run)
{
    if (uv_hrtime() - run->looked_ns < 20000000) return false;
    run->looked_ns = uv_hrtime();
    return true;
}

static void note_number(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    assert_true(sink->confirmed <= MANY);
    run->numbers[sink->confirmed - 1] = (unsigned)strtoul(leg_body(l), NULL, 10);
}

static void prepare(struct run *run, void **state, const char *queue)
{
    *run = (struct run){.sim = *state, .queue = queue};
    snprintf(run->url, sizeof(run->url), "%s/123456789012/%s", run->sim->url, queue);
    run->source = sim_source(run->url);
    run->sink.order = strcmp(queue, "q.fifo") == 0 ? ORDER_STREAM : ORDER_NONE;
    run->sink.confirming = note_number;
}

static void fill(struct run *run, const char *group, unsigned n)
{
    sim_fill(run->url, group, n);
    run->total += n;
}

static void go(struct run *run, unsigned window, bool (*until)(void *))
{
    run->conf = sim_from(&run->source, &run->sink);
    if (window) run->conf.max_in_flight = window;
    run->conf.drain_timeout = 50;
    run->began_ns = uv_hrtime();
    scripted_run(&run->conf, until, run);
}

static unsigned count(const struct run *run, const char *what)
{
    return sim_count(run->sim, run->queue, what);
}

static bool all_is_deleted(void *arg)
{
    struct run *run = arg;
    if (run->sink.confirmed < run->total || !is_time_to_look(run)) return false;
    return sim_is_empty(run->sim, run->queue);
}

static bool all_is_held(void *arg)
{
    const struct run *run = arg;
    return run->sink.submitted == run->total;
}

static enum action keep(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)sink;
    (void)l;
    return ACT_KEEP;
}

static void expect_in_order(const struct run *run, unsigned n)
{
    assert_int_equal(run->sink.confirmed, n);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(run->numbers[i], i);
}

/* ---- (a) (b) (c): a group waits until all that was received of it is deleted ---- */

/* Confirms the first of two: its delete alone must bring nothing more of the group. */
static enum action confirm_the_first(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    if (leg_body(l)[0] == '0') return ACT_CONFIRM;
    if (run->step == 0 && count(run, "deleted") == 1) run->step = 1;
    if (run->step == 1 && age_ms(run) > 500) {
        assert_int_equal(sink->submitted, 2);
        run->step = 2;
    }
    return run->step == 2 ? ACT_CONFIRM : ACT_KEEP;
}

static void a_b_c_a_group_goes_on_when_all_that_was_received_is_deleted(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    fill(&run, "g", 4);
    run.sink.decide = confirm_the_first;
    go(&run, 2, all_is_deleted); /* a window of two: receives of two */
    expect_in_order(&run, 4);
    assert_int_equal(count(&run, "received"), 4);
}

/* ---- (d): released as one, from the last to the first ---- */

/* The number of the message that is not ready; MANY: there is none. */
static unsigned number_in_flight(const struct run *run)
{
    char path[64];
    snprintf(path, sizeof(path), "queues/%s?limit=10", run->queue);
    char *answer = sim_ask(run->sim, path, NULL), *at = strstr(answer, "\"state\":\"in_flight\"");
    char *body = at ? strstr(at, "\"body\":\"") : NULL;
    unsigned number = body ? (unsigned)strtoul(body + strlen("\"body\":\""), NULL, 10) : MANY;
    free(answer);
    return number;
}

static const char refuse_one_release[] =
    "{\"action\":\"ChangeMessageVisibilityBatch\",\"kind\":\"partial\",\"upto\":1,"
    "\"code\":\"InternalError\",\"message\":\"m\",\"count\":-1}";

/* The entry that fails is that of the last: the five before it are received in order, and it after
 * them. Were it the first, nothing could be received before its timeout. */
static void d_a_group_is_released_from_the_last_to_the_first(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    run.source.visibility_timeout = 30;
    fill(&run, "g", 6);
    run.sink.decide = keep;
    sim_fault(run.sim, refuse_one_release);
    go(&run, 0, all_is_held);
    assert_int_equal(count(&run, "in_flight"), 1);
    assert_int_equal(number_in_flight(&run), 5);
    free(sim_ask(run.sim, "faults/clear", ""));
    run.sink = (struct scripted_sink_conf){.order = ORDER_STREAM, .confirming = note_number};
    sim_expire(run.sim, "q.fifo");
    go(&run, 0, all_is_deleted);
    expect_in_order(&run, 6);
}

/* The second has failed for good where the sink is concerned: what follows it stays with it. */
static enum action keep_from_the_second(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)sink;
    return leg_body(l)[0] == '0' ? ACT_CONFIRM : ACT_KEEP;
}

static bool the_first_is_deleted(void *arg)
{
    struct run *run = arg;
    return run->sink.confirmed == 1 && is_time_to_look(run) && count(run, "deleted") == 1;
}

static void d_what_follows_a_message_that_is_stuck_is_released_with_it(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    run.source.visibility_timeout = 30;
    fill(&run, "g", 5);
    run.sink.decide = keep_from_the_second;
    go(&run, 0, the_first_is_deleted);
    assert_int_equal(count(&run, "ready"), 4);
    assert_int_equal(count(&run, "in_flight"), 0);
    run.sink = (struct scripted_sink_conf){.order = ORDER_STREAM, .confirming = note_number};
    run.total = 4;
    go(&run, 0, all_is_deleted);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(run.numbers[i], i + 1);
}

/* ---- (e): extended as one ---- */

static enum action keep_for_three_seconds(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)l;
    return age_ms(run_of(sink)) < 3000 ? ACT_KEEP : ACT_CONFIRM;
}

/* Two groups that don't fit into one request of ten: each is in one. */
static void e_a_group_is_extended_as_one(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    run.source.visibility_timeout = 1;
    fill(&run, "g", 7);
    fill(&run, "h", 7);
    run.sink.decide = keep_for_three_seconds;
    go(&run, 0, all_is_deleted);
    assert_int_equal(run.sink.submitted, 14);
    assert_int_equal(count(&run, "received"), 14);
}

/* ---- (f): a handle that died ---- */

static const char dead_handle[] =
    "{\"action\":\"ChangeMessageVisibilityBatch\",\"kind\":\"partial\",\"upto\":1,"
    "\"code\":\"ReceiptHandleIsInvalid\",\"message\":\"m\",\"sender_fault\":true}";

static unsigned deletes_asked(const struct sim *sim)
{
    static const char name[] = "\"DeleteMessageBatch\":";
    char *stats = sim_ask(sim, "stats", NULL), *calls = strstr(stats, name);
    unsigned n = calls ? (unsigned)strtoul(calls + strlen(name), NULL, 10) : 0;
    free(stats);
    return n;
}

/* Confirms all once one heartbeat was refused, while the old handles would still do. */
static enum action confirm_after_the_refusal(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)l;
    return age_ms(run_of(sink)) < 1500 ? ACT_KEEP : ACT_CONFIRM;
}

static bool all_is_confirmed_for_a_while(void *arg)
{
    const struct run *run = arg;
    return run->sink.confirmed == run->total && age_ms(run) > 1800;
}

/* It is with whom SQS gives it to next: a late confirmation deletes nothing. */
static void expect_no_late_delete(void **state, const char *queue)
{
    struct run run;
    prepare(&run, state, queue);
    run.source.visibility_timeout = 2; /* the heartbeat is after one second */
    fill(&run, "g", 1);
    sim_fault(run.sim, dead_handle);
    run.sink.decide = confirm_after_the_refusal;
    go(&run, 1, all_is_confirmed_for_a_while);
    assert_int_equal(deletes_asked(run.sim), 0);
    assert_int_equal(count(&run, "deleted"), 0);
}

static void f_a_late_confirmation_deletes_nothing(void **state)
{
    expect_no_late_delete(state, "q.fifo");
}

static void nor_does_it_on_a_standard_queue(void **state)
{
    expect_no_late_delete(state, "q");
}

static void f_it_is_deleted_when_it_comes_again_and_not_sent_again(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    run.source.visibility_timeout = 2;
    fill(&run, "g", 3);
    sim_fault(run.sim, dead_handle);
    run.sink.decide = confirm_after_the_refusal;
    go(&run, 0, all_is_deleted);
    assert_int_equal(run.sink.submitted, 3);
    assert_int_equal(count(&run, "received"), 6); /* all three: the group is lost as one */
    assert_int_equal(count(&run, "deleted"), 3);
}

/* No answer at all, for longer than the timeout: nobody says that the handles died, time does. */
static void f_what_could_not_be_extended_in_time_is_not_ours(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    run.source.visibility_timeout = 1;
    fill(&run, "g", 2);
    sim_fault(run.sim, "{\"action\":\"ChangeMessageVisibilityBatch\",\"kind\":\"cut_before\","
                       "\"count\":-1}");
    run.sink.decide = keep_for_three_seconds;
    go(&run, 2, all_is_deleted);
    assert_int_equal(run.sink.submitted, 2);
    assert_true(count(&run, "received") > 2);
}

/* ---- (g): receives always lock ---- */

static void g_no_receive_leaves_its_group_open(void **state)
{
    struct run run;
    prepare(&run, state, "q.fifo");
    fill(&run, "g", 20);
    run.sink.decide = keep;
    run.total = 10;
    go(&run, 0, all_is_held); /* eight pollers, and ten messages of twenty */
    assert_int_equal(count(&run, "received"), 10);
}

/* ---- outages ---- */

static enum action take_it_back(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    (void)l;
    if (run->step == 0) {
        struct error e;
        error_set(&e, FAULT_DOWN, "an outage");
        run->step = 1;
        run->began_ns = uv_hrtime();
        pipeline_sink_state(sink->sink, SINK_DOWN, &e);
    }
    return run->step == 2 ? ACT_CONFIRM : ACT_DOWN;
}

static bool outage_ends_and_all_is_deleted(void *arg)
{
    struct run *run = arg;
    if (run->step == 1 && age_ms(run) > 6000) {
        run->step = 2;
        pipeline_sink_state(run->sink.sink, SINK_UP, NULL);
    }
    return all_is_deleted(run);
}

/* Six timeouts long: ten are held, and stay ours; the others are not received. */
static void an_outage_of_the_sink_raises_no_receive_count(void **state)
{
    struct run run;
    prepare(&run, state, "strict");
    fill(&run, "g", 40);
    run.sink.decide = take_it_back;
    go(&run, 10, outage_ends_and_all_is_deleted);
    assert_int_equal(run.step, 2);
    assert_int_equal(run.sink.confirmed, 40);
    assert_int_equal(count(&run, "received"), 40);
    assert_int_equal(sim_count(run.sim, "dead", "ready"), 0);
}

/* ---- what is counted ---- */

static bool all_is_deleted_and_counted(void *arg)
{
    struct run *run = arg;
    const struct stats *stats = run->sink.sink ? pipeline_stats(run->sink.sink->pipeline) : NULL;
    if (!stats || !all_is_deleted(run)) return false;
    run->wrong_bodies = stats_get(stats, COUNT_WRONG_BODIES);
    run->wrong_attributes = stats_get(stats, COUNT_WRONG_ATTRIBUTES);
    return true;
}

static void wrong_digests_are_counted(void **state)
{
    struct run run;
    prepare(&run, state, "q");
    fill(&run, "g", 10);
    run.source.visibility_timeout = 1;
    sim_fault(run.sim, "[{\"action\":\"ReceiveMessage\",\"kind\":\"wrong_md5\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"wrong_attribute_md5\"}]");
    go(&run, 10, all_is_deleted_and_counted);
    assert_int_equal(run.sink.submitted, 10);
    assert_int_equal(run.wrong_bodies, 10);
    assert_int_equal(run.wrong_attributes, 10);
}

#define WITH_SIM(test) cmocka_unit_test_setup_teardown(test, sim_start, sim_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIM(a_b_c_a_group_goes_on_when_all_that_was_received_is_deleted),
        WITH_SIM(d_a_group_is_released_from_the_last_to_the_first),
        WITH_SIM(d_what_follows_a_message_that_is_stuck_is_released_with_it),
        WITH_SIM(e_a_group_is_extended_as_one),
        WITH_SIM(f_a_late_confirmation_deletes_nothing),
        WITH_SIM(nor_does_it_on_a_standard_queue),
        WITH_SIM(f_it_is_deleted_when_it_comes_again_and_not_sent_again),
        WITH_SIM(f_what_could_not_be_extended_in_time_is_not_ours),
        WITH_SIM(g_no_receive_leaves_its_group_open),
        WITH_SIM(an_outage_of_the_sink_raises_no_receive_count),
        WITH_SIM(wrong_digests_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
