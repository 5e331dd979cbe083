/* A message as SQS keeps it, and the draft it is made from. One allocation holds the message and
 * all its bytes. */
#ifndef SIM_MESSAGE_H
#define SIM_MESSAGE_H

#include "tests/sim/list.h"
#include "tests/sim/table.h"

enum {
    MESSAGE_ATTRIBUTES_MAX = 10,
    MD5_TEXT = 33,
};

enum message_state {
    MESSAGE_READY,
    MESSAGE_DELAYED,
    MESSAGE_IN_FLIGHT,
};

struct attribute {
    struct text name, type, value; /* a binary value is raw bytes here, base64 only on the wire */
};

/* What a client sends. The views point into the request, except numbers and binaries, which are in
 * `scratch`. */
struct draft {
    struct text body, group, dedup, trace_header;
    struct attribute attributes[MESSAGE_ATTRIBUTES_MAX];
    size_t n_attributes;
    int64_t delay_s; /* -1: the queue's */
    struct buf scratch[MESSAGE_ATTRIBUTES_MAX];
    char attributes_md5[MD5_TEXT]; /* of the attributes as sent, before numbers are trimmed */
};

struct group;

struct message {
    struct link all;     /* every message of the queue, oldest first */
    struct link waiting; /* a standard queue's shard (while READY), or a FIFO group (always) */
    struct table_node by_uid;
    struct group *group_of; /* FIFO only */
    uint64_t uid;           /* new in every queue it enters: receipt handles name it */
    size_t heap_at;
    enum message_state state;
    int64_t sent_ms, first_received_ms, received_ms, visible_ms;
    unsigned receive_count; /* also the generation of the newest receipt handle */
    uint64_t sequence;      /* FIFO only */
    char id[37], body_md5[MD5_TEXT], attributes_md5[MD5_TEXT];
    struct text body, group, dedup, trace_header;
    char *dead_letter_source; /* ARN, owned; NULL unless it was moved to a dead-letter queue */
    size_t n_attributes;
    struct attribute attributes[MESSAGE_ATTRIBUTES_MAX];
};

bool attribute_is_binary(const struct attribute *a);
size_t draft_size(const struct draft *d); /* what counts against the limits */
void draft_free(struct draft *d);

struct message *message_create(const struct draft *d);
void message_destroy(struct message *m);

void md5_text(struct text t, char out[MD5_TEXT]);
/* The names may come in any order; SQS sorts them by bytes (sqs-developer-guide, "message
 * attributes"). */
void md5_attributes(const struct attribute *attributes, size_t n, char out[MD5_TEXT]);

#endif
