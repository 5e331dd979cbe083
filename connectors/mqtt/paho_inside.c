/* This file, paho_sockets.c, paho_hold.c and paho_websocket.c are the only ones that know Paho's
 * insides, as they are in 1.3.12 (Debian 12) and in its successors so far. Each --wrap of
 * CMakeLists.txt sends Paho's own calls of a function to the __wrap_ version here, at link time;
 * the code in the archive stays as the distribution built it. CMake checks that every symbol is
 * there, and tests/unit/test_mqtt_acks.c that the PUBACKs do wait.
 *
 *   MQTTPacket_send_puback   never sends: the ack gate does it, when the message is confirmed
 *   MQTTPacket_Factory       tells which connection the packet at hand came from
 *   MQTTPacket_send_publish  never fails: Paho frees such a message twice (see there)
 *   SSL_CTX_set_verify       remembers why a certificate was refused; checks its host name
 *   SSL_CTX_set_info_callback   remembers why the broker refused ours
 *   WebSocket_...            keeps the frames of each connection apart (see paho_websocket.c)
 *
 * and in paho_sockets.c:
 *
 *   Socket_new               goes to the address that was resolved ahead; sets TCP_NODELAY
 *   Socket_getReadySocket    wakes for every event, where Paho sleeps up to 1.1 s over some
 *   recv                     reads ahead: 5 system calls less a packet
 *   usleep                   naps of 1 ms instead of 100
 *   getenv                   no proxy of the environment unasked (Paho >= 1.3.14 does so itself)
 *   getsockopt               remembers why a connection was refused: Paho drops the errno
 *   poll                     leaves out connections that are held (see paho_hold.c)
 *   Thread_set_name          marks Paho's threads, so that these leave others alone */
#include <MQTTAsync.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "connectors/mqtt/paho_private.h"

/* ---- Paho's ---- */

/* Socket.h */
struct paho_buffers {
    int count;
    char **buffers;
    size_t *lengths;
    int *frees;
    uint8_t mask[4];
};
enum {
    WRITE_COMPLETE = 0,
    WRITE_FAILED = -1,
    WRITE_KEPT = -22,
    READ_FAILED = -1,
    PUBLISH_TYPE = 3
};

/* Clients.h: the socket is the first member of networkHandles. */
struct paho_net {
    int socket;
};

extern pthread_mutex_t *mqttasync_mutex; /* MQTTAsync.c */
extern pthread_mutex_t *mqttcommand_mutex;
extern pthread_mutex_t *socket_mutex;
extern void *send_cond;
void MQTTAsync_freeCommands(void *client);
void MQTTPacket_freePublish(void *publish);
int Thread_signal_cond(void *cond);
int Socket_noPendingWrites(int socket);
int WebSocket_putdatas(struct paho_net *net, char **first, size_t *len, struct paho_buffers *more);

void *__real_MQTTPacket_Factory(int version, struct paho_net *net, int *error);
int __real_MQTTPacket_send_publish(void *publish, int dup, int qos, int retained,
                                   struct paho_net *net, const char *client);
void __real_SSL_CTX_set_info_callback(SSL_CTX *ctx, void (*callback)(const SSL *, int, int));
void __real_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback);

WRAPPER int __wrap_MQTTPacket_send_puback(int version, int id, void *net, const char *client);
WRAPPER void *__wrap_MQTTPacket_Factory(int version, struct paho_net *net, int *error);
WRAPPER int __wrap_MQTTPacket_send_publish(void *publish, int dup, int qos, int retained,
                                           struct paho_net *net, const char *client);
WRAPPER void __wrap_SSL_CTX_set_info_callback(SSL_CTX *ctx,
                                              void (*callback)(const SSL *, int, int));
WRAPPER void __wrap_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback);

/* ---- state; file scope, because Paho's is ---- */

static struct paho_net *current_net; /* under mqttasync_mutex */

bool paho_holds_acks(void)
{
    return true;
}

void paho_init(void (*before_wait)(void))
{
    paho_sockets_init(before_wait);
}

void paho_lock(void)
{
    pthread_mutex_lock(mqttasync_mutex);
}

void paho_unlock(void)
{
    pthread_mutex_unlock(mqttasync_mutex);
}

/* ---- acknowledgements ---- */

/* Also called without the lock (MQTTProtocol_writeAvailable), so it does nothing at all. */
int __wrap_MQTTPacket_send_puback(int version, int id, void *net, const char *client)
{
    (void)version, (void)id, (void)net, (void)client;
    return WRITE_COMPLETE;
}

