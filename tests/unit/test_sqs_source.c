/* The source against a strict simulator: everything arrives once and is deleted, whatever happens
 * to the requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "tests/unit/test_sqs_fixture.h"

/* One run: from the queue to a script, until the queue is empty. */
struct run {
    const struct sim *sim;
    const char *queue;
    struct sqs_source_conf source;
    struct scripted_sink_conf sink;
    unsigned total;
    uint64_t began_ns, looked_ns;
    unsigned step;
};

static uint64_t age_ms(const struct run *run)
{
    return (uv_hrtime() - run->began_ns) / 1000000;
}

static struct run *run_of(struct scripted_sink_conf *sink)
{
    return (struct run *)((char *)sink - offsetof(struct run, sink));
}

/* The simulator is asked no more often than every 20 ms. */
static bool is_time_to_look(struct run *run)
{
    if (uv_hrtime() - run->looked_ns < 20000000) return false;
    run->looked_ns = uv_hrtime();
    return true;
}

static bool all_is_deleted(void *arg)
{
    struct run *run = arg;
    if (run->sink.confirmed < run->total || !is_time_to_look(run)) return false;
    return sim_is_empty(run->sim, run->queue);
}

static struct run prepare(void **state, bool fifo, unsigned total)
{
    const struct sim *sim = *state;
    const char *url = fifo ? sim->fifo : sim->standard;
    struct run run = {.sim = sim,
                      .queue = fifo ? "q.fifo" : "q",
                      .source = sim_source(url),
                      .total = total,
                      .sink.order = fifo ? ORDER_STREAM : ORDER_NONE};
    if (total) sim_fill(url, "test", total);
    run.began_ns = uv_hrtime();
    return run;
}

static void go(struct run *run, bool (*until)(void *))
{
    struct pipeline_conf conf = sim_from(&run->source, &run->sink);
    run->began_ns = uv_hrtime();
    scripted_run(&conf, until, run);
}

static void everything_arrives_once_and_is_deleted(void **state)
{
    struct run run = prepare(state, false, 1000);
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 1000);
    assert_int_equal(sim_count(run.sim, "q", "received"), 1000);
    assert_int_equal(sim_count(run.sim, "q", "deleted"), 1000);
}

/* ---- receives that fail ---- */

static void receives_may_fail_in_every_way(void **state)
{
    struct run run = prepare(state, false, 100);
    run.source.visibility_timeout = 1; /* what a lost answer held comes again after this */
    sim_fault(run.sim, "[{\"action\":\"ReceiveMessage\",\"kind\":\"cut_before\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"status\",\"html\":\"<b>no</b>\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"cut_after\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"garbage\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"cut_mid\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"huge_length\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"wrong_md5\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"wrong_attribute_md5\"},"
                       "{\"action\":\"ReceiveMessage\",\"kind\":\"throttle\"}]");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 100);
    assert_true(sim_count(run.sim, "q", "received") > 100);
}

/* The visibility timeout is thirty seconds: only the attempt id brings them back so soon. */
static void a_lost_fifo_receive_is_repeated_by_its_attempt_id(void **state)
{
    struct run run = prepare(state, true, 10);
    sim_fault(run.sim, "{\"action\":\"ReceiveMessage\",\"kind\":\"cut_after\",\"count\":4}");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 10);
    assert_true(age_ms(&run) < 15000);
}

static void a_source_may_be_denied_to_ask_for_the_timeout(void **state)
{
    struct run run = prepare(state, false, 10);
    sim_fault(run.sim, "{\"action\":\"GetQueueAttributes\",\"kind\":\"status\",\"status\":403,"
                       "\"code\":\"AccessDenied\",\"message\":\"not allowed\",\"count\":-1}");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 10);
}

static void a_wrong_clock_is_corrected(void **state)
{
    struct run run = prepare(state, false, 10);
    sim_fault(run.sim, "{\"kind\":\"date_skew\",\"date_skew_s\":3600,\"count\":-1}");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 10);
}

static void an_outage_ends(void **state)
{
    struct run run = prepare(state, false, 10);
    sim_fault(run.sim, "{\"kind\":\"status\",\"status\":503,\"count\":7}");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 10);
}

