/* The thread that makes every Paho call. Paho's locks are global to the process: a slow TLS
 * handshake of one client holds up the next publish of another, and that must not be a pipeline's
 * loop. One thread serves all MQTT sources and sinks; it begins with the first and lives as long as
 * the process. Thread: any. */
#ifndef MQTT_THREAD_H
#define MQTT_THREAD_H

#include "bridge/loop.h"

/* Its loop. Only loop_post() (through handovers) is for other threads. */
struct loop *mqtt_thread_loop(void);

#endif
