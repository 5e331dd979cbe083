/* The JSON of the actions that move messages: requests into a buffer, answers into views of the
 * text they came in, without an allocation per message or attribute. Thread: any; the state is the
 * caller's. Source: the service model of SQS (2012-11-05, AWS JSON 1.0). */
#ifndef CONNECTORS_SQS_SQS_WIRE_H
#define CONNECTORS_SQS_SQS_WIRE_H

#include "bridge/error.h"
#include "bridge/json.h"
#include "bridge/msg.h"
#include "connectors/sqs/sqs_error.h"

enum {
    SQS_BATCH = 10,       /* entries in a batch, messages in a receive */
    SQS_SYSTEM_ATTRS = 16 /* of a message: there are nine today */
};

struct sqs_pair {
    struct bytes name, value;
};

/* ---- requests: each appends one JSON object ---- */

struct sqs_receive {
    const char *queue_url;
    const char *attempt_id;       /* of this logical receive, FIFO only; NULL: none */
    int64_t wait_s, visibility_s; /* negative: as the queue says */
    unsigned max;
    const struct bytes *system_names, *attr_names; /* NULL: what a pipeline needs */
    size_t system_name_count, attr_name_count;
};
void sqs_encode_receive(struct buf *out, const struct sqs_receive *r);

/* A batch about received messages. ids NULL, here and below: entry i gets the Id "i". seconds: the
 * new visibility timeouts; NULL: the messages are to be deleted. */
struct sqs_handles {
    const char *queue_url;
    const struct bytes *ids, *handles;
    const int64_t *seconds;
    size_t count;
};
void sqs_encode_handles(struct buf *out, const struct sqs_handles *batch);
void sqs_encode_queue_attributes(struct buf *out, const char *queue_url, const struct bytes *names,
                                 size_t n);

/* SendMessageBatch, an entry at a time: begin, up to ten entries, end. */
struct sqs_entry {
    struct bytes body;
    const struct attr *attrs;
    size_t attr_count;
    struct bytes group_id, deduplication_id; /* ptr NULL: none */
    struct bytes trace_header;               /* AWSTraceHeader; ptr NULL: none */
    struct bytes id;                         /* ptr NULL: its index */
    int64_t delay_s;                         /* 0: the queue's own, */
    bool no_delay;                           /* but for this: none, whatever the queue says */
};
void sqs_encode_send_begin(struct buf *out, const char *queue_url);
void sqs_encode_send_entry(struct buf *out, size_t index, const struct sqs_entry *entry);
void sqs_encode_send_end(struct buf *out);
void sqs_encode_send(struct buf *out, const char *queue_url,
                     const struct sqs_entry *entry); /* SendMessage: one alone */

/* "key": {name: {DataType, StringValue or BinaryValue}}; nothing where there are none. */
void sqs_write_attrs(struct json_writer *w, const char *key, const struct attr *attrs, size_t n);

/* ---- answers: json is unescaped in place and must outlive the views ---- */

struct sqs_message {
    struct bytes id, handle, body, group;
    struct bytes body_md5, attrs_md5; /* hex; empty: none given */
    int64_t sent_ms;                  /* 0: not given */
    int64_t receives;                 /* with this one; 0: not given */
    const struct attr *attrs;
    const struct sqs_pair *system; /* system attributes, those above among them */
    size_t attr_count, system_count;
};

/* What one receive brought. Reused; free with sqs_received_free(). */
struct sqs_received {
    struct sqs_message messages[SQS_BATCH];
    size_t count;
    struct attr attrs[MSG_MAX_ATTRS]; /* of all messages together */
    struct sqs_pair system[SQS_BATCH * SQS_SYSTEM_ATTRS];
    size_t attr_count, system_count;
    struct buf binary; /* decoded base64 */
};
bool sqs_decode_receive(struct bytes json, struct sqs_received *out, struct error *e) MUST_USE;
void sqs_received_free(struct sqs_received *r);

/* The fate of one entry of a batch. */
struct sqs_result {
    enum { SQS_UNANSWERED, SQS_DONE, SQS_FAILED } fate;
    bool sender_fault;
    struct bytes code, message;                   /* of a failure */
    struct bytes message_id, sequence;            /* of a message sent; sequence: FIFO only */
    struct bytes body_md5, attrs_md5, system_md5; /* likewise: hex; empty: none given */
};

/* results[i] is for entry i of n; other Ids are ignored. */
bool sqs_decode_batch(struct bytes json, const struct bytes *ids, struct sqs_result *results,
                      size_t n, struct error *e) MUST_USE;
/* SQS_OK: done; an entry that was not answered may have been executed. */
enum sqs_class sqs_classify_result(const struct sqs_result *r);

bool sqs_decode_send(struct bytes json, struct sqs_result *result, struct error *e) MUST_USE;

/* What a source asks of its queue; what the answer does not hold stays as it was. */
struct sqs_queue_facts {
    int64_t visibility_s;
    int64_t max_receives; /* of its redrive policy: then it goes to a dead-letter queue */
};
bool sqs_decode_queue_facts(struct bytes json, struct sqs_queue_facts *facts,
                            struct error *e) MUST_USE;

/* Of an answer that is not 200: what there is of code (short: "QueueDoesNotExist") and message.
 * False: it is not JSON. */
bool sqs_decode_error(struct bytes json, struct bytes *code, struct bytes *message) MUST_USE;

/* "AWS.SimpleQueueService.NonExistentQueue" -> "NonExistentQueue", "com.amazonaws.sqs#X:http://..."
 * -> "X". */
struct bytes sqs_short_code(struct bytes code);

#endif
