/* Signed requests to one queue, with the SDKs' retries: what everything else here is built on.
 * Thread: the loop's. Owner: a source or sink makes its clients and closes them; a call belongs
 * to its owner, who reuses it, and is lent to the client from sqs_call_send() to done(). */
#ifndef CONNECTORS_SQS_SQS_CLIENT_H
#define CONNECTORS_SQS_SQS_CLIENT_H

#include <sys/queue.h>

#include "bridge/pipeline.h"
#include "connectors/aws/sigv4.h"
#include "connectors/http/http.h"
#include "connectors/sqs/sqs.h"
#include "connectors/sqs/sqs_action.h"
#include "connectors/sqs/sqs_error.h"

struct sqs_client;

/* All is borrowed until the client is closed, but the struct itself. */
struct sqs_client_setup {
    struct loop *loop;
    struct stats *stats; /* counts its requests; NULL: nobody counts */
    const char *context; /* of log lines: the pipeline's name */
    const struct sqs_conf *conf;
    const struct sqs_queue *queue;
    unsigned max_connections; /* further requests wait */
};
struct sqs_client *sqs_client_create(const struct sqs_client_setup *setup, struct error *e);

/* For a source or a sink. */
struct sqs_client *sqs_client_of(struct pipeline *p, const struct sqs_conf *conf,
                                 const struct sqs_queue *queue, int64_t max_connections,
                                 struct error *e);

/* Ends every call as failed, from within; closed(arg) follows, and the client is gone. */
void sqs_client_close(struct sqs_client *client, void (*closed)(void *arg), void *arg);

/* One request and its retries. Fill in the first part, write body, send. */
struct sqs_call {
    struct sqs_client *client;
    enum sqs_action action;
    int64_t wait_s;  /* a long poll: the answer may take that long */
    struct buf body; /* the caller's JSON; kept for retries */
    bool (*decode)(struct sqs_call *call, struct error *e); /* of sqs_call_answer(); false:
                                                               garbage, which is retried */
    void (*done)(struct sqs_call *call);                    /* may free the call or send it again */
    void *arg;

    /* the outcome, for done() */
    enum sqs_class class;
    struct error error; /* where class is not SQS_OK */
    char code[64];      /* "QueueDoesNotExist", "HTTP status 502"; empty: there was no answer */

    /* the client's own */
    struct http_request http;
    struct sigv4_signature signature;
    struct buf token;
    struct loop_timer retry;
    unsigned attempts, retry_cost;
    char invocation[72], attempt[64]; /* header lines */
    int64_t clock_offset_s;           /* that it was signed with */
    bool clock_corrected;
    bool keyless;                /* waits for keys, and not for its next attempt */
    uint64_t keys, refused_keys; /* versions: those that it was signed with; 0: none was refused */
    TAILQ_ENTRY(sqs_call) waiting;
};

void sqs_call_send(struct sqs_call *call);   /* done() never from within */
void sqs_call_cancel(struct sqs_call *call); /* no done() follows; harmless when idle */
void sqs_call_free(struct sqs_call *call);   /* what it holds, not the call; not while it is sent */

/* JSON of a 200, writable, until the call is sent again or trimmed. */
struct bytes sqs_call_answer(const struct sqs_call *call);

/* Gives large buffers back after a large message, so that idle calls stay small. */
void sqs_call_trim(struct sqs_call *call);

uint64_t *sqs_client_random(struct sqs_client *client);

#endif
