#include "tests/unit/canned_http.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct peer {
    uv_tcp_t tcp;
    struct canned_http *server;
    struct buf in;
    uv_write_t write;
    bool answered;
};

static void on_peer_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;
    p->server->open--;
    free(p->in.ptr);
    free(p);
}

static void close_peer(struct peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->tcp)) uv_close((uv_handle_t *)&p->tcp, on_peer_closed);
}

static void on_written(uv_write_t *write, int status)
{
    struct peer *p = write->handle->data;
    if (status < 0 || p->server->then == CANNED_CLOSE) close_peer(p);
}

static void say(struct peer *p, const char *text, size_t len)
{
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)text, (unsigned)len);
    uv_write(&p->write, (uv_stream_t *)&p->tcp, &out, 1, on_written);
}

static void answer(struct peer *p)
{
    struct canned_http *s = p->server;
    p->answered = true;
    if (s->silent) return;
    if (s->then == CANNED_RESET) {
        uv_tcp_close_reset(&p->tcp, on_peer_closed);
        return;
    }
    say(p, s->reply, s->reply_len ? s->reply_len : strlen(s->reply));
}

/* Length of the whole request at the start of what came in; 0: not all of it is here. */
static size_t whole_request(struct buf *in)
{
    buf_reserve(in, 1);
    in->ptr[in->len] = 0;
    const char *end = strstr(in->ptr, "\r\n\r\n"), *length = strcasestr(in->ptr, "content-length:");
    if (!end) return 0;
    size_t body = length && length < end ? strtoul(length + 15, NULL, 10) : 0;
    size_t whole = (size_t)(end + 4 - in->ptr) + body;
    return in->len >= whole ? whole : 0;
}

static void note_request(struct canned_http *s, const char *text, size_t len)
{
    s->requests++;
    s->last.len = 0;
    buf_add(&s->last, text, len);
    buf_add(&s->last, "", 1);
    s->last.len--;
    const char *path = strchr(s->last.ptr, ' ') + 1;
    buf_add(&s->paths, path, strcspn(path, " ") + 1);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct peer *p = handle->data;
    buf_reserve(&p->in, suggested);
    *out = uv_buf_init(p->in.ptr + p->in.len, (unsigned)suggested);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
    (void)in;
    struct peer *p = stream->data;
    if (n < 0) {
        close_peer(p);
        return;
    }
    p->in.len += (size_t)n;
    size_t whole = whole_request(&p->in);
    if (!whole) return;
    if (p->answered && p->server->then == CANNED_ONCE) {
        close_peer(p);
        return;
    }
    note_request(p->server, p->in.ptr, whole);
    if (p->server->on_request) p->server->on_request(p->server);
    p->in.len = 0;
    answer(p);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct canned_http *s = listener->data;
    if (status < 0) abort();
    struct peer *p = mem_zalloc(sizeof(*p));
    p->server = s;
    uv_tcp_init(loop_uv(s->loop), &p->tcp);
    p->tcp.data = p;
    s->open++;
    s->accepted++;
    uv_accept(listener, (uv_stream_t *)&p->tcp);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
    if (s->greeting) say(p, s->greeting, strlen(s->greeting));
}

void canned_http_start(struct canned_http *s, struct loop *loop)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    s->loop = loop;
    uv_ip4_addr(s->address ? s->address : "127.0.0.1", 0, &address);
    uv_tcp_init(loop_uv(loop), &s->listener);
    s->listener.data = s;
    if (uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&s->listener, 128, on_connection) != 0)
        abort();
    uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len);
    s->port = ntohs(address.sin_port);
    s->listening = true;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct canned_http *s = handle->data;
    s->listening = false;
}

/* The client watches its sockets by uv_poll_t: what is TCP here is ours. */
static void close_if_ours(uv_handle_t *handle, void *arg)
{
    struct canned_http *s = arg;
    if (handle->type != UV_TCP || uv_is_closing(handle)) return;
    uv_close(handle, handle == (uv_handle_t *)&s->listener ? on_listener_closed : on_peer_closed);
}

void canned_http_stop(struct canned_http *s)
{
    uv_walk(loop_uv(s->loop), close_if_ours, s);
    while (s->open || s->listening)
        uv_run(loop_uv(s->loop), UV_RUN_NOWAIT);
    free(s->last.ptr);
    free(s->paths.ptr);
    s->last = s->paths = (struct buf){0};
}
