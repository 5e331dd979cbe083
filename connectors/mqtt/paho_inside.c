/* The only file that knows Paho's insides, as they are in 1.3.12 (Debian 12) and in its successors
 * so far. Each --wrap of CMakeLists.txt sends Paho's own calls of a function to the __wrap_ version
 * here, at link time; the archive itself stays as the distribution built it. CMake checks that
 * every symbol is there, and tests/unit/test_mqtt_gate.c that the PUBACKs do wait.
 *
 *   MQTTPacket_send_puback   never sends: the ack gate does it, when the message is confirmed
 *   MQTTPacket_Factory       tells which connection the packet at hand came from
 *   Socket_new               goes to the address that was resolved ahead; sets TCP_NODELAY
 *   Socket_getReadySocket    wakes for every event, where Paho sleeps up to 1.1 s over some
 *   Thread_set_name          marks Paho's threads, so that the four below leave others alone
 *   usleep                   naps of 1 ms instead of 100
 *   getenv                   no proxy of the environment unasked (Paho >= 1.3.14 does so itself)
 *   getsockopt               remembers why a connection was refused: Paho drops the errno
 *   SSL_CTX_set_verify       remembers why a certificate was refused; checks its host name */
#include "connectors/mqtt/paho_inside.h"

#include <MQTTAsync.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* ---- Paho's ---- */

/* Socket.h */
struct paho_buffers {
    int count;
    char **buffers;
    size_t *lengths;
    int *frees;
    uint8_t mask[4];
};
enum { WRITE_COMPLETE = 0, WRITE_KEPT = -22, PROXY_NAP_US = 1000 };

/* Clients.h: the socket is the first member of networkHandles. */
struct paho_net {
    int socket;
};

extern pthread_mutex_t *mqttasync_mutex; /* MQTTAsync.c */
extern pthread_mutex_t *mqttcommand_mutex;
extern pthread_mutex_t *socket_mutex;
extern void *send_cond;
void MQTTAsync_freeCommands(void *client);
int Thread_signal_cond(void *cond);
int Socket_noPendingWrites(int socket);
int WebSocket_putdatas(struct paho_net *net, char **first, size_t *len, struct paho_buffers *more);

void *__real_MQTTPacket_Factory(int version, struct paho_net *net, int *error);
int __real_Socket_new(const char *addr, size_t addr_len, int port, int *sock, long timeout);
int __real_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc);
int __real_Thread_set_name(const char *name);
int __real_usleep(unsigned us);
char *__real_getenv(const char *name);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
void __real_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback);

/* Called from Paho's objects only, which link-time optimisation can't see. */
#define WRAPPER __attribute__((used))

WRAPPER int __wrap_MQTTPacket_send_puback(int version, int id, void *net, const char *client);
WRAPPER void *__wrap_MQTTPacket_Factory(int version, struct paho_net *net, int *error);
WRAPPER int __wrap_Socket_new(const char *addr, size_t addr_len, int port, int *sock, long timeout);
WRAPPER int __wrap_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc);
WRAPPER int __wrap_Thread_set_name(const char *name);
WRAPPER int __wrap_usleep(unsigned us);
WRAPPER char *__wrap_getenv(const char *name);
WRAPPER int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
WRAPPER void __wrap_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback);

/* ---- state; file scope, because Paho's is ---- */

static struct paho_net *current_net; /* under mqttasync_mutex */
static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct paho_route *routes;
static int events = -1; /* epoll, edge-triggered: something happened on a socket of Paho's */

static _Thread_local bool is_paho_thread;
static _Thread_local int connect_errno;
static _Thread_local long verify_error;

bool paho_holds_acks(void)
{
    return true;
}

void paho_init(void)
{
    events = epoll_create1(EPOLL_CLOEXEC);
}

void paho_lock(void)
{
    pthread_mutex_lock(mqttasync_mutex);
}

void paho_unlock(void)
{
    pthread_mutex_unlock(mqttasync_mutex);
}

int __wrap_Thread_set_name(const char *name)
{
    is_paho_thread = true;
    return __real_Thread_set_name(name);
}

/* ---- acknowledgements ---- */

/* Also called without the lock (MQTTProtocol_writeAvailable), so it does nothing at all. */
int __wrap_MQTTPacket_send_puback(int version, int id, void *net, const char *client)
{
    (void)version, (void)id, (void)net, (void)client;
    return WRITE_COMPLETE;
}

void *__wrap_MQTTPacket_Factory(int version, struct paho_net *net, int *error)
{
    current_net = net;
    return __real_MQTTPacket_Factory(version, net, error);
}

