/* The Kafka sink against librdkafka's mock cluster: what errors become. */
#include "tests/unit/test_kafka_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PRODUCE = 0 };

static void assert_bodies_in_order(const struct rig_read *read)
{
    for (size_t i = 0; i < read->count; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%zu", i);
        assert_int_equal(read->messages[i]->len, len);
        assert_memory_equal(read->messages[i]->payload, text, (size_t)len);
    }
}

/* What the broker says to each produce request in turn; none of it may lose, repeat or reorder. */
static void run_with_errors(struct rig *r, const rd_kafka_resp_err_t *errors, size_t count)
{
    enum { N = 200 };
    struct msg_draft *drafts = rig_numbered(N);
    struct given given = {.drafts = drafts, .count = N, .lane_of = NULL};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    rig_topic(r, "out", 1);
    rd_kafka_mock_push_request_errors_array(r->cluster, PRODUCE, count, errors);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, N);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    rig_stop(r, 0, p);
    assert_int_equal(given.released, 0);
    struct rig_read read = rig_read(r, "out", 1, N);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    rig_free_numbered(drafts);
    template_free(topic);
}

static void test_errors_that_pass(void **state)
{
    static const rd_kafka_resp_err_t errors[] = {
        RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT};
    run_with_errors(*state, errors, 4);
}

static void test_a_refused_batch_arrives_in_parts(void **state)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
                                                 RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE};
    run_with_errors(*state, errors, 2);
}

static bool says_renewed(void *arg)
{
    return rig_logged(arg, "the producer has failed, another takes over");
}

static void test_a_fatal_error_makes_a_new_producer(void **state)
{
    struct rig *r = *state;
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER};
    run_with_errors(r, errors, 1);
    assert_true(says_renewed(r));
}

/* What a broker says to a producer that it does not know any more, or has put another one's epoch
 * before: librdkafka begins a new one by itself, or the sink does. */
static void test_a_producer_that_is_fenced(void **state)
{
    static const rd_kafka_resp_err_t epoch[] = {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH};
    run_with_errors(*state, epoch, 1);
}

static void test_a_producer_that_is_forgotten(void **state)
{
    static const rd_kafka_resp_err_t unknown[] = {RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID};
    run_with_errors(*state, unknown, 1);
}

static void test_one_fatal_error_after_the_other(void **state)
{
    static const rd_kafka_resp_err_t errors[] = {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                 RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
                                                 RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER};
    run_with_errors(*state, errors, 3);
    assert_true(says_renewed(*state));
}

struct moving {
    struct rig *r;
    const struct given *given;
    size_t next;
    int32_t leader;
};

static bool all_confirmed_while_leaders_move(void *arg)
{
    struct moving *m = arg;
    if (m->given->confirmed >= m->next) {
        m->leader = m->leader % 3 + 1;
        rd_kafka_mock_partition_set_leader(m->r->cluster, "out", 0, m->leader);
        m->next += 100;
    }
    return m->given->confirmed >= m->given->count;
}

static void test_leaders_move(void **state)
{
    struct rig *r = *state;
    enum { N = 1000 };
    struct msg_draft *drafts = rig_numbered(N);
    struct given given = {.drafts = drafts, .count = N};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    struct moving moving = {r, &given, 0, 1};
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, all_confirmed_while_leaders_move, &moving);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, N);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    rig_free_numbered(drafts);
    template_free(topic);
}

/* Eight in one batch, refused as a whole, then by fours, twos, and one: that one is to blame. */
static void test_the_bad_message_alone_is_rejected(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = rig_numbered(8);
    struct given given = {.drafts = drafts, .count = 8};
    struct keeper dead = {.confirm = true};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    conf.dead_letter = (struct sink_conf){&keeper_connector, &dead};
    sink.linger = 100;
    rig_topic(r, "out", 1);
    for (int i = 0; i < 4; i++)
        rd_kafka_mock_push_request_errors(r->cluster, PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, 8);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_REJECTED), 1);
    assert_int_equal(dead.count, 1);
    assert_string_equal(dead.seen[0].position, "0/0/1"); /* sink, attempts */
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(*(const char *)read.messages[i]->payload, '1' + (int)i);
    rig_read_free(&read);
    keeper_free(&dead);
    rig_free_numbered(drafts);
    template_free(topic);
}

/* Messages that can never go, each for its own reason; its neighbours arrive. */
static void test_what_can_never_go(void **state)
{
    struct rig *r = *state;
    static char big[40000];
    const struct attr good = {.name = BYTES_LIT("to"), .value = BYTES_LIT("out")};
    const struct attr bad = {.name = BYTES_LIT("to"), .value = BYTES_LIT("no/such/topic")};
    const struct msg_draft drafts[] = {
        {.body = BYTES_LIT("1"), .attrs = &good, .attr_count = 1},
        {.body = BYTES_LIT("no attribute")},
        {.body = BYTES_LIT("no topic"), .attrs = &bad, .attr_count = 1},
        {.body = bytes_of(big, sizeof(big)), .attrs = &good, .attr_count = 1},
        {.body = BYTES_LIT("2"), .attrs = &good, .attr_count = 1},
    };
    struct given given = {.drafts = drafts, .count = 5};
    struct keeper dead = {.confirm = true};
    static const char *const properties[] = {"message.max.bytes=20000"};
    struct template *topic = rig_template("${attr:to}");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    sink.batch_size = 10000;
    sink.client.properties = (struct opt_list){properties, 1};
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    conf.dead_letter = (struct sink_conf){&keeper_connector, &dead};
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, 5);
    assert_int_equal(dead.count, 3);
    assert_true(rig_logged(r, "\"no/such/topic\" is no name for a topic"));
    assert_true(rig_logged(r, "a message of 40000 bytes is larger than message.max.bytes"));
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, 2);
    rig_read_free(&read);
    keeper_free(&dead);
    template_free(topic);
}

