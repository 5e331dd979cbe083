/* Addresses, topics, client identifiers, and the rules between options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "connectors/mqtt/mqtt_conf.h"

/* ---- addresses ---- */

static void expect_url(const char *text, const char *for_paho)
{
    struct mqtt_url u;
    struct error e;
    char paho[600];
    assert_true(mqtt_url_parse(text, &u, &e));
    mqtt_url_for_paho(&u, paho, sizeof(paho));
    assert_string_equal(paho, for_paho);
}

static void test_addresses(void **state)
{
    (void)state;
    expect_url("mqtt://broker", "tcp://broker:1883");
    expect_url("mqtt://broker/", "tcp://broker:1883");
    expect_url("mqtts://broker.example.com", "ssl://broker.example.com:8883");
    expect_url("mqtts://broker:443", "ssl://broker:443");
    expect_url("mqtt://[::1]:1884", "tcp://[::1]:1884");
    expect_url("mqtt://[fe80::1]", "tcp://[fe80::1]:1883");
    expect_url("ws://broker", "ws://broker:80");
    expect_url("ws://broker:8080/mqtt", "ws://broker:8080/mqtt");
    expect_url("wss://broker/a/b", "wss://broker:443/a/b");
}

static void test_malformed_addresses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "broker",
        "tcp://broker",
        "http://broker",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://broker:",
        "mqtt://broker:0",
        "mqtt://[::1",
        "mqtt://broker:65536",
        "mqtt://broker:18a",
        "mqtt://user:pw@broker",
        "mqtt://b/x",
        "ws://broker/a:b",
        "mqtt://a b",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct mqtt_url u;
        struct error e = {0};
        if (mqtt_url_parse(bad[i], &u, &e)) fail_msg("\"%s\" was accepted", bad[i]);
        assert_int_equal(e.fault, FAULT_CONFIG);
        assert_true(*e.text);
    }
}

/* ---- topics ---- */

static void test_topics_to_publish_to(void **state)
{
    (void)state;
    assert_true(mqtt_topic_is_valid(BYTES_LIT("a")));
    assert_true(mqtt_topic_is_valid(BYTES_LIT("/a//b/")));
    assert_true(mqtt_topic_is_valid(BYTES_LIT("caf\xc3\xa9")));
    assert_false(mqtt_topic_is_valid(BYTES_LIT("")));
    assert_false(mqtt_topic_is_valid(BYTES_LIT("a/+")));
    assert_false(mqtt_topic_is_valid(BYTES_LIT("a/#")));
    assert_false(mqtt_topic_is_valid(BYTES_LIT("a\0b")));
    assert_false(mqtt_topic_is_valid(BYTES_LIT("\xff")));
    char *longest = mem_alloc(65536);
    memset(longest, 'x', 65536);
    assert_true(mqtt_topic_is_valid(bytes_of(longest, 65535)));
    assert_false(mqtt_topic_is_valid(bytes_of(longest, 65536)));
    free(longest);
}

