/* One call of the API: from the HTTP request to its answer, with the fault that it meets on the
 * way. A call owns itself: it is freed when it is answered, or when the client goes away. */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "tests/sim/actions.h"
#include "tests/sim/queue.h"
#include "tests/sim/sim.h"

#include <jansson.h>

/* A ReceiveMessage, which may have to wait. */
struct poll {
    struct link link; /* in its queue */
    struct receive receive;
    int64_t deadline_ms;
    unsigned system_names; /* bits, see action_receive.c */
    json_t *names;         /* MessageAttributeNames; borrowed from the arguments */
};

struct call {
    struct sim *sim;
    struct http_exchange *x;
    const struct action *action;
    json_t *args;
    struct queue *queue; /* of the QueueUrl; NULL when the action has none */
    struct fault fault;
    bool query_mode; /* the client wants the legacy error code too */
    bool pending;    /* set by an action that will call call_done() later */
    struct poll poll;
    struct buf *out; /* the JSON of the answer */
};

/* Handles any request of the server; `ctx` is the struct sim. */
void call_handle(void *ctx, struct http_exchange *x);
void call_done(struct call *c);
void call_failed(struct call *c, const struct api_error *e);

/* The URL of a queue as this server shows it. */
void call_write_url(const struct call *c, const struct queue *q, struct buf *out);
/* The last part of a queue URL; false: not a URL of a queue. */
bool call_queue_name(struct text url, struct text *name, struct api_error *e);

#endif
