#include "tests/sim/http.h"

#include "tests/sim/tls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The reading side never stops, so that a client that goes away during a long poll is noticed. */
struct conn {
    struct http_exchange exchange; /* first: an exchange is its connection */
    struct http_server *server;
    uv_tcp_t tcp;
    uv_timer_t delay;
    uv_write_t write;
    struct tls *tls;
    struct buf in;   /* plain bytes not yet handled */
    struct buf wire; /* TLS: what was just read */
    struct buf head, out;
    size_t need; /* handling waits for so many bytes; 0: not known */
    bool busy;   /* an exchange is under way, until its answer is written */
    bool continued, last, closing;
    int handles;
};

static void process(struct conn *c);

static struct conn *conn_of(struct http_exchange *x)
{
    return (struct conn *)(void *)x;
}

static void conn_free(uv_handle_t *handle)
{
    struct conn *c = handle->data;
    if (--c->handles) return;
    c->server->open--;
    tls_close(c->tls);
    buf_free(&c->in);
    buf_free(&c->wire);
    buf_free(&c->head);
    buf_free(&c->out);
    buf_free(&c->exchange.reply.headers);
    buf_free(&c->exchange.reply.body);
    free(c);
}

static void conn_close(struct conn *c)
{
    if (c->closing) return;
    c->closing = true;
    if (c->exchange.abandoned) c->exchange.abandoned(&c->exchange);
    c->exchange.abandoned = NULL;
    uv_close((uv_handle_t *)&c->tcp, conn_free);
    uv_close((uv_handle_t *)&c->delay, conn_free);
}

static void on_written(uv_write_t *write, int status)
{
    struct conn *c = write->data;
    c->busy = false;
    if (status < 0 || c->last) conn_close(c);
    if (!c->closing) process(c);
}

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 500:
        return "Internal Server Error";
    case 503:
        return "Service Unavailable";
    default:
        return "Status";
    }
}

static void write_head(struct conn *c)
{
    const struct http_reply *r = &c->exchange.reply;
    char date[64];
    struct tm tm;
    time_t now = (time_t)r->date_s;
    gmtime_r(&now, &tm);
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    long long length = r->announced_length >= 0 ? r->announced_length : (long long)r->body.len;
    c->head.len = 0;
    buf_addf(&c->head, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n",
             r->status, reason_of(r->status), date, r->content_type, length);
    buf_add_text(&c->head, text_of_buf(&r->headers));
    if (c->last) buf_add_text(&c->head, text_of("Connection: close\r\n"));
    buf_add_text(&c->head, text_of("\r\n"));
}

static void write_out(struct conn *c, uv_buf_t *bufs, unsigned n)
{
    c->write.data = c;
    for (unsigned i = 0; i < n; i++)
        c->server->bytes_out += bufs[i].len;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, bufs, n, on_written) < 0) conn_close(c);
}

static uv_buf_t uv_bytes(const struct buf *b, size_t len)
{
    return uv_buf_init(b->ptr, (unsigned)len);
}

static void send_answer(struct conn *c)
{
    const struct http_reply *r = &c->exchange.reply;
    size_t body = r->cut_at < r->body.len ? r->cut_at : r->body.len;
    write_head(c);
    c->last = c->last || body < r->body.len; /* unannounced, as when a connection breaks */
    if (!c->tls) {
        uv_buf_t bufs[] = {uv_bytes(&c->head, c->head.len), uv_bytes(&r->body, body)};
        write_out(c, bufs, 2);
        return;
    }
    c->out.len = 0;
    if (!tls_send(c->tls, text_of_buf(&c->head), &c->out) ||
        !tls_send(c->tls, (struct text){r->body.ptr, body}, &c->out)) {
        conn_close(c);
        return;
    }
    uv_buf_t encrypted = uv_bytes(&c->out, c->out.len);
    write_out(c, &encrypted, 1);
}

static void on_delay(uv_timer_t *timer)
{
    send_answer(timer->data);
}

void http_answer(struct http_exchange *x, uint64_t delay_ms)
{
    struct conn *c = conn_of(x);
    x->abandoned = NULL;
    if (delay_ms)
        uv_timer_start(&c->delay, on_delay, delay_ms, 0);
    else
        send_answer(c);
}

void http_hang_up(struct http_exchange *x)
{
    x->abandoned = NULL;
    conn_close(conn_of(x));
}

static void reset_reply(struct http_exchange *x)
{
    struct http_reply *r = &x->reply;
    r->status = 200;
    r->content_type = "application/x-amz-json-1.0";
    r->headers.len = r->body.len = 0;
    r->date_s = (int64_t)time(NULL);
    r->announced_length = -1;
    r->cut_at = SIZE_MAX;
}

