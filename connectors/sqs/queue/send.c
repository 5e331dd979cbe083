/* send and send-batch. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "bridge/log.h"
#include "connectors/sqs/queue/batch.h"
#include "connectors/sqs/queue/message.h"
#include "connectors/sqs/queue/pairs.h"
#include "connectors/sqs/queue/verbs.h"

struct send_options {
    struct queue_options common;
    const char *file, *group, *deduplication_id, *trace_header;
    int64_t delay;
    struct opt_list attributes, ids;
};

#define MESSAGE_OPTS                                                                               \
    {.name = "attribute",                                                                          \
     .offset = offsetof(struct send_options, attributes),                                          \
     .type = OPT_LIST,                                                                             \
     .help = "NAME=VALUE, or NAME:TYPE=VALUE as in n:Number.int=42; a Binary as base64 or @FILE; " \
             "may repeat, up to ten"},                                                             \
        {OPT_FIELD(struct send_options, group), .type = OPT_STRING,                                \
         .help = "message group; needed on FIFO queues"},                                          \
        {OPT_FIELD(struct send_options, delay), .type = OPT_SECONDS, .max = 900,                   \
         .help = "how long it stays hidden, up to 15 minutes; default: as the queue says"},        \
    {                                                                                              \
        OPT_FIELD(struct send_options, trace_header),                                              \
            .type = OPT_STRING, .help = "the system attribute AWSTraceHeader"                      \
    }

static const struct opt send_opts[] = {
    {OPT_FIELD(struct send_options, file), .type = OPT_STRING,
     .help = "file with the body; -: standard input"},
    {OPT_FIELD(struct send_options, deduplication_id), .type = OPT_STRING,
     .help = "FIFO: messages with the same one within five minutes are sent once"},
    MESSAGE_OPTS,
    OPT_END,
};

static const struct opt send_batch_opts[] = {
    {OPT_FIELD(struct send_options, file), .type = OPT_STRING,
     .help = "file with a message on each line, as JSON; -: standard input, which is the default"},
    {.name = "id",
     .offset = offsetof(struct send_options, ids),
     .type = OPT_LIST,
     .help = "ids of the bodies on the command line, one after the other; default: 1, 2, ..."},
    MESSAGE_OPTS,
    OPT_END,
};

/* ---- messages ---- */

/* Attributes of the command line: of every message. */
struct common_attrs {
    struct attr attrs[QUEUE_MAX_ATTRS];
    struct buf values[QUEUE_MAX_ATTRS];
    size_t count;
};

static bool read_common(struct queue_run *run, struct common_attrs *c)
{
    const struct send_options *o = (const struct send_options *)run->options;
    if (o->attributes.count > SQS_MAX_ATTRS)
        return queue_fail(run, EX_DATAERR, "%zu attributes, and SQS takes 10 at most",
                          o->attributes.count);
    for (size_t i = 0; i < o->attributes.count; i++, c->count++)
        if (!queue_read_attr(run, o->attributes.items[i], &c->attrs[i], &c->values[i]))
            return false;
    return true;
}

static void free_common(struct common_attrs *c)
{
    for (size_t i = 0; i < QUEUE_MAX_ATTRS; i++)
        free(c->values[i].ptr);
}

/* What the command line says of every message. */
static void begin_message(const struct queue_run *run, const struct common_attrs *c,
                          struct queue_message *m)
{
    const struct send_options *o = (const struct send_options *)run->options;
    memcpy(m->attrs, c->attrs, c->count * sizeof(c->attrs[0]));
    m->entry = (struct sqs_entry){
        .attrs = m->attrs,
        .attr_count = c->count,
        .group_id = bytes_str(o->group),
        .deduplication_id = bytes_str(o->deduplication_id),
        .trace_header = bytes_str(o->trace_header),
        .delay_s = o->delay,
        .no_delay = queue_given(run, "delay") && !o->delay,
    };
}

