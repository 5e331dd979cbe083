/* An HTTP server on the test's own loop that says what the test tells it to. Thread: the loop's.
 * Owner: the test, from start to stop; stop returns when all is closed. */
#ifndef UNIT_CANNED_HTTP_H
#define UNIT_CANNED_HTTP_H

#include "bridge/loop.h"

enum canned_then {
    CANNED_KEEP,
    CANNED_CLOSE,
    CANNED_RESET, /* instead of the reply */
    CANNED_ONCE,  /* close at the second request of a connection, which is not noted */
};

struct canned_http {
    const char *address; /* set before the start; NULL: 127.0.0.1 */

    /* Set by the test: what each whole request gets, and what follows. */
    const char *reply;
    size_t reply_len; /* 0: strlen(reply) */
    enum canned_then then;
    bool silent;                               /* no answer, ever */
    const char *greeting;                      /* said at once to each connection; NULL: nothing */
    void (*on_request)(struct canned_http *s); /* may look at last and set reply; NULL: none */
    void *arg;

    /* What happened. */
    unsigned port, accepted, open, requests;
    struct buf last;  /* the last request, NUL-terminated; len without it */
    struct buf paths; /* of all requests, each with a space behind it */

    struct loop *loop;
    uv_tcp_t listener;
    bool listening;
};

void canned_http_start(struct canned_http *s, struct loop *loop);
void canned_http_stop(struct canned_http *s);

#endif
