/* receive: messages with all that belongs to them. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "bridge/log.h"
#include "bridge/mapping.h"
#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

enum { MAX_NAMES = 64, LONGEST_WAIT_S = 20 };

struct receive_options {
    struct queue_options common;
    int64_t max, wait, visibility_timeout;
    const char *attempt_id;
    struct opt_list attributes, system_attributes;
};

static const char *const system_names[] = {
    "All",
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
};
enum { SYSTEM_NAMES = sizeof(system_names) / sizeof(system_names[0]) };

static const struct opt receive_opts[] = {
    {OPT_FIELD(struct receive_options, max), .type = OPT_INT, .fallback = "1", .min = 1, .max = 10,
     .help = "messages at most, up to ten; default: 1"},
    {OPT_FIELD(struct receive_options, wait), .type = OPT_SECONDS, .max = LONGEST_WAIT_S,
     .help = "how long to wait for a message, up to 20 seconds; default: as the queue says"},
    {OPT_FIELD(struct receive_options, visibility_timeout), .type = OPT_SECONDS, .max = 43200,
     .help = "how long the messages are hidden from others; default: as the queue says"},
    {OPT_FIELD(struct receive_options, attempt_id), .type = OPT_STRING,
     .help = "FIFO: the same one again within five minutes gets the same messages again"},
    {.name = "attribute",
     .offset = offsetof(struct receive_options, attributes),
     .type = OPT_LIST,
     .help = "attribute to be told, or prefix.*, or All, which is the default; empty: none"},
    {.name = "system_attribute",
     .offset = offsetof(struct receive_options, system_attributes),
     .type = OPT_LIST,
     .help = "system attribute to be told, or All, the default; empty: none"},
    OPT_END,
};

/* ---- the request ---- */

struct names {
    struct bytes items[MAX_NAMES];
    size_t count;
};

static bool collect(struct queue_run *run, const struct opt_list *list, struct names *names)
{
    if (list->count > MAX_NAMES) return queue_fail(run, EX_USAGE, "too many names");
    for (size_t i = 0; i < list->count; i++)
        if (*list->items[i]) names->items[names->count++] = bytes_str(list->items[i]);
    if (!list->count) names->items[names->count++] = BYTES_LIT("All");
    return true;
}

static bool is_system_name(struct bytes name)
{
    for (int i = 0; i < SYSTEM_NAMES; i++)
        if (bytes_eq(name, bytes_str(system_names[i]))) return true;
    return false;
}

static bool check_system_names(struct queue_run *run)
{
    const struct receive_options *o = (const struct receive_options *)run->options;
    struct buf all = {0};
    bool ok = true;
    for (int i = 0; i < SYSTEM_NAMES; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", system_names[i]);
    for (size_t i = 0; ok && i < o->system_attributes.count; i++) {
        const char *name = o->system_attributes.items[i];
        ok = !*name || is_system_name(bytes_str(name)) ||
             queue_fail(run, EX_USAGE, "--system-attribute: there is no \"%s\" (%.*s)", name,
                        (int)all.len, all.ptr);
    }
    free(all.ptr);
    return ok;
}

/* A receive that is lost on its way can be repeated with the same id. */
static const char *attempt_id(struct queue_run *run, const char *given, char made[40])
{
    if (given || !run->queue.fifo) return given;
    uint64_t *random = sqs_client_random(run->client), first = sqs_random(random);
    snprintf(made, 40, "%016llx%016llx", (unsigned long long)first,
             (unsigned long long)sqs_random(random));
    return made;
}

static bool decode(struct sqs_call *call, struct error *e)
{
    struct queue_run *run = call->arg;
    return sqs_decode_receive(sqs_call_answer(call), run->answer, e);
}

static bool receive(struct queue_run *run, struct sqs_received *received)
{
    struct names attrs = {.count = 0}, system = {.count = 0};
    char made[40];
    struct sqs_call *call = &run->call;
    const struct receive_options *o = (const struct receive_options *)run->options;
    if (!collect(run, &o->attributes, &attrs) || !collect(run, &o->system_attributes, &system))
        return false;
    struct sqs_receive request = {
        .queue_url = run->queue.url,
        .attempt_id = attempt_id(run, o->attempt_id, made),
        .wait_s = queue_given(run, "wait") ? o->wait : -1,
        .visibility_s = queue_given(run, "visibility_timeout") ? o->visibility_timeout : -1,
        .max = (unsigned)o->max,
        .attr_names = attrs.items,
        .attr_name_count = attrs.count,
        .system_names = system.items,
        .system_name_count = system.count,
    };
    call->action = SQS_RECEIVE_MESSAGE;
    call->decode = decode;
    call->body.len = 0;
    call->wait_s = request.wait_s < 0 ? LONGEST_WAIT_S : request.wait_s;
    run->answer = received;
    sqs_encode_receive(&call->body, &request);
    return queue_run_call(run, call) || queue_fail_call(run, call);
}

/* ---- what came ---- */

/* A message whose body is not what SQS says counts as not received: it comes again. */
static void verify(struct queue_run *run, struct sqs_received *received)
{
    size_t kept = 0;
    struct sqs_digest *d = run->digest;
    for (size_t i = 0; i < received->count; i++) {
        const struct sqs_message *m = &received->messages[i];
        struct sqs_md5 body = sqs_digest_body(d, m->body);
        struct sqs_md5 attrs = sqs_digest_attrs(d, m->attrs, m->attr_count);
        if (!sqs_digest_agrees(d, &body, m->body_md5)) {
            queue_fail(run, EX_TEMPFAIL,
                       "message %.*s counts as not received: its body is not the one that its MD5 "
                       "is of (it comes again when its visibility timeout is over)",
                       BYTES_ARGS(m->id));
            continue;
        }
        if (m->attr_count && !sqs_digest_agrees(d, &attrs, m->attrs_md5))
            fprintf(stderr,
                    "sqsbridge queue receive: message %.*s: the MD5 of its attributes is "
                    "another one\n",
                    BYTES_ARGS(m->id));
        received->messages[kept++] = *m;
    }
    received->count = kept;
}

static void put_text(struct json_writer *w, const char *key, struct bytes value)
{
    if (!value.ptr) return;
    json_key(w, key);
    json_string(w, value);
}

static void write_message(struct json_writer *w, const struct sqs_message *m)
{
    json_object(w);
    put_text(w, "MessageId", m->id);
    put_text(w, "ReceiptHandle", m->handle);
    put_text(w, "MD5OfBody", m->body_md5);
    put_text(w, "Body", m->body);
    if (m->system_count) {
        json_key(w, "Attributes");
        json_object(w);
        for (size_t i = 0; i < m->system_count; i++) {
            json_key_bytes(w, m->system[i].name);
            json_string(w, m->system[i].value);
        }
        json_object_end(w);
    }
    put_text(w, "MD5OfMessageAttributes", m->attrs_md5);
    sqs_write_attrs(w, "MessageAttributes", m->attrs, m->attr_count);
    json_object_end(w);
}

static void print_json(const struct sqs_received *received)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_object(&w);
    json_key(&w, "Messages");
    json_array(&w);
    for (size_t i = 0; i < received->count; i++)
        write_message(&w, &received->messages[i]);
    json_array_end(&w);
    json_object_end(&w);
    queue_print_json(&out);
    free(out.ptr);
}

