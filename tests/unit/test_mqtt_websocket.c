/* WebSockets against scripted brokers, two at once: Paho keeps what it has read of a frame in one
 * place for all clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_client.h"
#include "tests/mqtt/scripted_websocket.h"

struct side {
    struct broker broker;
    struct client client;
};

struct world {
    struct side a, b;
};

static void welcome(struct side *s, bool subscribes)
{
    struct packet p;
    broker_accept(&s->broker);
    broker_upgrade(&s->broker);
    broker_expect(&s->broker, CONNECT, &p);
    broker_connack(&s->broker, false, 0, NULL, 0);
    if (subscribes) {
        broker_expect(&s->broker, SUBSCRIBE, &p);
        broker_suback(&s->broker, &p, 1);
    }
    free(client_wait(&s->client, MQTT_UP));
}

static void prepare(struct side *s)
{
    broker_start(&s->broker, true);
    client_prepare(&s->client, "127.0.0.1", s->broker.port);
    snprintf(s->client.server, sizeof(s->client.server), "ws://127.0.0.1:%u/mqtt", s->broker.port);
}

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof(*w));
    prepare(&w->a);
    prepare(&w->b);
    client_open_source(&w->a.client);
    welcome(&w->a, true);
    *state = w;
    return 0;
}

static void finish(struct side *s)
{
    broker_stop(&s->broker);
    client_close(&s->client);
}

static int tear_down(void **state)
{
    struct world *w = *state;
    finish(&w->a);
    finish(&w->b);
    free(w);
    return 0;
}

static void open_second(struct world *w)
{
    client_open_source(&w->b.client);
    welcome(&w->b, true);
}

static void expect_arrival(struct side *s, const char *body)
{
    struct mqtt_arrival *a = client_wait(&s->client, MQTT_ARRIVED);
    assert_int_equal(a->message->payloadlen, strlen(body));
    assert_memory_equal(a->message->payload, body, strlen(body));
    mqtt_arrival_free(a);
}

/* PUBLISH of QoS 0 to t/a. */
static size_t make_publish(uint8_t *packet, const char *body)
{
    size_t len = strlen(body);
    packet[0] = PUBLISH << 4;
    packet[1] = (uint8_t)(6 + len);
    memcpy(packet + 2, "\0\3t/a\0", 6);
    memcpy(packet + 8, body, len);
    return 8 + len;
}

/* The first broker's frame breaks off in each place in turn, the second one's comes between. */
static void test_frames_in_between(void **state)
{
    struct world *w = *state;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the first");
    open_second(w);
    for (size_t cut = 0; cut < len; cut++) {
        broker_write_frame_header(&w->a.broker, FRAME_BINARY, true, len);
        broker_write_raw(&w->a.broker, packet, cut);
        broker_publish(&w->b.broker, 0, false, "t/b", "of the second");
        expect_arrival(&w->b, "of the second");
        assert_false(client_has(&w->a.client, MQTT_ARRIVED));
        broker_write_raw(&w->a.broker, packet + cut, len - cut);
        expect_arrival(&w->a, "of the first");
    }
}

/* A packet in two frames, with the other's packets between. */
static void test_a_packet_in_several_frames(void **state)
{
    struct world *w = *state;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the first");
    open_second(w);
    for (size_t cut = 1; cut < len; cut++) {
        broker_write_frame(&w->a.broker, FRAME_BINARY, true, packet, cut);
        broker_publish(&w->b.broker, 0, false, "t/b", "of the second");
        expect_arrival(&w->b, "of the second");
        broker_write_frame(&w->a.broker, FRAME_BINARY, true, packet + cut, len - cut);
        expect_arrival(&w->a, "of the first");
    }
}

/* Nothing more comes after the frame: all packets in it must be seen. */
static void test_several_packets_in_a_frame(void **state)
{
    struct world *w = *state;
    uint8_t packets[128];
    size_t len = make_publish(packets, "one");
    len += make_publish(packets + len, "two");
    len += make_publish(packets + len, "three");
    open_second(w);
    broker_write_frame(&w->a.broker, FRAME_BINARY, true, packets, len);
    broker_write_frame(&w->b.broker, FRAME_BINARY, true, packets, len);
    for (int i = 0; i < 2; i++) {
        struct side *s = i ? &w->b : &w->a;
        expect_arrival(s, "one");
        expect_arrival(s, "two");
        expect_arrival(s, "three");
    }
}

static void test_acknowledgements_of_both(void **state)
{
    struct world *w = *state;
    struct packet p;
    open_second(w);
    struct side *sides[] = {&w->a, &w->b};
    struct receipt receipts[2] = {{.verdict = VERDICT_CONFIRMED}, {.verdict = VERDICT_CONFIRMED}};
    for (uint16_t i = 0; i < 2; i++) {
        broker_publish(&sides[i]->broker, (uint16_t)(7 + i), false, "t/a", "hello");
        struct mqtt_arrival *a = client_wait(&sides[i]->client, MQTT_ARRIVED);
        receipts[i].cookie = a->token;
        mqtt_arrival_free(a);
    }
    for (uint16_t i = 0; i < 2; i++) {
        mqtt_client_settle(sides[i]->client.mqtt, &receipts[i]);
        broker_expect(&sides[i]->broker, PUBACK, &p);
        assert_int_equal(packet_id(&p), 7 + i);
    }
}

