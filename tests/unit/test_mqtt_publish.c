/* Publishing through Paho against a scripted broker: what each answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_broker.h"
#include "tests/mqtt/scripted_client.h"

enum { MANY = 20 };

struct world {
    struct broker broker;
    struct client client;
    struct leg legs[MANY];
};

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof(*w));
    struct msg_draft draft = {.body = BYTES_LIT("0123456789")};
    struct packet p;
    for (size_t i = 0; i < MANY; i++)
        w->legs[i].msg = msg_new(&draft);
    broker_start(&w->broker, true);
    client_prepare(&w->client, "127.0.0.1", w->broker.port);
    client_open_sink(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    /* Receive Maximum 10, Maximum Packet Size 100, Maximum QoS 1, no retained messages */
    static const char properties[] = "\x21\0\x0a\x27\0\0\0\x64\x24\1\x25\0";
    broker_connack(&w->broker, false, 0, properties, sizeof(properties) - 1);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    broker_stop(&w->broker);
    client_close(&w->client);
    for (size_t i = 0; i < MANY; i++)
        msg_unref(w->legs[i].msg);
    free(w);
    return 0;
}

static void wait_up(struct world *w)
{
    free(client_wait(&w->client, MQTT_UP));
}

static void expect_outcome(struct world *w, const struct leg *l, enum mqtt_outcome outcome,
                           uint8_t reason)
{
    struct mqtt_publish *p = client_wait(&w->client, MQTT_PUBLISHED);
    assert_ptr_equal(p->leg, l);
    assert_int_equal(p->outcome, outcome);
    assert_int_equal(p->reason, reason);
    free(p);
}

static uint16_t publish_arrives(struct world *w)
{
    struct packet p;
    broker_expect(&w->broker, PUBLISH, &p);
    return packet_id(&p);
}

static void test_limits_of_the_broker_are_known(void **state)
{
    struct world *w = *state;
    struct mqtt_up *up = client_wait(&w->client, MQTT_UP);
    assert_int_equal(up->limits.receive_max, 10);
    assert_int_equal(up->limits.max_packet, 100);
    assert_int_equal(up->limits.max_qos, 1);
    assert_false(up->limits.retain);
    free(up);
}

static void test_reason_codes(void **state)
{
    struct world *w = *state;
    static const uint8_t codes[] = {0x00, 0x10, 0x80, 0x87, 0x97, 0x99};
    wait_up(w);
    for (size_t i = 0; i < sizeof(codes); i++) {
        client_publish(&w->client, &w->legs[i], "t/a");
        broker_puback(&w->broker, publish_arrives(w), codes[i]);
        if (codes[i] < 0x80)
            expect_outcome(w, &w->legs[i], PUBLISH_CONFIRMED, 0);
        else
            expect_outcome(w, &w->legs[i], PUBLISH_REFUSED, codes[i]);
    }
}

static void test_too_large_for_the_broker_is_not_sent(void **state)
{
    struct world *w = *state;
    char topic[90];
    wait_up(w);
    memset(topic, 't', sizeof(topic));
    topic[82] = '\0'; /* 2 + 82 + 2 + 1 + 10 and the header: 99 */
    client_publish(&w->client, &w->legs[0], topic);
    broker_puback(&w->broker, publish_arrives(w), 0);
    expect_outcome(w, &w->legs[0], PUBLISH_CONFIRMED, 0);
    strcpy(topic + 82, "tt");
    client_publish(&w->client, &w->legs[1], topic);
    expect_outcome(w, &w->legs[1], PUBLISH_TOO_LARGE, 0);
    assert_false(broker_has_input(&w->broker));
}

/* In any order: what Paho has not taken yet when the connection ends can overtake what it has. The
 * pipeline sorts. */
static void expect_lost(struct world *w, size_t count, bool *lost)
{
    while (count--) {
        struct mqtt_publish *p = client_wait(&w->client, MQTT_PUBLISHED);
        size_t i = (size_t)(p->leg - w->legs);
        assert_int_equal(p->outcome, PUBLISH_DOWN);
        assert_false(lost[i]);
        lost[i] = true;
        free(p);
    }
}

/* Those that were not answered come back as lost, each once, and none of them leaves on the next
 * connection by itself. */
static void test_lost_connection(void **state)
{
    struct world *w = *state;
    wait_up(w);
    for (size_t i = 0; i < MANY; i++)
        client_publish(&w->client, &w->legs[i], "t/a");
    publish_arrives(w);
    broker_puback(&w->broker, publish_arrives(w), 0); /* the second */
    expect_outcome(w, &w->legs[1], PUBLISH_CONFIRMED, 0);
    broker_hang_up(&w->broker);
    free(client_wait(&w->client, MQTT_DOWN));
    expect_lost(w, MANY - 1, (bool[MANY]){[1] = true});
    assert_false(client_has(&w->client, MQTT_PUBLISHED));

    broker_welcome(&w->broker, false, false);
    wait_up(w);
    client_publish(&w->client, &w->legs[0], "t/again");
    struct packet p;
    broker_expect(&w->broker, PUBLISH, &p);
    assert_memory_equal(p.body, "\0\7t/again", 9);
    assert_int_equal(p.flags & 8, 0); /* no dup */
    broker_puback(&w->broker, packet_id(&p), 0);
    expect_outcome(w, &w->legs[0], PUBLISH_CONFIRMED, 0);
}

static void test_publish_while_disconnected_is_lost_at_once(void **state)
{
    struct world *w = *state;
    wait_up(w);
    broker_hang_up(&w->broker);
    free(client_wait(&w->client, MQTT_DOWN));
    client_publish(&w->client, &w->legs[0], "t/a");
    expect_outcome(w, &w->legs[0], PUBLISH_DOWN, 0);
}

static void test_broker_says_goodbye(void **state)
{
    struct world *w = *state;
    wait_up(w);
    broker_write(&w->broker, "\xe0\2\x8b\0", 4); /* DISCONNECT: server shutting down */
    struct mqtt_down *down = client_wait(&w->client, MQTT_DOWN);
    assert_non_null(strstr(down->why.text, "broker shutting down"));
    free(down);
}

static void test_close_with_work_under_way(void **state)
{
    struct world *w = *state;
    wait_up(w);
    client_publish(&w->client, &w->legs[0], "t/a");
    publish_arrives(w);
    mqtt_client_close(w->client.mqtt);
    expect_outcome(w, &w->legs[0], PUBLISH_DOWN, 0);
}

static int tear_down_closing(void **state)
{
    struct world *w = *state;
    client_finish(&w->client);
    broker_stop(&w->broker);
    for (size_t i = 0; i < MANY; i++)
        msg_unref(w->legs[i].msg);
    free(w);
    return 0;
}

#define PUBLISH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PUBLISH_TEST(test_limits_of_the_broker_are_known),
        PUBLISH_TEST(test_reason_codes),
        PUBLISH_TEST(test_too_large_for_the_broker_is_not_sent),
        PUBLISH_TEST(test_lost_connection),
        PUBLISH_TEST(test_publish_while_disconnected_is_lost_at_once),
        PUBLISH_TEST(test_broker_says_goodbye),
        cmocka_unit_test_setup_teardown(test_close_with_work_under_way, set_up, tear_down_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
