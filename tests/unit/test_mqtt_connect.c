/* Connecting against a scripted broker: what is asked for, and what refusals read like. */
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

static struct world *start(bool v5)
{
    struct world *w = mem_zalloc(sizeof(*w));
    broker_start(&w->broker, v5);
    client_prepare(&w->client, "127.0.0.1", w->broker.port);
    w->client.conf.protocol = v5 ? MQTT_5 : MQTT_3_1_1;
    return w;
}

static void finish(struct world *w)
{
    broker_stop(&w->broker);
    client_close(&w->client);
    free(w);
}

static void expect_down(struct world *w, const char *text)
{
    struct mqtt_down *down = client_wait(&w->client, MQTT_DOWN);
    if (!strstr(down->why.text, text)) fail_msg("\"%s\" does not say \"%s\"", down->why.text, text);
    free(down);
}

/* Clean start off, Session Expiry 3600, Receive Maximum 100, the client identifier, no user. */
static void test_connect_of_a_source(void **state)
{
    (void)state;
    static const uint8_t expected[] =
        "\0\4MQTT\5\0\0\x1e\x8\x11\0\0\x0e\x10\x21\0\x64\0\x8scripted";
    struct world *w = start(true);
    struct packet p;
    client_open_source(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    assert_int_equal(p.len, sizeof(expected) - 1);
    assert_memory_equal(p.body, expected, sizeof(expected) - 1);
    broker_connack(&w->broker, false, 0, NULL, 0);
    broker_expect(&w->broker, SUBSCRIBE, &p);
    /* QoS 1, retain as published, retained messages only for a new subscription */
    assert_memory_equal(p.body + 2, "\0\0\3t/#\x19", 7);
    broker_suback(&w->broker, &p, 1);
    free(client_wait(&w->client, MQTT_UP));
    finish(w);
}

static void test_connect_with_user_password_and_will(void **state)
{
    (void)state;
    static const uint8_t expected[] =
        "\0\4MQTT\4\xee\0\x1e\0\x8scripted\0\4last\0\3bye\0\5alice\0\6secret";
    struct world *w = start(false);
    struct mqtt_conf *c = &w->client.conf;
    struct packet p;
    c->username = "alice";
    c->password = "secret";
    c->will_topic = "last";
    c->will_payload = "bye";
    c->will_qos = 1;
    c->will_retain = true;
    client_open_sink(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    assert_int_equal(p.len, sizeof(expected) - 1);
    assert_memory_equal(p.body, expected, sizeof(expected) - 1);
    finish(w);
}

/* Refused, and tried again with the same result: nothing gives up. */
static void expect_refusal(bool v5, uint8_t code, const char *text)
{
    struct world *w = start(v5);
    struct packet p;
    client_open_source(&w->client);
    for (int i = 0; i < 3; i++) {
        broker_accept(&w->broker);
        broker_expect(&w->broker, CONNECT, &p);
        broker_connack(&w->broker, false, code, NULL, 0);
        expect_down(w, text);
    }
    finish(w);
}

static void test_refusals(void **state)
{
    (void)state;
    expect_refusal(true, 0x86, "bad user name or password");
    expect_refusal(true, 0x87, "not authorised");
    expect_refusal(false, 4, "bad user name or password");
    expect_refusal(false, 5, "not authorised");
}

static void test_subscription_refused(void **state)
{
    (void)state;
    struct world *w = start(true);
    struct packet p;
    client_open_source(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    broker_connack(&w->broker, false, 0, NULL, 0);
    broker_expect(&w->broker, SUBSCRIBE, &p);
    broker_suback(&w->broker, &p, 0x87);
    expect_down(w, "subscribing to \"t/#\"");
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    broker_connack(&w->broker, false, 0, NULL, 0);
    broker_expect(&w->broker, SUBSCRIBE, &p);
    broker_suback(&w->broker, &p, 0);
    expect_down(w, "grants QoS 0 only");
    finish(w);
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct world *w = start(true);
    broker_stop(&w->broker); /* its port is free now */
    client_open_source(&w->client);
    expect_down(w, "connection refused");
    client_close(&w->client);
    free(w);
}

static void test_broker_hangs_up(void **state)
{
    (void)state;
    struct world *w = start(true);
    struct packet p;
    client_open_source(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    broker_hang_up(&w->broker);
    expect_down(w, "closed the connection without an answer");
    finish(w);
}

static void test_tls_to_a_plain_port(void **state)
{
    (void)state;
    struct world *w = start(true);
    snprintf(w->client.server, sizeof(w->client.server), "mqtts://127.0.0.1:%u", w->broker.port);
    client_open_source(&w->client);
    broker_accept(&w->broker);
    broker_write(&w->broker, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    expect_down(w, "does not speak TLS");
    finish(w);
}

static void test_name_that_does_not_exist(void **state)
{
    (void)state;
    struct world *w = start(true);
    snprintf(w->client.server, sizeof(w->client.server), "mqtt://no.such.host.invalid:%u",
             w->broker.port);
    client_open_source(&w->client);
    expect_down(w, "looking up the host");
    finish(w);
}

static void test_name_with_several_addresses(void **state)
{
    (void)state;
    struct world *w = start(true);
    snprintf(w->client.server, sizeof(w->client.server), "mqtt://localhost:%u", w->broker.port);
    client_open_source(&w->client);
    broker_welcome(&w->broker, false, true); /* ::1 may come first, where nobody listens */
    free(client_wait(&w->client, MQTT_UP));
    finish(w);
}

static void test_pause_and_resume(void **state)
{
    (void)state;
    struct world *w = start(true);
    client_open_source(&w->client);
    broker_welcome(&w->broker, false, true);
    free(client_wait(&w->client, MQTT_UP));
    mqtt_client_pause(w->client.mqtt);
    broker_expect_end(&w->broker);
    mqtt_client_resume(w->client.mqtt);
    broker_welcome(&w->broker, true, true);
    free(client_wait(&w->client, MQTT_UP));
    finish(w);
}

static struct mqtt_up expect_up(struct world *w)
{
    struct mqtt_up *news = client_wait(&w->client, MQTT_UP), up = *news;
    free(news);
    return up;
}

static void test_a_session_that_is_lost(void **state)
{
    (void)state;
    struct world *w = start(true);
    client_open_source(&w->client);
    broker_welcome(&w->broker, false, true);
    struct mqtt_up up = expect_up(w);
    assert_false(up.session_present || up.session_lost); /* the first one: a new session */
    broker_publish(&w->broker, 1, false, "t/a", "one");
    broker_publish(&w->broker, 2, false, "t/a", "two");
    for (int i = 0; i < 2; i++)
        mqtt_arrival_free(client_wait(&w->client, MQTT_ARRIVED));
    broker_welcome(&w->broker, true, true); /* which hangs up first */
    up = expect_up(w);
    assert_true(up.session_present && !up.session_lost && up.away_ms > 0);
    broker_welcome(&w->broker, false, true);
    up = expect_up(w);
    assert_true(!up.session_present && up.session_lost);
    assert_int_equal(up.unacknowledged, 2);
    finish(w);
}

/* Somebody else uses our client_id, and takes the session whenever we have it: no war. */
static void test_takeover(void **state)
{
    (void)state;
    enum { TAKEOVERS = 4, FIRST_MS = 50 };
    struct world *w = start(true);
    uint64_t last_ns = 0, before_last_ns = 0;
    w->client.conf.reconnect_delay = FIRST_MS;
    w->client.conf.reconnect_max_delay = 10000;
    client_open_source(&w->client);
    for (int i = 0; i < TAKEOVERS; i++) {
        broker_welcome(&w->broker, true, true);
        free(client_wait(&w->client, MQTT_UP));
        before_last_ns = last_ns;
        last_ns = uv_hrtime();
        broker_write(&w->broker, "\xe0\2\x8e\0", 4); /* DISCONNECT: session taken over */
        expect_down(w, "another client took over the session");
    }
    /* The pause doubled each time, and half of it is jitter. */
    assert_true(last_ns - before_last_ns >= (FIRST_MS << (TAKEOVERS - 2)) / 2 * UINT64_C(1000000));
    finish(w);
}

/* Will of MQTT 5: QoS 1, retained. */
static void test_will_of_mqtt_5(void **state)
{
    (void)state;
    static const uint8_t expected[] = "\0\4MQTT\5\x2e\0\x1e\0\0\x8scripted\0\0\4last\0\3bye";
    struct world *w = start(true);
    struct packet p;
    w->client.conf.will_topic = "last";
    w->client.conf.will_payload = "bye";
    w->client.conf.will_qos = 1;
    w->client.conf.will_retain = true;
    client_open_sink(&w->client);
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &p);
    assert_int_equal(p.len, sizeof(expected) - 1);
    assert_memory_equal(p.body, expected, sizeof(expected) - 1);
    finish(w);
}

static void test_close_at_any_time(void **state)
{
    (void)state;
    struct packet p;
    for (int step = 0; step < 4; step++) {
        struct world *w = start(true);
        client_open_source(&w->client);
        if (step > 0) broker_accept(&w->broker);
        if (step > 1) broker_expect(&w->broker, CONNECT, &p);
        if (step > 2) broker_connack(&w->broker, false, 0, NULL, 0);
        client_close(&w->client);
        broker_stop(&w->broker);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connect_of_a_source),
        cmocka_unit_test(test_connect_with_user_password_and_will),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_subscription_refused),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_broker_hangs_up),
        cmocka_unit_test(test_tls_to_a_plain_port),
        cmocka_unit_test(test_name_that_does_not_exist),
        cmocka_unit_test(test_name_with_several_addresses),
        cmocka_unit_test(test_pause_and_resume),
        cmocka_unit_test(test_a_session_that_is_lost),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_will_of_mqtt_5),
        cmocka_unit_test(test_close_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
