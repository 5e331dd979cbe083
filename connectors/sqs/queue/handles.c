/* Verbs about received messages, by receipt handle: delete-message, delete-batch, visibility,
 * visibility-batch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/batch.h"
#include "connectors/sqs/queue/verbs.h"

struct handles_options {
    struct queue_options common;
    const char *file;
    struct opt_list ids;
    int64_t seconds;
};

static const struct opt batch_opts[] = {
    {OPT_FIELD(struct handles_options, file), .type = OPT_STRING,
     .help = "file with handles; -: standard input, which is the default"},
    {.name = "id",
     .offset = offsetof(struct handles_options, ids),
     .type = OPT_LIST,
     .help = "ids of the handles on the command line, one after the other; default: 1, 2, ..."},
    OPT_END,
};

static bool read_seconds(struct queue_run *run, const char *text)
{
    static const struct opt seconds = {.name = "seconds",
                                       .offset = offsetof(struct handles_options, seconds),
                                       .type = OPT_SECONDS,
                                       .max = 43200};
    struct error e;
    return run->host->parse(run->host, &seconds, text, run->options, &e) ||
           queue_fail(run, EX_USAGE, "TIME: %s", e.text);
}

/* ---- one ---- */

static void run_one(struct queue_run *run, enum sqs_action action, const char *handle)
{
    const struct handles_options *o = (const struct handles_options *)run->options;
    struct sqs_nothing nothing;
    bool visibility = action == SQS_CHANGE_MESSAGE_VISIBILITY;
    if (!*handle) {
        queue_fail(run, EX_DATAERR, "the receipt handle is empty");
        return;
    }
    if (!queue_open(run, run->operands[0])) return;
    struct sqs_handle request = {
        .queue_url = queue_url_of(run),
        .receipt_handle = bytes_str(handle),
        .visibility_timeout = {visibility, o->seconds},
    };
    if (queue_call(run, action, &request, &nothing) && run->options->json) puts("{}");
}

static void run_delete_message(struct queue_run *run)
{
    run_one(run, SQS_DELETE_MESSAGE, run->operands[1]);
}

static void run_visibility(struct queue_run *run)
{
    if (read_seconds(run, run->operands[1]))
        run_one(run, SQS_CHANGE_MESSAGE_VISIBILITY, run->operands[2]);
}

/* ---- many ---- */

/* What a line may be: a bare handle, or JSON: one of these, or an answer with many. */
struct handle_line {
    struct bytes id, handle;
    struct sqs_number seconds;
    struct sqs_structs messages;
};

#define FIELD(member) offsetof(struct handle_line, member)
static const struct sqs_member item_members[] = {
    {"Id", FIELD(id), SQS_TEXT, false, NULL},
    {"ReceiptHandle", FIELD(handle), SQS_TEXT, false, NULL},
    {"VisibilityTimeout", FIELD(seconds), SQS_NUMBER, false, NULL},
    {.name = NULL},
};
static const struct sqs_shape item_shape = {item_members, sizeof(struct handle_line)};
static const struct sqs_member line_members[] = {
    {"Id", FIELD(id), SQS_TEXT, false, NULL},
    {"ReceiptHandle", FIELD(handle), SQS_TEXT, false, NULL},
    {"VisibilityTimeout", FIELD(seconds), SQS_NUMBER, false, NULL},
    {"Messages", FIELD(messages), SQS_STRUCTS, false, &item_shape},
    {.name = NULL},
};
static const struct sqs_shape line_shape = {line_members, sizeof(struct handle_line)};

struct handling {
    struct queue_run *run;
    struct queue_batch batch;
    char *ids[SQS_BATCH], *handles[SQS_BATCH]; /* copies */
    int64_t seconds[SQS_BATCH];
    size_t number;
    struct queue_report report;
};

