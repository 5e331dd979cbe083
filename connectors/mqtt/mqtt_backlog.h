/* What has arrived on one connection and waits here: between Paho's receive thread, the owner's
 * loop, and the room in the pipeline. Beyond a bound the connection is read no more, so that TCP
 * holds the broker back: Receive Maximum alone does not (Mosquitto 2.0.11 sends all that it has
 * queued for a session that is resumed). Thread: as said. Owner: the client. */
#ifndef MQTT_BACKLOG_H
#define MQTT_BACKLOG_H

#include <stdatomic.h>

#include "connectors/mqtt/paho_inside.h"

struct mqtt_backlog {
    size_t most; /* bytes before the connection is held; it goes on at half of them */
    atomic_size_t bytes;
    struct paho_hold hold;
};

void mqtt_backlog_init(struct mqtt_backlog *b, size_t most);
void mqtt_backlog_release(struct mqtt_backlog *b);

/* The MQTT thread; connected() with Paho's lock. */
void mqtt_backlog_connected(struct mqtt_backlog *b, const struct paho_net *net);
void mqtt_backlog_disconnected(struct mqtt_backlog *b);
bool mqtt_backlog_waits(struct mqtt_backlog *b); /* something does */

void mqtt_backlog_add(struct mqtt_backlog *b, size_t bytes);    /* Paho's receive thread */
void mqtt_backlog_remove(struct mqtt_backlog *b, size_t bytes); /* any thread */

#endif
