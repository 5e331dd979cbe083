/* The MQTT connector: a source that subscribes, a sink that publishes, each with a connection of
 * its own. Thread: the pipeline's; Paho is only ever called by the MQTT thread (mqtt_client.h). */
#ifndef MQTT_H
#define MQTT_H

#include "bridge/connector.h"

extern const struct source_ops mqtt_source;
extern const struct sink_ops mqtt_sink;

#endif
