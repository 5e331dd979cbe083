/* What is done by receipt handle: DeleteMessage and ChangeMessageVisibility, and their batches. */
#include "tests/sim/batch.h"

#include <inttypes.h>

static bool bad_handle(struct text handle, const char *reason, struct api_error *e)
{
    return api_fail(e, API_INVALID_PARAMETER,
                    "Value %.*s for parameter ReceiptHandle is invalid. Reason: %s",
                    (int)handle.len, handle.ptr, reason);
}

/* A single request and a batch entry word an expired handle differently. */
static bool expired(struct text handle, bool in_batch, struct api_error *e)
{
    if (in_batch) return api_fail(e, API_RECEIPT_HANDLE_INVALID, "The receipt handle has expired");
    return bad_handle(handle, "The receipt handle has expired.", e);
}

static bool judge(enum handle_verdict verdict, struct text handle, bool in_batch,
                  struct api_error *e)
{
    switch (verdict) {
    case HANDLE_DONE:
    case HANDLE_IGNORED:
        return true;
    case HANDLE_GARBAGE:
        return api_fail(e, API_RECEIPT_HANDLE_INVALID,
                        "The input receipt handle \"%.*s\" is not a valid receipt handle.",
                        (int)(handle.len < 1024 ? handle.len : 1024), handle.ptr);
    case HANDLE_EXPIRED:
        return expired(handle, in_batch, e);
    case HANDLE_GONE:
        return bad_handle(handle,
                          "Message does not exist or is not available for visibility timeout "
                          "change.",
                          e);
    case HANDLE_AT_REST:
        return api_fail(e, API_NOT_IN_FLIGHT, "The specified message referred to isn't in flight.");
    case HANDLE_TOO_LONG:
        break;
    }
    return api_fail(e, API_INVALID_PARAMETER,
                    "Total VisibilityTimeout for the message is beyond the limit [%d seconds]",
                    QUEUE_VISIBILITY_MAX_S);
}

static bool delete_one(struct call *c, const json_t *args, bool in_batch, struct api_error *e)
{
    struct text handle;
    if (!args_need_text(args, "ReceiptHandle", &handle, e)) return false;
    return judge(queue_delete(c->queue, handle), handle, in_batch, e);
}

static bool change_one(struct call *c, const json_t *args, bool in_batch, struct api_error *e)
{
    struct text handle;
    int64_t timeout_s = -1;
    static const struct args_range range = {0, QUEUE_VISIBILITY_MAX_S,
                                            "Must be >= 0 and <= 43200, if provided."};
    if (!args_need_text(args, "ReceiptHandle", &handle, e) ||
        !args_int_within(args, "VisibilityTimeout", &range, &timeout_s, e))
        return false;
    if (timeout_s < 0) return args_missing("VisibilityTimeout", e);
    return judge(queue_change_visibility(c->queue, handle, timeout_s), handle, in_batch, e);
}

bool action_delete_message(struct call *c, struct api_error *e)
{
    return delete_one(c, c->args, false, e);
}

bool action_change_message_visibility(struct call *c, struct api_error *e)
{
    return change_one(c, c->args, false, e);
}

static bool delete_entry(struct call *c, const json_t *entry, struct buf *out, struct api_error *e)
{
    (void)out;
    return delete_one(c, entry, true, e);
}

static bool change_entry(struct call *c, const json_t *entry, struct buf *out, struct api_error *e)
{
    (void)out;
    return change_one(c, entry, true, e);
}

bool action_delete_message_batch(struct call *c, struct api_error *e)
{
    static const struct batch batch = {"DeleteMessageBatchRequestEntry", delete_entry, NULL};
    return batch_run(c, &batch, e);
}

bool action_change_message_visibility_batch(struct call *c, struct api_error *e)
{
    static const struct batch batch = {"ChangeMessageVisibilityBatchRequestEntry", change_entry,
                                       NULL};
    return batch_run(c, &batch, e);
}