static void encode_handles(const struct queue_batch *b, const size_t *which, size_t n,
                           struct buf *out)
{
    const struct handling *h = b->run->verb_state;
    struct bytes ids[SQS_BATCH], handles[SQS_BATCH];
    int64_t seconds[SQS_BATCH];
    for (size_t k = 0; k < n; k++) {
        ids[k] = b->ids[which[k]];
        handles[k] = bytes_str(h->handles[which[k]]);
        seconds[k] = h->seconds[which[k]];
    }
    struct sqs_handles batch = {
        .queue_url = b->run->queue.url,
        .ids = ids,
        .handles = handles,
        .seconds = b->action == SQS_DELETE_MESSAGE_BATCH ? NULL : seconds,
        .count = n,
    };
    sqs_encode_handles(out, &batch);
}

static void send_open(struct handling *h)
{
    struct queue_batch *b = &h->batch;
    if (!b->count) return;
    queue_batch_run(b);
    queue_report_batch(&h->report, b);
    for (size_t i = 0; i < b->count; i++) {
        free(h->ids[i]);
        free(h->handles[i]);
    }
    b->count = 0;
    if (h->number > SQS_BATCH) queue_progress("done", (int64_t)h->report.done_count, 0);
}

static bool is_taken(const struct queue_batch *b, const char *id)
{
    for (size_t i = 0; i < b->count; i++)
        if (bytes_eq(b->ids[i], bytes_str(id))) return true;
    return false;
}

static bool add_handle(struct handling *h, struct bytes id, struct bytes handle, int64_t seconds)
{
    struct error e;
    struct queue_batch *b = &h->batch;
    size_t at = b->count;
    h->number++;
    if (!handle.len) return queue_fail(h->run, EX_DATAERR, "handle %zu is empty", h->number);
    if (seconds < 0 || seconds > 43200)
        return queue_fail(h->run, EX_DATAERR, "handle %zu: the visibility timeout is 0 to 43200",
                          h->number);
    if (id.ptr && !sqs_check_batch_id(id, &e))
        return queue_fail(h->run, EX_DATAERR, "handle %zu: %s", h->number, e.text);
    char *own = id.ptr ? mem_strndup(id.ptr, id.len) : mem_printf("%zu", h->number);
    if (is_taken(b, own)) {
        queue_fail(h->run, EX_DATAERR, "handle %zu: its id \"%s\" is that of another in the batch",
                   h->number, own);
        free(own);
        return false;
    }
    h->ids[at] = own;
    h->handles[at] = mem_strndup(handle.ptr, handle.len);
    h->seconds[at] = seconds;
    b->ids[at] = bytes_str(own);
    if (++b->count == SQS_BATCH) send_open(h);
    return b->count || !b->refused;
}

static bool add_json(struct handling *h, char *line, size_t len)
{
    const struct handles_options *o = (const struct handles_options *)h->run->options;
    struct handle_line l;
    struct error e;
    bool ok = sqs_shape_decode(&line_shape, bytes_of(line, len), &l, &e) ||
              queue_fail(h->run, EX_DATAERR, "line after %zu handles: %s", h->number, e.text);
    const struct handle_line *many = l.messages.items;
    for (size_t i = 0; ok && i < l.messages.count; i++)
        ok = add_handle(h, many[i].id, many[i].handle,
                        many[i].seconds.given ? many[i].seconds.value : o->seconds);
    if (ok && l.handle.ptr)
        ok = add_handle(h, l.id, l.handle, l.seconds.given ? l.seconds.value : o->seconds);
    sqs_shape_free(&line_shape, &l);
    return ok;
}

static void add_lines(struct handling *h, FILE *file)
{
    const struct handles_options *o = (const struct handles_options *)h->run->options;
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    bool ok = true;
    while (ok && (len = getline(&line, &size, file)) > 0) {
        if (line[len - 1] == '\n') len--;
        if (len)
            ok = *line == '{' ? add_json(h, line, (size_t)len)
                              : add_handle(h, BYTES_NONE, bytes_of(line, (size_t)len), o->seconds);
    }
    free(line);
}