static void test_a_full_queue_is_back_pressure(void **state)
{
    struct rig *r = *state;
    enum { N = 500 };
    struct msg_draft *drafts = rig_numbered(N);
    struct given given = {.drafts = drafts, .count = N};
    static const char *const properties[] = {"queue.buffering.max.messages=7", "linger.ms=1"};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    sink.client.properties = (struct opt_list){properties, 2};
    struct pipeline_conf conf =
        rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 100);
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, N);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, N);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    rig_free_numbered(drafts);
    template_free(topic);
}

static bool says_refused(void *arg)
{
    return rig_logged(arg, "sink kafka out: connecting to Kafka: ") &&
           rig_logged(arg, "Connection refused (is the broker running");
}

/* The broker goes away in the middle: an outage is no failure of any message. */
static void test_an_outage(void **state)
{
    struct rig *r = *state;
    enum { N = 2000 };
    struct msg_draft *drafts = rig_numbered(N);
    struct given given = {.drafts = drafts, .count = N};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_refused, r); /* from the start on */
    assert_int_equal(given.emitted, 0);
    rd_kafka_mock_broker_set_up(r->cluster, 1);
    rig_until_confirmed(r, &given, 100);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    uint64_t down_ns = uv_hrtime();
    size_t before = given.confirmed;
    while (uv_hrtime() - down_ns < 1500000000)
        rig_until_confirmed(r, &given, 0);
    assert_in_range(given.confirmed, before, before + 10);
    rd_kafka_mock_broker_set_up(r->cluster, 1);
    rig_until_confirmed(r, &given, N);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_REJECTED), 0);
    assert_true(rig_logged(r, "sink kafka out: up again"));
    rig_stop(r, 0, p);
    rig_free_numbered(drafts);
    template_free(topic);
}

static bool says_no_topic(void *arg)
{
    return rig_logged(arg, "writing to topic \"out\": it does not exist (create it");
}

static void test_a_topic_that_comes_later(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = rig_numbered(3);
    struct given given = {.drafts = drafts, .count = 3};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_topic_set_error(r->cluster, "out", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_no_topic, r);
    rd_kafka_mock_topic_set_error(r->cluster, "out", RD_KAFKA_RESP_ERR_NO_ERROR);
    rig_until_confirmed(r, &given, 3);
    rig_stop(r, 0, p);
    rig_free_numbered(drafts);
    template_free(topic);
}

/* The broker lets us see the topic, but not write to it. */
static void test_a_topic_that_refuses(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = rig_numbered(50);
    struct given given = {.drafts = drafts, .count = 50};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_push_request_errors(r->cluster, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, 50);
    assert_true(rig_logged(r, "writing to topic \"out\": this user may not (give it an ACL"));
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, 50);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    rig_free_numbered(drafts);
    template_free(topic);
}

struct emitted {
    const struct given *given;
    size_t count;
};

static bool is_emitted(void *arg)
{
    const struct emitted *e = arg;
    return e->given->emitted >= e->count;
}

/* Nothing is confirmed within the deadline: all is given back, at once, and nothing leaks. */
static void test_ends_with_work_in_flight(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = rig_numbered(100);
    struct given given = {.drafts = drafts, .count = 100};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf =
        rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 100);
    conf.drain_timeout = 200;
    sink.linger = 50; /* time enough to slow the broker down */
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    struct emitted some = {&given, 1};
    rig_until(r, is_emitted, &some);
    rd_kafka_mock_broker_set_rtt(r->cluster, 1, 20000);
    uint64_t before = uv_hrtime();
    rig_stop(r, 0, p);
    assert_in_range((uv_hrtime() - before) / 1000000, 0, 4000);
    assert_int_equal(given.confirmed + given.released, given.emitted);
    assert_true(given.released > 0);
    rig_free_numbered(drafts);
    template_free(topic);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOCKED(test_errors_that_pass),
        MOCKED(test_a_refused_batch_arrives_in_parts),
        MOCKED(test_a_fatal_error_makes_a_new_producer),
        MOCKED(test_a_producer_that_is_fenced),
        MOCKED(test_a_producer_that_is_forgotten),
        MOCKED(test_one_fatal_error_after_the_other),
        cmocka_unit_test_setup_teardown(test_leaders_move, rig_open_three, rig_close),
        MOCKED(test_the_bad_message_alone_is_rejected),
        MOCKED(test_what_can_never_go),
        MOCKED(test_a_full_queue_is_back_pressure),
        MOCKED(test_an_outage),
        MOCKED(test_a_topic_that_comes_later),
        MOCKED(test_a_topic_that_refuses),
        MOCKED(test_ends_with_work_in_flight),
    };
    return cmocka_run_group_tests_name("kafka_sink", tests, NULL, NULL);
}
