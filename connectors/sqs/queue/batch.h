/* A batch request whose failed entries are tried again, and the report of many of them: per entry
 * what became of it. Thread: the main one. Owner: the verb; what results point to lasts until the
 * batch is run again. */
#ifndef CONNECTORS_SQS_QUEUE_BATCH_H
#define CONNECTORS_SQS_QUEUE_BATCH_H

#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/run.h"

enum { QUEUE_ATTEMPTS = 4 };

struct queue_batch {
    struct queue_run *run;
    enum sqs_action action;
    size_t count;
    struct bytes ids[SQS_BATCH];
    struct sqs_result results[SQS_BATCH];
    enum sqs_class classes[SQS_BATCH];

    /* The request about entries which[0..n), and whether what SQS answered to entry i is right, and
     * whether it may be sent again (both NULL: always). */
    void (*encode)(const struct queue_batch *b, const size_t *which, size_t n, struct buf *out);
    bool (*agrees)(const struct queue_batch *b, size_t i);
    bool (*may_repeat)(const struct queue_batch *b, size_t i);

    struct sqs_call calls[QUEUE_ATTEMPTS]; /* the batch's own: results are views into answers */
    const size_t *asked;
    size_t asked_count;
    unsigned retry_cost;
    bool refused; /* a request as a whole has failed: so will the next ones */
    struct sqs_result answers[SQS_BATCH];
};

void queue_batch_run(struct queue_batch *b); /* fills results and classes */
void queue_batch_free(struct queue_batch *b);

/* What is printed in the end: one row, or one object, per entry. Zero-initialise. */
struct queue_report {
    struct buf successful, failed; /* JSON */
    struct queue_table table;
    size_t done_count, failed_count;
    int code; /* of the first failure */
};
void queue_report_batch(struct queue_report *r, const struct queue_batch *b);
void queue_report_end(struct queue_report *r,
                      struct queue_run *run); /* prints; sets the exit code */

/* The members that an answer to a sent message has; the object is the caller's. */
void queue_write_sent(struct json_writer *w, const struct sqs_result *result);

#endif
