/* The ack gate of one MQTT source: which PUBACKs are owed, and which may leave.
 *
 * Paho writes the PUBACK of a message as soon as its callback returns; paho_inside.c keeps it from
 * doing so, and this gate sends them instead: each once its message is confirmed, in the order of
 * arrival [MQTT-4.6.0-2], many with one write. It knows nothing of Paho, so that a test can drive
 * it.
 *
 * A message is named by its token: the packet identifier and a generation, because identifiers are
 * used again. Thread: any, one at a time: the caller holds Paho's lock. Owner: the source. */
#ifndef MQTT_ACK_GATE_H
#define MQTT_ACK_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/leg.h"

struct ack_gate;

/* Writes whole PUBACKs to the connection. False: the socket is busy or gone, nothing was taken. */
typedef bool ack_gate_write_fn(void *arg, const void *bytes, size_t len);

struct ack_gate *ack_gate_create(ack_gate_write_fn *write, void *arg);
void ack_gate_destroy(struct ack_gate *g); /* NULL is fine */

/* CONNACK came. Without session_present the broker has forgotten every identifier, so the gate does
 * too, and returns of how many messages that are in flight. Nothing is written before this: the
 * far end would take a PUBACK before CONNECT for an attack. */
size_t ack_gate_connected(struct ack_gate *g, bool session_present);

/* The connection is gone. Confirmed messages whose PUBACK could not be written any more are done
 * for the bridge; the gate remembers that they are confirmed, and when the broker sends them again
 * they are only acknowledged. */
void ack_gate_disconnected(struct ack_gate *g);

/* A QoS 1 message came. False: it is one that is still in flight, sent again (by a resumed session,
 * or by a broker that is impatient): its ack is owed again, and it must not be emitted. */
bool ack_gate_arrived(struct ack_gate *g, uint16_t packet_id, bool dup, uint64_t fingerprint,
                      uint64_t *token);

/* The verdict on a message has come; receipt->cookie is its token. The gate has the receipt from
 * now on. The ack of one that is given back never leaves, and those behind it do not wait for it.
 */
void ack_gate_settle(struct ack_gate *g, struct receipt *receipt);

/* Writes what may leave. False: something is left because the socket was busy; try again soon. */
bool ack_gate_drain(struct ack_gate *g);

/* The message that the next PUBACK is for, which all others wait for. False: none is owed. */
struct ack_gate_oldest {
    uint16_t packet_id;
    uint64_t since_ms; /* CLOCK_MONOTONIC: when it came first */
    size_t behind;     /* acks owed after it */
};
bool ack_gate_oldest(const struct ack_gate *g, struct ack_gate_oldest *oldest);

/* Receipts whose story is over (PUBACK written, or the broker no longer waits for one), chained by
 * receipt->next. */
struct receipt *ack_gate_take_done(struct ack_gate *g);

/* Tells a message from another one with the same packet identifier. */
uint64_t ack_gate_fingerprint(struct bytes topic, struct bytes body);

#endif
