/* The Kafka sink against librdkafka's mock cluster: what is carried, and what errors become. */
#include "tests/unit/test_kafka_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PRODUCE = 0 };

static struct template *compile(const char *text)
{
    struct error e;
    struct template *t = template_compile(text, &e);
    if (!t) fail_msg("%s", e.text);
    return t;
}

struct done {
    const struct given *given;
    size_t count;
};

static bool is_confirmed(void *arg)
{
    const struct done *d = arg;
    return d->given->confirmed >= d->count;
}

static void until_confirmed(struct rig *r, const struct given *given, size_t count)
{
    struct done d = {given, count};
    rig_until(r, is_confirmed, &d);
}

/* n messages "0", "1", ..., all with the same key, so that they keep their order. */
static struct msg_draft *numbered(size_t n)
{
    struct msg_draft *drafts = mem_zalloc(n * sizeof(*drafts));
    char *text = mem_alloc(n * 8); /* freed with the drafts: see free_numbered() */
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(text + 8 * i, 8, "%zu", i);
        drafts[i].body = bytes_of(text + 8 * i, (size_t)len);
        drafts[i].key = BYTES_LIT("k");
        drafts[i].position = drafts[i].body;
    }
    return drafts;
}

static void free_numbered(struct msg_draft *drafts)
{
    free((void *)(uintptr_t)drafts[0].body.ptr);
    free(drafts);
}

static void assert_bodies_in_order(const struct rig_read *read)
{
    for (size_t i = 0; i < read->count; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "%zu", i);
        assert_int_equal(read->messages[i]->len, len);
        assert_memory_equal(read->messages[i]->payload, text, (size_t)len);
    }
}

