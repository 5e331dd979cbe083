/* A broker that does nothing by itself: the test reads and writes each packet. Every call that
 * waits fails the test after ten seconds. Thread: the test's. Owner: who started it. */
#ifndef TESTS_MQTT_SCRIPTED_BROKER_H
#define TESTS_MQTT_SCRIPTED_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONNECT = 1,
    CONNACK = 2,
    PUBLISH = 3,
    PUBACK = 4,
    SUBSCRIBE = 8,
    SUBACK = 9,
    UNSUBSCRIBE = 10,
    UNSUBACK = 11,
    PINGREQ = 12,
    DISCONNECT = 14,
};

struct packet {
    int type, flags;
    size_t len;
    uint8_t body[4096];
};

struct broker {
    bool v5;
    int listener, connection; /* -1: none */
    uint16_t port;            /* on 127.0.0.1 */
    bool websocket;           /* see scripted_websocket.h */
    size_t frame_left, mask_at;
    uint8_t mask[4];
};

void broker_start(struct broker *b, bool v5);
void broker_stop(struct broker *b);

void broker_accept(struct broker *b);
void broker_hang_up(struct broker *b);

void broker_read(struct broker *b, struct packet *p);
void broker_expect(struct broker *b, int type, struct packet *p); /* the next one is of that type */
bool broker_has_input(const struct broker *b);                    /* now */
bool broker_hears_within(const struct broker *b, int ms);         /* for what must not come */
void broker_expect_end(struct broker *b); /* the client closed the connection; rest is skipped */

void broker_write(struct broker *b, const void *bytes, size_t len);

/* Past the WebSocket, where there is one. */
void broker_read_raw(struct broker *b, uint8_t *to, size_t len);
void broker_write_raw(struct broker *b, const void *bytes, size_t len);

/* properties: as in the packet, without their length; MQTT 5 only. */
void broker_connack(struct broker *b, bool session_present, uint8_t code, const char *properties,
                    size_t len);
void broker_suback(struct broker *b, const struct packet *subscribe, uint8_t code);
void broker_unsuback(struct broker *b, const struct packet *unsubscribe);
void broker_publish(struct broker *b, uint16_t id, bool dup, const char *topic, const char *body);
void broker_puback(struct broker *b, uint16_t id, uint8_t code);

/* Accept, CONNECT, CONNACK, and SUBSCRIBE and SUBACK where the client is to subscribe. */
void broker_welcome(struct broker *b, bool session_present, bool subscribes);

/* The packet identifier of a PUBACK or a QoS 1 PUBLISH. */
uint16_t packet_id(const struct packet *p);

#endif
