/* The sink in a pipeline, against a scripted broker: the broker's limits, what its reason codes do
 * to a message, and topic aliases. The pipeline runs on a thread of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/template.h"
#include "connectors/mqtt/mqtt_conf.h"
#include "tests/mqtt/scripted_broker.h"
#include "tests/unit/scripted.h"

extern const struct connector connector_mqtt;

enum { MESSAGES = 10, QUIET_MS = 150 };

struct world {
    struct broker broker;
    char server[64];
    struct template *topic;
    struct scripted_source_conf source;
    struct mqtt_sink_conf sink;
    struct pipeline_conf conf;
    struct loop *loop;
    struct pipeline *pipeline;
    pthread_t thread;
    struct post stop;
};

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof(*w));
    struct error e;
    broker_start(&w->broker, true);
    snprintf(w->server, sizeof(w->server), "mqtt://127.0.0.1:%u", w->broker.port);
    w->topic = template_compile("to/here", &e);
    w->source = (struct scripted_source_conf){.total = MESSAGES, .lanes = 1, .chunk = 1};
    w->sink = (struct mqtt_sink_conf){
        .mqtt = {.server = w->server,
                 .client_id = "scripted",
                 .keep_alive = 30,
                 .connect_timeout = 10,
                 .reconnect_delay = 10,
                 .reconnect_max_delay = 50},
        .topic = w->topic,
        .qos = 1,
        .max_in_flight = 100,
        .topic_aliases = 16,
    };
    w->conf = scripted_pipeline(&w->source, NULL);
    w->conf.sinks[0] = (struct sink_conf){&connector_mqtt, &w->sink};
    *state = w;
    return 0;
}

static void on_closed(struct pipeline *p, void *arg)
{
    (void)p;
    loop_stop(arg);
}

static void *run(void *arg)
{
    struct world *w = arg;
    struct error e;
    if (!pipeline_start(w->pipeline, &e)) abort();
    loop_run(w->loop);
    return NULL;
}

static void start(struct world *w)
{
    w->loop = loop_create();
    w->pipeline = pipeline_create(&w->conf, w->loop, 0);
    pipeline_on_closed(w->pipeline, on_closed, w->loop);
    pthread_create(&w->thread, NULL, run, w);
}

/* properties: of CONNACK */
static void start_with(struct world *w, const char *properties, size_t len)
{
    struct packet p;
    start(w);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    broker_connack(&w->broker, false, 0, properties, len);
}

static void stop(struct post *post)
{
    struct world *w = (struct world *)((char *)post - offsetof(struct world, stop));
    pipeline_abort(w->pipeline);
}

static int tear_down(void **state)
{
    struct world *w = *state;
    w->stop.run = stop;
    loop_post(w->loop, &w->stop);
    pthread_join(w->thread, NULL);
    pipeline_destroy(w->pipeline);
    loop_destroy(w->loop);
    broker_stop(&w->broker);
    template_free(w->topic);
    free(w->source.verdicts);
    free(w);
    return 0;
}

static uint64_t count(const struct world *w, enum counter which)
{
    return stats_get(pipeline_stats(w->pipeline), which);
}

static void wait_count(const struct world *w, enum counter which, uint64_t n)
{
    uint64_t deadline_ns = uv_hrtime() + UINT64_C(10000000000);
    while (count(w, which) < n)
        if (uv_hrtime() > deadline_ns) fail_msg("waited in vain for %s", counter_name(which));
}

static uint16_t expect_publish(struct world *w)
{
    struct packet p;
    broker_expect(&w->broker, PUBLISH, &p);
    return packet_id(&p);
}

/* Never more on the way than the broker said, and as many as it said. */
static void test_receive_maximum_of_the_broker(void **state)
{
    struct world *w = *state;
    uint16_t ids[MESSAGES];
    start_with(w, "\x21\0\3", 3);
    for (size_t i = 0; i < 3; i++)
        ids[i] = expect_publish(w);
    for (size_t i = 3; i < MESSAGES; i++) {
        assert_false(broker_hears_within(&w->broker, QUIET_MS));
        broker_puback(&w->broker, ids[i - 3], 0);
        ids[i] = expect_publish(w);
    }
    for (size_t i = MESSAGES - 3; i < MESSAGES; i++)
        broker_puback(&w->broker, ids[i], 0);
    wait_count(w, COUNT_ACKNOWLEDGED, MESSAGES);
}

