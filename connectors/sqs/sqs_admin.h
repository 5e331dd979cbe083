/* The actions that move no messages, and single deletes and changes of visibility: their requests
 * and answers. sqs_admin_shapes says how each is spelled. Thread: any; constant.
 * Source: the service model of SQS (2012-11-05). */
#ifndef CONNECTORS_SQS_SQS_ADMIN_H
#define CONNECTORS_SQS_SQS_ADMIN_H

#include "connectors/sqs/sqs_action.h"
#include "connectors/sqs/sqs_shape.h"

struct sqs_admin_shape {
    const struct sqs_shape *request, *answer; /* NULL: the action is one of sqs_wire.h */
};
extern const struct sqs_admin_shape sqs_admin_shapes[SQS_ACTIONS];

/* Of what returns nothing. */
struct sqs_nothing {
    char unused;
};

/* DeleteQueue, PurgeQueue, ListQueueTags; CreateQueue and GetQueueUrl answer it. */
struct sqs_queue_url {
    struct bytes queue_url;
};

struct sqs_create_queue {
    struct bytes name;
    struct sqs_pairs attributes, tags;
};

struct sqs_get_queue_url {
    struct bytes name, owner_account;
};

struct sqs_list_queues {
    struct bytes prefix, next_token;
    struct sqs_number max_results;
};
/* The answer of ListQueues and of ListDeadLetterSourceQueues. */
struct sqs_queue_urls {
    struct sqs_texts queue_urls;
    struct bytes next_token;
};

struct sqs_get_attributes {
    struct bytes queue_url;
    struct sqs_texts names;
};
struct sqs_attributes {
    struct sqs_pairs attributes;
};

struct sqs_set_attributes {
    struct bytes queue_url;
    struct sqs_pairs attributes;
};

struct sqs_tag_queue {
    struct bytes queue_url;
    struct sqs_pairs tags;
};
struct sqs_untag_queue {
    struct bytes queue_url;
    struct sqs_texts keys;
};
struct sqs_tags {
    struct sqs_pairs tags;
};

struct sqs_permission {
    struct bytes queue_url, label;
    struct sqs_texts accounts, actions; /* of AddPermission */
};

struct sqs_list_sources {
    struct bytes queue_url, next_token;
    struct sqs_number max_results;
};

struct sqs_handle {
    struct bytes queue_url, receipt_handle;
    struct sqs_number visibility_timeout; /* of ChangeMessageVisibility */
};

struct sqs_start_move {
    struct bytes source_arn, destination_arn;
    struct sqs_number max_per_second;
};
struct sqs_task_handle {
    struct bytes task_handle;
};
struct sqs_list_moves {
    struct bytes source_arn;
    struct sqs_number max_results;
};
struct sqs_move_task {
    struct bytes task_handle, status, source_arn, destination_arn, failure_reason;
    struct sqs_number max_per_second, moved, to_move, started_ms;
};
struct sqs_move_tasks {
    struct sqs_structs results; /* struct sqs_move_task, the newest first */
};
struct sqs_cancelled_move {
    struct sqs_number moved;
};

#endif
