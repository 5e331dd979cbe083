/* Options and properties of the Kafka connector: what lint says. */
#include "connectors/kafka/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/text.h"
#include "connectors/kafka/source.h"

struct complaints {
    struct opt_report report;
    char text[2000]; /* "option: text\n" for each */
    unsigned count;
};

static void note(struct opt_report *r, const char *option, const char *text)
{
    struct complaints *c = (struct complaints *)r;
    size_t len = strlen(c->text);
    snprintf(c->text + len, sizeof(c->text) - len, "%s: %s\n", option ? option : "-", text);
    c->count++;
}

static const char *const topics[] = {"orders"};

static struct kafka_source_conf good_source(void)
{
    return (struct kafka_source_conf){
        .client = {.bootstrap_servers = "127.0.0.1:9"},
        .topics = {topics, 1},
        .group_id = "g",
        .session_timeout = 45000,
        .commit_interval = 250,
    };
}

static struct kafka_sink_conf good_sink(const struct template *topic)
{
    return (struct kafka_sink_conf){
        .client = {.bootstrap_servers = "127.0.0.1:9"},
        .topic = topic,
        .linger = 5,
        .batch_size = 1000000,
    };
}

static struct complaints check_source(const struct kafka_source_conf *conf)
{
    struct complaints c = {.report = {note}};
    kafka_source_check(conf, &c.report);
    return c;
}

static void expect(const struct kafka_source_conf *conf, const char *complaint)
{
    struct complaints c = check_source(conf);
    if (c.count != 1 || !strstr(c.text, complaint))
        fail_msg("wanted \"%s\", got \"%s\"", complaint, c.text);
}

static void expect_property(const char *property, const char *complaint)
{
    struct kafka_source_conf conf = good_source();
    conf.client.properties = (struct opt_list){&property, 1};
    expect(&conf, complaint);
}

static void test_good_ones_pass(void **state)
{
    struct error e;
    (void)state;
    struct template *topic = template_compile("out", &e);
    struct kafka_source_conf source = good_source();
    struct kafka_sink_conf sink = good_sink(topic);
    struct complaints c = check_source(&source);
    assert_string_equal(c.text, "");
    kafka_sink_check(&sink, &c.report);
    assert_string_equal(c.text, "");
    template_free(topic);
}

static void test_properties(void **state)
{
    (void)state;
    expect_property("socket.timeout.ms", "\"socket.timeout.ms\" is not of the form \"name=value\"");
    expect_property("=5", "is not of the form");
    expect_property("no.such=1", "properties: No such configuration property: \"no.such\"");
    expect_property("fetch.min.bytes=x", "properties: Invalid value for configuration property");
    expect_property("fetch.wait.max.ms=999999999", "properties: Configuration property "
                                                   "\"fetch.wait.max.ms\" value 999999999 is "
                                                   "outside allowed range 0..300000");
    expect_property("linger.ms=5", "is a producer property and will be ignored by this consumer");
    expect_property("max.poll.interval.ms=1000", "session_timeout: ");
    expect_property("partition.assignment.strategy=none", "properties: Unsupported partition");
    expect_property("sasl.password=x", "properties are printed; use sasl_password");
    expect_property(" group.id = x", "group.id may not be set: use group_id");
    expect_property("enable.auto.commit=true", "offsets are committed only when every sink");
}

static void test_good_properties_pass(void **state)
{
    static const char *const properties[] = {
        "fetch.wait.max.ms=50", " isolation.level = read_uncommitted",
        "partition.assignment.strategy=cooperative-sticky", "debug=cgrp,topic"};
    struct kafka_source_conf conf = good_source();
    (void)state;
    conf.client.properties = (struct opt_list){properties, 4};
    struct complaints c = check_source(&conf);
    assert_string_equal(c.text, "");
}

static void test_all_faults_in_one_run(void **state)
{
    static const char *const properties[] = {"acks=1", "no.such=1", "junk"};
    static const char *const names[] = {"a b", "^(", "fine"};
    struct kafka_source_conf conf = good_source();
    (void)state;
    conf.client.properties = (struct opt_list){properties, 3};
    conf.topics = (struct opt_list){names, 3};
    conf.client.tls_ca = "ca.pem";
    struct complaints c = check_source(&conf);
    assert_int_equal(c.count, 6);
    assert_non_null(strstr(c.text, "topics: \"a b\" is no name for a topic"));
    assert_non_null(strstr(c.text, "topics: \"^(\" is no regular expression"));
    assert_non_null(strstr(c.text, "security_protocol: the tls_ options need"));
}

static void test_login(void **state)
{
    struct kafka_source_conf conf = good_source();
    (void)state;
    conf.client.sasl_username = "alice";
    expect(&conf, "security_protocol: the sasl_ options need");
    conf.client.security_protocol = KAFKA_SASL_PLAINTEXT;
    expect(&conf, "sasl_mechanism: PLAIN needs sasl_username and sasl_password");
    conf.client.sasl_mechanism = KAFKA_OAUTHBEARER;
    expect(&conf, "sasl_mechanism: OAUTHBEARER needs sasl_token_file");
    conf.client.sasl_mechanism = KAFKA_SCRAM_512;
    conf.client.sasl_password = "secret";
    struct complaints c = check_source(&conf);
    assert_string_equal(c.text, "");
}