/* Every packet begins with its first byte. */
static void drop(void *packet)
{
    if (*(const uint8_t *)packet >> 4 == PUBLISH_TYPE)
        MQTTPacket_freePublish(packet);
    else
        MQTTAsync_free(packet); /* properties that it may have are left behind */
}

void *__wrap_MQTTPacket_Factory(int version, struct paho_net *net, int *error)
{
    current_net = net;
    paho_websocket_enter(net);
    void *packet = __real_MQTTPacket_Factory(version, net, error);
    if (!paho_websocket_leave(packet != NULL)) {
        if (packet) drop(packet);
        *error = READ_FAILED;
        return NULL;
    }
    if (packet) paho_sip_taken(net->socket);
    return packet;
}

struct paho_net *paho_current_net(void)
{
    return current_net;
}

int paho_socket(const struct paho_net *net)
{
    return net->socket;
}

static bool socket_is_free(int socket)
{
    pthread_mutex_lock(socket_mutex);
    bool free = Socket_noPendingWrites(socket);
    pthread_mutex_unlock(socket_mutex);
    return free;
}

bool paho_write(struct paho_net *net, const void *bytes, size_t len)
{
    int no_frees = 0;
    struct paho_buffers none = {.frees = &no_frees};
    if (net->socket <= 0 || !socket_is_free(net->socket)) return false;
    char *copy =
        MQTTAsync_malloc(len); /* Paho frees it after a partial write, but for a WebSocket */
    memcpy(copy, bytes, len);
    int rc = WebSocket_putdatas(net, &copy, &len, &none);
    if (rc != WRITE_KEPT || paho_is_websocket(net)) MQTTAsync_free(copy);
    return rc == WRITE_COMPLETE || rc == WRITE_KEPT;
}

/* When a PUBLISH of QoS 1 can't be written, Paho frees topic and payload with the command, and once
 * more with the list of those in flight (MQTTAsync_processCommand(), 1.3.12 and later). So it is
 * told that the write went well: the connection is at its end, which the receive thread finds out
 * at once, and then all that is in flight fails together. */
int __wrap_MQTTPacket_send_publish(void *publish, int dup, int qos, int retained,
                                   struct paho_net *net, const char *client)
{
    int rc = __real_MQTTPacket_send_publish(publish, dup, qos, retained, net, client);
    if (rc != WRITE_FAILED || qos == 0) return rc;
    shutdown(net->socket, SHUT_RDWR);
    return WRITE_COMPLETE;
}

void paho_discard_queued(void *client)
{
    pthread_mutex_lock(mqttasync_mutex);
    pthread_mutex_lock(mqttcommand_mutex);
    MQTTAsync_freeCommands(client);
    pthread_mutex_unlock(mqttcommand_mutex);
    pthread_mutex_unlock(mqttasync_mutex);
}

void paho_wake_sender(void)
{
    Thread_signal_cond(send_cond);
}

/* ---- certificates ---- */

/* Paho would check the name after the handshake, and say nothing. */
static bool is_for_host(X509_STORE_CTX *chain)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx());
    const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    X509 *cert = X509_STORE_CTX_get_current_cert(chain);
    return !host || X509_check_host(cert, host, 0, 0, NULL) == 1 ||
           X509_check_ip_asc(cert, host, 0) == 1;
}

static int on_verify(int ok, X509_STORE_CTX *chain)
{
    if (ok && X509_STORE_CTX_get_error_depth(chain) == 0 && !is_for_host(chain)) {
        X509_STORE_CTX_set_error(chain, X509_V_ERR_HOSTNAME_MISMATCH);
        ok = 0;
    }
    if (!ok) paho_noted()->verify_error = X509_STORE_CTX_get_error(chain);
    return ok;
}

void __wrap_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback)
{
    __real_SSL_CTX_set_verify(ctx, mode, paho_is_its_thread() && !callback ? on_verify : callback);
}

/* With TLS 1.3 a broker refuses a certificate after the handshake, where Paho reads on, and only
 * sees that it can't. */
static void on_info(const SSL *ssl, int where, int alert)
{
    (void)ssl;
    if (where & SSL_CB_ALERT && where & SSL_CB_READ) paho_noted()->tls_alert = alert & 0xff;
}

/* Paho's own callback writes a trace. */
void __wrap_SSL_CTX_set_info_callback(SSL_CTX *ctx, void (*callback)(const SSL *, int, int))
{
    __real_SSL_CTX_set_info_callback(ctx, paho_is_its_thread() ? on_info : callback);
}

struct paho_failure paho_failure(void)
{
    return *paho_noted();
}
