/* More than one WebSocket in a process. Paho reads frames into variables of its file, shared by all
 * its clients: two of them would get each other's bytes. So each connection has values of its own
 * here, which take the place of Paho's while it reads from that connection. CMake links a copy
 * of the archive in which these five variables are visible (and named paho_ws_...).
 * Thread: Paho's, and the MQTT thread; under mqttasync_mutex, but for paho_websocket_ready(). */
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bridge/mem.h"
#include "connectors/mqtt/paho_private.h"

/* LinkedList.h: the first members. */
struct paho_element {
    struct paho_element *previous, *next;
    void *content;
};
struct paho_list {
    struct paho_element *first;
};

extern struct paho_list *paho_ws_in_frames; /* frames read and not yet used up */
extern char *paho_ws_frame_buffer;          /* of the frame that is being read */
extern size_t paho_ws_frame_buffer_len, paho_ws_frame_buffer_index, paho_ws_frame_buffer_data_len;
void ListFree(struct paho_list *list);
void *ListDetachHead(struct paho_list *list);

int __real_WebSocket_connect(struct paho_net *net, int tls, const char *uri);
int __real_WebSocket_upgrade(struct paho_net *net);
void __real_WebSocket_close(struct paho_net *net, int code, const char *reason);

WRAPPER int __wrap_WebSocket_connect(struct paho_net *net, int tls, const char *uri);
WRAPPER int __wrap_WebSocket_upgrade(struct paho_net *net);
WRAPPER void __wrap_WebSocket_close(struct paho_net *net, int code, const char *reason);

struct websocket {
    const struct paho_net *net;
    struct paho_list *in_frames;
    char *buffer;
    size_t len, index, data_len;
    bool broken; /* part of a packet was lost */
    struct websocket *next;
};

_Thread_local bool paho_reads_websocket;
static struct websocket *websockets;
static struct websocket *reading;     /* between enter and leave */
static const struct websocket *ready; /* has a packet in memory; it is read until it has none */
static atomic_int ready_socket;       /* its socket, for who has no lock; 0: none */

static struct websocket **find(const struct paho_net *net)
{
    struct websocket **at = &websockets;
    while (*at && (*at)->net != net)
        at = &(*at)->next;
    return at;
}

bool paho_is_websocket(const struct paho_net *net)
{
    return *find(net) != NULL;
}

#define SWAP(a, b)                                                                                 \
    do {                                                                                           \
        __typeof__(a) held = (a);                                                                  \
        (a) = (b);                                                                                 \
        (b) = held;                                                                                \
    } while (0)

/* Puts the values in; a second time, takes them out again. */
static void exchange(struct websocket *w)
{
    if (!w) return;
    SWAP(w->in_frames, paho_ws_in_frames);
    SWAP(w->buffer, paho_ws_frame_buffer);
    SWAP(w->len, paho_ws_frame_buffer_len);
    SWAP(w->index, paho_ws_frame_buffer_index);
    SWAP(w->data_len, paho_ws_frame_buffer_data_len);
}

static void set_ready(const struct websocket *w, bool has_packet)
{
    if (has_packet)
        ready = w;
    else if (ready == w)
        ready = NULL;
    atomic_store_explicit(&ready_socket, ready ? paho_socket(ready->net) : 0, memory_order_relaxed);
}

int paho_websocket_ready(void)
{
    return atomic_load_explicit(&ready_socket, memory_order_relaxed);
}

void paho_websocket_enter(const struct paho_net *net)
{
    reading = *find(net);
    paho_reads_websocket = reading != NULL;
    exchange(reading);
}

/* When a CLOSE or a PING comes between two frames of one packet, Paho frees the frames that it has
 * of it, and keeps them in its list, and writes to them (1.3.12). Here they leave the list; what is
 * read of the packet afterwards is not what was sent, so the connection ends. */
void paho_websocket_freed(const void *ptr)
{
    const struct paho_element *first = paho_ws_in_frames ? paho_ws_in_frames->first : NULL;
    if (!first || first->content != ptr) return;
    ListDetachHead(paho_ws_in_frames);
    reading->broken = true;
}

/* One frame may hold several packets; Paho would wait for the socket to be readable. */
bool paho_websocket_leave(bool got_packet)
{
    struct websocket *w = reading;
    if (!w) return true;
    reading = NULL;
    paho_reads_websocket = false;
    exchange(w);
    set_ready(w, got_packet && !w->broken && w->in_frames && w->in_frames->first);
    return !w->broken;
}

static void forget(const struct paho_net *net)
{
    struct websocket **at = find(net), *w = *at;
    if (!w) return;
    set_ready(w, false);
    *at = w->next;
    if (w->in_frames) ListFree(w->in_frames);
    if (w->buffer) MQTTAsync_free(w->buffer);
    free(w);
}

int __wrap_WebSocket_connect(struct paho_net *net, int tls, const char *uri)
{
    forget(net);
    struct websocket *w = mem_zalloc(sizeof(*w));
    w->net = net;
    w->next = websockets;
    websockets = w;
    return __real_WebSocket_connect(net, tls, uri);
}

int __wrap_WebSocket_upgrade(struct paho_net *net)
{
    struct websocket *w = *find(net);
    exchange(w);
    int rc = __real_WebSocket_upgrade(net);
    exchange(w);
    return rc;
}

void __wrap_WebSocket_close(struct paho_net *net, int code, const char *reason)
{
    __real_WebSocket_close(net, code, reason);
    forget(net);
}
