/* The JSON of the actions that move messages: requests into a buffer, answers into views of the
 * text they came in, without an allocation per message or attribute. Thread: any; the state is the
 * caller's. Source: the service model of SQS (2012-11-05, AWS JSON 1.0). */
#ifndef CONNECTORS_SQS_SQS_WIRE_H
#define CONNECTORS_SQS_SQS_WIRE_H

#include "bridge/error.h"
#include "bridge/json.h"
#include "bridge/msg.h"

enum { SQS_BATCH = 10 }; /* entries in a batch, messages in a receive */

/* ---- requests: each appends one JSON object ---- */

struct sqs_receive {
    const char *queue_url;
    const char *attempt_id; /* of this logical receive, FIFO only; NULL: none */
    int64_t wait_s, visibility_s;
    unsigned max;
};
void sqs_encode_receive(struct buf *out, const struct sqs_receive *r);

/* Entry i gets the Id "i", here and in the calls below. */
void sqs_encode_delete(struct buf *out, const char *queue_url, const struct bytes *handles,
                       size_t n);
void sqs_encode_visibility(struct buf *out, const char *queue_url, const struct bytes *handles,
                           const int64_t *seconds, size_t n);
void sqs_encode_queue_attribute(struct buf *out, const char *queue_url, const char *name);

/* SendMessageBatch, an entry at a time: begin, up to ten entries, end. */
struct sqs_entry {
    struct bytes body;
    const struct attr *attrs;
    size_t attr_count;
    struct bytes group_id, deduplication_id; /* ptr NULL: none */
    int64_t delay_s;                         /* 0: the queue's own */
};
void sqs_encode_send_begin(struct buf *out, const char *queue_url);
void sqs_encode_send_entry(struct buf *out, size_t index, const struct sqs_entry *entry);
void sqs_encode_send_end(struct buf *out);

/* ---- answers: json is unescaped in place and must outlive the views ---- */

struct sqs_message {
    struct bytes id, handle, body, group;
    struct bytes body_md5, attrs_md5; /* hex; empty: none given */
    int64_t sent_ms;                  /* 0: not given */
    const struct attr *attrs;
    size_t attr_count;
};

/* What one receive brought. Reused; free with sqs_received_free(). */
struct sqs_received {
    struct sqs_message messages[SQS_BATCH];
    size_t count;
    struct attr attrs[MSG_MAX_ATTRS]; /* of all messages together */
    size_t attr_count;
    struct buf binary; /* decoded base64 */
};
bool sqs_decode_receive(struct bytes json, struct sqs_received *out, struct error *e) MUST_USE;
void sqs_received_free(struct sqs_received *r);

/* The fate of one entry of a batch. */
struct sqs_result {
    enum { SQS_UNANSWERED, SQS_DONE, SQS_FAILED } fate;
    bool sender_fault;
    struct bytes code, message;       /* of a failure */
    struct bytes body_md5, attrs_md5; /* of a message sent: hex; empty: none given */
};

/* results[i] is for the Id "i" of n; other Ids are ignored. */
bool sqs_decode_batch(struct bytes json, struct sqs_result *results, size_t n,
                      struct error *e) MUST_USE;

/* A queue attribute that is an integer; *value stays where there is none. */
bool sqs_decode_queue_attribute(struct bytes json, const char *name, int64_t *value,
                                struct error *e) MUST_USE;

/* Of an answer that is not 200: what there is of code (short: "QueueDoesNotExist") and message.
 * False: it is not JSON. */
bool sqs_decode_error(struct bytes json, struct bytes *code, struct bytes *message) MUST_USE;

/* "AWS.SimpleQueueService.NonExistentQueue" -> "NonExistentQueue", "com.amazonaws.sqs#X:http://..."
 * -> "X". */
struct bytes sqs_short_code(struct bytes code);

#endif