static bool check_message(struct queue_run *run, struct queue_message *m, const char *what)
{
    struct error e;
    if (!sqs_check_entry(&m->entry, run->queue.fifo, &e) ||
        (m->entry.id.ptr && !sqs_check_batch_id(m->entry.id, &e)))
        return queue_fail(run, EX_DATAERR, "%s%s%s", what, *what ? ": " : "", e.text);
    m->size = sqs_size_of(&m->entry);
    m->sums = sqs_sums_of(run->digest, &m->entry);
    return true;
}

static void say_without_md5(const struct queue_run *run)
{
    if (!sqs_digest_has_md5(run->digest))
        log_warn("sqsbridge queue", "this machine's crypto policy has no MD5: what SQS received "
                                    "is not compared with what was sent");
}

/* ---- send ---- */

static bool decode_send(struct sqs_call *call, struct error *e)
{
    struct queue_run *run = call->arg;
    return sqs_decode_send(sqs_call_answer(call), run->answer, e);
}

static void print_sent(const struct queue_run *run, const struct sqs_result *result)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    struct queue_table t = {0};
    if (run->options->json) {
        json_object(&w);
        queue_write_sent(&w, result);
        json_object_end(&w);
        queue_print_json(&out);
    } else {
        queue_table_pair(&t, "message id", result->message_id);
        queue_table_pair(&t, "sequence number", result->sequence);
        queue_table_pair(&t, "MD5 of body", result->body_md5);
        queue_table_pair(&t, "MD5 of attributes", result->attrs_md5);
        queue_table_pair(&t, "MD5 of system attributes", result->system_md5);
        queue_table_print(&t);
    }
    free(out.ptr);
}

static void send_message(struct queue_run *run, const struct queue_message *m)
{
    struct sqs_result result;
    struct sqs_call *call = &run->call;
    call->action = SQS_SEND_MESSAGE;
    call->decode = decode_send;
    call->body.len = 0;
    run->answer = &result;
    sqs_encode_send(&call->body, run->queue.url, &m->entry);
    if (!queue_run_call(run, call)) {
        queue_fail_call(run, call);
        return;
    }
    if (!sqs_sums_agree(&m->sums, run->digest, &result))
        queue_fail(run, EX_DATAERR,
                   "SQS has the message as %.*s, but not as it was sent: its MD5 "
                   "differs",
                   BYTES_ARGS(result.message_id));
    print_sent(run, &result);
}

static bool read_body(struct queue_run *run, struct queue_message *m)
{
    const struct send_options *o = (const struct send_options *)run->options;
    if ((run->operand_count == 2) == (o->file != NULL))
        return queue_fail(run, EX_USAGE, "the body is given once, as BODY or as --file");
    if (!o->file)
        m->entry.body = bytes_str(run->operands[1]);
    else if (!queue_read_file(run, o->file, &m->binary))
        return false;
    else
        m->entry.body = bytes_of(m->binary.ptr, m->binary.len);
    return true;
}

static void run_send(struct queue_run *run)
{
    struct queue_message *m = mem_zalloc(sizeof(*m));
    struct common_attrs *c = mem_zalloc(sizeof(*c));
    if (read_common(run, c)) {
        begin_message(run, c, m);
        if (read_body(run, m) && queue_open(run, run->operands[0]) && check_message(run, m, "")) {
            say_without_md5(run);
            send_message(run, m);
        }
    }
    queue_message_free(m);
    free_common(c);
    free(m);
    free(c);
}

/* ---- send-batch ---- */

struct sending {
    struct queue_run *run;
    struct common_attrs common;
    struct queue_batch batch;
    struct queue_message *messages[SQS_BATCH + 1]; /* the last one did not fit any more */
    size_t bytes, number;
    bool stopped; /* nothing more is sent */
    FILE *lines;  /* NULL: bodies are operands */
    struct queue_report report;
};

static void encode_send(const struct queue_batch *b, const size_t *which, size_t n, struct buf *out)
{
    struct sending *s = (struct sending *)b->run->verb_state;
    sqs_encode_send_begin(out, b->run->queue.url);
    for (size_t k = 0; k < n; k++)
        sqs_encode_send_entry(out, k, &s->messages[which[k]]->entry);
    sqs_encode_send_end(out);
}

