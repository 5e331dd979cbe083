/* More than one WebSocket in a process. Paho reads frames into variables of its file, shared by all
 * its clients: two of them would get each other's bytes. So each connection has values of its own
 * here, which take the place of Paho's while it reads from that connection. CMake links a copy
 * of the archive in which these five variables are visible (and named paho_ws_...).
 * Thread: Paho's, and the MQTT thread; under mqttasync_mutex, but for paho_websocket_ready(). */
#include <MQTTAsync.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bridge/mem.h"
#include "connectors/mqtt/paho_private.h"

/* LinkedList.h: the first member of a List. */
struct paho_list {
    void *first;
};

extern struct paho_list *paho_ws_in_frames; /* frames read and not yet used up */
extern char *paho_ws_frame_buffer;          /* of the frame that is being read */
extern size_t paho_ws_frame_buffer_len, paho_ws_frame_buffer_index, paho_ws_frame_buffer_data_len;
void ListFree(struct paho_list *list);
void *ListDetachHead(struct paho_list *list);
size_t WebSocket_calculateFrameHeaderSize(const struct paho_net *net, int mask, size_t len);

int __real_WebSocket_connect(struct paho_net *net, int tls, const char *uri);
int __real_WebSocket_upgrade(struct paho_net *net);
void __real_WebSocket_close(struct paho_net *net, int code, const char *reason);

void __real_WebSocket_framePosSeekTo(size_t pos);

WRAPPER int __wrap_WebSocket_connect(struct paho_net *net, int tls, const char *uri);
WRAPPER int __wrap_WebSocket_upgrade(struct paho_net *net);
WRAPPER void __wrap_WebSocket_close(struct paho_net *net, int code, const char *reason);
WRAPPER void __wrap_WebSocket_framePosSeekTo(size_t pos);

struct websocket {
    const struct paho_net *net;
    struct paho_list *in_frames;
    char *buffer;
    size_t len, index, data_len;
    struct websocket *next;
};

static struct websocket *websockets;
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

void paho_websocket_enter(struct paho_net *net)
{
    exchange(*find(net));
}

static bool was_closed(const struct paho_net *net)
{
    return paho_is_websocket(net) && WebSocket_calculateFrameHeaderSize(net, 0, 1) == 0;
}

/* When a CLOSE comes in the middle of a packet, Paho frees the frames that it has of it, keeps them
 * in its list, writes to them, and waits for more (1.3.12). Here they leave the list, and the
 * connection ends. Called where a packet is not complete. */
void __wrap_WebSocket_framePosSeekTo(size_t pos)
{
    if (!was_closed(paho_current_net())) {
        __real_WebSocket_framePosSeekTo(pos);
        return;
    }
    while (paho_ws_in_frames && ListDetachHead(paho_ws_in_frames))
        ;
    shutdown(paho_socket(paho_current_net()), SHUT_RDWR);
}

/* One frame may hold several packets; Paho would wait for the socket to be readable. */
void paho_websocket_leave(struct paho_net *net, bool got_packet)
{
    struct websocket *w = *find(net);
    if (!w) return;
    exchange(w);
    set_ready(w, got_packet && w->in_frames && w->in_frames->first);
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
