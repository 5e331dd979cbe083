/* The sink against a strict simulator: everything is in the queue afterwards, on a FIFO queue once
 * and in order, whatever happens to the requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <uv.h>

#include "tests/unit/test_sqs_fixture.h"

enum { MANY = 500 };

static unsigned send_through(const struct sqs_sink_conf *sink, unsigned total, unsigned lanes)
{
    struct scripted_source_conf source = {.total = total,
                                          .chunk = 10,
                                          .lanes = lanes,
                                          .ordered = lanes > 0,
                                          .keyed = lanes > 0,
                                          .finish = true};
    struct pipeline_conf conf = sim_to(&source, sink);
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(source.acknowledged, source.confirmed);
    free(source.verdicts);
    return source.confirmed;
}

/* Runs `total` messages into the queue; returns how many the sink confirmed. */
static unsigned send_all(const char *queue_url, unsigned total, unsigned lanes)
{
    struct sqs_sink_conf sink = sim_sink(queue_url);
    return send_through(&sink, total, lanes);
}

/* The numbers in the queue, in the order in which SQS accepted them. */
static unsigned numbers_in(const struct sim *sim, const char *queue, unsigned *numbers)
{
    char path[64];
    unsigned n = 0;
    snprintf(path, sizeof(path), "queues/%s?limit=%d", queue, 2 * MANY);
    char *answer = sim_ask(sim, path, NULL);
    for (char *at = answer; (at = strstr(at, "\"body\":\"")); n++) {
        at += strlen("\"body\":\"");
        if (n < 2 * MANY) numbers[n] = (unsigned)strtoul(at, NULL, 10);
    }
    free(answer);
    return n;
}

static void expect_all(const struct sim *sim, const char *queue, unsigned total)
{
    unsigned numbers[2 * MANY], n = numbers_in(sim, queue, numbers);
    bool seen[MANY] = {false};
    for (unsigned i = 0; i < n; i++)
        seen[numbers[i]] = true;
    for (unsigned i = 0; i < total; i++)
        if (!seen[i]) fail_msg("message %u is missing", i);
}

static bool are_in_order(const unsigned *numbers, unsigned n, unsigned lanes)
{
    unsigned next[64];
    for (unsigned lane = 0; lane < lanes; lane++)
        next[lane] = lane;
    for (unsigned i = 0; i < n; i++) {
        if (numbers[i] != next[numbers[i] % lanes]) return false;
        next[numbers[i] % lanes] += lanes;
    }
    return true;
}

/* Each once, and those of a lane in their order. */
static void expect_once_in_order(const struct sim *sim, unsigned total, unsigned lanes)
{
    unsigned numbers[2 * MANY], n = numbers_in(sim, "q.fifo", numbers);
    assert_int_equal(n, total);
    assert_true(are_in_order(numbers, n, lanes));
}

static unsigned long batches_sent(const struct sim *sim)
{
    static const char name[] = "\"SendMessageBatch\":";
    char *stats = sim_ask(sim, "stats", NULL), *calls = strstr(stats, name);
    assert_non_null(calls);
    unsigned long n = strtoul(calls + strlen(name), NULL, 10);
    free(stats);
    return n;
}

static void everything_is_sent_in_full_batches(void **state)
{
    const struct sim *sim = *state;
    assert_int_equal(send_all(sim->standard, MANY, 0), MANY);
    assert_int_equal(sim_count(sim, "q", "sent"), MANY);
    expect_all(sim, "q", MANY);
    assert_true(batches_sent(sim) <= MANY / 10 + 2);
}

static void a_fifo_queue_keeps_the_order_of_every_lane(void **state)
{
    const struct sim *sim = *state;
    assert_int_equal(send_all(sim->fifo, MANY, 7), MANY);
    expect_once_in_order(sim, MANY, 7);
}

/* Of some batches the first entry, of others the second is refused, or not answered for. */
static const char refused_entries[] =
    "[{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"upto\":1,\"skip\":2,\"count\":3,"
    "\"code\":\"InternalError\",\"message\":\"m\"},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"from\":1,\"upto\":2,\"skip\":2,"
    "\"count\":3,\"code\":\"RequestThrottled\",\"message\":\"m\",\"sender_fault\":true}]";