static void test_topic_filters(void **state)
{
    (void)state;
    static const char *const good[] = {"a",     "#",   "+",   "a/#",          "+/b/#",
                                       "a/+/c", "+/+", "/+/", "$share/g/a/#", "$share/g/+"};
    static const char *const bad[] = {"",          "a#",        "#/a",       "a/#/b",
                                      "a+",        "+a/b",      "a/b+c",     "$share/g",
                                      "$share//a", "$share/g/", "$share/+/a"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!mqtt_filter_is_valid(bytes_str(good[i]))) fail_msg("\"%s\" was refused", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (mqtt_filter_is_valid(bytes_str(bad[i]))) fail_msg("\"%s\" was accepted", bad[i]);
}

/* ---- client identifiers ---- */

static void test_client_ids(void **state)
{
    (void)state;
    struct mqtt_conf given = {.client_id = "gateway"}, none = {0};
    char *first = mqtt_client_id(&given, "p", 0, true);
    char *second = mqtt_client_id(&given, "p", 1, true);
    assert_string_equal(first, "gateway");
    assert_string_equal(second, "gateway-1");
    free(first);
    free(second);

    first = mqtt_client_id(&none, "uplink", 0, true);
    second = mqtt_client_id(&none, "uplink", 0, true);
    assert_non_null(strstr(first, "uplink"));
    assert_string_equal(first, second); /* the broker must know us again */
    free(second);
    second = mqtt_client_id(&none, "uplink", 0, false);
    assert_string_not_equal(first, second); /* a source and a sink of one pipeline differ */
    free(first);
    free(second);
}

/* ---- rules between options ---- */

struct complaints {
    struct opt_report report;
    char options[400];
};

static void complain(struct opt_report *r, const char *option, const char *text)
{
    struct complaints *c = (struct complaints *)r;
    size_t len = strlen(c->options);
    assert_true(*text);
    snprintf(c->options + len, sizeof(c->options) - len, "%s%s", len ? "," : "", option);
}

static const char *const one_topic[] = {"a/#"};

static struct mqtt_source_conf good_source(void)
{
    return (struct mqtt_source_conf){
        .mqtt = {.server = "mqtt://broker",
                 .keep_alive = 30,
                 .reconnect_delay = 1000,
                 .reconnect_max_delay = 30000,
                 .tls_verify = true},
        .topics = {one_topic, 1},
        .qos = 1,
    };
}

static void expect_complaints(const struct mqtt_source_conf *conf, const char *options)
{
    struct complaints c = {.report = {complain}};
    mqtt_source_check(conf, &c.report);
    assert_string_equal(c.options, options);
}

static void test_rules(void **state)
{
    (void)state;
    struct mqtt_source_conf c = good_source();
    expect_complaints(&c, "");
    c.qos = 2;
    expect_complaints(&c, "qos");
    c = good_source();
    c.mqtt.server = "broker:1883";
    expect_complaints(&c, "server");
    c = good_source();
    c.mqtt.tls_ca = "/nowhere/ca.crt";
    expect_complaints(&c, "server"); /* plain */
    c.mqtt.server = "mqtts://broker";
    expect_complaints(&c, ""); /* that it can't be read is said by lint itself */
    c.mqtt.tls_key = "/nowhere/key.pem";
    expect_complaints(&c, "tls_key");
    c = good_source();
    c.mqtt.will_payload = "gone";
    c.mqtt.reconnect_max_delay = 1;
    c.mqtt.proxy = "http://proxy";
    c.mqtt.client_id = "";
    expect_complaints(&c, "will_payload,proxy,reconnect_max_delay,client_id");
    c = good_source();
    c.topics = (struct opt_list){(const char *const[]){"a/#/b"}, 1};
    expect_complaints(&c, "topics");
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_files_that_hold_no_certificate(void **state)
{
    (void)state;
    char path[] = "/tmp/test_mqtt_XXXXXX";
    int fd = mkstemp(path);
    struct mqtt_source_conf c = good_source();
    assert_true(fd >= 0);
    write_file(path, "this is no certificate\n");
    c.mqtt.server = "mqtts://broker";
    c.mqtt.tls_ca = path;
    expect_complaints(&c, "tls_ca");
    c.mqtt.tls_ca = NULL;
    c.mqtt.tls_cert = path;
    expect_complaints(&c, "tls_cert");
    remove(path);
}

static void test_promises(void **state)
{
    (void)state;
    extern const struct connector connector_mqtt;
    struct mqtt_source_conf c = good_source();
    struct source_promise p = connector_mqtt.source->promise(&c);
    assert_true(p.at_least_once);
    assert_string_equal(p.ordered_by, "topic");
    c.qos = 0;
    p = connector_mqtt.source->promise(&c);
    assert_false(p.at_least_once);
    assert_non_null(p.why);
    c = good_source();
    c.topics = (struct opt_list){(const char *const[]){"$share/g/a"}, 1};
    assert_null(connector_mqtt.source->promise(&c).ordered_by); /* other members have the rest */
    struct mqtt_sink_conf sink = {.qos = 0};
    assert_false(connector_mqtt.sink->promise(&sink).confirmed);
    sink.qos = 1;
    assert_true(connector_mqtt.sink->promise(&sink).confirmed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_malformed_addresses),
        cmocka_unit_test(test_topics_to_publish_to),
        cmocka_unit_test(test_topic_filters),
        cmocka_unit_test(test_client_ids),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_files_that_hold_no_certificate),
        cmocka_unit_test(test_promises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
