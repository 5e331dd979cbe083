/* Encodings that more than one transport needs. Thread: any; no state. */
#ifndef BRIDGE_TEXT_H
#define BRIDGE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

bool text_is_utf8(struct bytes b); /* RFC 3629: no surrogates, no overlong forms */
bool text_has_nul(struct bytes b);

/* Length of the one well-formed UTF-8 sequence that starts at `at`, 1 to 4; 0: there is none. */
size_t text_utf8_sequence(const char *at, const char *end);

/* What SQS accepts in bodies and string values: #x9 #xA #xD #x20-#xD7FF #xE000-#xFFFD
 * #x10000-#x10FFFF. */
bool text_is_xml(struct bytes b);

/* What MQTT brokers take as text: UTF-8 without NUL, control characters and noncharacters. Others
 * may be answered by closing the connection [MQTT5 1.5.4], and Mosquitto does. */
bool text_is_mqtt(struct bytes b);

void text_base64(struct bytes raw, struct buf *out); /* appends */
/* Appends. False: not base64 as it is written (padding required, no white space, no stray bits),
 * out as it was. */
bool text_unbase64(struct bytes text, struct buf *out) MUST_USE;

/* 64 bits for lanes and fingerprints: the same on every machine and in every run, never 0. Not
 * proof against somebody who looks for collisions. */
uint64_t text_hash(struct bytes b);

#endif
