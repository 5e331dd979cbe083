/* A broker that sends more than there is room for, whatever Receive Maximum says: TCP holds it
 * back, the connection stays, and nothing is lost. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_broker.h"
#include "tests/mqtt/scripted_client.h"

enum {
    COUNT = 4000,
    PACKET_BYTES = 8000,
    MOST_HELD = 6 << 20, /* what may arrive and wait: 4 MiB, and what was read ahead */
    PINGS = 6, /* three times as long as Paho or the broker would wait for a sign of life */
};

struct world {
    struct broker broker;
    struct client client;
    struct mqtt_arrival *arrivals[COUNT];
    size_t arrived;
    size_t written; /* bytes of the flood */
};

static const uint64_t PATIENCE_NS = 30000000000;
static uint8_t *flood; /* COUNT messages of QoS 0, numbered */

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof(*w));
    broker_start(&w->broker, true);
    client_prepare(&w->client, "127.0.0.1", w->broker.port);
    w->client.conf.keep_alive = 1;
    client_open_source(&w->client);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    broker_stop(&w->broker);
    client_close(&w->client);
    free(w);
    return 0;
}

static int make_flood(void **state)
{
    (void)state;
    flood = mem_alloc((size_t)COUNT * PACKET_BYTES);
    memset(flood, 'x', (size_t)COUNT * PACKET_BYTES);
    for (unsigned i = 0; i < COUNT; i++) {
        uint8_t *at = flood + (size_t)i * PACKET_BYTES;
        size_t remaining = PACKET_BYTES - 3;
        at[0] = PUBLISH << 4;
        at[1] = (uint8_t)(remaining | 0x80);
        at[2] = (uint8_t)(remaining >> 7);
        memcpy(at + 3, "\0\3t/a\0", 6);
        memcpy(at + 9, &i, sizeof(i));
    }
    return 0;
}

static int free_flood(void **state)
{
    (void)state;
    free(flood);
    return 0;
}

static void take_arrivals(struct world *w)
{
    while (client_has(&w->client, MQTT_ARRIVED)) {
        assert_true(w->arrived < COUNT);
        w->arrivals[w->arrived++] = client_wait(&w->client, MQTT_ARRIVED);
    }
}

static void free_arrivals(struct world *w)
{
    for (size_t i = 0; i < w->arrived; i++)
        if (w->arrivals[i]) mqtt_arrival_free(w->arrivals[i]);
    memset(w->arrivals, 0, sizeof(w->arrivals));
}

/* False: the socket has no room. */
static bool write_some(struct world *w)
{
    size_t left = (size_t)COUNT * PACKET_BYTES - w->written;
    ssize_t n = send(w->broker.connection, flood + w->written, left, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) assert_int_equal(errno, EAGAIN);
    if (n > 0) w->written += (size_t)n;
    return n > 0;
}

static bool becomes_writable(const struct world *w, int ms)
{
    struct pollfd p = {.fd = w->broker.connection, .events = POLLOUT};
    return poll(&p, 1, ms) == 1;
}

/* Until the client reads no more: that may take it a while, a broker's socket is empty within
 * milliseconds. */
static void write_until_held(struct world *w)
{
    while (write_some(w) || becomes_writable(w, 400))
        take_arrivals(w);
    take_arrivals(w);
    assert_true(w->written < (size_t)COUNT * PACKET_BYTES);
    assert_in_range(w->arrived * PACKET_BYTES, 1, MOST_HELD);
}

/* One who waits for the socket must read at the other end. */
static void go_on(struct world *w, uint64_t deadline_ns)
{
    if (!write_some(w)) becomes_writable(w, 10);
    assert_true(uv_hrtime() < deadline_ns);
    take_arrivals(w);
    free_arrivals(w);
}

static void expect_the_rest(struct world *w)
{
    uint64_t deadline_ns = uv_hrtime() + PATIENCE_NS;
    while (w->written < (size_t)COUNT * PACKET_BYTES)
        go_on(w, deadline_ns);
    while (w->arrived < COUNT) {
        unsigned number;
        struct mqtt_arrival *a = client_wait(&w->client, MQTT_ARRIVED);
        memcpy(&number, a->message->payload, sizeof(number));
        assert_int_equal(number, w->arrived++);
        mqtt_arrival_free(a);
    }
    assert_false(client_has(&w->client, MQTT_DOWN));
}

static void expect_signs_of_life(struct world *w)
{
    struct packet p;
    for (int i = 0; i < PINGS; i++)
        broker_expect(&w->broker, PINGREQ, &p);
    take_arrivals(w);
    assert_in_range(w->arrived * PACKET_BYTES, 1, MOST_HELD);
    assert_false(client_has(&w->client, MQTT_DOWN));
}

static void test_a_flood_is_held_back(void **state)
{
    struct world *w = *state;
    broker_welcome(&w->broker, false, true);
    free(client_wait(&w->client, MQTT_UP));
    write_until_held(w);
    expect_signs_of_life(w); /* PINGRESP would come behind all that was not read */
    free_arrivals(w);
    expect_the_rest(w);
}

/* The messages of a session that goes on come before SUBACK. */
static void test_a_resumed_session_is_held_back(void **state)
{
    struct world *w = *state;
    struct packet subscribe;
    broker_accept(&w->broker);
    broker_expect(&w->broker, CONNECT, &subscribe);
    broker_connack(&w->broker, true, 0, NULL, 0);
    broker_expect(&w->broker, SUBSCRIBE, &subscribe);
    free(client_wait(&w->client, MQTT_UP));
    write_until_held(w);
    expect_signs_of_life(w);
    free_arrivals(w);
    expect_the_rest(w);
    broker_suback(&w->broker, &subscribe, 1);
}

/* What waits here outlives the connection: the next one is held back at once. */
static void test_the_next_connection_is_held_back_too(void **state)
{
    struct world *w = *state;
    broker_welcome(&w->broker, false, true);
    free(client_wait(&w->client, MQTT_UP));
    write_until_held(w);
    broker_hang_up(&w->broker);
    free(client_wait(&w->client, MQTT_DOWN));
    broker_welcome(&w->broker, true, true);
    free(client_wait(&w->client, MQTT_UP));
    take_arrivals(w);
    w->written = 0;
    size_t before = w->arrived;
    while (write_some(w) || becomes_writable(w, 400))
        take_arrivals(w);
    take_arrivals(w);
    assert_in_range((w->arrived - before) * PACKET_BYTES, 0, 1 << 20);
    free_arrivals(w);
    uint64_t deadline_ns = uv_hrtime() + PATIENCE_NS;
    while (w->arrived < COUNT / 2) /* of both floods: it goes on */
        go_on(w, deadline_ns);
}

#define BACKLOG_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKLOG_TEST(test_a_flood_is_held_back),
        BACKLOG_TEST(test_a_resumed_session_is_held_back),
        BACKLOG_TEST(test_the_next_connection_is_held_back_too),
    };
    return cmocka_run_group_tests(tests, make_flood, free_flood);
}