static void a_refused_entry_is_not_overtaken_by_the_next_of_its_group(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, refused_entries);
    assert_int_equal(send_all(sim->fifo, 100, 3), 100);
    expect_once_in_order(sim, 100, 3);
}

/* What the option gives, and what it costs: the test above fails with it. */
static void groups_that_share_batches_are_faster_and_may_break(void **state)
{
    const struct sim *sim = *state;
    struct sqs_sink_conf sink = sim_sink(sim->fifo);
    unsigned numbers[2 * MANY];
    sink.fifo_batch_same_group = true;
    assert_int_equal(send_through(&sink, 100, 3), 100);
    assert_true(batches_sent(sim) < 100 / 5);
    expect_once_in_order(sim, 100, 3);
    free(sim_ask(sim, "reset", ""));
    sim_fault(sim, refused_entries);
    assert_int_equal(send_through(&sink, 100, 3), 100);
    assert_int_equal(numbers_in(sim, "q.fifo", numbers), 100);
    assert_false(are_in_order(numbers, 100, 3));
}

/* What holds all the same: those refused follow the rest of their batch in their own order, and
 * come before whatever is behind the batch. */
static void what_is_refused_stays_in_front_of_the_next_batch(void **state)
{
    const struct sim *sim = *state;
    static const unsigned expected[] = {0, 1, 5, 6, 7, 8, 9, 2, 3, 4};
    struct sqs_sink_conf sink = sim_sink(sim->fifo);
    unsigned numbers[2 * MANY];
    sink.fifo_batch_same_group = true;
    sink.linger = 1000; /* full batches */
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"from\":2,\"upto\":5,"
                   "\"count\":1,\"code\":\"InternalError\",\"message\":\"m\"}");
    assert_int_equal(send_through(&sink, 40, 1), 40);
    assert_int_equal(numbers_in(sim, "q.fifo", numbers), 40);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(numbers[i], i < 10 ? expected[i] : i);
}

struct complaints {
    struct opt_report report;
    unsigned count;
};

static void keep_complaint(struct opt_report *r, const char *option, const char *text)
{
    assert_string_equal(option, "require");
    assert_non_null(strstr(text, "fifo_batch_same_group"));
    ((struct complaints *)r)->count++;
}

static void the_guarantee_says_where_order_may_break(void **state)
{
    static const char *const ordered[] = {"ordered"};
    struct complaints complaints = {.report.complain = keep_complaint};
    struct scripted_source_conf source = {.lanes = 3, .ordered = true};
    struct sqs_sink_conf sink = sim_sink("https://sqs.us-east-1.amazonaws.com/1/q.fifo");
    struct pipeline_conf conf = sim_to(&source, &sink);
    struct guarantee g;
    (void)state;
    conf.require = (struct opt_list){ordered, 1};
    guarantee_of(&conf, &g);
    assert_string_equal(g.text, "at-least-once, ordered by lane");
    pipeline_check(&conf, &complaints.report);
    assert_int_equal(complaints.count, 0);
    sink.fifo_batch_same_group = true;
    guarantee_of(&conf, &g);
    assert_non_null(strstr(g.text, "ordered by lane, but not where SQS refuses one"));
    pipeline_check(&conf, &complaints.report);
    assert_int_equal(complaints.count, 1);
}

/* Messages without an order share batches, whatever their group. */
static void without_order_groups_fill_batches(void **state)
{
    const struct sim *sim = *state;
    assert_int_equal(send_all(sim->fifo, MANY, 0), MANY);
    assert_int_equal(sim_count(sim, "q.fifo", "sent"), MANY);
    assert_true(batches_sent(sim) <= MANY / 10 + 2);
}

/* As from a source that knows no keys. */
static void lanes_that_share_a_group_take_turns(void **state)
{
    const struct sim *sim = *state;
    struct scripted_source_conf source = {
        .total = 60, .chunk = 10, .lanes = 7, .ordered = true, .finish = true};
    struct sqs_sink_conf sink = sim_sink(sim->fifo);
    struct pipeline_conf conf = sim_to(&source, &sink);
    sim_fault(sim, refused_entries);
    scripted_run(&conf, NULL, NULL);
    expect_once_in_order(sim, 60, 7);
    free(source.verdicts);
}

