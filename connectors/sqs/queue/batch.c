#include "connectors/sqs/queue/batch.h"

#include <stdlib.h>
#include <sysexits.h>

static bool decode(struct sqs_call *call, struct error *e)
{
    struct queue_run *run = call->arg;
    struct queue_batch *b = run->answer;
    struct bytes ids[SQS_BATCH];
    for (size_t i = 0; i < b->asked_count; i++)
        ids[i] = b->ids[b->asked[i]];
    return sqs_decode_batch(sqs_call_answer(call), ids, b->answers, b->asked_count, e);
}

static void fail(struct queue_batch *b, size_t i, enum sqs_class class, const char *code,
                 const char *message)
{
    b->classes[i] = class;
    b->results[i] = (struct sqs_result){
        .fate = SQS_FAILED,
        .sender_fault = class == SQS_SENDER || class == SQS_TOO_LONG,
        .code = bytes_str(code),
        .message = bytes_str(message),
    };
}

static void take_answer(struct queue_batch *b, size_t i, const struct sqs_result *result)
{
    b->results[i] = *result;
    b->classes[i] = sqs_classify_result(result);
    if (result->fate == SQS_UNANSWERED)
        fail(b, i, SQS_TRANSIENT, "Unanswered", "SQS has not said what became of it");
    else if (b->classes[i] == SQS_OK && b->agrees && !b->agrees(b, i))
        fail(b, i, SQS_SENDER, "WrongMD5",
             "SQS has it, but not as it was sent: it was changed on the way");
}

/* The client has tried the request as a whole as often as is good. */
static void take_failure(struct queue_batch *b, const struct sqs_call *call)
{
    const char *code = *call->code ? call->code : "NoAnswer";
    b->refused = true;
    for (size_t k = 0; k < b->asked_count; k++)
        fail(b, b->asked[k], call->class, code, call->error.text);
}

/* Which of the entries that were asked go again; and how long to wait. */
static size_t again(struct queue_batch *b, unsigned attempts, size_t *which, uint32_t *delay_ms)
{
    struct sqs_retry_ask ask = {.class = SQS_TRANSIENT, .failed = attempts};
    size_t n = 0;
    for (size_t k = 0; k < b->asked_count; k++) {
        size_t i = b->asked[k];
        if (b->classes[i] != SQS_TRANSIENT && b->classes[i] != SQS_THROTTLED) continue;
        if (b->may_repeat && !b->may_repeat(b, i)) continue;
        if (b->classes[i] == SQS_THROTTLED) ask.class = SQS_THROTTLED;
        which[n++] = i;
    }
    if (!n) sqs_retry_succeeded(&b->run->retry, b->retry_cost);
    if (!n || attempts == QUEUE_ATTEMPTS) return 0;
    return sqs_retry_again(&b->run->retry, &ask, &b->retry_cost, delay_ms) ? n : 0;
}

static bool ask(struct queue_batch *b, struct sqs_call *call)
{
    call->action = b->action;
    call->decode = decode;
    call->body.len = 0;
    b->run->answer = b;
    b->encode(b, b->asked, b->asked_count, &call->body);
    if (!queue_run_call(b->run, call)) {
        take_failure(b, call);
        return false;
    }
    for (size_t k = 0; k < b->asked_count; k++)
        take_answer(b, b->asked[k], &b->answers[k]);
    return true;
}

void queue_batch_run(struct queue_batch *b)
{
    size_t asked[SQS_BATCH], next[SQS_BATCH];
    uint32_t delay_ms;
    b->asked = asked;
    b->asked_count = b->count;
    b->retry_cost = 0;
    b->refused = false;
    for (size_t i = 0; i < b->count; i++)
        asked[i] = i;
    for (unsigned attempt = 0; ask(b, &b->calls[attempt]); attempt++) {
        size_t n = again(b, attempt + 1, next, &delay_ms);
        if (!n) return;
        memcpy(asked, next, sizeof(next));
        b->asked_count = n;
        queue_wait_ms(b->run, delay_ms);
    }
}

void queue_batch_free(struct queue_batch *b)
{
    for (unsigned i = 0; i < QUEUE_ATTEMPTS; i++)
        sqs_call_free(&b->calls[i]);
}

/* ---- the report ---- */

static void put_text(struct json_writer *w, const char *key, struct bytes value)
{
    if (!value.ptr) return;
    json_key(w, key);
    json_string(w, value);
}

void queue_write_sent(struct json_writer *w, const struct sqs_result *result)
{
    put_text(w, "MessageId", result->message_id);
    put_text(w, "MD5OfMessageBody", result->body_md5);
    put_text(w, "MD5OfMessageAttributes", result->attrs_md5);
    put_text(w, "MD5OfMessageSystemAttributes", result->system_md5);
    put_text(w, "SequenceNumber", result->sequence);
}

static void report_done(struct queue_report *r, struct bytes id, const struct sqs_result *result)
{
    struct json_writer w = {.out = &r->successful, .need_comma = r->done_count++ > 0};
    json_object(&w);
    put_text(&w, "Id", id);
    queue_write_sent(&w, result);
    json_object_end(&w);
    queue_table_cell(&r->table, id);
    queue_table_text(&r->table, "done");
    queue_table_cell(&r->table, result->message_id);
    queue_table_cell(&r->table, result->sequence);
}

static void report_failed(struct queue_report *r, struct bytes id, const struct sqs_result *result)
{
    struct json_writer w = {.out = &r->failed, .need_comma = r->failed_count++ > 0};
    json_object(&w);
    put_text(&w, "Id", id);
    json_key(&w, "SenderFault");
    json_bool(&w, result->sender_fault);
    put_text(&w, "Code", result->code);
    put_text(&w, "Message", result->message);
    json_object_end(&w);
    queue_table_cell(&r->table, id);
    queue_table_text(&r->table, result->sender_fault ? "failed: sender's fault" : "failed");
    queue_table_cell(&r->table, result->code);
    queue_table_cell(&r->table, result->message);
}

void queue_report_batch(struct queue_report *r, const struct queue_batch *b)
{
    char code[64];
    for (size_t i = 0; i < b->count; i++) {
        const struct sqs_result *result = &b->results[i];
        if (b->classes[i] == SQS_OK) {
            report_done(r, b->ids[i], result);
            continue;
        }
        snprintf(code, sizeof(code), "%.*s", BYTES_ARGS(result->code));
        if (!r->code) r->code = queue_exit_code(b->classes[i], code);
        report_failed(r, b->ids[i], result);
    }
}

static void print_json(const struct queue_report *r)
{
    struct buf out = {0};
    buf_printf(&out, "{\"Successful\":[");
    if (r->successful.len) buf_add(&out, r->successful.ptr, r->successful.len);
    buf_printf(&out, "],\"Failed\":[");
    if (r->failed.len) buf_add(&out, r->failed.ptr, r->failed.len);
    buf_printf(&out, "]}");
    queue_print_json(&out);
    free(out.ptr);
}

void queue_report_end(struct queue_report *r, struct queue_run *run)
{
    r->table.columns = QUEUE_COLUMNS;
    if (run->options->json) print_json(r);
    if (run->options->json) r->table.cells = 0;
    queue_table_print(&r->table);
    if (r->failed_count)
        queue_fail(run, r->done_count ? EX_TEMPFAIL : r->code, "%zu of %zu entries failed",
                   r->failed_count, r->done_count + r->failed_count);
    free(r->successful.ptr);
    free(r->failed.ptr);
}
