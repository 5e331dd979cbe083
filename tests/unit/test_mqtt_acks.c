/* The way from a PUBLISH to its PUBACK through Paho, against a scripted broker: nothing is
 * acknowledged before it is confirmed. Linked without the gate (test_mqtt_acks_nogate) the first
 * test must fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_broker.h"
#include "tests/mqtt/scripted_client.h"

struct world {
    struct broker broker;
    struct client client;
};

static int set_up_version(void **state, bool v5)
{
    struct world *w = mem_zalloc(sizeof(*w));
    broker_start(&w->broker, v5);
    client_prepare(&w->client, "127.0.0.1", w->broker.port);
    w->client.conf.protocol = v5 ? MQTT_5 : MQTT_3_1_1;
    client_open_source(&w->client);
    broker_welcome(&w->broker, false, true);
    free(client_wait(&w->client, MQTT_UP));
    *state = w;
    return 0;
}

static int set_up(void **state)
{
    return set_up_version(state, true);
}

static int set_up_3(void **state)
{
    return set_up_version(state, false);
}

/* A client that goes asks whether all was read, and says goodbye where it can. */
static int tear_down(void **state)
{
    struct world *w = *state;
    broker_stop(&w->broker);
    client_close(&w->client);
    free(w);
    return 0;
}

static struct receipt arrival(struct world *w, const char *body)
{
    struct mqtt_arrival *a = client_wait(&w->client, MQTT_ARRIVED);
    struct receipt r = {.verdict = VERDICT_CONFIRMED, .cookie = a->token};
    assert_int_equal(a->message->payloadlen, strlen(body));
    assert_memory_equal(a->message->payload, body, strlen(body));
    mqtt_arrival_free(a);
    return r;
}

static void settle(struct world *w, struct receipt *r)
{
    r->next = NULL;
    mqtt_client_settle(w->client.mqtt, r);
}

static void expect_puback(struct world *w, uint16_t id)
{
    struct packet p;
    broker_expect(&w->broker, PUBACK, &p);
    assert_int_equal(packet_id(&p), id);
}

static size_t acked(struct world *w)
{
    struct mqtt_acked *a = client_wait(&w->client, MQTT_ACKED);
    size_t n = 0;
    for (struct receipt *r = a->done; r; r = r->next)
        n++;
    free(a);
    return n;
}

/* Paho would write the first PUBACK before it looks at the second message, so once the third has
 * been handed over, two of them would be on their way. */
static void test_no_puback_before_confirm(void **state)
{
    struct world *w = *state;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    broker_publish(&w->broker, 2, false, "t/a", "two");
    broker_publish(&w->broker, 3, false, "t/b", "three");
    struct receipt one = arrival(w, "one"), two = arrival(w, "two"), three = arrival(w, "three");
    assert_false(broker_has_input(&w->broker));

    settle(w, &three);
    assert_false(client_has(&w->client, MQTT_ACKED));
    settle(w, &one);
    expect_puback(w, 1);
    assert_int_equal(acked(w), 1);
    assert_false(broker_has_input(&w->broker)); /* 3 waits for 2: in order of arrival */
    settle(w, &two);
    expect_puback(w, 2);
    expect_puback(w, 3);
    assert_int_equal(acked(w), 2);
}

static void test_given_back_is_not_acknowledged(void **state)
{
    struct world *w = *state;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    broker_publish(&w->broker, 2, false, "t/a", "two");
    struct receipt one = arrival(w, "one"), two = arrival(w, "two");
    one.verdict = VERDICT_RELEASED;
    one.next = &two;
    mqtt_client_settle(w->client.mqtt, &one);
    expect_puback(w, 2);
    assert_int_equal(acked(w), 2);
}

static void test_resumed_session(void **state)
{
    struct world *w = *state;
    bool v5 = w->broker.v5;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    broker_publish(&w->broker, 2, false, "t/a", "two");
    struct receipt one = arrival(w, "one"), two = arrival(w, "two");
    broker_hang_up(&w->broker);
    free(client_wait(&w->client, MQTT_DOWN));
    settle(w, &two); /* nobody to tell: it comes back, and the gate remembers */
    assert_int_equal(acked(w), 1);

    broker_welcome(&w->broker, true, v5); /* 3.1.1 does not subscribe again: retained messages */
    free(client_wait(&w->client, MQTT_UP));
    assert_false(broker_has_input(&w->broker));
    broker_publish(&w->broker, 1, true, "t/a", "one");
    broker_publish(&w->broker, 2, true, "t/a", "two");
    free(client_wait(&w->client, MQTT_REDELIVERED));
    free(client_wait(&w->client, MQTT_REDELIVERED));
    assert_false(client_has(&w->client, MQTT_ARRIVED));
    settle(w, &one);
    expect_puback(w, 1);
    expect_puback(w, 2);
    assert_int_equal(acked(w), 1);
}