/* The first one's connection ends in the middle of a frame; the second never notices, and the
 * first begins anew. */
static void test_a_connection_that_breaks(void **state)
{
    struct world *w = *state;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the first");
    open_second(w);
    broker_write_frame_header(&w->a.broker, FRAME_BINARY, true, len);
    broker_write_raw(&w->a.broker, packet, len / 2);
    broker_publish(&w->b.broker, 0, false, "t/b", "before");
    expect_arrival(&w->b, "before");
    broker_hang_up(&w->a.broker);
    free(client_wait(&w->a.client, MQTT_DOWN));
    broker_publish(&w->b.broker, 0, false, "t/b", "after");
    expect_arrival(&w->b, "after");
    welcome(&w->a, true);
    broker_publish(&w->a.broker, 0, false, "t/a", "anew");
    expect_arrival(&w->a, "anew");
    assert_false(client_has(&w->b.client, MQTT_DOWN));
}

static void expect_anew(struct world *w)
{
    free(client_wait(&w->a.client, MQTT_DOWN));
    broker_publish(&w->b.broker, 0, false, "t/b", "after");
    expect_arrival(&w->b, "after");
    welcome(&w->a, true);
    broker_publish(&w->a.broker, 0, false, "t/a", "anew");
    expect_arrival(&w->a, "anew");
    assert_false(client_has(&w->a.client, MQTT_ARRIVED));
}

static size_t put_frame(uint8_t *to, uint8_t opcode, const uint8_t *bytes, size_t len)
{
    to[0] = 0x80 | opcode;
    to[1] = (uint8_t)len;
    memcpy(to + 2, bytes, len);
    return 2 + len;
}

/* A PING there would have Paho lose the first part of the packet, and take the rest of it for
 * something else. */
static void test_ping_in_the_middle(void **state)
{
    struct world *w = *state;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the first");
    open_second(w);
    for (size_t cut = 1; cut < len; cut++) {
        uint8_t frames[128]; /* in one write: the client may be gone before a second one */
        size_t n = put_frame(frames, FRAME_BINARY, packet, cut);
        n += put_frame(frames + n, FRAME_PING, (const uint8_t *)"ping", 4);
        n += put_frame(frames + n, FRAME_BINARY, packet + cut, len - cut);
        broker_write_raw(&w->a.broker, frames, n);
        expect_anew(w);
    }
}

static void test_ping_between_packets(void **state)
{
    struct world *w = *state;
    open_second(w);
    for (int i = 0; i < 3; i++) {
        broker_write_frame(&w->a.broker, FRAME_PING, true, "ping", 4);
        broker_publish(&w->a.broker, 0, false, "t/a", "one");
        expect_arrival(&w->a, "one");
    }
    assert_false(client_has(&w->a.client, MQTT_DOWN));
}

/* The broker says CLOSE between two frames of a packet. */
static void test_close_in_the_middle(void **state)
{
    struct world *w = *state;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the first");
    open_second(w);
    broker_write_frame(&w->a.broker, FRAME_BINARY, true, packet, len / 2);
    broker_write_frame(&w->a.broker, FRAME_CLOSE, true, "\3\xe8", 2);
    expect_anew(w);
}

static void open_sink(struct world *w)
{
    client_open_sink(&w->b.client);
    welcome(&w->b, false);
}

/* A source and a sink, as in a pipeline with both ends at brokers behind WebSockets. */
static void test_a_source_and_a_sink(void **state)
{
    struct world *w = *state;
    struct msg_draft draft = {.body = BYTES_LIT("0123456789")};
    struct leg leg = {.msg = msg_new(&draft)};
    struct packet p;
    uint8_t packet[64];
    size_t len = make_publish(packet, "of the source");
    open_sink(w);
    broker_write_frame_header(&w->a.broker, FRAME_BINARY, true, len);
    broker_write_raw(&w->a.broker, packet, 5);
    client_publish(&w->b.client, &leg, "t/out");
    broker_expect(&w->b.broker, PUBLISH, &p);
    broker_puback(&w->b.broker, packet_id(&p), 0);
    struct mqtt_publish *published = client_wait(&w->b.client, MQTT_PUBLISHED);
    assert_int_equal(published->outcome, PUBLISH_CONFIRMED);
    free(published);
    broker_write_raw(&w->a.broker, packet + 5, len - 5);
    expect_arrival(&w->a, "of the source");
    msg_unref(leg.msg);
}

#define WEBSOCKET_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WEBSOCKET_TEST(test_frames_in_between),
        WEBSOCKET_TEST(test_a_packet_in_several_frames),
        WEBSOCKET_TEST(test_several_packets_in_a_frame),
        WEBSOCKET_TEST(test_acknowledgements_of_both),
        WEBSOCKET_TEST(test_a_connection_that_breaks),
        WEBSOCKET_TEST(test_ping_in_the_middle),
        WEBSOCKET_TEST(test_ping_between_packets),
        WEBSOCKET_TEST(test_close_in_the_middle),
        WEBSOCKET_TEST(test_a_source_and_a_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