static void add_operands(struct handling *h, int first)
{
    const struct handles_options *o = (const struct handles_options *)h->run->options;
    bool ok = true;
    for (int i = first; ok && i < h->run->operand_count; i++) {
        size_t at = (size_t)(i - first);
        struct bytes id = at < o->ids.count ? bytes_str(o->ids.items[at]) : BYTES_NONE;
        ok = add_handle(h, id, bytes_str(h->run->operands[i]), o->seconds);
    }
}

static bool add_file(struct handling *h)
{
    const struct handles_options *o = (const struct handles_options *)h->run->options;
    bool input = !o->file || strcmp(o->file, "-") == 0;
    FILE *file = input ? stdin : fopen(o->file, "r");
    if (!file) return queue_fail(h->run, EX_NOINPUT, "%s: %s", o->file, strerror(errno));
    add_lines(h, file);
    if (!input) fclose(file);
    return true;
}

/* Everything that was read before something went wrong is still done: it was asked for. */
static void run_many(struct queue_run *run, enum sqs_action action, int first)
{
    const struct handles_options *o = (const struct handles_options *)run->options;
    if (run->operand_count > first && o->file) {
        queue_fail(run, EX_USAGE, "handles are given once, as HANDLE or as --file");
        return;
    }
    if (!queue_open(run, run->operands[0])) return;
    struct handling *h = mem_zalloc(sizeof(*h));
    h->run = run;
    run->verb_state = h;
    h->batch.run = run;
    h->batch.action = action;
    h->batch.encode = encode_handles;
    if (run->operand_count > first)
        add_operands(h, first);
    else if (!add_file(h))
        h->number = 0;
    send_open(h);
    if (h->number > SQS_BATCH) queue_progress_end();
    if (run->code && h->report.done_count) run->code = EX_TEMPFAIL;
    queue_report_end(&h->report, run);
    queue_batch_free(&h->batch);
    free(h);
}

static void run_delete_batch(struct queue_run *run)
{
    run_many(run, SQS_DELETE_MESSAGE_BATCH, 1);
}

static void run_visibility_batch(struct queue_run *run)
{
    if (read_seconds(run, run->operands[1])) run_many(run, SQS_CHANGE_MESSAGE_VISIBILITY_BATCH, 2);
}

#define LINES                                                                                      \
    "Without HANDLE, each line of the file or of standard input is a handle, or the JSON that\n"   \
    "receive --json prints, or {\"ReceiptHandle\": \"...\", \"Id\": \"a\"}"

const struct queue_verb queue_delete_message = {
    .name = "delete-message",
    .operands = "QUEUE HANDLE",
    .help = "delete one received message by its receipt handle (DeleteMessage)",
    .conf_size = sizeof(struct handles_options),
    .least = 2,
    .most = 2,
    .run = run_delete_message,
};

const struct queue_verb queue_delete_batch = {
    .name = "delete-batch",
    .operands = "QUEUE [HANDLE]...",
    .help = "delete any number of received messages (DeleteMessageBatch)",
    .notes = LINES ".\n",
    .opts = batch_opts,
    .conf_size = sizeof(struct handles_options),
    .least = 1,
    .most = -1,
    .run = run_delete_batch,
};

const struct queue_verb queue_visibility = {
    .name = "visibility",
    .operands = "QUEUE TIME HANDLE",
    .help = "hide a received message for TIME from now on; 0: others get it "
            "(ChangeMessageVisibility)",
    .conf_size = sizeof(struct handles_options),
    .least = 3,
    .most = 3,
    .run = run_visibility,
};

const struct queue_verb queue_visibility_batch = {
    .name = "visibility-batch",
    .operands = "QUEUE TIME [HANDLE]...",
    .help = "the same for any number of messages (ChangeMessageVisibilityBatch)",
    .notes = LINES ",\nwith \"VisibilityTimeout\" where it is another than TIME.\n",
    .opts = batch_opts,
    .conf_size = sizeof(struct handles_options),
    .least = 2,
    .most = -1,
    .run = run_visibility_batch,
};