static void assert_header(const rd_kafka_message_t *m, size_t i, const char *name,
                          const void *value, size_t len)
{
    rd_kafka_headers_t *headers;
    const char *found;
    const void *content;
    size_t size;
    assert_int_equal(rd_kafka_message_headers(m, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get_all(headers, i, &found, &content, &size),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_string_equal(found, name);
    assert_int_equal(size, len);
    assert_memory_equal(content, value, len);
}

static void test_all_is_carried(void **state)
{
    struct rig *r = *state;
    static char every_byte[256];
    for (int i = 0; i < 256; i++)
        every_byte[i] = (char)i;
    const struct attr attrs[] = {
        {.name = BYTES_LIT("text"), .value = BYTES_LIT("grün"), .type = ATTR_STRING},
        {.name = BYTES_LIT("n"),
         .value = BYTES_LIT("42"),
         .subtype = BYTES_LIT("int"),
         .type = ATTR_NUMBER},
        {.name = BYTES_LIT("raw"), .value = bytes_of(every_byte, 256), .type = ATTR_BINARY},
        {.name = BYTES_LIT("empty"), .value = BYTES_LIT(""), .type = ATTR_STRING},
    };
    const struct msg_draft drafts[] = {
        {.body = bytes_of(every_byte, 256),
         .key = BYTES_LIT("key"),
         .timestamp_ms = 1700000000123,
         .attrs = attrs,
         .attr_count = 4},
        {.body = BYTES_LIT(""), .key = BYTES_LIT("")},
        {.body = BYTES_NONE, .key = BYTES_LIT("key")},
    };
    struct given given = {.drafts = drafts, .count = 3};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, 3);
    rig_stop(r, 0, p);

    struct rig_read read = rig_read(r, "out", 1, 3);
    const rd_kafka_message_t *m = read.messages[0];
    assert_int_equal(m->len, 256);
    assert_memory_equal(m->payload, every_byte, 256);
    assert_int_equal(m->key_len, 3);
    assert_memory_equal(m->key, "key", 3);
    assert_true(rd_kafka_message_timestamp(m, NULL) == 1700000000123);
    assert_header(m, 0, "text", "grün", strlen("grün"));
    assert_header(m, 1, "n", "42", 2);
    assert_header(m, 2, "sqsbridge.type.n", "Number.int", 10);
    assert_header(m, 3, "raw", every_byte, 256);
    assert_header(m, 4, "sqsbridge.type.raw", "Binary", 6);
    assert_header(m, 5, "empty", "", 0);
    assert_non_null(read.messages[1]->payload); /* empty, */
    assert_int_equal(read.messages[1]->len, 0);
    assert_non_null(read.messages[1]->key);
    assert_null(read.messages[2]->payload); /* not the same as none */
    rig_read_free(&read);
    template_free(topic);
}

/* A Kafka message keeps all of itself on its way to another topic. */
static void test_there_and_back(void **state)
{
    struct rig *r = *state;
    static char body[1000];
    const struct attr attrs[] = {
        {.name = BYTES_LIT("n"),
         .value = BYTES_LIT("1.5"),
         .subtype = BYTES_LIT("float"),
         .type = ATTR_NUMBER},
        {.name = BYTES_LIT("raw"), .value = bytes_of("\xff\0", 2), .type = ATTR_BINARY},
    };
    for (size_t i = 0; i < sizeof(body); i++)
        body[i] = (char)(i * 7);
    const struct msg_draft drafts[] = {
        {.body = bytes_of(body, sizeof(body)),
         .key = BYTES_LIT("k"),
         .timestamp_ms = 1600000000000,
         .attrs = attrs,
         .attr_count = 2},
        {.body = BYTES_NONE, .key = BYTES_LIT("k")},
    };
    struct given given = {.drafts = drafts, .count = 2};
    struct template *first = compile("a"), *second = compile("${topic}-${attr:n:-none}");
    struct kafka_sink_conf sinks[2] = {rig_sink_conf(r, first), rig_sink_conf(r, second)};
    static const char *const names[] = {"^a$"};
    const struct opt_list topics = {names, 1};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf in =
        rig_pipeline(&given_connector, &given, &connector_kafka, &sinks[0], 9);
    struct pipeline_conf out =
        rig_pipeline(&connector_kafka, &source, &connector_kafka, &sinks[1], 9);
    rig_topic(r, "a", 1);
    rig_topic(r, "a-1.5", 1);
    rig_topic(r, "a-none", 1);
    struct pipeline *p = rig_start(r, 0, &in), *q = rig_start(r, 1, &out);
    until_confirmed(r, &given, 2);
    while (stats_get(pipeline_stats(q), COUNT_ACKNOWLEDGED) < 2)
        until_confirmed(r, &given, 2); /* a turn of the loop */
    rig_stop(r, 0, p);
    rig_stop(r, 1, q);
    struct rig_read read = rig_read(r, "a-1.5", 1, 1);
    assert_int_equal(read.messages[0]->len, sizeof(body));
    assert_memory_equal(read.messages[0]->payload, body, sizeof(body));
    assert_true(rd_kafka_message_timestamp(read.messages[0], NULL) == 1600000000000);
    assert_header(read.messages[0], 0, "n", "1.5", 3);
    assert_header(read.messages[0], 1, "sqsbridge.type.n", "Number.float", 12);
    assert_header(read.messages[0], 2, "raw", "\xff\0", 2);
    rig_read_free(&read);
    read = rig_read(r, "a-none", 1, 1);
    assert_null(read.messages[0]->payload);
    rig_read_free(&read);
    template_free(first);
    template_free(second);
}

static uint32_t three_lanes(size_t i)
{
    return 100 + (uint32_t)(i % 3);
}

static void test_where_messages_land(void **state)
{
    struct rig *r = *state;
    enum { N = 300 };
    struct msg_draft *drafts = numbered(N);
    /* Where Java's partitioner puts them: murmur2 of the key, sign bit off, modulo 8. */
    static const struct {
        const char *key;
        int partition;
    } java[] = {{"kafka", 0xd067cf64 & 7}, {"giberish123456789", 0x8f552b0c & 7}};
    for (size_t i = 0; i < N; i++)
        drafts[i].key = i < 2 ? bytes_str(java[i].key) : BYTES_NONE;
    struct given given = {.drafts = drafts, .count = N, .lane_of = three_lanes};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, N);
    rig_topic(r, "out", 8);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, N);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 8, N);
    unsigned last[3] = {0};
    for (size_t i = 0; i < N; i++) {
        const rd_kafka_message_t *m = read.messages[i];
        char text[16];
        snprintf(text, sizeof(text), "%.*s", (int)m->len, (const char *)m->payload);
        unsigned number = (unsigned)atoi(text);
        if (number < 2) {
            assert_int_equal(m->partition, java[number].partition);
        } else { /* without a key, a lane stays in one partition and keeps its order */
            assert_int_equal(m->partition, (100 + number % 3) % 8);
            assert_true(number > last[number % 3]);
            last[number % 3] = number;
        }
    }
    rig_read_free(&read);
    free_numbered(drafts);
    template_free(topic);
}

/* What the broker says to each produce request in turn; none of it may lose, repeat or reorder. */
static void run_with_errors(struct rig *r, const rd_kafka_resp_err_t *errors, size_t count)
{
    enum { N = 200 };
    struct msg_draft *drafts = numbered(N);
    struct given given = {.drafts = drafts, .count = N, .lane_of = NULL};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    rig_topic(r, "out", 1);
    rd_kafka_mock_push_request_errors_array(r->cluster, PRODUCE, count, errors);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, N);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    rig_stop(r, 0, p);
    assert_int_equal(given.released, 0);
    struct rig_read read = rig_read(r, "out", 1, N);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    free_numbered(drafts);
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