static void test_certificates(void **state)
{
    char path[] = "/tmp/sqsbridge-kafka-XXXXXX";
    int fd = mkstemp(path);
    struct kafka_source_conf conf = good_source();
    (void)state;
    assert_true(fd >= 0 && write(fd, "no certificate\n", 15) == 15);
    conf.client.security_protocol = KAFKA_SSL;
    conf.client.tls_cert = path;
    expect(&conf, "tls_cert: tls_cert needs tls_key");
    conf.client.tls_key = path;
    expect(&conf, "tls_cert: ssl.certificate.location failed");
    conf.client.tls_cert = conf.client.tls_key = NULL;
    conf.client.tls_ca = path;
    expect(&conf, "tls_ca: ssl.ca.location failed");
    close(fd);
    unlink(path);
}

static void test_sink(void **state)
{
    static const char *const wrong_side[] = {"fetch.min.bytes=5"};
    static const char *const sticky[] = {"sticky.partitioning.linger.ms=5"};
    struct error e;
    (void)state;
    struct template *topic = template_compile("in/valid", &e);
    struct kafka_sink_conf conf = good_sink(topic);
    struct complaints c = {.report = {note}};
    conf.client.properties = (struct opt_list){wrong_side, 1};
    kafka_sink_check(&conf, &c.report);
    assert_int_equal(c.count, 2);
    assert_non_null(strstr(c.text, "topic: \"in/valid\" is no name for a topic"));
    assert_non_null(strstr(c.text, "is a consumer property and will be ignored by this producer"));
    conf.client.properties = (struct opt_list){sticky, 1};
    kafka_sink_check(&conf, &c.report);
    assert_non_null(strstr(c.text, "sticky.partitioning.linger.ms needs"));
    template_free(topic);
}

/* Each property that librdkafka 2.0.2 knows is refused, or on this list: somebody has thought of
 * it. */
static const char *const allowed[] = {
    "allow.auto.create.topics",
    "api.version.fallback.ms",
    "api.version.request",
    "api.version.request.timeout.ms",
    "batch.num.messages",
    "batch.size",
    "broker.address.family",
    "broker.address.ttl",
    "broker.version.fallback",
    "builtin.features",
    "check.crcs",
    "client.rack",
    "client.software.name",
    "client.software.version",
    "compression.codec",
    "compression.level",
    "connections.max.idle.ms",
    "consume.callback.max.messages",
    "coordinator.query.interval.ms",
    "debug",
    "enable.random.seed",
    "enable.sparse.connections",
    "enable.ssl.certificate.verification",
    "fetch.error.backoff.ms",
    "fetch.max.bytes",
    "fetch.message.max.bytes",
    "fetch.min.bytes",
    "fetch.wait.max.ms",
    "group.protocol.type",
    "heartbeat.interval.ms",
    "isolation.level",
    "log.connection.close",
    "log_level",
    "max.poll.interval.ms",
    "message.copy.max.bytes",
    "message.max.bytes",
    "metadata.max.age.ms",
    "metadata.request.timeout.ms",
    "partition.assignment.strategy",
    "partitioner",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "queued.max.messages.kbytes",
    "queued.min.messages",
    "receive.message.max.bytes",
    "reconnect.backoff.jitter.ms",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "request.timeout.ms",
    "retry.backoff.ms",
    "sasl.kerberos.kinit.cmd",
    "sasl.kerberos.min.time.before.relogin",
    "sasl.kerberos.principal",
    "sasl.kerberos.service.name",
    "sasl.oauthbearer.method",
    "socket.blocking.max.ms",
    "socket.connection.setup.timeout.ms",
    "socket.keepalive.enable",
    "socket.max.fails",
    "socket.nagle.disable",
    "socket.receive.buffer.bytes",
    "socket.send.buffer.bytes",
    "socket.timeout.ms",
    "ssl.ca.certificate.stores",
    "ssl.endpoint.identification.algorithm",
    "ssl.engine.id",
    "statistics.interval.ms",
    "sticky.partitioning.linger.ms",
    "test.mock.broker.rtt",
    "topic.metadata.propagation.max.ms",
    "topic.metadata.refresh.fast.cnt",
    "topic.metadata.refresh.fast.interval.ms",
    "topic.metadata.refresh.interval.ms",
    "topic.metadata.refresh.sparse",
};

static void assert_decided(const char **dump, size_t count)
{
    assert_true(count > 20);
    for (size_t i = 0; i < count; i += 2) { /* name, value, name, value */
        bool is_allowed = false;
        for (size_t k = 0; k < sizeof(allowed) / sizeof(allowed[0]); k++)
            is_allowed |= strcmp(dump[i], allowed[k]) == 0;
        if (is_allowed == (kafka_property_refused(dump[i]) != NULL))
            fail_msg("%s: allowed or refused?", dump[i]);
    }
}