static void a_batch_holds_one_of_each_group(void **state)
{
    const struct sim *sim = *state;
    assert_int_equal(send_all(sim->fifo, MANY, 50), MANY);
    expect_once_in_order(sim, MANY, 50);
    assert_true(batches_sent(sim) <= MANY / 4);
}

static const char broken_sends[] =
    "[{\"action\":\"SendMessageBatch\",\"kind\":\"cut_before\",\"skip\":2},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"cut_after\",\"skip\":1},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"cut_mid\",\"skip\":1},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"garbage\",\"skip\":1},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"huge_length\",\"skip\":1},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"throttle\",\"skip\":1},"
    "{\"action\":\"SendMessageBatch\",\"kind\":\"status\",\"html\":\"<b>no</b>\"}]";

/* A send of unknown fate is repeated; its deduplication ids make that harmless. */
static void sends_that_break_are_repeated_once_in_effect(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, broken_sends);
    assert_int_equal(send_all(sim->fifo, MANY, 3), MANY);
    expect_once_in_order(sim, MANY, 3);
}

static void nothing_is_missing_on_a_standard_queue(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, broken_sends);
    assert_int_equal(send_all(sim->standard, MANY, 0), MANY);
    expect_all(sim, "q", MANY);
}

static void an_outage_holds_messages_and_ends(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"cut_after\",\"skip\":3,"
                   "\"count\":9}");
    assert_int_equal(send_all(sim->fifo, 200, 3), 200);
    expect_once_in_order(sim, 200, 3);
}

static void a_queue_that_is_not_there_yet_is_waited_for(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "{\"action\":\"GetQueueAttributes\",\"kind\":\"status\",\"status\":400,"
                   "\"code\":\"QueueDoesNotExist\",\"message\":\"no\",\"count\":2}");
    assert_int_equal(send_all(sim->standard, 20, 0), 20);
}

static void who_may_only_send_can_send(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "{\"action\":\"GetQueueAttributes\",\"kind\":\"status\",\"status\":403,"
                   "\"code\":\"AccessDenied\",\"message\":\"no\",\"count\":-1}");
    assert_int_equal(send_all(sim->standard, 20, 0), 20);
}

static void entries_that_fail_are_sent_again_by_themselves(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "[{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"from\":2,\"upto\":4,"
                   "\"code\":\"InternalError\",\"message\":\"m\",\"count\":3},"
                   "{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"upto\":10,"
                   "\"code\":\"RequestThrottled\",\"message\":\"m\",\"sender_fault\":true}]");
    assert_int_equal(send_all(sim->standard, 100, 0), 100);
    assert_int_equal(sim_count(sim, "q", "sent"), 100);
    expect_all(sim, "q", 100);
}

static void a_batch_refused_as_a_whole_goes_one_by_one(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "[{\"action\":\"SendMessageBatch\",\"kind\":\"status\",\"status\":400,"
                   "\"code\":\"BatchRequestTooLong\",\"message\":\"m\"},"
                   "{\"action\":\"SendMessageBatch\",\"kind\":\"status\",\"status\":400,"
                   "\"code\":\"InvalidParameterValue\",\"message\":\"m\",\"skip\":12}]");
    assert_int_equal(send_all(sim->fifo, 100, 3), 100);
    expect_once_in_order(sim, 100, 3);
}

static void an_answer_about_another_message_is_not_believed(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"wrong_md5\"}");
    assert_int_equal(send_all(sim->standard, 30, 0), 30);
    assert_int_equal(sim_count(sim, "q", "sent"), 40);
}

/* Its neighbours arrive, and it goes to the dead-letter sink. */
static void one_bad_message_harms_only_itself(void **state)
{
    const struct sim *sim = *state;
    struct scripted_source_conf source = {.total = 10, .chunk = 10, .finish = true};
    struct scripted_sink_conf dead = {0};
    struct sqs_sink_conf sink = sim_sink(sim->standard);
    struct pipeline_conf conf = sim_to(&source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"from\":4,\"upto\":5,"
                   "\"code\":\"InvalidMessageContents\",\"message\":\"m\",\"sender_fault\":true}");
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(source.confirmed, 10);
    assert_int_equal(dead.confirmed, 1);
    assert_int_equal(sim_count(sim, "q", "sent"), 9);
    free(source.verdicts);
}

