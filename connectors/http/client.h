/* The inside of the HTTP client: what its files share. Thread: the loop's. */
#ifndef CONNECTORS_HTTP_CLIENT_H
#define CONNECTORS_HTTP_CLIENT_H

#include <curl/curl.h>

#include "connectors/http/http.h"

struct ca_store;
struct http_socket;

/* An easy handle with the request that it carries. The client makes as many as were ever needed at
 * once, up to max_connections, and uses them again. */
struct http_exchange {
    CURL *easy;
    struct http_client *client;
    struct http_request *request; /* NULL: idle */
    struct http_exchange *next, *next_idle;
    struct curl_slist lines[HTTP_MAX_HEADERS + 1]; /* the request's, linked without a copy */
    bool too_long;                                 /* the answer */
    bool tls_began;
    bool wants_identity;       /* the far end asked for a certificate, and there is none to show */
    int verify_error;          /* X509_V_OK, or why the far end's certificate was refused */
    char why[CURL_ERROR_SIZE]; /* libcurl's words */
};

struct http_client {
    struct loop *loop;
    CURLM *multi;   /* NULL: closed */
    CURLSH *shared; /* TLS sessions, so that a new connection can resume one */
    struct http_options options;
    char *ca_file, *proxy;
    struct ca_store *ca; /* NULL: not needed yet */
    struct error ca_error;

    struct http_exchange *exchanges, *idle;
    unsigned exchange_count;
    struct http_request *waiting, **waiting_end;

    struct loop_timer timer;      /* when libcurl wants a call */
    struct turn_task turn_end;    /* at once, or what closing leaves to do */
    struct http_socket **sockets; /* by descriptor */
    size_t socket_slots;
    unsigned open_polls;

    bool gave_up_address; /* of a host that has more */
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* client.c: after anything that may have moved a transfer: hands over what is finished. */
void http_client_act(struct http_client *c, curl_socket_t socket, int events);

/* exchange.c */
struct http_exchange *exchange_create(struct http_client *c);
void exchange_destroy(struct http_exchange *x);
void exchange_clear_answer(struct http_request *r);
void exchange_load(struct http_exchange *x, struct http_request *r);
void exchange_unload(struct http_exchange *x, CURLcode result); /* fills in the request's answer */

/* sockets.c: libcurl's sockets on the loop. */
void sockets_hook_multi(struct http_client *c);
void sockets_hook_easy(struct http_client *c, CURL *easy);
void sockets_forget(struct http_client *c); /* those that libcurl closed without a word */

/* failure.c: why there is no answer, in words. */
void failure_describe(const struct http_exchange *x, CURLcode result, struct error *e);

#endif