/* ---- deletes that fail ---- */

static void deletes_are_repeated_until_they_succeed(void **state)
{
    struct run run = prepare(state, false, 100);
    sim_fault(run.sim, "[{\"action\":\"DeleteMessageBatch\",\"kind\":\"partial\",\"upto\":5,"
                       "\"code\":\"InternalError\",\"message\":\"m\",\"count\":2},"
                       "{\"action\":\"DeleteMessageBatch\",\"kind\":\"cut_after\"},"
                       "{\"action\":\"DeleteMessageBatch\",\"kind\":\"garbage\"},"
                       "{\"action\":\"DeleteMessageBatch\",\"kind\":\"status\",\"count\":6},"
                       "{\"action\":\"DeleteMessageBatch\",\"kind\":\"throttle\"}]");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 100);
    assert_int_equal(sim_count(run.sim, "q", "received"), 100);
}

static void one_dead_handle_does_not_keep_its_neighbours(void **state)
{
    struct run run = prepare(state, false, 10);
    sim_fault(run.sim, "{\"action\":\"DeleteMessageBatch\",\"kind\":\"status\",\"status\":404,"
                       "\"code\":\"ReceiptHandleIsInvalid\",\"message\":\"m\"}");
    go(&run, all_is_deleted);
    assert_int_equal(run.sink.submitted, 10);
    assert_int_equal(sim_count(run.sim, "q", "received"), 10);
}

/* ---- messages that come again ---- */

static enum action keep_until_received_again(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    (void)l;
    if (run->step == 0 && sink->submitted == run->total) {
        sim_expire(run->sim, run->queue);
        run->step = 1;
    }
    if (run->step == 1 && is_time_to_look(run) &&
        sim_count(run->sim, run->queue, "received") == 2 * run->total)
        run->step = 2;
    return run->step == 2 ? ACT_CONFIRM : ACT_KEEP;
}

static void expect_no_repetition(struct run *run)
{
    run->sink.decide = keep_until_received_again;
    go(run, all_is_deleted);
    assert_int_equal(run->sink.submitted, run->total);
    assert_int_equal(sim_count(run->sim, run->queue, "deleted"), run->total);
}

static void a_message_received_again_is_not_sent_again(void **state)
{
    struct run run = prepare(state, false, 20);
    expect_no_repetition(&run);
}

static void nor_is_one_of_a_fifo_queue(void **state)
{
    struct run run = prepare(state, true, 10);
    expect_no_repetition(&run);
}

static enum action expire_then_confirm(struct scripted_sink_conf *sink, const struct leg *l)
{
    struct run *run = run_of(sink);
    (void)l;
    if (sink->submitted < run->total) return ACT_KEEP;
    if (run->step++ == 0) sim_expire(run->sim, run->queue);
    return ACT_CONFIRM;
}

/* The window is full, so nothing is received before the deletes have failed. */
static void what_could_not_be_deleted_is_deleted_when_it_comes_again(void **state)
{
    struct run run = prepare(state, true, 10);
    run.sink.decide = expire_then_confirm;
    struct pipeline_conf conf = sim_from(&run.source, &run.sink);
    conf.max_in_flight = 10;
    scripted_run(&conf, all_is_deleted, &run);
    assert_int_equal(run.sink.submitted, 10);
    assert_int_equal(run.sink.confirmed, 10);
    assert_int_equal(sim_count(run.sim, "q.fifo", "received"), 20);
    assert_int_equal(sim_count(run.sim, "q.fifo", "deleted"), 10);
}

/* ---- time ---- */

static enum action keep_for_three_seconds(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)l;
    return age_ms(run_of(sink)) < 3000 ? ACT_KEEP : ACT_CONFIRM;
}

static void expect_heartbeats(struct run *run)
{
    run->source.visibility_timeout = 1;
    run->sink.decide = keep_for_three_seconds;
    go(run, all_is_deleted);
    assert_int_equal(run->sink.submitted, run->total);
    assert_int_equal(sim_count(run->sim, run->queue, "received"), run->total);
}

static void messages_stay_invisible_while_they_are_held(void **state)
{
    struct run run = prepare(state, false, 25);
    expect_heartbeats(&run);
}

