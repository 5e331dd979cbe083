/* What the files that wrap Paho share. Not for others. */
#ifndef MQTT_PAHO_PRIVATE_H
#define MQTT_PAHO_PRIVATE_H

#include "bridge/mem.h"
#include "connectors/mqtt/paho_inside.h"

/* Called from Paho's objects only, which link-time optimisation can't see. */
#define WRAPPER __attribute__((used))

/* This thread's notes of what goes wrong while it connects. */
struct paho_failure *paho_noted(void);

bool paho_is_its_thread(void); /* one of Paho's own: wrappers leave others alone */
void paho_sockets_init(void (*before_wait)(void));
int paho_socket(const struct paho_net *net);
void paho_wake_receiver(void); /* from its wait for sockets; any thread */

/* paho_hold.c: whether little is to be read from this socket; a packet came from it. */
bool paho_is_held(int socket);
void paho_sip_taken(int socket);

/* Around each read from a connection; nothing happens where it is no WebSocket. False: what was
 * read is not to be used, the connection must end. */
void paho_websocket_enter(const struct paho_net *net);
bool paho_websocket_leave(bool got_packet) MUST_USE;

/* Of each piece of memory that Paho frees in between. */
void paho_websocket_freed(const void *ptr);
extern _Thread_local bool paho_reads_websocket;
bool paho_is_websocket(const struct paho_net *net);

/* A socket that is to be read although nothing arrives; 0: none. Receive thread, without the lock.
 */
int paho_websocket_ready(void);

#endif