struct paho_net *paho_current_net(void)
{
    return current_net;
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
    char *copy = MQTTAsync_malloc(len); /* Paho frees it after a partial write */
    memcpy(copy, bytes, len);
    int rc = WebSocket_putdatas(net, &copy, &len, &none);
    if (rc != WRITE_KEPT) MQTTAsync_free(copy);
    return rc == WRITE_COMPLETE || rc == WRITE_KEPT;
}

void paho_discard_queued(void *client)
{
    pthread_mutex_lock(mqttasync_mutex);
    pthread_mutex_lock(mqttcommand_mutex);
    MQTTAsync_freeCommands(client);
    pthread_mutex_unlock(mqttcommand_mutex);
    pthread_mutex_unlock(mqttasync_mutex);
}

/* ---- connecting ---- */

void paho_route(struct paho_route *route)
{
    pthread_mutex_lock(&routes_lock);
    route->next = routes;
    routes = route;
    pthread_mutex_unlock(&routes_lock);
}

void paho_unroute(struct paho_route *route)
{
    pthread_mutex_lock(&routes_lock);
    struct paho_route **at = &routes;
    while (*at && *at != route)
        at = &(*at)->next;
    if (*at) *at = route->next;
    pthread_mutex_unlock(&routes_lock);
}

static bool find_route(const char *host, size_t len, char *address, size_t size)
{
    pthread_mutex_lock(&routes_lock);
    const struct paho_route *route = routes;
    while (route && !(strlen(route->host) == len && memcmp(route->host, host, len) == 0))
        route = route->next;
    if (route) snprintf(address, size, "%s", route->address);
    pthread_mutex_unlock(&routes_lock);
    return route != NULL;
}

static void watch(int socket)
{
    struct epoll_event any = {.events = EPOLLIN | EPOLLOUT | EPOLLET};
    int on = 1;
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_ctl(events, EPOLL_CTL_ADD, socket, &any); /* close() takes it out again */
}

int __wrap_Socket_new(const char *addr, size_t addr_len, int port, int *sock, long timeout)
{
    char address[sizeof(((struct paho_route *)0)->address)];
    if (find_route(addr, addr_len, address, sizeof(address))) {
        addr = address;
        addr_len = strlen(address);
    }
    int rc = __real_Socket_new(addr, addr_len, port, sock, timeout);
    connect_errno = rc;
    if (*sock > 0) watch(*sock);
    return rc;
}

char *__wrap_getenv(const char *name)
{
    bool proxy = strcmp(name, "http_proxy") == 0 || strcmp(name, "https_proxy") == 0;
    return is_paho_thread && proxy ? NULL : __real_getenv(name);
}

/* ---- why it failed ---- */

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    int rc = __real_getsockopt(fd, level, name, value, len);
    if (is_paho_thread && rc == 0 && level == SOL_SOCKET && name == SO_ERROR)
        memcpy(&connect_errno, value, sizeof(connect_errno));
    return rc;
}

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
    if (!ok) verify_error = X509_STORE_CTX_get_error(chain);
    return ok;
}

void __wrap_SSL_CTX_set_verify(SSL_CTX *ctx, int mode, SSL_verify_cb callback)
{
    __real_SSL_CTX_set_verify(ctx, mode, is_paho_thread && !callback ? on_verify : callback);
}

struct paho_failure paho_failure(void)
{
    bool pending = connect_errno <= 0 || connect_errno == EINPROGRESS;
    return (struct paho_failure){pending ? 0 : connect_errno, verify_error};
}

/* ---- waiting ---- */

/* Paho polls for reading only, for up to 1 s, and then sleeps 100 ms: a connection that came about
 * meanwhile, a new client, or room in a full socket have to wait. Here the wait ends with the next
 * event on any socket. Paho's own poll still says what is to be done, with a timeout of 0; an event
 * between the two is kept by epoll. */
int __wrap_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc)
{
    struct epoll_event happened[16];
    connect_errno = 0; /* what is learned from here on belongs to one connection */
    verify_error = 0;
    int ready = __real_Socket_getReadySocket(more, 0, mutex, rc);
    if (ready || *rc || more || timeout == 0) return ready;
    epoll_wait(events, happened, 16, timeout);
    return __real_Socket_getReadySocket(more, 0, mutex, rc);
}

int __wrap_usleep(unsigned us)
{
    return __real_usleep(is_paho_thread && us > PROXY_NAP_US ? PROXY_NAP_US : us);
}

void paho_wake_sender(void)
{
    Thread_signal_cond(send_cond);
}
