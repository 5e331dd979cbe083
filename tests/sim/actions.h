/* The actions of the API. Each writes its answer to c->out and returns true, or says why not. */
#ifndef SIM_ACTIONS_H
#define SIM_ACTIONS_H

#include "tests/sim/api_error.h"
#include "tests/sim/text.h"

struct call;

struct action {
    const char *name;
    bool (*run)(struct call *c, struct api_error *e);
    bool has_queue; /* a QueueUrl names the queue it is about */
};

extern const struct action actions[];
extern const size_t actions_count;

const struct action *action_find(struct text name);

bool action_add_permission(struct call *c, struct api_error *e);
bool action_cancel_message_move_task(struct call *c, struct api_error *e);
bool action_change_message_visibility(struct call *c, struct api_error *e);
bool action_change_message_visibility_batch(struct call *c, struct api_error *e);
bool action_create_queue(struct call *c, struct api_error *e);
bool action_delete_message(struct call *c, struct api_error *e);
bool action_delete_message_batch(struct call *c, struct api_error *e);
bool action_delete_queue(struct call *c, struct api_error *e);
bool action_get_queue_attributes(struct call *c, struct api_error *e);
bool action_get_queue_url(struct call *c, struct api_error *e);
bool action_list_dead_letter_source_queues(struct call *c, struct api_error *e);
bool action_list_message_move_tasks(struct call *c, struct api_error *e);
bool action_list_queue_tags(struct call *c, struct api_error *e);
bool action_list_queues(struct call *c, struct api_error *e);
bool action_purge_queue(struct call *c, struct api_error *e);
bool action_receive_message(struct call *c, struct api_error *e);
bool action_remove_permission(struct call *c, struct api_error *e);
bool action_send_message(struct call *c, struct api_error *e);
bool action_send_message_batch(struct call *c, struct api_error *e);
bool action_set_queue_attributes(struct call *c, struct api_error *e);
bool action_start_message_move_task(struct call *c, struct api_error *e);
bool action_tag_queue(struct call *c, struct api_error *e);
bool action_untag_queue(struct call *c, struct api_error *e);

#endif
