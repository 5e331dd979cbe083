#include "tests/sim/actions.h"

const struct action actions[] = {
    {"AddPermission", action_add_permission, true},
    {"CancelMessageMoveTask", action_cancel_message_move_task, false},
    {"ChangeMessageVisibility", action_change_message_visibility, true},
    {"ChangeMessageVisibilityBatch", action_change_message_visibility_batch, true},
    {"CreateQueue", action_create_queue, false},
    {"DeleteMessage", action_delete_message, true},
    {"DeleteMessageBatch", action_delete_message_batch, true},
    {"DeleteQueue", action_delete_queue, true},
    {"GetQueueAttributes", action_get_queue_attributes, true},
    {"GetQueueUrl", action_get_queue_url, false},
    {"ListDeadLetterSourceQueues", action_list_dead_letter_source_queues, true},
    {"ListMessageMoveTasks", action_list_message_move_tasks, false},
    {"ListQueueTags", action_list_queue_tags, true},
    {"ListQueues", action_list_queues, false},
    {"PurgeQueue", action_purge_queue, true},
    {"ReceiveMessage", action_receive_message, true},
    {"RemovePermission", action_remove_permission, true},
    {"SendMessage", action_send_message, true},
    {"SendMessageBatch", action_send_message_batch, true},
    {"SetQueueAttributes", action_set_queue_attributes, true},
    {"StartMessageMoveTask", action_start_message_move_task, false},
    {"TagQueue", action_tag_queue, true},
    {"UntagQueue", action_untag_queue, true},
};

const size_t actions_count = sizeof(actions) / sizeof(actions[0]);

const struct action *action_find(struct text name)
{
    for (size_t i = 0; i < actions_count; i++) {
        if (text_is(name, actions[i].name)) return &actions[i];
    }
    return NULL;
}
