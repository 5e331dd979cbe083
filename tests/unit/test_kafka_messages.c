/* What a message keeps on its way into Kafka and out of it, and where it lands. Against
 * librdkafka's mock cluster. */
#include "tests/unit/test_kafka_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, 10);
    rig_topic(r, "out", 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, 3);
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
    struct template *first = rig_template("a"), *second = rig_template("${topic}-${attr:n:-none}");
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
    rig_until_confirmed(r, &given, 2);
    while (stats_get(pipeline_stats(q), COUNT_ACKNOWLEDGED) < 2)
        rig_until_confirmed(r, &given, 2); /* a turn of the loop */
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
    struct msg_draft *drafts = rig_numbered(N);
    /* Where Java's partitioner puts them: murmur2 of the key, sign bit off, modulo 8. */
    static const struct {
        const char *key;
        int partition;
    } java[] = {{"kafka", 0xd067cf64 & 7}, {"giberish123456789", 0x8f552b0c & 7}};
    for (size_t i = 0; i < N; i++)
        drafts[i].key = i < 2 ? bytes_str(java[i].key) : BYTES_NONE;
    struct given given = {.drafts = drafts, .count = N, .lane_of = three_lanes};
    struct template *topic = rig_template("out");
    struct kafka_sink_conf sink = rig_sink_conf(r, topic);
    struct pipeline_conf conf = rig_pipeline(&given_connector, &given, &connector_kafka, &sink, N);
    rig_topic(r, "out", 8);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_confirmed(r, &given, N);
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
    rig_free_numbered(drafts);
    template_free(topic);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOCKED(test_all_is_carried),
        MOCKED(test_there_and_back),
        MOCKED(test_where_messages_land),
    };
    return cmocka_run_group_tests_name("kafka_messages", tests, NULL, NULL);
}
