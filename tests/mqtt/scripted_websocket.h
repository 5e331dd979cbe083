/* The WebSocket under a scripted broker: the handshake, and frames around and out of bytes. A
 * broker speaks it from broker_upgrade() on. Thread: the test's. Source: RFC 6455. */
#ifndef TESTS_MQTT_SCRIPTED_WEBSOCKET_H
#define TESTS_MQTT_SCRIPTED_WEBSOCKET_H

#include "tests/mqtt/scripted_broker.h"

enum { FRAME_CONTINUE = 0, FRAME_BINARY = 2, FRAME_CLOSE = 8, FRAME_PING = 9 };

/* Answers the request that follows broker_accept(). */
void broker_upgrade(struct broker *b);

/* Writes a frame's header only: the len bytes of its content follow with broker_write_raw(). */
void broker_write_frame_header(struct broker *b, int opcode, bool final, size_t len);
void broker_write_frame(struct broker *b, int opcode, bool final, const void *bytes, size_t len);

/* Reads bytes of the content of frames. */
void broker_read_frames(struct broker *b, uint8_t *to, size_t len);

#endif
