/* A message that is about to be sent, and where it comes from: the command line, or a line of JSON:
 *
 *   {"id": "a", "body": "...", "group": "g", "deduplication_id": "d", "delay": 5,
 *    "trace_header": "Root=...", "attributes": {"device": "d1", "count": 42,
 *    "n": {"type": "Number.int", "value": "42"}, "raw": {"type": "Binary", "value_base64":
 * "AAH/"}}}
 *
 * All members but body may be missing. Thread: the main one. Owner: the message owns its texts. */
#ifndef CONNECTORS_SQS_QUEUE_MESSAGE_H
#define CONNECTORS_SQS_QUEUE_MESSAGE_H

#include "connectors/sqs/queue/run.h"
#include "connectors/sqs/sqs_pack.h"

enum { QUEUE_MAX_ATTRS = 32 }; /* more than SQS takes, so that the complaint can say how many */

struct queue_message {
    struct sqs_entry entry;
    struct attr attrs[QUEUE_MAX_ATTRS];
    struct sqs_sums sums;
    size_t size;
    char id[24]; /* where the caller has chosen none */
    char *line;  /* getline's */
    size_t line_size;
    struct buf binary;
};

void queue_message_free(struct queue_message *m);

/* The line replaces what m->entry says already; attributes are added. */
bool queue_message_read(struct queue_message *m, size_t len, struct error *e) MUST_USE;

#endif
