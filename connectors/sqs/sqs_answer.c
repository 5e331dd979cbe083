#include "connectors/sqs/sqs_answer.h"

#include <stdio.h>

#include "connectors/sqs/sqs_wire.h"

/* Actions on no queue in particular have none to name. */
void sqs_answer_name_error(struct sqs_call *call, const char *queue)
{
    if (*queue) error_prefix(&call->error, "queue \"%s\"", queue);
    error_prefix(&call->error, "%s", sqs_actions[call->action].name);
}

/* "AWS.SimpleQueueService.NonExistentQueue;Sender", where the body told nothing. */
static struct bytes code_of_header(const struct sqs_call *call)
{
    struct bytes code = bytes_str(call->http.answer_headers[HTTP_QUERY_ERROR]);
    const char *semicolon = code.len ? memchr(code.ptr, ';', code.len) : NULL;
    if (!semicolon) return BYTES_NONE;
    code.len = (size_t)(semicolon - (const char *)code.ptr);
    return sqs_short_code(code);
}

static void describe(struct sqs_call *call, struct bytes code, struct bytes message)
{
    char hint[256], status[32];
    const char *id = call->http.answer_headers[HTTP_REQUEST_ID];
    snprintf(status, sizeof(status), "HTTP status %d", call->http.status);
    if (!code.len) code = bytes_str(status);
    if (message.len > 200) message.len = 200;
    snprintf(call->code, sizeof(call->code), "%.*s", BYTES_ARGS(code));
    sqs_error_hint(call->class, code, message, sqs_actions[call->action].permission, hint,
                   sizeof(hint));
    error_set(&call->error, FAULT_DOWN, "%.*s%s%.*s%s%s%s%s%s", BYTES_ARGS(code),
              message.len ? ": " : "", BYTES_ARGS(message), *id ? ", request " : "", id,
              *hint ? " (" : "", hint, *hint ? ")" : "");
}

static void read_failure(struct sqs_call *call)
{
    struct bytes code = BYTES_NONE, message = BYTES_NONE;
    if (!sqs_decode_error(sqs_call_answer(call), &code, &message) || !code.len)
        code = code_of_header(call);
    call->class = sqs_classify(call->http.status, code, message);
    describe(call, code, message);
    if (call->class == SQS_SENDER || call->class == SQS_TOO_LONG) call->error.fault = FAULT_REJECT;
}

void sqs_answer_read(struct sqs_call *call, const char *queue)
{
    const struct http_request *http = &call->http;
    call->class = SQS_TRANSIENT;
    call->code[0] = '\0';
    if (!http->status) {
        call->error = http->error;
    } else if (http->status != 200) {
        read_failure(call);
    } else if (call->decode(call, &call->error)) {
        call->class = SQS_OK;
        call->error.fault = FAULT_NONE;
    } else {
        call->error.fault = FAULT_DOWN;
    }
    if (call->class != SQS_OK) sqs_answer_name_error(call, queue);
}
