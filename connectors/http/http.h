/* HTTP/1.1 on a loop: libcurl's multi interface, connections reused, bounded answers, redirects
 * never followed, TLS 1.2 or later. Proxies by CONNECT, with "user:password@" in their address
 * where they ask for it; NO_PROXY goes before any. Thread: the loop's, for every call. Several
 * clients on one loop are fine: a source keeps its long polls on one and its deletes on another.
 * Process-wide and shared by all clients of all threads: one X509_STORE per CA file (loading
 * Debian's CA set costs 33-44 ms a connection). Owner: the client belongs to who created it, up to
 * http_client_close(); requests belong to their senders. */
#ifndef CONNECTORS_HTTP_HTTP_H
#define CONNECTORS_HTTP_HTTP_H

#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/error.h"
#include "bridge/loop.h"

struct http_client;
struct identity;

enum http_tls { HTTP_TLS_1_2, HTTP_TLS_1_3 }; /* in the order of the words for options */
#define HTTP_TLS_CHOICES                                                                           \
    {                                                                                              \
        "1.2", "1.3", NULL                                                                         \
    }

struct http_options {
    unsigned max_connections; /* further requests wait for one of them */
    int64_t connect_timeout_ms;
    size_t max_response_bytes;       /* a longer answer is an error of that request alone */
    const char *ca_file;             /* NULL: the system's */
    enum http_tls tls_min;           /* nothing older is spoken */
    const struct identity *identity; /* shown to servers that ask for a certificate; borrowed until
                                        the client is closed; NULL: none */
    const char *proxy; /* NULL: as the environment says (HTTPS_PROXY, NO_PROXY); "": none */
    const char *address_option; /* what to check where nobody is there; NULL: "queue_url"; not
                                   copied */
};

/* Copies the options. A CA file is read at the first TLS connection. */
struct http_client *http_client_create(struct loop *loop, const struct http_options *options);

/* Ends every request with FAULT_DOWN, from within this call, and closes; done(arg) follows when all
 * handles are gone, and the client with them. What is sent after this ends with FAULT_DOWN, too. */
void http_client_close(struct http_client *client, void (*done)(void *arg), void *arg);

enum { HTTP_MAX_HEADERS = 16 };

/* The answer's headers that somebody asks for; empty where there was none. */
enum http_answer_header {
    HTTP_DATE,
    HTTP_REQUEST_ID,
    HTTP_RETRY_AFTER,    /* seconds, or a date */
    HTTP_RETRY_AFTER_MS, /* x-amz-retry-after */
    HTTP_CONTENT_TYPE,
    HTTP_QUERY_ERROR,
    HTTP_AGE,
    HTTP_HEADERS
};

/* One request, embedded in what its owner keeps; zero-initialise, fill in, http_send(). The client
 * borrows it and all that it points to until done(). It may be sent again from within done(), its
 * buffers are reused. http_request_free() releases them. */
struct http_request {
    const char *method, *url;
    const char *headers[HTTP_MAX_HEADERS]; /* "Name: value" lines, NULL at the end */
    struct bytes body;
    int64_t timeout_ms; /* of the whole request, once it has a connection of the max_connections; a
                           long poll adds its wait */
    void (*done)(struct http_request *r);
    void *arg;

    /* the answer, valid within done() and until the next send */
    int status;          /* 0: none, error says why */
    struct error error;  /* FAULT_NONE where there is a status, whatever it is; FAULT_DOWN else */
    bool maybe_executed; /* without a status: the request may have reached the far end */
    struct buf response; /* writable: JSON is read in place */
    char answer_headers[HTTP_HEADERS][80];
    uint64_t sent_ms, answered_ms; /* loop time; sent_ms 0: it never had its turn */

    struct http_exchange *exchange; /* the client's own, both */
    struct http_request *next;
};

/* done() never comes from within. It may send (this one, too), cancel others, or close the client.
 */
void http_send(struct http_client *client, struct http_request *r);
void http_cancel(struct http_client *client,
                 struct http_request *r);       /* no done() follows; harmless when idle */
void http_request_free(struct http_request *r); /* not while it is sent */

#endif