static void test_maximum_qos_of_the_broker(void **state)
{
    struct world *w = *state;
    start_with(w, "\x24\0", 2);
    assert_false(broker_hears_within(&w->broker, QUIET_MS)); /* not with less than was asked for */
    assert_int_equal(count(w, COUNT_REJECTED), 0);           /* and no message is to blame */
}

static void test_a_broker_without_retained_messages(void **state)
{
    struct world *w = *state;
    w->sink.retain = true;
    w->source.total = 1;
    start_with(w, "\x25\0", 2);
    wait_count(w, COUNT_REJECTED, 1);
    assert_false(broker_has_input(&w->broker));
}

/* Quota exceeded: later. Topic name not valid: never. The others are not touched by it. */
static void test_reason_codes_of_one_message(void **state)
{
    struct world *w = *state;
    w->source.total = 3;
    w->source.lanes = 0;
    start_with(w, NULL, 0);
    uint16_t first = expect_publish(w), second = expect_publish(w), third = expect_publish(w);
    broker_puback(&w->broker, first, 0x97);
    broker_puback(&w->broker, third, 0);
    broker_puback(&w->broker, expect_publish(w), 0); /* the first one again */
    wait_count(w, COUNT_RETRIED, 1);
    wait_count(w, COUNT_ACKNOWLEDGED, 2);
    assert_int_equal(count(w, COUNT_REJECTED), 0);
    broker_puback(&w->broker, second, 0x90);
    wait_count(w, COUNT_REJECTED, 1);
}

/* What a PUBLISH says: its topic, and the alias (0: none). */
static void expect_topic(struct world *w, const char *topic, uint16_t alias, uint8_t code)
{
    struct packet p;
    broker_expect(&w->broker, PUBLISH, &p);
    size_t len = (size_t)(p.body[0] << 8 | p.body[1]);
    const uint8_t *properties = p.body + 2 + len + 2, *last = properties + properties[0] - 2;
    assert_int_equal(len, strlen(topic));
    assert_memory_equal(p.body + 2, topic, len);
    bool has_alias = properties[0] >= 3 && last[0] == 0x23;
    assert_int_equal(has_alias ? last[1] << 8 | last[2] : 0, alias);
    broker_puback(&w->broker, packet_id(&p), code);
}

/* The topic goes along until the broker has taken a message with it. */
static void test_topic_alias(void **state)
{
    struct world *w = *state;
    w->sink.max_in_flight = 1;
    start_with(w, "\x22\0\5", 3);
    expect_topic(w, "to/here", 0, 0); /* it may never come again */
    expect_topic(w, "to/here", 1, 0x97);
    expect_topic(w, "to/here", 1, 0);
    for (int i = 2; i < MESSAGES; i++)
        expect_topic(w, "", 1, 0);
    wait_count(w, COUNT_ACKNOWLEDGED, MESSAGES);
}

/* An alias is the connection's. */
static void test_topic_alias_of_the_next_connection(void **state)
{
    struct world *w = *state;
    struct packet p;
    w->sink.max_in_flight = 1;
    start_with(w, "\x22\0\5", 3);
    expect_topic(w, "to/here", 0, 0);
    expect_topic(w, "to/here", 1, 0);
    expect_topic(w, "", 1, 0);
    broker_accept(&w->broker); /* which hangs up first */
    broker_expect(&w->broker, CONNECT, &p);
    broker_connack(&w->broker, false, 0, NULL, 0); /* takes none */
    for (uint64_t done = 0; done < MESSAGES - 3; done++)
        expect_topic(w, "to/here", 0, 0);
    wait_count(w, COUNT_ACKNOWLEDGED, MESSAGES);
}

static void test_topic_alias_only_where_wanted(void **state)
{
    struct world *w = *state;
    w->sink.topic_aliases = 0;
    start_with(w, "\x22\0\5", 3);
    for (int i = 0; i < MESSAGES; i++)
        expect_topic(w, "to/here", 0, 0);
    wait_count(w, COUNT_ACKNOWLEDGED, MESSAGES);
}

#define SINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SINK_TEST(test_receive_maximum_of_the_broker),
        SINK_TEST(test_maximum_qos_of_the_broker),
        SINK_TEST(test_a_broker_without_retained_messages),
        SINK_TEST(test_reason_codes_of_one_message),
        SINK_TEST(test_topic_alias),
        SINK_TEST(test_topic_alias_of_the_next_connection),
        SINK_TEST(test_topic_alias_only_where_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
