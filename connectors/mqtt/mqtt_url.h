/* Where a broker is: mqtt://host[:port], mqtts://..., ws://host[:port][/path], wss://...
 * Thread: any; no state. */
#ifndef MQTT_URL_H
#define MQTT_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/error.h"

struct mqtt_url {
    bool tls, websocket;
    char host[256]; /* without the brackets of an IPv6 address */
    uint16_t port;
    char path[256]; /* of a WebSocket, with its slash; else "" */
};

bool mqtt_url_parse(const char *text, struct mqtt_url *u, struct error *e) MUST_USE;

/* As Paho wants it: "ssl://host:8883". */
void mqtt_url_for_paho(const struct mqtt_url *u, char *text, size_t size);

#endif
