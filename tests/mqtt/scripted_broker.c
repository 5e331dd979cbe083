#include "tests/mqtt/scripted_broker.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/mqtt/scripted_websocket.h"

enum { PATIENCE_MS = 10000 };

void broker_start(struct broker *b, bool v5)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    *b = (struct broker){.v5 = v5, .connection = -1};
    b->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(b->listener >= 0);
    assert_int_equal(bind(b->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(b->listener, 8), 0);
    assert_int_equal(getsockname(b->listener, (struct sockaddr *)&at, &len), 0);
    b->port = ntohs(at.sin_port);
}

void broker_hang_up(struct broker *b)
{
    if (b->connection >= 0) close(b->connection);
    b->connection = -1;
}

void broker_stop(struct broker *b)
{
    broker_hang_up(b);
    close(b->listener);
}

static void wait_readable(int fd, const char *what)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, PATIENCE_MS) != 1) fail_msg("waited in vain for %s", what);
}

void broker_accept(struct broker *b)
{
    broker_hang_up(b);
    wait_readable(b->listener, "a connection");
    b->connection = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(b->connection >= 0);
    b->websocket = false;
}

void broker_read_raw(struct broker *b, uint8_t *to, size_t len)
{
    while (len) {
        wait_readable(b->connection, "a packet");
        ssize_t n = recv(b->connection, to, len, 0);
        if (n <= 0) fail_msg("the client closed the connection");
        to += n;
        len -= (size_t)n;
    }
}

static void read_bytes(struct broker *b, uint8_t *to, size_t len)
{
    if (b->websocket)
        broker_read_frames(b, to, len);
    else
        broker_read_raw(b, to, len);
}

void broker_read(struct broker *b, struct packet *p)
{
    uint8_t byte;
    unsigned shift = 0;
    read_bytes(b, &byte, 1);
    *p = (struct packet){.type = byte >> 4, .flags = byte & 15};
    do {
        read_bytes(b, &byte, 1);
        p->len |= (size_t)(byte & 127) << shift;
        shift += 7;
    } while (byte & 128);
    assert_true(p->len <= sizeof(p->body));
    read_bytes(b, p->body, p->len);
}

void broker_expect(struct broker *b, int type, struct packet *p)
{
    broker_read(b, p);
    assert_int_equal(p->type, type);
}

bool broker_hears_within(const struct broker *b, int ms)
{
    struct pollfd p = {.fd = b->connection, .events = POLLIN};
    return poll(&p, 1, ms) == 1;
}

bool broker_has_input(const struct broker *b)
{
    return broker_hears_within(b, 0);
}

void broker_expect_end(struct broker *b)
{
    uint8_t rest[4096];
    ssize_t n;
    do {
        wait_readable(b->connection, "the end of the connection");
        n = recv(b->connection, rest, sizeof(rest), 0);
    } while (n > 0);
}

void broker_write_raw(struct broker *b, const void *bytes, size_t len)
{
    assert_int_equal(send(b->connection, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void broker_write(struct broker *b, const void *bytes, size_t len)
{
    if (b->websocket)
        broker_write_frame(b, FRAME_BINARY, true, bytes, len);
    else
        broker_write_raw(b, bytes, len);
}

static void write_packet(struct broker *b, uint8_t first, const uint8_t *body, size_t len)
{
    uint8_t packet[4 + 4096];
    size_t n = 0, left = len;
    assert_true(len <= 4096);
    packet[n++] = first;
    do {
        packet[n++] = (uint8_t)((left & 127) | (left > 127 ? 128 : 0));
        left >>= 7;
    } while (left);
    memcpy(packet + n, body, len);
    broker_write(b, packet, n + len);
}

void broker_connack(struct broker *b, bool session_present, uint8_t code, const char *properties,
                    size_t len)
{
    uint8_t body[128] = {session_present, code, (uint8_t)len};
    assert_true(len < 100);
    if (len) memcpy(body + 3, properties, len);
    write_packet(b, CONNACK << 4, body, b->v5 ? 3 + len : 2);
}

void broker_suback(struct broker *b, const struct packet *subscribe, uint8_t code)
{
    uint8_t v5[] = {subscribe->body[0], subscribe->body[1], 0, code};
    uint8_t v3[] = {subscribe->body[0], subscribe->body[1], code};
    write_packet(b, SUBACK << 4, b->v5 ? v5 : v3, b->v5 ? sizeof(v5) : sizeof(v3));
}

void broker_unsuback(struct broker *b, const struct packet *unsubscribe)
{
    uint8_t v5[] = {unsubscribe->body[0], unsubscribe->body[1], 0, 0x11};
    write_packet(b, UNSUBACK << 4, v5, b->v5 ? sizeof(v5) : 2);
}

void broker_publish(struct broker *b, uint16_t id, bool dup, const char *topic, const char *body)
{
    uint8_t packet[4096];
    size_t n = 0, topic_len = strlen(topic), body_len = strlen(body);
    packet[n++] = (uint8_t)(topic_len >> 8);
    packet[n++] = (uint8_t)topic_len;
    memcpy(packet + n, topic, topic_len);
    n += topic_len;
    if (id) {
        packet[n++] = (uint8_t)(id >> 8);
        packet[n++] = (uint8_t)id;
    }
    if (b->v5) packet[n++] = 0; /* no properties */
    memcpy(packet + n, body, body_len);
    n += body_len;
    write_packet(b, (uint8_t)(PUBLISH << 4 | (dup ? 8 : 0) | (id ? 2 : 0)), packet, n);
}

void broker_puback(struct broker *b, uint16_t id, uint8_t code)
{
    uint8_t body[] = {(uint8_t)(id >> 8), (uint8_t)id, code};
    write_packet(b, PUBACK << 4, body, code ? 3 : 2);
}

void broker_welcome(struct broker *b, bool session_present, bool subscribes)
{
    struct packet p;
    broker_accept(b);
    broker_expect(b, CONNECT, &p);
    broker_connack(b, session_present, 0, NULL, 0);
    if (!subscribes) return;
    broker_expect(b, SUBSCRIBE, &p);
    broker_suback(b, &p, 1);
}

uint16_t packet_id(const struct packet *p)
{
    size_t at = p->type == PUBLISH ? 2 + (size_t)(p->body[0] << 8 | p->body[1]) : 0;
    return (uint16_t)(p->body[at] << 8 | p->body[at + 1]);
}
