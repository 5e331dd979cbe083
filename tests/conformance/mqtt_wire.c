#include "tests/conformance/mqtt_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/conformance/wait.h"

enum { CONNECT = 0x10, CONNACK = 0x20, PUBLISH = 0x30, PUBACK = 0x40, SUBSCRIBE = 0x82 };
enum { SUBACK = 0x90, DISCONNECT = 0xe0, QOS1 = 0x02, DUP = 0x08, USER_PROPERTY = 38 };
enum { WINDOW = 10, PATIENCE_MS = 20000 };

/* One packet: its first byte, and what follows its length. */
struct packet {
    unsigned char type;
    const unsigned char *at, *end;
};

/* ---- writing ---- */

static void put8(struct buf *b, unsigned value)
{
    unsigned char byte = (unsigned char)value;
    buf_add(b, &byte, 1);
}

static void put16(struct buf *b, size_t value)
{
    put8(b, (unsigned)(value >> 8) & 0xff);
    put8(b, (unsigned)value & 0xff);
}

static void put_length(struct buf *b, size_t value)
{
    do {
        put8(b, (unsigned)(value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
    } while (value);
}

static void put_text(struct buf *b, struct bytes text)
{
    put16(b, text.len);
    buf_add(b, text.ptr, text.len);
}

/* False: the connection is lost. */
static bool send_packet(struct mqtt_wire *w, unsigned type, const struct buf *content)
{
    w->out.len = 0;
    put8(&w->out, type);
    put_length(&w->out, content->len);
    buf_add(&w->out, content->ptr, content->len);
    for (size_t at = 0; at < w->out.len;) {
        ssize_t n = send(w->fd, w->out.ptr + at, w->out.len - at, MSG_NOSIGNAL);
        if (n <= 0) return false;
        at += (size_t)n;
    }
    return true;
}

/* ---- reading ---- */

static bool whole_packet(const struct mqtt_wire *w, struct packet *p, size_t *size)
{
    size_t len = 0, at = 1;
    const unsigned char *in = (const unsigned char *)w->in.ptr;
    for (unsigned shift = 0;; shift += 7) {
        if (at >= w->in.len) return false;
        len |= (size_t)(in[at] & 0x7f) << shift;
        if (!(in[at++] & 0x80)) break;
    }
    *size = at + len;
    *p = (struct packet){in[0], in + at, in + *size};
    return w->in.len >= *size;
}

/* 1: there was something; 0: not within wait_ms; -1: the connection is lost. */
static int read_more(struct mqtt_wire *w, int wait_ms)
{
    struct pollfd fd = {.fd = w->fd, .events = POLLIN};
    if (poll(&fd, 1, wait_ms) <= 0) return 0;
    buf_reserve(&w->in, 65536);
    ssize_t n = read(w->fd, w->in.ptr + w->in.len, 65536);
    if (n <= 0) return -1;
    w->in.len += (size_t)n;
    return 1;
}

static void drop(struct mqtt_wire *w, size_t size)
{
    w->in.len -= size;
    memmove(w->in.ptr, w->in.ptr + size, w->in.len);
}

/* The answer that must come. Returns its byte `at`; 0 where it is shorter. */
static unsigned expect(struct mqtt_wire *w, unsigned type, size_t at)
{
    struct packet p;
    size_t size;
    while (!whole_packet(w, &p, &size))
        if (read_more(w, PATIENCE_MS) != 1) check_failed("the broker does not answer");
    if (p.type != type) check_failed("the broker answered %02x, not %02x", p.type, type);
    unsigned code = p.at + at < p.end ? p.at[at] : 0;
    drop(w, size);
    return code;
}

static size_t take16(struct packet *p)
{
    if (p->end - p->at < 2) check_failed("a packet ends too early");
    p->at += 2;
    return (size_t)p->at[-2] << 8 | p->at[-1];
}

static struct bytes take_text(struct packet *p)
{
    size_t len = take16(p);
    struct bytes text = {p->at, len};
    if ((size_t)(p->end - p->at) < len) check_failed("a packet ends too early");
    p->at += len;
    return text;
}

static size_t take_length(struct packet *p)
{
    size_t len = 0;
    for (unsigned shift = 0; p->at < p->end; shift += 7) {
        len |= (size_t)(*p->at & 0x7f) << shift;
        if (!(*p->at++ & 0x80)) break;
    }
    return len;
}

/* Only user properties are expected, and the few of fixed size that a publisher may set. */
static void take_properties(struct packet *p, struct mqtt_message *m)
{
    size_t len = take_length(p);
    const unsigned char *end = p->at + len;
    while (p->at < end) {
        unsigned char id = *p->at++;
        if (id == USER_PROPERTY) {
            struct header *h = &m->properties[m->property_count++];
            h->name = take_text(p);
            h->value = take_text(p);
        } else if (id == 1) { /* payload format */
            p->at++;
        } else if (id == 2) { /* message expiry */
            p->at += 4;
        } else {
            check_failed("property %u was not expected", id);
        }
    }
}

/* ---- */

static int connect_to(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) return fd;
    close(fd);
    return -1;
}

bool mqtt_wire_connect(struct mqtt_wire *w, uint16_t port, const char *client_id, bool v5)
{
    static const unsigned char properties[] = {5, 17, 0xff, 0xff, 0xff, 0xff}; /* session expiry */
    struct buf b = {0};
    mqtt_wire_close(w);
    int fd = connect_to(port);
    if (fd < 0) return false;
    w->fd = fd;
    w->v5 = v5;
    put_text(&b, BYTES_LIT("MQTT"));
    put8(&b, v5 ? 5 : 4);
    put8(&b, 0);  /* the session that was */
    put16(&b, 0); /* no keep-alive */
    if (v5) buf_add(&b, properties, sizeof(properties));
    put_text(&b, bytes_str(client_id));
    bool sent = send_packet(w, CONNECT, &b);
    free(b.ptr);
    if (!sent) return false;
    unsigned code = expect(w, CONNACK, 1);
    if (code) check_failed("the broker refuses us: %u", code);
    return true;
}

void mqtt_wire_subscribe(struct mqtt_wire *w, const char *filter)
{
    struct buf b = {0};
    put16(&b, ++w->last_id);
    if (w->v5) put8(&b, 0);
    put_text(&b, bytes_str(filter));
    put8(&b, 1); /* QoS */
    if (!send_packet(w, SUBSCRIBE, &b)) check_failed("the broker is gone");
    free(b.ptr);
    unsigned code = expect(w, SUBACK, w->v5 ? 3 : 2);
    if (code > 1) check_failed("the broker refuses the subscription: %u", code);
}

static void await_ack(struct mqtt_wire *w)
{
    unsigned code = expect(w, PUBACK, 2);
    if (code >= 0x80) check_failed("the broker refuses a message: %u", code);
    w->unacknowledged--;
}

static void put_properties(struct buf *b, const struct mqtt_message *m)
{
    struct buf properties = {0};
    for (size_t i = 0; i < m->property_count; i++) {
        put8(&properties, USER_PROPERTY);
        put_text(&properties, m->properties[i].name);
        put_text(&properties, m->properties[i].value);
    }
    put_length(b, properties.len);
    buf_add(b, properties.ptr, properties.len);
    free(properties.ptr);
}

void mqtt_wire_publish(struct mqtt_wire *w, const struct mqtt_message *m)
{
    struct buf b = {0};
    if (w->unacknowledged == WINDOW) await_ack(w);
    put_text(&b, m->topic);
    put16(&b, ++w->last_id ? w->last_id : ++w->last_id);
    if (w->v5) put_properties(&b, m);
    buf_add(&b, m->body.ptr, m->body.len);
    if (!send_packet(w, PUBLISH | QOS1, &b)) check_failed("the broker is gone");
    free(b.ptr);
    w->unacknowledged++;
}

void mqtt_wire_flush(struct mqtt_wire *w)
{
    while (w->unacknowledged)
        await_ack(w);
}

static void acknowledge(struct mqtt_wire *w, size_t id)
{
    struct buf b = {0};
    put16(&b, id);
    (void)send_packet(w, PUBACK, &b); /* if not, the next read says so */
    free(b.ptr);
}

/* False: it has been handed out before, and the broker did not get to know. */
static bool take_message(struct mqtt_wire *w, struct packet *p, struct mqtt_message *m)
{
    *m = (struct mqtt_message){.topic = take_text(p)};
    if (!(p->type & QOS1)) check_failed("a message came with QoS 0");
    size_t id = take16(p);
    bool again = p->type & DUP && w->seen[id];
    if (w->v5) take_properties(p, m);
    m->body = bytes_of(p->at, (size_t)(p->end - p->at));
    w->seen[id] = true;
    acknowledge(w, id);
    return !again;
}

enum mqtt_received mqtt_wire_receive(struct mqtt_wire *w, struct mqtt_message *m)
{
    struct packet p;
    if (!w->fd) return MQTT_GONE;
    do {
        drop(w, w->taken);
        w->taken = 0;
        while (!whole_packet(w, &p, &w->taken)) {
            w->taken = 0;
            int got = read_more(w, 0);
            if (got <= 0) return got ? MQTT_GONE : MQTT_NOTHING;
        }
        if ((p.type & 0xf0) == DISCONNECT) return MQTT_GONE;
        if ((p.type & 0xf0) != PUBLISH) check_failed("packet %02x was not expected", p.type);
    } while (!take_message(w, &p, m));
    return MQTT_MESSAGE;
}

void mqtt_wire_close(struct mqtt_wire *w)
{
    if (w->fd > 0) close(w->fd);
    free(w->in.ptr);
    free(w->out.ptr);
    w->in = w->out = (struct buf){0};
    w->fd = 0;
    w->taken = w->unacknowledged = 0;
}