static bool as_sent(const struct queue_batch *b, size_t i)
{
    const struct sending *s = b->run->verb_state;
    return sqs_sums_agree(&s->messages[i]->sums, b->run->digest, &b->results[i]);
}

/* A later message of the same group has arrived: this one would come out of order. */
static bool keeps_order(const struct queue_batch *b, size_t i)
{
    const struct sending *s = b->run->verb_state;
    if (!b->run->queue.fifo) return true;
    struct bytes group = s->messages[i]->entry.group_id;
    for (size_t k = i + 1; k < b->count; k++)
        if (b->classes[k] == SQS_OK && bytes_eq(s->messages[k]->entry.group_id, group))
            return false;
    return true;
}

static void swap_messages(struct sending *s, size_t a, size_t b)
{
    struct queue_message *kept = s->messages[a];
    s->messages[a] = s->messages[b];
    s->messages[b] = kept;
}

static void send_open(struct sending *s)
{
    struct queue_batch *b = &s->batch;
    if (!b->count) return;
    for (size_t i = 0; i < b->count; i++)
        b->ids[i] = s->messages[i]->entry.id;
    size_t failed_before = s->report.failed_count;
    queue_batch_run(b);
    queue_report_batch(&s->report, b);
    s->stopped = b->refused || (s->run->queue.fifo && s->report.failed_count > failed_before);
    b->count = s->bytes = 0;
    if (s->number > SQS_BATCH) queue_progress("sent", (int64_t)s->report.done_count, 0);
}

/* The message at the end of the open batch becomes part of it, or of the next. */
static bool add_message(struct sending *s)
{
    struct queue_batch *b = &s->batch;
    struct queue_message *m = s->messages[b->count];
    for (size_t i = 0; i < b->count; i++)
        if (bytes_eq(s->messages[i]->entry.id, m->entry.id))
            return queue_fail(s->run, EX_DATAERR,
                              "message %zu: its id \"%.*s\" is that of another in the same batch",
                              s->number, BYTES_ARGS(m->entry.id));
    if (b->count && s->bytes + m->size > SQS_MAX_BYTES) {
        size_t at = b->count;
        send_open(s);
        swap_messages(s, 0, at);
    }
    s->bytes += m->size;
    if (++b->count == SQS_BATCH) send_open(s);
    return true;
}

static bool from_operand(struct sending *s, struct queue_message *m)
{
    const struct send_options *o = (const struct send_options *)s->run->options;
    size_t i = s->number - 1;
    m->entry.body = bytes_str(s->run->operands[s->number]);
    if (i < o->ids.count) m->entry.id = bytes_str(o->ids.items[i]);
    return true;
}

static bool from_line(struct sending *s, struct queue_message *m, ssize_t len)
{
    struct error e;
    if (len && m->line[len - 1] == '\n') len--;
    return queue_message_read(m, (size_t)len, &e) ||
           queue_fail(s->run, EX_DATAERR, "line %zu: %s", s->number, e.text);
}

/* False: there are no more, or this one cannot go. */
static bool next_message(struct sending *s)
{
    struct queue_message *m = s->messages[s->batch.count];
    char what[40];
    ssize_t len = 0;
    if (s->stopped) return false;
    if (s->lines)
        len = getline(&m->line, &m->line_size, s->lines);
    else if ((int)s->number + 1 >= s->run->operand_count)
        len = -1;
    if (len < 0) return false;
    s->number++;
    begin_message(s->run, &s->common, m);
    if (!(s->lines ? from_line(s, m, len) : from_operand(s, m))) return false;
    snprintf(m->id, sizeof(m->id), "%zu", s->number);
    if (!m->entry.id.ptr) m->entry.id = bytes_str(m->id);
    snprintf(what, sizeof(what), s->lines ? "line %zu" : "message %zu", s->number);
    return check_message(s->run, m, what) && add_message(s);
}