/* After an outage, a message that is refused shows as well as any other that the queue is there. */
static void a_refusal_ends_an_outage(void **state)
{
    const struct sim *sim = *state;
    struct scripted_source_conf source = {.total = 5, .chunk = 1, .finish = true};
    struct scripted_sink_conf dead = {0};
    struct sqs_sink_conf sink = sim_sink(sim->standard);
    struct pipeline_conf conf = sim_to(&source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    conf.max_in_flight = 1;
    sim_fault(sim, "[{\"action\":\"SendMessageBatch\",\"kind\":\"status\",\"count\":3},"
                   "{\"action\":\"SendMessageBatch\",\"kind\":\"status\",\"status\":400,"
                   "\"code\":\"InvalidMessageContents\",\"message\":\"m\"}]");
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(source.confirmed, 5);
    assert_int_equal(dead.confirmed, 1);
    assert_int_equal(sim_count(sim, "q", "sent"), 4);
    free(source.verdicts);
}

/* The key of the queue may not be used, say: nobody is to blame but the configuration. */
static void entries_that_nobody_may_send_wait(void **state)
{
    const struct sim *sim = *state;
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"partial\",\"upto\":10,"
                   "\"code\":\"KmsAccessDenied\",\"message\":\"m\",\"sender_fault\":true,"
                   "\"count\":2}");
    assert_int_equal(send_all(sim->standard, 10, 0), 10);
    assert_int_equal(sim_count(sim, "q", "sent"), 10);
}

static bool all_is_emitted(void *arg)
{
    const struct scripted_source_conf *source = arg;
    return source->emitted == source->total;
}

static void a_stop_does_not_hang_on_a_silent_queue(void **state)
{
    const struct sim *sim = *state;
    struct scripted_source_conf source = {.total = 15, .chunk = 5};
    struct sqs_sink_conf sink = sim_sink(sim->standard);
    struct pipeline_conf conf = sim_to(&source, &sink);
    uint64_t began = uv_hrtime();
    conf.drain_timeout = 100;
    sim_fault(sim, "{\"action\":\"SendMessageBatch\",\"kind\":\"hang\",\"count\":-1}");
    scripted_run(&conf, all_is_emitted, &source);
    assert_int_equal(source.released, 15);
    assert_true(uv_hrtime() - began < UINT64_C(5000000000));
    free(source.verdicts);
}

#define WITH_SIM(test) cmocka_unit_test_setup_teardown(test, sim_start, sim_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SIM(everything_is_sent_in_full_batches),
        WITH_SIM(a_fifo_queue_keeps_the_order_of_every_lane),
        WITH_SIM(a_refused_entry_is_not_overtaken_by_the_next_of_its_group),
        WITH_SIM(groups_that_share_batches_are_faster_and_may_break),
        WITH_SIM(what_is_refused_stays_in_front_of_the_next_batch),
        cmocka_unit_test(the_guarantee_says_where_order_may_break),
        WITH_SIM(without_order_groups_fill_batches),
        WITH_SIM(lanes_that_share_a_group_take_turns),
        WITH_SIM(a_batch_holds_one_of_each_group),
        WITH_SIM(sends_that_break_are_repeated_once_in_effect),
        WITH_SIM(nothing_is_missing_on_a_standard_queue),
        WITH_SIM(an_outage_holds_messages_and_ends),
        WITH_SIM(a_queue_that_is_not_there_yet_is_waited_for),
        WITH_SIM(who_may_only_send_can_send),
        WITH_SIM(entries_that_fail_are_sent_again_by_themselves),
        WITH_SIM(a_batch_refused_as_a_whole_goes_one_by_one),
        WITH_SIM(an_answer_about_another_message_is_not_believed),
        WITH_SIM(one_bad_message_harms_only_itself),
        WITH_SIM(a_refusal_ends_an_outage),
        WITH_SIM(entries_that_nobody_may_send_wait),
        WITH_SIM(a_stop_does_not_hang_on_a_silent_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
