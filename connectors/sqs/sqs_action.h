/* The actions of SQS by name. Thread: any; constant. Source: the service model (2012-11-05). */
#ifndef CONNECTORS_SQS_SQS_ACTION_H
#define CONNECTORS_SQS_SQS_ACTION_H

enum sqs_action {
    SQS_RECEIVE_MESSAGE,
    SQS_SEND_MESSAGE,
    SQS_SEND_MESSAGE_BATCH,
    SQS_DELETE_MESSAGE,
    SQS_DELETE_MESSAGE_BATCH,
    SQS_CHANGE_MESSAGE_VISIBILITY,
    SQS_CHANGE_MESSAGE_VISIBILITY_BATCH,
    SQS_GET_QUEUE_ATTRIBUTES,
    SQS_SET_QUEUE_ATTRIBUTES,
    SQS_GET_QUEUE_URL,
    SQS_CREATE_QUEUE,
    SQS_DELETE_QUEUE,
    SQS_PURGE_QUEUE,
    SQS_LIST_QUEUES,
    SQS_LIST_QUEUE_TAGS,
    SQS_TAG_QUEUE,
    SQS_UNTAG_QUEUE,
    SQS_ADD_PERMISSION,
    SQS_REMOVE_PERMISSION,
    SQS_LIST_DEAD_LETTER_SOURCE_QUEUES,
    SQS_START_MESSAGE_MOVE_TASK,
    SQS_LIST_MESSAGE_MOVE_TASKS,
    SQS_CANCEL_MESSAGE_MOVE_TASK,
    SQS_ACTIONS
};

struct sqs_action_name {
    const char *header;     /* "X-Amz-Target: AmazonSQS.SendMessage" */
    const char *target;     /* its value */
    const char *name;       /* "SendMessage" */
    const char *permission; /* as policies name it: "sqs:SendMessage" */
};
extern const struct sqs_action_name sqs_actions[SQS_ACTIONS];

#endif
