/* libcurl's sockets on the loop. A connection stays watched while it is idle, so that the usual
 * request costs no epoll_ctl(): libuv would make two of each uv_poll_start(). That is only safe for
 * sockets that we close ourselves; those of libcurl's resolver are let go when it says so, and so
 * are those that are not connected yet: libcurl closes them itself, without a word (7.88.1). */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/http/client.h"

struct http_socket {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t fd;
    int wanted, watched; /* by libcurl, by libuv: UV_READABLE, UV_WRITABLE */
    bool ours;           /* a connection's, from open_socket() */
    bool connected;      /* or refused: there was an event */
    bool poll_ready;     /* poll is initialised */
};

static struct http_socket *find(const struct http_client *c, curl_socket_t fd)
{
    return (size_t)fd < c->socket_slots ? c->sockets[fd] : NULL;
}

static void on_poll_closed(uv_handle_t *poll)
{
    struct http_socket *s = poll->data;
    struct http_client *c = s->client;
    free(s);
    c->open_polls--;
    if (c->closing) loop_at_turn_end(c->loop, &c->turn_end);
}

static void forget(struct http_socket *s)
{
    s->client->sockets[s->fd] = NULL;
    if (s->poll_ready)
        uv_close((uv_handle_t *)&s->poll, on_poll_closed);
    else
        free(s);
}

static struct http_socket *add(struct http_client *c, curl_socket_t fd, bool ours)
{
    size_t slot = (size_t)fd;
    if (slot >= c->socket_slots) {
        size_t slots = slot + 16;
        c->sockets = mem_realloc(c->sockets, slots * sizeof(struct http_socket *));
        memset(c->sockets + c->socket_slots, 0,
               (slots - c->socket_slots) * sizeof(struct http_socket *));
        c->socket_slots = slots;
    }
    if (c->sockets[slot]) forget(c->sockets[slot]); /* closed before we were told to watch it */
    struct http_socket *s = mem_zalloc(sizeof(*s));
    *s = (struct http_socket){.client = c, .fd = fd, .ours = ours};
    return c->sockets[slot] = s;
}

void sockets_forget(struct http_client *c)
{
    for (size_t slot = 0; slot < c->socket_slots; slot++)
        if (c->sockets[slot]) forget(c->sockets[slot]);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct http_socket *s = poll->data;
    s->connected = true;
    if (!s->wanted) { /* idle, and the far end closed it: libcurl sees that when it wants to use it
                       */
        uv_poll_stop(poll);
        s->watched = 0;
        return;
    }
    if (status < 0) { /* libuv has stopped; libcurl reads the reason from the socket */
        s->watched = 0;
        events = s->wanted;
    }
    int bits = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0);
    http_client_act(s->client, s->fd, bits);
}

static bool prepare_poll(struct http_socket *s)
{
    if (s->poll_ready) return true;
    if (uv_poll_init(loop_uv(s->client->loop), &s->poll, s->fd) != 0) return false;
    s->poll.data = s;
    s->poll_ready = true;
    s->client->open_polls++;
    return true;
}

static bool watch(struct http_socket *s, int events)
{
    if (s->watched == events) return true;
    if (!prepare_poll(s) || uv_poll_start(&s->poll, events, on_event) != 0) return false;
    s->watched = events;
    return true;
}

static void release(struct http_socket *s)
{
    struct http_client *c = s->client;
    s->wanted = 0;
    if (s->ours && !s->connected) {
        c->gave_up_address = true;
        loop_at_turn_end(c->loop, &c->turn_end);
    }
    if (!s->ours || !s->connected)
        forget(s);
    else if (s->watched & UV_WRITABLE) { /* an idle connection is always writable */
        uv_poll_stop(&s->poll);
        s->watched = 0;
    }
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    (void)easy, (void)assigned; /* libcurl forgets assignments when a connection becomes idle */
    struct http_client *c = arg;
    struct http_socket *s = find(c, fd);
    if (what == CURL_POLL_REMOVE) {
        if (s) release(s);
        return 0;
    }
    if (!s) s = add(c, fd, false);
    s->wanted = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    return watch(s, s->wanted) ? 0 : -1;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0) return CURL_SOCKET_BAD;
    add(arg, fd, true);
    return fd;
}

static int close_socket(void *arg, curl_socket_t fd)
{
    struct http_socket *s = find(arg, fd);
    if (s) forget(s); /* before the close: libuv must not watch a descriptor that is gone */
    return close(fd);
}

void sockets_hook_multi(struct http_client *c)
{
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
}

void sockets_hook_easy(struct http_client *c, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, c);
}
