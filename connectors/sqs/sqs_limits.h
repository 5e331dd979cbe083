/* What SQS takes and what it refuses, checked before anything is sent. Each check says in its error
 * what is wrong with what, and what is allowed; it does not name the option or the entry, which the
 * caller knows. Thread: any; no state. Source: the developer guide (quotas, message metadata) and
 * the service model. */
#ifndef CONNECTORS_SQS_SQS_LIMITS_H
#define CONNECTORS_SQS_SQS_LIMITS_H

#include "connectors/sqs/sqs_wire.h"

enum {
    SQS_MAX_BYTES = 1 << 20, /* of a message, and of a batch */
    SQS_MAX_ATTRS = 10,
    SQS_MAX_TAGS = 50,
    SQS_MAX_POLICY = 8192,
    SQS_ID_MAX = 128, /* of a group, a deduplication id and an attempt */
};

bool sqs_is_id(struct bytes text); /* 1 to 128 printable ASCII characters, no space */
bool sqs_is_fifo_name(struct bytes name);

bool sqs_check_queue_name(struct bytes name, struct error *e) MUST_USE;
bool sqs_check_id(const char *what, struct bytes id, struct error *e) MUST_USE;
bool sqs_check_batch_id(struct bytes id, struct error *e) MUST_USE;
bool sqs_check_attr(const struct attr *a, struct error *e) MUST_USE;

/* All of a message: characters, size, attributes, and what the kind of queue allows. */
bool sqs_check_entry(const struct sqs_entry *entry, bool fifo, struct error *e) MUST_USE;
size_t sqs_size_of(const struct sqs_entry *entry); /* as SQS counts it */

bool sqs_check_tag(struct bytes key, struct bytes value, struct error *e) MUST_USE;
bool sqs_check_policy(struct bytes json, struct error *e) MUST_USE;
bool sqs_check_arn(struct bytes arn, struct error *e) MUST_USE; /* of a queue */

/* AddPermission; actions as they are written there, without "sqs:". */
bool sqs_check_label(struct bytes label, struct error *e) MUST_USE;
bool sqs_check_account(struct bytes account, struct error *e) MUST_USE;
bool sqs_check_permitted(struct bytes action, struct error *e) MUST_USE;

#endif