/* Eight in one batch, refused as a whole, then by fours, twos, and one: that one is to blame. */
static void test_the_bad_message_alone_is_rejected(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = numbered(8);
    struct given given = {.drafts = drafts, .count = 8};
    struct keeper dead = {.confirm = true};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    conf.dead_letter = (struct sink_conf){&keeper_connector, &dead};
    sink.linger = 100;
    rig_topic(r, "out", 1);
    for (int i = 0; i < 4; i++)
        rd_kafka_mock_push_request_errors(r->cluster, PRODUCE, 1,
                                          RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, 8);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_REJECTED), 1);
    assert_int_equal(dead.count, 1);
    assert_string_equal(dead.seen[0].position, "0");
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(*(const char *)read.messages[i]->payload, '1' + (int)i);
    rig_read_free(&read);
    keeper_free(&dead);
    free_numbered(drafts);
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
    struct template *topic = compile("${attr:to}");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    sink.batch_size = 10000;
    sink.client.properties = (struct opt_list){properties, 1};
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 20);
    conf.dead_letter = (struct sink_conf){&keeper_connector, &dead};
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, 5);
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
    struct msg_draft *drafts = numbered(N);
    struct given given = {.drafts = drafts, .count = N};
    static const char *const properties[] = {"queue.buffering.max.messages=7", "linger.ms=1"};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    sink.client.properties = (struct opt_list){properties, 2};
    struct pipeline_conf conf =
        rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 100);
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, N);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, N);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    free_numbered(drafts);
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
    struct msg_draft *drafts = numbered(N);
    struct given given = {.drafts = drafts, .count = N};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_refused, r); /* from the start on */
    assert_int_equal(given.emitted, 0);
    rd_kafka_mock_broker_set_up(r->cluster, 1);
    until_confirmed(r, &given, 100);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    uint64_t down_ns = uv_hrtime();
    size_t before = given.confirmed;
    while (uv_hrtime() - down_ns < 1500000000)
        until_confirmed(r, &given, 0);
    assert_in_range(given.confirmed, before, before + 10);
    rd_kafka_mock_broker_set_up(r->cluster, 1);
    until_confirmed(r, &given, N);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_REJECTED), 0);
    assert_true(rig_logged(r, "sink kafka out: up again"));
    rig_stop(r, 0, p);
    free_numbered(drafts);
    template_free(topic);
}

static bool says_no_topic(void *arg)
{
    return rig_logged(arg, "writing to topic \"out\": it does not exist (create it");
}

static void test_a_topic_that_comes_later(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = numbered(3);
    struct given given = {.drafts = drafts, .count = 3};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_topic_set_error(r->cluster, "out", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_no_topic, r);
    rd_kafka_mock_topic_set_error(r->cluster, "out", RD_KAFKA_RESP_ERR_NO_ERROR);
    until_confirmed(r, &given, 3);
    rig_stop(r, 0, p);
    free_numbered(drafts);
    template_free(topic);
}

/* The broker lets us see the topic, but not write to it. */
static void test_a_topic_that_refuses(void **state)
{
    struct rig *r = *state;
    struct msg_draft *drafts = numbered(50);
    struct given given = {.drafts = drafts, .count = 50};
    struct template *topic = compile("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    rd_kafka_mock_push_request_errors(r->cluster, PRODUCE, 2,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    struct pipeline *p = rig_start(r, 0, &conf);
    until_confirmed(r, &given, 50);
    assert_true(rig_logged(r, "writing to topic \"out\": this user may not (give it an ACL"));
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_RETRIED), 0);
    rig_stop(r, 0, p);
    struct rig_read read = rig_read(r, "out", 1, 50);
    assert_bodies_in_order(&read);
    rig_read_free(&read);
    free_numbered(drafts);
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
    struct msg_draft *drafts = numbered(100);
    struct given given = {.drafts = drafts, .count = 100};
    struct template *topic = compile("out");
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
    free_numbered(drafts);
    template_free(topic);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOCKED(test_all_is_carried),
        MOCKED(test_there_and_back),
        MOCKED(test_where_messages_land),
        MOCKED(test_errors_that_pass),
        MOCKED(test_a_refused_batch_arrives_in_parts),
        MOCKED(test_a_fatal_error_makes_a_new_producer),
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