static void heartbeats_may_fail_at_first(void **state)
{
    struct run run = prepare(state, true, 10);
    run.source.visibility_timeout = 2;
    sim_fault(run.sim, "[{\"action\":\"ChangeMessageVisibilityBatch\",\"kind\":\"cut_before\"},"
                       "{\"action\":\"ChangeMessageVisibilityBatch\",\"kind\":\"partial\","
                       "\"upto\":5,\"code\":\"InternalError\",\"message\":\"m\"}]");
    run.sink.decide = keep_for_three_seconds;
    go(&run, all_is_deleted);
    assert_int_equal(sim_count(run.sim, "q.fifo", "received"), 10);
}

/* ---- the end ---- */

static enum action keep(struct scripted_sink_conf *sink, const struct leg *l)
{
    (void)sink;
    (void)l;
    return ACT_KEEP;
}

static bool all_is_held(void *arg)
{
    const struct run *run = arg;
    return run->sink.submitted == run->total;
}

static void expect_release(struct run *run)
{
    run->sink.decide = keep;
    struct pipeline_conf conf = sim_from(&run->source, &run->sink);
    conf.drain_timeout = 50;
    scripted_run(&conf, all_is_held, run);
    assert_int_equal(sim_count(run->sim, run->queue, "ready"), run->total);
    assert_int_equal(sim_count(run->sim, run->queue, "in_flight"), 0);
}

static void what_is_given_back_is_visible_at_once(void **state)
{
    struct run run = prepare(state, false, 35);
    expect_release(&run);
}

/* Ten, because SQS gives out no more of a group before these are deleted. */
static void groups_are_given_back_whole(void **state)
{
    struct run run = prepare(state, true, 6);
    sim_fill(run.source.queue.queue_url, "other", 4);
    run.total += 4;
    expect_release(&run);
}

static bool polls_wait(void *arg)
{
    struct run *run = arg;
    return is_time_to_look(run) && sim_count(run->sim, run->queue, "polls_waiting") > 0;
}

static void a_stop_does_not_wait_for_long_polls(void **state)
{
    struct run run = prepare(state, false, 0);
    go(&run, polls_wait);
    assert_true(age_ms(&run) < 5000);
}

/* A poll younger than a second may bring messages yet: they are given back. */
static bool soon_after_the_start(void *arg)
{
    const struct run *run = arg;
    return age_ms(run) > 100;
}

static void what_arrives_during_a_stop_is_given_back(void **state)
{
    struct run run = prepare(state, false, 10);
    run.source.visibility_timeout = 30;
    sim_fault(run.sim, "{\"action\":\"ReceiveMessage\",\"kind\":\"delay\",\"delay_ms\":500}");
    go(&run, soon_after_the_start);
    assert_int_equal(run.sink.submitted, 0);
    assert_int_equal(sim_count(run.sim, "q", "received"), 10);
    assert_int_equal(sim_count(run.sim, "q", "ready"), 10);
}

#define WITH_SIM(test) cmocka_unit_test_setup_teardown(test, sim_start, sim_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIM(everything_arrives_once_and_is_deleted),
        WITH_SIM(receives_may_fail_in_every_way),
        WITH_SIM(a_lost_fifo_receive_is_repeated_by_its_attempt_id),
        WITH_SIM(a_source_may_be_denied_to_ask_for_the_timeout),
        WITH_SIM(a_wrong_clock_is_corrected),
        WITH_SIM(an_outage_ends),
        WITH_SIM(deletes_are_repeated_until_they_succeed),
        WITH_SIM(one_dead_handle_does_not_keep_its_neighbours),
        WITH_SIM(a_message_received_again_is_not_sent_again),
        WITH_SIM(nor_is_one_of_a_fifo_queue),
        WITH_SIM(what_could_not_be_deleted_is_deleted_when_it_comes_again),
        WITH_SIM(messages_stay_invisible_while_they_are_held),
        WITH_SIM(heartbeats_may_fail_at_first),
        WITH_SIM(what_is_given_back_is_visible_at_once),
        WITH_SIM(groups_are_given_back_whole),
        WITH_SIM(a_stop_does_not_wait_for_long_polls),
        WITH_SIM(what_arrives_during_a_stop_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
