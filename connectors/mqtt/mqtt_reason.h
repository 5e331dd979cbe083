/* Reason codes of MQTT 5 (section 2.4) and the return codes of 3.1.1: what they mean, and what may
 * be done next. Thread: any; constant. */
#ifndef MQTT_REASON_H
#define MQTT_REASON_H

#include <stdint.h>

#include "bridge/error.h"

/* Codes below 0x80 are successes. */
enum {
    MQTT_NOT_AUTHORISED = 0x87,
    MQTT_SESSION_TAKEN_OVER = 0x8e,
    MQTT_RETAIN_NOT_SUPPORTED = 0x9a,
    MQTT_UNKNOWN_REASON = 0x80,
};

/* "bad user name or password (check username and password)" */
const char *mqtt_reason_text(uint8_t code);

/* What a refused PUBLISH means for its message. */
enum fault mqtt_reason_fault(uint8_t code);

/* The code of MQTT 5 for what CONNACK of 3.1.1 says in 1..5. */
uint8_t mqtt_reason_of_connack3(int return_code);

#endif