static bool open_lines(struct sending *s)
{
    const struct send_options *o = (const struct send_options *)s->run->options;
    if (s->run->operand_count > 1 && !o->file) return true;
    if (s->run->operand_count > 1)
        return queue_fail(s->run, EX_USAGE, "bodies are given once, as BODY or as --file");
    if (o->ids.count) return queue_fail(s->run, EX_USAGE, "--id goes with bodies as operands");
    bool input = !o->file || strcmp(o->file, "-") == 0;
    s->lines = input ? stdin : fopen(o->file, "r");
    return s->lines || queue_fail(s->run, EX_NOINPUT, "%s: %s", o->file, strerror(errno));
}

/* What is left of a batch is sent unless something was wrong: then nothing more is. */
static void send_all(struct sending *s)
{
    say_without_md5(s->run);
    while (next_message(s)) {
    }
    size_t left = s->batch.count;
    if (!s->run->code && !s->stopped)
        send_open(s);
    else if (left || s->report.done_count)
        queue_fail(s->run, s->run->code ? s->run->code : s->report.code,
                   "%zu sent, nothing more is: %zu were ready", s->report.done_count, left);
    if (s->number > SQS_BATCH) queue_progress_end();
    if (s->run->code && s->report.done_count) s->run->code = EX_TEMPFAIL;
    queue_report_end(&s->report, s->run);
}

static struct sending *new_sending(struct queue_run *run)
{
    struct sending *s = mem_zalloc(sizeof(*s));
    s->run = run;
    run->verb_state = s;
    s->batch = (struct queue_batch){
        .run = run,
        .action = SQS_SEND_MESSAGE_BATCH,
        .encode = encode_send,
        .agrees = as_sent,
        .may_repeat = keeps_order,
    };
    for (size_t i = 0; i <= SQS_BATCH; i++)
        s->messages[i] = mem_zalloc(sizeof(*s->messages[i]));
    return s;
}

static void free_sending(struct sending *s)
{
    if (s->lines && s->lines != stdin) fclose(s->lines);
    for (size_t i = 0; i <= SQS_BATCH; i++) {
        queue_message_free(s->messages[i]);
        free(s->messages[i]);
    }
    queue_batch_free(&s->batch);
    free_common(&s->common);
    free(s);
}

static void run_send_batch(struct queue_run *run)
{
    struct sending *s = new_sending(run);
    if (read_common(run, &s->common) && open_lines(s) && queue_open(run, run->operands[0]))
        send_all(s);
    free_sending(s);
}

const struct queue_verb queue_send = {
    .name = "send",
    .operands = "QUEUE [BODY]",
    .help = "send one message (SendMessage)",
    .opts = send_opts,
    .conf_size = sizeof(struct send_options),
    .least = 1,
    .most = 2,
    .run = run_send,
};

const struct queue_verb queue_send_batch = {
    .name = "send-batch",
    .operands = "QUEUE [BODY]...",
    .help = "send any number of messages, ten at a time (SendMessageBatch)",
    .notes =
        "Without BODY, each line of the file or of standard input is a message:\n"
        "  {\"body\": \"...\", \"id\": \"a\", \"group\": \"g\", \"deduplication_id\": \"d\", "
        "\"delay\": 5,\n   \"trace_header\": \"...\", \"attributes\": {\"device\": \"d1\", \"n\": "
        "{\"type\": \"Number.int\", \"value\": \"42\"},\n   \"raw\": {\"type\": \"Binary\", "
        "\"value_base64\": \"AAH/\"}}}\n"
        "Entries that SQS could not take are sent again, up to four times in all. On FIFO queues "
        "none is\nsent again after a later one of its group has arrived, and nothing is sent after "
        "a batch in which\none has failed.\n",
    .opts = send_batch_opts,
    .conf_size = sizeof(struct send_options),
    .least = 1,
    .most = -1,
    .run = run_send_batch,
};
