#include "connectors/sqs/sqs_action.h"

#define NAMED(name, allowed_by)                                                                    \
    {                                                                                              \
        "X-Amz-Target: AmazonSQS." name, "AmazonSQS." name, name, "sqs:" allowed_by                \
    }
#define ACTION(name) NAMED(name, name)

const struct sqs_action_name sqs_actions[SQS_ACTIONS] = {
    [SQS_RECEIVE_MESSAGE] = ACTION("ReceiveMessage"),
    [SQS_SEND_MESSAGE] = ACTION("SendMessage"),
    [SQS_SEND_MESSAGE_BATCH] = NAMED("SendMessageBatch", "SendMessage"),
    [SQS_DELETE_MESSAGE] = ACTION("DeleteMessage"),
    [SQS_DELETE_MESSAGE_BATCH] = NAMED("DeleteMessageBatch", "DeleteMessage"),
    [SQS_CHANGE_MESSAGE_VISIBILITY] = ACTION("ChangeMessageVisibility"),
    [SQS_CHANGE_MESSAGE_VISIBILITY_BATCH] =
        NAMED("ChangeMessageVisibilityBatch", "ChangeMessageVisibility"),
    [SQS_GET_QUEUE_ATTRIBUTES] = ACTION("GetQueueAttributes"),
    [SQS_SET_QUEUE_ATTRIBUTES] = ACTION("SetQueueAttributes"),
    [SQS_GET_QUEUE_URL] = ACTION("GetQueueUrl"),
    [SQS_CREATE_QUEUE] = ACTION("CreateQueue"),
    [SQS_DELETE_QUEUE] = ACTION("DeleteQueue"),
    [SQS_PURGE_QUEUE] = ACTION("PurgeQueue"),
    [SQS_LIST_QUEUES] = ACTION("ListQueues"),
    [SQS_LIST_QUEUE_TAGS] = ACTION("ListQueueTags"),
    [SQS_TAG_QUEUE] = ACTION("TagQueue"),
    [SQS_UNTAG_QUEUE] = ACTION("UntagQueue"),
    [SQS_ADD_PERMISSION] = ACTION("AddPermission"),
    [SQS_REMOVE_PERMISSION] = ACTION("RemovePermission"),
    [SQS_LIST_DEAD_LETTER_SOURCE_QUEUES] = ACTION("ListDeadLetterSourceQueues"),
    [SQS_START_MESSAGE_MOVE_TASK] = ACTION("StartMessageMoveTask"),
    [SQS_LIST_MESSAGE_MOVE_TASKS] = ACTION("ListMessageMoveTasks"),
    [SQS_CANCEL_MESSAGE_MOVE_TASK] = ACTION("CancelMessageMoveTask"),
};
