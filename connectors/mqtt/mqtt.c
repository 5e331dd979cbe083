#include "connectors/mqtt/mqtt.h"

extern const struct connector connector_mqtt;

const struct connector connector_mqtt = {
    .name = "mqtt",
    .summary = "topics of an MQTT broker (5 and 3.1.1; TLS, WebSocket)",
    .source = &mqtt_source,
    .sink = &mqtt_sink,
};
