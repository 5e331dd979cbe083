/* Why a connection could not be made, or was lost, in words that say what to do. Thread: any; no
 * state. */
#ifndef MQTT_FAILURE_H
#define MQTT_FAILURE_H

#include <stdint.h>

#include "bridge/error.h"

/* All that is known of it; what is not known is 0 or NULL. */
struct mqtt_failure {
    int code;              /* CONNACK's, or one of Paho's own, below 0 */
    const char *message;   /* Paho's */
    int os_error;          /* errno of connecting */
    long verify_error;     /* X509_V_ERR_... */
    int tls_alert;         /* SSL_AD_..., from the broker */
    const char *tls_error; /* one line of OpenSSL's */
    bool tls;              /* what was tried */
    long long timeout_s;
};

/* Sets e to "connecting to broker:8883: certificate has expired (...)". */
void mqtt_failure_explain(const struct mqtt_failure *f, const char *broker, struct error *e);

#endif