static void refuse(struct conn *c, int status, const char *why)
{
    struct http_exchange *x = &c->exchange;
    reset_reply(x);
    x->reply.status = status;
    x->reply.content_type = "text/plain";
    buf_add_text(&x->reply.body, text_of(why));
    c->busy = c->last = true;
    send_answer(c);
}

static void say_continue(struct conn *c)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct text bytes = text_of(line);
    c->out.len = 0;
    if (c->tls)
        tls_send(c->tls, bytes, &c->out);
    else
        buf_add_text(&c->out, bytes);
    uv_buf_t now = uv_bytes(&c->out, c->out.len);
    uv_try_write((uv_stream_t *)&c->tcp, &now, 1);
    c->continued = true;
}

static void handle(struct conn *c, size_t len)
{
    struct http_exchange *x = &c->exchange;
    c->busy = true;
    c->last = !x->request.keep_alive;
    c->server->requests++;
    reset_reply(x);
    c->server->handle(c->server->ctx, x);
    c->in.len -= len;
    if (c->in.len) memmove(c->in.ptr, c->in.ptr + len, c->in.len);
    c->need = 0;
    c->continued = false;
}

/* Handles the next request if all of it is there. The one after it waits until this answer is
 * written. */
static void process(struct conn *c)
{
    size_t head_len = 0;
    if (c->busy || !c->in.len || c->in.len < c->need) return;
    switch (http_parse(&c->exchange.request, text_of_buf(&c->in), &head_len)) {
    case HTTP_PARSE_MORE:
        return;
    case HTTP_PARSE_BAD:
        refuse(c, 400, "bad request");
        return;
    case HTTP_PARSE_TOO_LARGE:
        refuse(c, 413, "too large");
        return;
    case HTTP_PARSE_NO_LENGTH:
        refuse(c, 411, "length required");
        return;
    case HTTP_PARSE_HEAD:
        c->need = head_len + c->exchange.request.content_length;
        if (c->exchange.request.expects_continue && !c->continued) say_continue(c);
        buf_reserve(&c->in, c->need - c->in.len);
        return;
    case HTTP_PARSE_DONE:
        handle(c, head_len + c->exchange.request.content_length);
        return;
    }
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    struct conn *c = h->data;
    struct buf *b = c->tls ? &c->wire : &c->in;
    (void)suggested;
    buf_reserve(b, 16384);
    *out = uv_buf_init(b->ptr + b->len, (unsigned)(b->cap - b->len));
}

/* False: the TLS connection is broken. */
static bool decrypt(struct conn *c, size_t len)
{
    struct buf reply = {0};
    bool ok = tls_receive(c->tls, (struct text){c->wire.ptr, len}, &c->in, &reply);
    uv_buf_t now = uv_bytes(&reply, reply.len);
    if (reply.len && uv_try_write((uv_stream_t *)&c->tcp, &now, 1) != (int)reply.len) ok = false;
    buf_free(&reply);
    return ok;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct conn *c = stream->data;
    (void)bytes;
    if (n == 0) return;
    if (n > 0) c->server->bytes_in += (uint64_t)n;
    if (n > 0 && !c->tls) c->in.len += (size_t)n;
    bool ok = n > 0 && (!c->tls || decrypt(c, (size_t)n));
    if (!ok || c->in.len > HTTP_BODY_MAX + HTTP_HEAD_MAX)
        conn_close(c);
    else
        process(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct http_server *s = listener->data;
    if (status < 0) return;
    struct conn *c = mem_alloc(sizeof(*c));
    c->server = s;
    c->handles = 2;
    c->tcp.data = c->delay.data = c;
    uv_tcp_init(s->loop, &c->tcp);
    uv_timer_init(s->loop, &c->delay);
    s->connections++;
    s->open++;
    if (uv_accept(listener, (uv_stream_t *)&c->tcp) < 0) {
        conn_close(c);
        return;
    }
    if (s->tls) c->tls = tls_open(s->tls);
    uv_tcp_nodelay(&c->tcp, 1);
    uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
}

int http_server_start(struct http_server *s, uv_loop_t *loop, int port)
{
    struct sockaddr_in address;
    s->loop = loop;
    uv_tcp_init(loop, &s->listener);
    s->listener.data = s;
    uv_ip4_addr("127.0.0.1", port, &address);
    int rc = uv_tcp_bind(&s->listener, (const struct sockaddr *)&address, 0);
    return rc ? rc : uv_listen((uv_stream_t *)&s->listener, 511, on_connection);
}

int http_server_port(const struct http_server *s)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    if (uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &len) < 0) return 0;
    return ntohs(address.sin_port);
}
