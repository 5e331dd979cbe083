#include "connectors/sqs/sqs_admin.h"

#define TEXT(conf, member, json) .name = (json), .offset = offsetof(conf, member), .kind = SQS_TEXT
#define NUMBER(conf, member, json)                                                                 \
    .name = (json), .offset = offsetof(conf, member), .kind = SQS_NUMBER
#define TEXTS(conf, member, json)                                                                  \
    .name = (json), .offset = offsetof(conf, member), .kind = SQS_TEXTS
#define PAIRS(conf, member, json)                                                                  \
    .name = (json), .offset = offsetof(conf, member), .kind = SQS_PAIRS
#define SHAPE(name, type) static const struct sqs_shape name = {name##_members, sizeof(struct type)}

static const struct sqs_member nothing_members[] = {{.name = NULL}};
SHAPE(nothing, sqs_nothing);

static const struct sqs_member queue_url_members[] = {
    {TEXT(struct sqs_queue_url, queue_url, "QueueUrl"), .required = true},
    {.name = NULL},
};
SHAPE(queue_url, sqs_queue_url);

/* Tags have a small letter here and a capital one everywhere else. */
static const struct sqs_member create_members[] = {
    {TEXT(struct sqs_create_queue, name, "QueueName")},
    {PAIRS(struct sqs_create_queue, attributes, "Attributes")},
    {PAIRS(struct sqs_create_queue, tags, "tags")},
    {.name = NULL},
};
SHAPE(create, sqs_create_queue);

static const struct sqs_member get_url_members[] = {
    {TEXT(struct sqs_get_queue_url, name, "QueueName")},
    {TEXT(struct sqs_get_queue_url, owner_account, "QueueOwnerAWSAccountId")},
    {.name = NULL},
};
SHAPE(get_url, sqs_get_queue_url);

static const struct sqs_member list_members[] = {
    {TEXT(struct sqs_list_queues, prefix, "QueueNamePrefix")},
    {TEXT(struct sqs_list_queues, next_token, "NextToken")},
    {NUMBER(struct sqs_list_queues, max_results, "MaxResults")},
    {.name = NULL},
};
SHAPE(list, sqs_list_queues);

static const struct sqs_member urls_members[] = {
    {TEXTS(struct sqs_queue_urls, queue_urls, "QueueUrls")},
    {TEXT(struct sqs_queue_urls, next_token, "NextToken")},
    {.name = NULL},
};
SHAPE(urls, sqs_queue_urls);

static const struct sqs_member source_urls_members[] = {
    {TEXTS(struct sqs_queue_urls, queue_urls, "queueUrls")},
    {TEXT(struct sqs_queue_urls, next_token, "NextToken")},
    {.name = NULL},
};
SHAPE(source_urls, sqs_queue_urls);

static const struct sqs_member get_attributes_members[] = {
    {TEXT(struct sqs_get_attributes, queue_url, "QueueUrl")},
    {TEXTS(struct sqs_get_attributes, names, "AttributeNames")},
    {.name = NULL},
};
SHAPE(get_attributes, sqs_get_attributes);

static const struct sqs_member attributes_members[] = {
    {PAIRS(struct sqs_attributes, attributes, "Attributes")},
    {.name = NULL},
};
SHAPE(attributes, sqs_attributes);

static const struct sqs_member set_attributes_members[] = {
    {TEXT(struct sqs_set_attributes, queue_url, "QueueUrl")},
    {PAIRS(struct sqs_set_attributes, attributes, "Attributes")},
    {.name = NULL},
};
SHAPE(set_attributes, sqs_set_attributes);

static const struct sqs_member tag_members[] = {
    {TEXT(struct sqs_tag_queue, queue_url, "QueueUrl")},
    {PAIRS(struct sqs_tag_queue, tags, "Tags")},
    {.name = NULL},
};
SHAPE(tag, sqs_tag_queue);

static const struct sqs_member untag_members[] = {
    {TEXT(struct sqs_untag_queue, queue_url, "QueueUrl")},
    {TEXTS(struct sqs_untag_queue, keys, "TagKeys")},
    {.name = NULL},
};
SHAPE(untag, sqs_untag_queue);

static const struct sqs_member tags_members[] = {
    {PAIRS(struct sqs_tags, tags, "Tags")},
    {.name = NULL},
};
SHAPE(tags, sqs_tags);

static const struct sqs_member permission_members[] = {
    {TEXT(struct sqs_permission, queue_url, "QueueUrl")},
    {TEXT(struct sqs_permission, label, "Label")},
    {TEXTS(struct sqs_permission, accounts, "AWSAccountIds")},
    {TEXTS(struct sqs_permission, actions, "Actions")},
    {.name = NULL},
};
SHAPE(permission, sqs_permission);