static void test_lost_session(void **state)
{
    struct world *w = *state;
    broker_publish(&w->broker, 1, false, "t/a", "old");
    struct receipt old = arrival(w, "old");
    broker_hang_up(&w->broker);
    broker_welcome(&w->broker, false, true);
    free(client_wait(&w->client, MQTT_UP));
    broker_publish(&w->broker, 1, true, "t/a", "old"); /* of a session that is not ours */
    struct receipt again = arrival(w, "old");
    settle(w, &old);
    assert_int_equal(acked(w), 1);
    assert_false(broker_has_input(&w->broker));
    settle(w, &again);
    expect_puback(w, 1);
    assert_int_equal(acked(w), 1);
}

/* Confirmed while the connection comes up: a PUBACK before CONNECT or CONNACK is a protocol error.
 */
static void test_nothing_is_written_before_connack(void **state)
{
    struct world *w = *state;
    struct packet p;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    struct receipt one = arrival(w, "one");
    broker_accept(&w->broker); /* which hangs up first */
    settle(w, &one);
    assert_int_equal(acked(w), 1);
    broker_expect(&w->broker, CONNECT, &p);
    assert_false(broker_has_input(&w->broker));
    broker_connack(&w->broker, true, 0, NULL, 0);
    if (w->broker.v5) {
        broker_expect(&w->broker, SUBSCRIBE, &p);
        broker_suback(&w->broker, &p, 1);
    }
    free(client_wait(&w->client, MQTT_UP));
    broker_publish(&w->broker, 1, true, "t/a", "one");
    expect_puback(w, 1);
}

/* PUBACKs leave, then the question whether they were read, then goodbye. */
static void test_close_waits_until_the_broker_has_read(void **state)
{
    struct world *w = *state;
    struct packet p;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    struct receipt one = arrival(w, "one");
    settle(w, &one);
    mqtt_client_close(w->client.mqtt);
    expect_puback(w, 1);
    broker_expect(&w->broker, UNSUBSCRIBE, &p);
    assert_false(client_has(&w->client, MQTT_CLOSED));
    broker_unsuback(&w->broker, &p);
    broker_expect(&w->broker, DISCONNECT, &p);
    broker_expect_end(&w->broker);
    assert_int_equal(acked(w), 1);
}

static int tear_down_closing(void **state)
{
    struct world *w = *state;
    broker_stop(&w->broker);
    client_finish(&w->client);
    free(w);
    return 0;
}

static void expect_oldest(struct world *w, uint16_t packet_id, size_t behind)
{
    struct mqtt_oldest *o;
    bool found = false;
    while (!found) {
        o = client_wait(&w->client, MQTT_OLDEST);
        found = o->packet_id == packet_id && o->behind == behind;
        free(o);
    }
}

/* Said about once a second, while one waits, and once more when none does. */
static void test_what_waits_longest(void **state)
{
    struct world *w = *state;
    broker_publish(&w->broker, 1, false, "t/a", "one");
    broker_publish(&w->broker, 2, false, "t/a", "two");
    struct receipt one = arrival(w, "one"), two = arrival(w, "two");
    expect_oldest(w, 1, 1);
    settle(w, &two);
    expect_oldest(w, 1, 1);
    settle(w, &one);
    expect_puback(w, 1);
    expect_puback(w, 2);
    expect_oldest(w, 0, 0);
    assert_int_equal(acked(w), 2);
}

static void test_qos_0_owes_nothing(void **state)
{
    struct world *w = *state;
    broker_publish(&w->broker, 0, false, "t/a", "zero");
    assert_int_equal(arrival(w, "zero").cookie, 0);
}

#define ACK_TEST(name)                                                                             \
    cmocka_unit_test_setup_teardown(name, set_up, tear_down),                                      \
    {                                                                                              \
#name "_3_1_1", name, set_up_3, tear_down, NULL                                            \
    }

/* With a name, only the tests of that name (with * and ?). */
int main(int argc, char **argv)
{
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        ACK_TEST(test_no_puback_before_confirm),
        ACK_TEST(test_given_back_is_not_acknowledged),
        ACK_TEST(test_resumed_session),
        ACK_TEST(test_lost_session),
        ACK_TEST(test_nothing_is_written_before_connack),
        ACK_TEST(test_qos_0_owes_nothing),
        ACK_TEST(test_what_waits_longest),
        cmocka_unit_test_setup_teardown(test_close_waits_until_the_broker_has_read, set_up,
                                        tear_down_closing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
