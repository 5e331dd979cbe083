/* What the bridge needs of Paho MQTT C beyond its public interface. Two builds of it exist:
 *
 * paho_inside.c, linked with the distribution's unmodified static archive and --wrap: PUBACKs wait
 * for the ack gate, names are resolved ahead, and Paho's naps are cut.
 * paho_outside.c, linked with the shared library: Paho acknowledges on its own, at once.
 *
 * Thread: as said at each function. No state but Paho's own and the routes. */
#ifndef MQTT_PAHO_INSIDE_H
#define MQTT_PAHO_INSIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* False: Paho acknowledges a message as soon as it was handed over, and a crash loses it. Any
 * thread. */
bool paho_holds_acks(void);

/* Once, by the MQTT thread, before any other call of Paho. Paho's receive thread calls
 * before_wait() when it has handled all that there was, without the lock. */
void paho_init(void (*before_wait)(void));

/* This is the receive thread, and before_wait() will follow. */
bool paho_will_wait(void);

/* Paho's global lock. Its callbacks run with it held; the MQTT thread takes it for the ack gates.
 */
void paho_lock(void);
void paho_unlock(void);

/* The connection whose packet is being handled, within a callback. Valid until its client is
 * destroyed. */
struct paho_net;
struct paho_net *paho_current_net(void);

/* Writes bytes as one piece to a connection, TLS and WebSocket framing included. Lock held. False:
 * earlier bytes still wait for the socket, or it failed: nothing was taken. */
bool paho_write(struct paho_net *net, const void *bytes, size_t len);

/* Reading from a connection can be held. What was read ahead of it (64 KiB at most) still arrives.
 * Zero-initialise; add before any other use, and remove at the end. Any thread. */
struct paho_hold {
    atomic_int socket; /* 0: none */
    atomic_bool held, sip;
    struct paho_hold *next;
};
void paho_hold_add(struct paho_hold *hold);
void paho_hold_remove(struct paho_hold *hold);
void paho_hold_socket(struct paho_hold *hold, const struct paho_net *net); /* lock held, or NULL */
void paho_hold(struct paho_hold *hold);
void paho_resume(struct paho_hold *hold);
void paho_sip(struct paho_hold *hold); /* reads one packet, and goes on holding */

/* Where Paho is to connect to when it is told this host name. Until paho_unroute(). MQTT thread. */
struct paho_route {
    const char *host; /* as in the server's URI; the owner keeps it */
    char address[48]; /* numeric */
    struct paho_route *next;
};
void paho_route(struct paho_route *route);
void paho_unroute(struct paho_route *route);

/* Fails what Paho has queued for a client (an MQTTAsync) and not sent. MQTTAsync_destroy() does so
 * too, but loses the memory of each. MQTT thread. */
void paho_discard_queued(void *client);

/* Wakes Paho's send thread, which sleeps up to a second although its socket has room again. Any
 * thread. */
void paho_wake_sender(void);

/* Why the connection attempt failed whose failure callback is running: what Paho knew and does not
 * say. 0: unknown. */
struct paho_failure {
    int os_error;      /* errno */
    long verify_error; /* X509_V_ERR_... */
    int tls_alert;     /* of the broker: SSL_AD_... */
};
struct paho_failure paho_failure(void);

#endif
