/* The canonical message and what MQTT 5 carries beside the body. Attributes are user properties (by
 * the rules of bridge/mapping.h); what MQTT has properties of its own for are attributes named
 * mqtt.something, which the sink turns back, so that MQTT -> anything -> MQTT keeps them.
 * Thread: any; the state is the caller's. */
#ifndef MQTT_PROPERTIES_H
#define MQTT_PROPERTIES_H

#include <MQTTAsync.h>

#include "bridge/msg.h"

/* The attributes of a message that arrived, valid until the next one is read. Zero-initialise;
 * release with free(r.scratch.ptr). What is beyond MSG_MAX_ATTRS is left out. */
struct mqtt_reading {
    struct attr attrs[MSG_MAX_ATTRS];
    size_t count;
    char payload_format[4], message_expiry[12];
    struct buf scratch;
};
void mqtt_properties_read(struct mqtt_reading *r, const MQTTAsync_message *message);

/* The properties of a PUBLISH. Zero-initialise, build as often as needed, free at the end. */
struct mqtt_properties {
    MQTTProperty *items;
    size_t count, cap;
    size_t length;    /* in bytes, as in the packet, without the length itself */
    struct buf bytes; /* what items point into */
};

/* expiry_s 0: as the message says. False: a name or value is longer than MQTT can say. */
bool mqtt_properties_build(struct mqtt_properties *p, const struct msg *m,
                           int64_t expiry_s) MUST_USE;
void mqtt_properties_add_alias(struct mqtt_properties *p, unsigned alias); /* after building */
void mqtt_properties_free(struct mqtt_properties *p);

/* The message was published with the retain flag. */
bool mqtt_properties_retained(const struct msg *m);

#endif