static void add_attr(struct queue_table *t, const struct attr *a)
{
    char name[600], type[300];
    struct buf value = {0};
    size_t len = mapping_type_write(a, type, sizeof(type));
    snprintf(name, sizeof(name), "%.*s (%.*s)", BYTES_ARGS(a->name), (int)len, type);
    if (a->type == ATTR_BINARY) buf_printf(&value, "%zu bytes", a->value.len);
    queue_table_pair(t, name, value.ptr ? bytes_of(value.ptr, value.len) : a->value);
    free(value.ptr);
}

static void print_message(const struct sqs_message *m)
{
    struct queue_table t = {0};
    queue_table_pair(&t, "message id", m->id);
    for (size_t i = 0; i < m->system_count; i++) {
        queue_table_cell(&t, m->system[i].name);
        queue_table_cell(&t, m->system[i].value);
    }
    for (size_t i = 0; i < m->attr_count; i++)
        add_attr(&t, &m->attrs[i]);
    queue_table_pair(&t, "MD5 of body", m->body_md5);
    queue_table_pair(&t, "MD5 of attributes", m->attrs_md5);
    queue_table_pair(&t, "receipt handle", m->handle);
    queue_table_pair(&t, "body", m->body);
    queue_table_print(&t);
}

static void print_received(const struct queue_run *run, const struct sqs_received *received)
{
    if (run->options->json) {
        print_json(received);
        return;
    }
    for (size_t i = 0; i < received->count; i++) {
        if (i) putchar('\n');
        print_message(&received->messages[i]);
    }
}

static bool check_options(struct queue_run *run)
{
    struct error e;
    const char *id = ((const struct receive_options *)run->options)->attempt_id;
    if (id && !sqs_check_id("--attempt-id", bytes_str(id), &e))
        return queue_fail(run, EX_DATAERR, "%s", e.text);
    return check_system_names(run);
}

static void run_receive(struct queue_run *run)
{
    struct sqs_received *received = mem_zalloc(sizeof(*received));
    if (check_options(run) && queue_open(run, run->operands[0]) && receive(run, received)) {
        if (!sqs_digest_has_md5(run->digest))
            log_warn("sqsbridge queue", "this machine's crypto policy has no MD5: what came is not "
                                        "compared with what was sent");
        verify(run, received);
        print_received(run, received);
    }
    sqs_received_free(received);
    free(received);
}

const struct queue_verb queue_receive = {
    .name = "receive",
    .operands = "QUEUE",
    .help = "receive up to ten messages and show them (ReceiveMessage)",
    .notes = "They stay in the queue: delete-message or delete-batch deletes them by their receipt "
             "handles.\n",
    .opts = receive_opts,
    .conf_size = sizeof(struct receive_options),
    .least = 1,
    .most = 1,
    .run = run_receive,
};