static void test_every_property_is_decided(void **state)
{
    size_t count;
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char **dump = rd_kafka_conf_dump(conf, &count);
    if (rd_kafka_version() >> 16 == 0x0200) assert_decided(dump, count); /* 2.0.x */
    for (size_t k = 0; k < sizeof(allowed) / sizeof(allowed[0]); k++)
        assert_null(kafka_property_refused(allowed[k]));
    rd_kafka_conf_dump_free(dump, count);
    rd_kafka_conf_destroy(conf);
    rd_kafka_topic_conf_t *topic = rd_kafka_topic_conf_new();
    dump = rd_kafka_topic_conf_dump(topic, &count);
    if (rd_kafka_version() >> 16 == 0x0200) assert_decided(dump, count);
    rd_kafka_conf_dump_free(dump, count);
    rd_kafka_topic_conf_destroy(topic);
}

/* What was asked of librdkafka, as it understood it. */
static void assert_set(const rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char found[200];
    size_t size = sizeof(found);
    assert_int_equal(rd_kafka_conf_get(conf, name, found, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(found, value);
}

static void test_what_librdkafka_gets(void **state)
{
    static const char *const properties[] = {"linger.ms=77"};
    struct kafka_conf_run run = {.pipeline = "orders", .worker = 2, .window = 500};
    struct error e;
    (void)state;
    struct template *topic = template_compile("out", &e);
    struct kafka_sink_conf sink = good_sink(topic);
    struct kafka_source_conf source = good_source();
    sink.client.properties = (struct opt_list){properties, 1};
    source.group_instance_id = "edge";
    rd_kafka_conf_t *p = kafka_conf_producer(&sink, &run, &e);
    rd_kafka_conf_t *c = kafka_conf_consumer(&source, &run, &e);
    assert_set(p, "enable.idempotence", "true");
    assert_set(p, "request.required.acks", "-1");
    assert_set(p, "message.timeout.ms", "0");
    assert_set(p, "queue.buffering.max.ms", "77"); /* properties win */
    assert_set(p, "client.id", "sqsbridge-orders-2");
    assert_set(c, "enable.auto.commit", "false");
    assert_set(c, "enable.auto.offset.store", "false");
    assert_set(c, "group.instance.id", "edge-2");
    assert_set(c, "auto.offset.reset", "error"); /* the bridge decides itself */
    assert_set(c, "queued.min.messages", "4000");
    assert_set(c, "fetch.wait.max.ms", "100");
    rd_kafka_conf_destroy(p);
    rd_kafka_conf_destroy(c);
    source.lost_offset = KAFKA_LOST_RESET;
    c = kafka_conf_consumer(&source, &run, &e);
    assert_set(c, "auto.offset.reset", "smallest"); /* librdkafka's word for earliest */
    rd_kafka_conf_destroy(c);
    template_free(topic);
}

static void test_lanes(void **state)
{
    (void)state;
    uint32_t lane = kafka_lane_of("orders", 0);
    assert_int_equal(kafka_lane_of("orders", 0), lane);
    unsigned same = 0;
    for (int32_t i = 0; i < 1000; i++) {
        assert_int_not_equal(kafka_lane_of("orders", i), 0);
        same += i > 0 && kafka_lane_of("orders", i) == lane;
    }
    assert_int_equal(same, 0);
    assert_int_not_equal(kafka_lane_of("orders-1", 1), kafka_lane_of("orders", 11));
}

static void test_names_of_topics(void **state)
{
    char long_name[251];
    (void)state;
    memset(long_name, 'x', sizeof(long_name));
    assert_true(kafka_topic_is_legal(BYTES_LIT("a.B_c-9")));
    assert_true(kafka_topic_is_legal(BYTES_LIT("...")));
    assert_true(kafka_topic_is_legal(bytes_of(long_name, 249)));
    assert_false(kafka_topic_is_legal(bytes_of(long_name, 250)));
    assert_false(kafka_topic_is_legal(BYTES_LIT("")));
    assert_false(kafka_topic_is_legal(BYTES_LIT(".")));
    assert_false(kafka_topic_is_legal(BYTES_LIT("..")));
    assert_false(kafka_topic_is_legal(BYTES_LIT("a/b")));
    assert_false(kafka_topic_is_legal(BYTES_LIT("gr\xc3\xbcn")));
    assert_false(kafka_topic_is_legal(bytes_of("a\0b", 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones_pass),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_good_properties_pass),
        cmocka_unit_test(test_all_faults_in_one_run),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_sink),
        cmocka_unit_test(test_every_property_is_decided),
        cmocka_unit_test(test_what_librdkafka_gets),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_names_of_topics),
    };
    return cmocka_run_group_tests_name("kafka_conf", tests, NULL, NULL);
}
