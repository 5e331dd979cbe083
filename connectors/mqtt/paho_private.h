/* What the two files that wrap Paho share. Not for others. */
#ifndef MQTT_PAHO_PRIVATE_H
#define MQTT_PAHO_PRIVATE_H

#include "connectors/mqtt/paho_inside.h"

/* Called from Paho's objects only, which link-time optimisation can't see. */
#define WRAPPER __attribute__((used))

/* This thread's notes of what goes wrong while it connects. */
struct paho_failure *paho_noted(void);

bool paho_is_its_thread(void); /* one of Paho's own: wrappers leave others alone */
void paho_sockets_init(void (*before_wait)(void));

#endif
