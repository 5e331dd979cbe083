/* StartMessageMoveTask, ListMessageMoveTasks, CancelMessageMoveTask. */
#include "tests/sim/args.h"
#include "tests/sim/call.h"
#include "tests/sim/jout.h"
#include "tests/sim/move.h"

#include <stdlib.h>
#include <string.h>

/* AWS makes the handle of a task this way. */
static void write_handle(struct buf *out, const struct move *t)
{
    struct buf plain = {0};
    jout_open(&plain, '{');
    jout_pair(&plain, "taskId", text_of(t->id));
    jout_pair(&plain, "sourceArn", text_of(t->source_arn));
    jout_close(&plain, '}');
    jout_key(out, "TaskHandle");
    buf_add_char(out, '"');
    buf_add_base64(out, text_of_buf(&plain));
    buf_add_char(out, '"');
    buf_free(&plain);
}

static bool find_source(struct call *c, struct queue **source, struct api_error *e)
{
    struct text arn;
    if (!args_need_text(c->args, "SourceArn", &arn, e)) return false;
    *source = account_find_arn(&c->sim->account, arn);
    return *source || api_fail(e, API_NO_SUCH_RESOURCE,
                               "The resource that you specified for the SourceArn parameter "
                               "doesn't exist.");
}

static bool check_start(struct call *c, const struct queue *source, struct text destination,
                        struct api_error *e)
{
    if (!move_is_dead_letter_queue(&c->sim->account, source))
        return api_fail(e, API_INVALID_PARAMETER,
                        "Source queue must be configured as a Dead Letter Queue.");
    if (destination.ptr && !account_find_arn(&c->sim->account, destination))
        return api_fail(e, API_NO_SUCH_RESOURCE,
                        "The resource that you specified for the DestinationArn parameter doesn't "
                        "exist.");
    if (move_running(c->sim, text_of(source->arn)))
        return api_fail(e, API_INVALID_PARAMETER,
                        "There is already a task running. Only one active task is allowed for a "
                        "source queue arn at a given time.");
    return true;
}

bool action_start_message_move_task(struct call *c, struct api_error *e)
{
    struct queue *source;
    struct text destination;
    int64_t rate = 0;
    static const struct args_range range = {1, 500, "Must be between 1 and 500, if provided."};
    if (!find_source(c, &source, e) || !args_text(c->args, "DestinationArn", &destination, e) ||
        !args_int_within(c->args, "MaxNumberOfMessagesPerSecond", &range, &rate, e) ||
        !check_start(c, source, destination, e))
        return false;
    const struct move *t = move_add(c->sim, source, destination, rate);
    jout_open(c->out, '{');
    write_handle(c->out, t);
    jout_close(c->out, '}');
    return true;
}

static void write_task(struct buf *out, const struct move *t)
{
    static const char *const states[] = {
        [MOVE_RUNNING] = "RUNNING",
        [MOVE_COMPLETED] = "COMPLETED",
        [MOVE_CANCELLED] = "CANCELLED",
        [MOVE_FAILED] = "FAILED",
    };
    jout_open(out, '{');
    if (t->state == MOVE_RUNNING) write_handle(out, t);
    jout_pair(out, "Status", text_of(states[t->state]));
    jout_pair(out, "SourceArn", text_of(t->source_arn));
    if (t->destination_arn) jout_pair(out, "DestinationArn", text_of(t->destination_arn));
    if (t->rate) jout_pair_int(out, "MaxNumberOfMessagesPerSecond", t->rate);
    jout_pair_int(out, "ApproximateNumberOfMessagesMoved", (int64_t)t->moved);
    jout_pair_int(out, "ApproximateNumberOfMessagesToMove", (int64_t)t->to_move);
    if (t->state == MOVE_FAILED)
        jout_pair(out, "FailureReason", text_of("AWS.SimpleQueueService.NonExistentQueue"));
    jout_pair_int(out, "StartedTimestamp", t->started_ms);
    jout_close(out, '}');
}

/* The newest first. */
bool action_list_message_move_tasks(struct call *c, struct api_error *e)
{
    struct queue *source;
    int64_t max = 1;
    static const struct args_range range = {1, 10, "Must be between 1 and 10, if provided."};
    if (!find_source(c, &source, e) || !args_int_within(c->args, "MaxResults", &range, &max, e))
        return false;
    jout_open(c->out, '{');
    jout_key(c->out, "Results");
    jout_open(c->out, '[');
    struct link *head = &c->sim->moves;
    for (struct link *node = head->prev; node != head && max; node = node->prev) {
        const struct move *t = LIST_ENTRY(node, struct move, link);
        if (strcmp(t->source_arn, source->arn) != 0) continue;
        write_task(c->out, t);
        max--;
    }
    jout_close(c->out, ']');
    jout_close(c->out, '}');
    return true;
}

static struct move *task_of(struct sim *sim, struct text handle)
{
    struct buf plain = {0};
    struct move *t = NULL;
    if (buf_add_unbase64(&plain, handle)) {
        json_t *json = json_loadb(plain.ptr, plain.len, 0, NULL);
        t = move_find(sim, args_view(json_object_get(json, "taskId")));
        json_decref(json);
    }
    buf_free(&plain);
    return t;
}

bool action_cancel_message_move_task(struct call *c, struct api_error *e)
{
    struct text handle;
    if (!args_need_text(c->args, "TaskHandle", &handle, e)) return false;
    struct move *t = task_of(c->sim, handle);
    if (!t) return api_fail(e, API_NO_SUCH_RESOURCE, "Task does not exist.");
    if (t->state != MOVE_RUNNING)
        return api_fail(e, API_UNSUPPORTED, "Only active tasks can be cancelled.");
    t->state = MOVE_CANCELLED;
    jout_open(c->out, '{');
    jout_pair_int(c->out, "ApproximateNumberOfMessagesMoved", (int64_t)t->moved);
    jout_close(c->out, '}');
    return true;
}
