/* Paho's sockets: where they connect to, how they wait, and how they read. One of the files
 * that wrap Paho's insides, see paho_inside.c. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/mqtt/paho_private.h"

enum {
    LONGEST_NAP_US = 1000,
    READ_AHEAD_BYTES = 64 * 1024,
    SMALL_READ_BYTES = 4 * 1024,
    SIP_BYTES = 512, /* read ahead where as little as possible is to be read */
};

int __real_Socket_new(const char *addr, size_t addr_len, int port, int *sock, long timeout);
int __real_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc);
int __real_Thread_set_name(const char *name);
int __real_usleep(unsigned us);
char *__real_getenv(const char *name);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
ssize_t __real_recv(int fd, void *to, size_t len, int flags);

WRAPPER int __wrap_Socket_new(const char *addr, size_t addr_len, int port, int *sock, long timeout);
WRAPPER int __wrap_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc);
WRAPPER int __wrap_Thread_set_name(const char *name);
WRAPPER int __wrap_usleep(unsigned us);
WRAPPER char *__wrap_getenv(const char *name);
WRAPPER int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
WRAPPER ssize_t __wrap_recv(int fd, void *to, size_t len, int flags);

static _Thread_local bool is_paho_thread, is_receive_thread;
static _Thread_local struct paho_failure noted;

int __wrap_Thread_set_name(const char *name)
{
    is_paho_thread = true;
    return __real_Thread_set_name(name);
}

bool paho_is_its_thread(void)
{
    return is_paho_thread;
}

bool paho_will_wait(void)
{
    return is_receive_thread;
}

struct paho_failure *paho_noted(void)
{
    return &noted;
}

/* ---- connecting ---- */

static pthread_mutex_t routes_lock = PTHREAD_MUTEX_INITIALIZER;
static struct paho_route *routes;
static void (*before_wait)(void);
static int events = -1; /* epoll, edge-triggered: something happened on a socket of Paho's */
static int doorbell = -1;

void paho_sockets_init(void (*run_before_wait)(void))
{
    before_wait = run_before_wait;
    struct epoll_event rings = {.events = EPOLLIN | EPOLLET};
    events = epoll_create1(EPOLL_CLOEXEC);
    doorbell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    epoll_ctl(events, EPOLL_CTL_ADD, doorbell, &rings);
}

/* Each ring is an edge: nobody has to read the counter, which takes centuries to fill. */
void paho_wake_receiver(void)
{
    eventfd_write(doorbell, 1);
}

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
    noted.os_error = rc > 0 && rc != EINPROGRESS ? rc : 0;
    if (*sock > 0) watch(*sock);
    return rc;
}

char *__wrap_getenv(const char *name)
{
    bool proxy = strcmp(name, "http_proxy") == 0 || strcmp(name, "https_proxy") == 0;
    return is_paho_thread && proxy ? NULL : __real_getenv(name);
}

/* How Paho learns that a connection was refused; it drops the reason. */
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    int rc = __real_getsockopt(fd, level, name, value, len);
    if (is_paho_thread && rc == 0 && level == SOL_SOCKET && name == SO_ERROR)
        memcpy(&noted.os_error, value, sizeof(noted.os_error));
    return rc;
}

/* ---- reading ----
 *
 * Paho reads a packet with three calls of recv(2) or more, after two of poll(2). Here the first one
 * reads ahead, and the others are answered from memory. Only one socket can have bytes in memory at
 * any time: it stays the ready one until they are used up. TLS reads by itself, and not through
 * here. All under mqttasync_mutex, but for the socket's number. */
static struct {
    atomic_int socket; /* 0: no bytes in memory */
    size_t at, end;
    char bytes[READ_AHEAD_BYTES];
} ahead;

static ssize_t take_ahead(void *to, size_t len)
{
    size_t n = ahead.end - ahead.at < len ? ahead.end - ahead.at : len;
    memcpy(to, ahead.bytes + ahead.at, n);
    ahead.at += n;
    if (ahead.at == ahead.end) atomic_store_explicit(&ahead.socket, 0, memory_order_relaxed);
    return (ssize_t)n;
}

static int socket_read_ahead(void)
{
    return atomic_load_explicit(&ahead.socket, memory_order_relaxed);
}

/* Paho's Socket_close_only() reads nothing at all before it closes. */
static void forget_ahead(int fd)
{
    if (socket_read_ahead() == fd) atomic_store_explicit(&ahead.socket, 0, memory_order_relaxed);
}

ssize_t __wrap_recv(int fd, void *to, size_t len, int flags)
{
    if (len == 0) forget_ahead(fd);
    if (!is_paho_thread || len == 0 || flags) return __real_recv(fd, to, len, flags);
    if (socket_read_ahead() == fd) return take_ahead(to, len);
    if (len >= SMALL_READ_BYTES || socket_read_ahead()) return __real_recv(fd, to, len, flags);
    ssize_t n =
        __real_recv(fd, ahead.bytes, paho_is_held(fd) ? SIP_BYTES : READ_AHEAD_BYTES, flags);
    if (n <= 0) return n;
    ahead.at = 0;
    ahead.end = (size_t)n;
    atomic_store_explicit(&ahead.socket, fd, memory_order_relaxed);
    return take_ahead(to, len);
}

/* ---- waiting ---- */

/* Paho polls for reading only, for up to 1 s, and then sleeps 100 ms: a connection that came about
 * meanwhile, a new client, or room in a full socket have to wait. Here the wait ends with the next
 * event on any socket. Paho's own poll still says what is to be done, with a timeout of 0; an event
 * between the two is kept by epoll. */
int __wrap_Socket_getReadySocket(int more, int timeout, pthread_mutex_t *mutex, int *rc)
{
    struct epoll_event happened[16];
    int ahead_socket = socket_read_ahead();
    int ready = ahead_socket ? ahead_socket : paho_websocket_ready();
    is_receive_thread = true;
    noted = (struct paho_failure){0}; /* what is noted from here on belongs to one connection */
    *rc = 0;
    if (ready) return ready;
    ready = __real_Socket_getReadySocket(more, 0, mutex, rc);
    if (ready || *rc || more || timeout == 0) return ready;
    before_wait();
    epoll_wait(events, happened, 16, timeout);
    return __real_Socket_getReadySocket(more, 0, mutex, rc);
}

int __wrap_usleep(unsigned us)
{
    return __real_usleep(is_paho_thread && us > LONGEST_NAP_US ? LONGEST_NAP_US : us);
}
