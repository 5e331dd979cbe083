/* Certificates and keys of a connection, checked before it is made. Thread: any; no state. */
#ifndef MQTT_TLS_H
#define MQTT_TLS_H

#include "bridge/opt.h"

struct mqtt_conf;

/* Complains about files that hold no certificates, no key, or a key of another certificate. */
void mqtt_tls_check(const struct mqtt_conf *conf, struct opt_report *r);

#endif