static const struct sqs_member list_sources_members[] = {
    {TEXT(struct sqs_list_sources, queue_url, "QueueUrl")},
    {TEXT(struct sqs_list_sources, next_token, "NextToken")},
    {NUMBER(struct sqs_list_sources, max_results, "MaxResults")},
    {.name = NULL},
};
SHAPE(list_sources, sqs_list_sources);

static const struct sqs_member handle_members[] = {
    {TEXT(struct sqs_handle, queue_url, "QueueUrl")},
    {TEXT(struct sqs_handle, receipt_handle, "ReceiptHandle")},
    {NUMBER(struct sqs_handle, visibility_timeout, "VisibilityTimeout")},
    {.name = NULL},
};
SHAPE(handle, sqs_handle);

static const struct sqs_member start_move_members[] = {
    {TEXT(struct sqs_start_move, source_arn, "SourceArn")},
    {TEXT(struct sqs_start_move, destination_arn, "DestinationArn")},
    {NUMBER(struct sqs_start_move, max_per_second, "MaxNumberOfMessagesPerSecond")},
    {.name = NULL},
};
SHAPE(start_move, sqs_start_move);

static const struct sqs_member task_handle_members[] = {
    {TEXT(struct sqs_task_handle, task_handle, "TaskHandle"), .required = true},
    {.name = NULL},
};
SHAPE(task_handle, sqs_task_handle);

static const struct sqs_member list_moves_members[] = {
    {TEXT(struct sqs_list_moves, source_arn, "SourceArn")},
    {NUMBER(struct sqs_list_moves, max_results, "MaxResults")},
    {.name = NULL},
};
SHAPE(list_moves, sqs_list_moves);

static const struct sqs_member move_task_members[] = {
    {TEXT(struct sqs_move_task, task_handle, "TaskHandle")},
    {TEXT(struct sqs_move_task, status, "Status")},
    {TEXT(struct sqs_move_task, source_arn, "SourceArn")},
    {TEXT(struct sqs_move_task, destination_arn, "DestinationArn")},
    {NUMBER(struct sqs_move_task, max_per_second, "MaxNumberOfMessagesPerSecond")},
    {NUMBER(struct sqs_move_task, moved, "ApproximateNumberOfMessagesMoved")},
    {NUMBER(struct sqs_move_task, to_move, "ApproximateNumberOfMessagesToMove")},
    {TEXT(struct sqs_move_task, failure_reason, "FailureReason")},
    {NUMBER(struct sqs_move_task, started_ms, "StartedTimestamp")},
    {.name = NULL},
};
SHAPE(move_task, sqs_move_task);

static const struct sqs_member move_tasks_members[] = {
    {.name = "Results",
     .offset = offsetof(struct sqs_move_tasks, results),
     .kind = SQS_STRUCTS,
     .of = &move_task},
    {.name = NULL},
};
SHAPE(move_tasks, sqs_move_tasks);

static const struct sqs_member cancelled_members[] = {
    {NUMBER(struct sqs_cancelled_move, moved, "ApproximateNumberOfMessagesMoved")},
    {.name = NULL},
};
SHAPE(cancelled, sqs_cancelled_move);

const struct sqs_admin_shape sqs_admin_shapes[SQS_ACTIONS] = {
    [SQS_DELETE_MESSAGE] = {&handle, &nothing},
    [SQS_CHANGE_MESSAGE_VISIBILITY] = {&handle, &nothing},
    [SQS_GET_QUEUE_ATTRIBUTES] = {&get_attributes, &attributes},
    [SQS_SET_QUEUE_ATTRIBUTES] = {&set_attributes, &nothing},
    [SQS_GET_QUEUE_URL] = {&get_url, &queue_url},
    [SQS_CREATE_QUEUE] = {&create, &queue_url},
    [SQS_DELETE_QUEUE] = {&queue_url, &nothing},
    [SQS_PURGE_QUEUE] = {&queue_url, &nothing},
    [SQS_LIST_QUEUES] = {&list, &urls},
    [SQS_LIST_QUEUE_TAGS] = {&queue_url, &tags},
    [SQS_TAG_QUEUE] = {&tag, &nothing},
    [SQS_UNTAG_QUEUE] = {&untag, &nothing},
    [SQS_ADD_PERMISSION] = {&permission, &nothing},
    [SQS_REMOVE_PERMISSION] = {&permission, &nothing},
    [SQS_LIST_DEAD_LETTER_SOURCE_QUEUES] = {&list_sources, &source_urls},
    [SQS_START_MESSAGE_MOVE_TASK] = {&start_move, &task_handle},
    [SQS_LIST_MESSAGE_MOVE_TASKS] = {&list_moves, &move_tasks},
    [SQS_CANCEL_MESSAGE_MOVE_TASK] = {&task_handle, &cancelled},
};
