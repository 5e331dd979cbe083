/* A small HTTP/1.1 server on a libuv loop: keep-alive, pipelining (one request of a connection at a
 * time), Expect: 100-continue, bodies by Content-Length only. Everything runs on the loop's thread.
 */
#ifndef SIM_HTTP_H
#define SIM_HTTP_H

#include "tests/sim/text.h"

#include <uv.h>

enum {
    HTTP_HEADERS_MAX = 64,
    HTTP_HEAD_MAX = 32 * 1024,
    HTTP_BODY_MAX = 16 * 1024 * 1024, /* 1 MiB of text can need 6 MiB of JSON */
};

struct http_header {
    struct text name, value;
};

/* Views into the connection's buffer: valid only inside the handler. */
struct http_request {
    struct text method, path, query;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t n_headers;
    struct text body;
    size_t content_length;
    bool keep_alive, expects_continue;
};

/* What the handler fills in. The last three are for faults. */
struct http_reply {
    int status;
    const char *content_type;
    struct buf headers; /* more header lines, each ending in CRLF */
    struct buf body;
    int64_t date_s;           /* what the Date header says */
    int64_t announced_length; /* -1: the true one */
    size_t cut_at;            /* close after so many bytes of the body; SIZE_MAX: never */
};

/* One request and its answer. The handler ends it with http_answer() or http_hang_up(), at once or
 * later. */
struct http_exchange {
    struct http_request request;
    struct http_reply reply;
    void *user;
    void (*abandoned)(
        struct http_exchange *x); /* the client went away before the answer; NULL: who cares */
};

struct http_server {
    uv_loop_t *loop;
    uv_tcp_t listener;
    void (*handle)(void *ctx, struct http_exchange *x);
    void *ctx;
    struct ssl_ctx_st *tls; /* NULL: plain */
    uint64_t connections, open, bytes_in, bytes_out, requests;
};

/* Listens on 127.0.0.1; port 0 picks a free one. Returns 0 or a libuv error. */
int http_server_start(struct http_server *s, uv_loop_t *loop, int port);
int http_server_port(const struct http_server *s);

void http_answer(struct http_exchange *x, uint64_t delay_ms);
void http_hang_up(struct http_exchange *x);

/* The value of a header, the first if there are several; ptr is NULL when it is absent. */
struct text http_header(const struct http_request *r, const char *name);

enum http_parse {
    HTTP_PARSE_MORE,
    HTTP_PARSE_BAD,
    HTTP_PARSE_TOO_LARGE,
    HTTP_PARSE_NO_LENGTH, /* a body without Content-Length */
    HTTP_PARSE_HEAD,      /* the head is complete, *head_len long; the body is still to come */
    HTTP_PARSE_DONE,
};

enum http_parse http_parse(struct http_request *r, struct text in, size_t *head_len);

#endif
