/* A small MQTT client of the suite's own: what the broker says, without Paho's help. QoS 1 only.
 * Source: MQTT 5.0 and 3.1.1, sections 2 and 3. Thread: the test's; every call waits for its
 * answer. */
#ifndef TESTS_CONFORMANCE_MQTT_WIRE_H
#define TESTS_CONFORMANCE_MQTT_WIRE_H

#include "tests/conformance/headers.h"

/* Zero-initialise; mqtt_wire_close() in the end. It may connect again, to the same session. */
struct mqtt_wire {
    int fd; /* 0: not connected */
    bool v5;
    struct buf in, out;
    size_t taken; /* bytes of the message that was handed out last */
    unsigned unacknowledged;
    uint16_t last_id;
    bool seen[65536]; /* by packet identifier: what comes again after a reconnect is passed over */
};

/* All views, of what was received until the next call. */
struct mqtt_message {
    struct bytes topic, body;
    struct header properties[HEADERS_MAX];
    size_t property_count;
};

/* With a session that outlives the connection. False: nobody there. */
bool mqtt_wire_connect(struct mqtt_wire *w, uint16_t port, const char *client_id, bool v5) MUST_USE;
void mqtt_wire_subscribe(struct mqtt_wire *w, const char *filter);
void mqtt_wire_publish(struct mqtt_wire *w, const struct mqtt_message *m);
void mqtt_wire_flush(struct mqtt_wire *w); /* until every publish is acknowledged */

enum mqtt_received { MQTT_NOTHING, MQTT_MESSAGE, MQTT_GONE };

/* What has come by now, and acknowledges it. MQTT_GONE: the connection is lost. */
enum mqtt_received mqtt_wire_receive(struct mqtt_wire *w, struct mqtt_message *m);

void mqtt_wire_close(struct mqtt_wire *w); /* harmless where it is not connected */

#endif
