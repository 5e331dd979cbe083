/* One PUBLISH on its way: made by the sink, sent by the MQTT thread, answered by the broker.
 * Thread: as said. Owner: the sink, but from mqtt_client_publish() until it comes back as
 * MQTT_PUBLISHED. */
#ifndef MQTT_PUBLISH_H
#define MQTT_PUBLISH_H

#include <stdatomic.h>

#include "connectors/mqtt/mqtt_client.h"

enum mqtt_outcome {
    PUBLISH_CONFIRMED,     /* with QoS 0: handed to the socket */
    PUBLISH_REFUSED,       /* reason says why */
    PUBLISH_DOWN,          /* the connection was lost: nobody knows */
    PUBLISH_TOO_LARGE,     /* for the broker; size says how large */
    PUBLISH_BAD_ATTRIBUTE, /* a name or value beyond 65535 bytes, or a name that is no text */
};

struct mqtt_publish {
    struct note note;
    struct leg *leg; /* its message is read by the MQTT thread: immutable */
    int qos;
    bool retain;
    int64_t expiry_s; /* 0: never */
    enum mqtt_outcome outcome;
    uint8_t reason;
    unsigned alias; /* of the topic, 0: none */
    size_t size;
    struct handover *back;
    struct mqtt_session *session; /* while Paho has it */
    const char *topic;            /* topic_text, or the configuration's */
    char topic_text[];
};

struct mqtt_session;

/* Hands a publish to Paho. MQTT thread. False: Paho's buffer is full (QoS 0); try again soon. */
bool mqtt_publish_send(struct mqtt_session *s, struct mqtt_publish *p) MUST_USE;

/* Sends it back to the sink. Any thread. */
void mqtt_publish_return(struct mqtt_publish *p, enum mqtt_outcome outcome);

#endif
