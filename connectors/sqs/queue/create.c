/* create and set: a queue's attributes as options. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/pairs.h"
#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

enum { MAX_ALLOWED_SOURCES = 10 };

struct create_options {
    struct queue_options common;
    int64_t delay_seconds, maximum_message_size, message_retention_period;
    int64_t receive_message_wait_time, visibility_timeout, kms_data_key_reuse_period;
    int64_t max_receive_count;
    const char *policy, *kms_key, *dead_letter_queue;
    int deduplication_scope, fifo_throughput_limit, redrive_allow;
    bool fifo, content_based_deduplication, sse_sqs;
    struct opt_list redrive_sources, tags;
};

enum { ALLOW_ALL, DENY_ALL, BY_QUEUE };
static const char *const redrive_permissions[] = {"allowAll", "denyAll", "byQueue", NULL};
static const char *const scopes[] = {"queue", "messageGroup", NULL};
static const char *const limits[] = {"perQueue", "perMessageGroupId", NULL};

#define ATTRIBUTE_OPTS                                                                             \
    {OPT_FIELD(struct create_options, delay_seconds), .type = OPT_SECONDS, .max = 900,             \
     .help = "how long each message stays hidden at first, 0 to 15 minutes"},                      \
        {OPT_FIELD(struct create_options, maximum_message_size), .type = OPT_SIZE, .min = 1024,    \
         .max = 1048576, .help = "largest message, 1KiB to 1MiB"},                                 \
        {OPT_FIELD(struct create_options, message_retention_period), .type = OPT_SECONDS,          \
         .min = 60, .max = 1209600, .help = "how long messages are kept, 1 minute to 14 days"},    \
        {OPT_FIELD(struct create_options, receive_message_wait_time), .type = OPT_SECONDS,         \
         .max = 20, .help = "how long a receive waits for messages, up to 20 seconds"},            \
        {OPT_FIELD(struct create_options, visibility_timeout), .type = OPT_SECONDS, .max = 43200,  \
         .help = "how long a received message is hidden from others, up to 12 hours"},             \
        {OPT_FIELD(struct create_options, policy), .type = OPT_STRING,                             \
         .help = "access policy: JSON, or @FILE; empty: none"},                                    \
        {OPT_FIELD(struct create_options, content_based_deduplication), .type = OPT_BOOL,          \
         .help = "FIFO: a hash of the body is the deduplication id; =false: not"},                 \
        {OPT_FIELD(struct create_options, deduplication_scope), .type = OPT_ENUM,                  \
         .choices = scopes, .help = "FIFO: where duplicates are looked for"},                      \
        {OPT_FIELD(struct create_options, fifo_throughput_limit), .type = OPT_ENUM,                \
         .choices = limits, .help = "FIFO: what the limit of requests is for"},                    \
        {OPT_FIELD(struct create_options, sse_sqs), .type = OPT_BOOL,                              \
         .help = "encrypt with SQS's own keys; =false: not"},                                      \
        {OPT_FIELD(struct create_options, kms_key), .type = OPT_STRING,                            \
         .help = "encrypt with this KMS key: id, ARN or alias; empty: no longer"},                 \
        {OPT_FIELD(struct create_options, kms_data_key_reuse_period), .type = OPT_SECONDS,         \
         .min = 60, .max = 86400, .help = "how long a data key serves, 1 minute to 24 hours"},     \
        {OPT_FIELD(struct create_options, dead_letter_queue), .type = OPT_STRING,                  \
         .help = "redrive policy: ARN, URL or name of the dead-letter queue; empty: none"},        \
        {OPT_FIELD(struct create_options, max_receive_count),                                      \
         .type = OPT_INT,                                                                          \
         .fallback = "10",                                                                         \
         .min = 1,                                                                                 \
         .max = 1000,                                                                              \
         .help = "redrive policy: receives before a message goes there"},                          \
        {OPT_FIELD(struct create_options, redrive_allow), .type = OPT_ENUM,                        \
         .choices = redrive_permissions,                                                           \
         .help = "which queues may have this one as their dead-letter queue"},                     \
    {                                                                                              \
        .name = "redrive_source", .offset = offsetof(struct create_options, redrive_sources),      \
        .type = OPT_LIST, .help = "with --redrive-allow byQueue: ARN of such a queue; up to ten"   \
    }

static const struct opt create_opts[] = {
    {OPT_FIELD(struct create_options, fifo), .type = OPT_BOOL,
     .help = "a FIFO queue; a name that ends in .fifo says the same"},
    ATTRIBUTE_OPTS,
    {.name = "tag",
     .offset = offsetof(struct create_options, tags),
     .type = OPT_LIST,
     .help = "KEY=VALUE; may repeat, up to 50"},
    OPT_END,
};

static const struct opt set_opts[] = {ATTRIBUTE_OPTS, OPT_END};

/* ---- attributes ---- */

/* What is being put together; the texts that attributes point to live here. */
struct attributes {
    struct queue_run *run;
    const struct create_options *o;
    struct sqs_pairs *pairs;
    char *texts[24];
    size_t text_count;
};

static void put(struct attributes *a, const char *name, char *owned)
{
    a->texts[a->text_count++] = owned;
    sqs_pairs_add(a->pairs, bytes_str(name), bytes_str(owned));
}

static void put_number(struct attributes *a, const char *option, const char *name, int64_t value)
{
    if (queue_given(a->run, option)) put(a, name, mem_printf("%lld", (long long)value));
}

static void put_bool(struct attributes *a, const char *option, const char *name, bool value)
{
    if (queue_given(a->run, option)) put(a, name, mem_strdup(value ? "true" : "false"));
}

static void put_word(struct attributes *a, const char *option, const char *name, const char *word)
{
    if (queue_given(a->run, option)) put(a, name, mem_strdup(word));
}

static void put_plain(struct attributes *a)
{
    const struct create_options *o = a->o;
    put_number(a, "delay_seconds", "DelaySeconds", o->delay_seconds);
    put_number(a, "maximum_message_size", "MaximumMessageSize", o->maximum_message_size);
    put_number(a, "message_retention_period", "MessageRetentionPeriod",
               o->message_retention_period);
    put_number(a, "receive_message_wait_time", "ReceiveMessageWaitTimeSeconds",
               o->receive_message_wait_time);
    put_number(a, "visibility_timeout", "VisibilityTimeout", o->visibility_timeout);
    put_number(a, "kms_data_key_reuse_period", "KmsDataKeyReusePeriodSeconds",
               o->kms_data_key_reuse_period);
    put_bool(a, "content_based_deduplication", "ContentBasedDeduplication",
             o->content_based_deduplication);
    put_bool(a, "sse_sqs", "SqsManagedSseEnabled", o->sse_sqs);
    put_word(a, "kms_key", "KmsMasterKeyId", o->kms_key);
    put_word(a, "deduplication_scope", "DeduplicationScope", scopes[o->deduplication_scope]);
    put_word(a, "fifo_throughput_limit", "FifoThroughputLimit", limits[o->fifo_throughput_limit]);
}

static bool put_policy(struct attributes *a)
{
    struct error e;
    struct buf text = {0};
    if (!queue_given(a->run, "policy")) return true;
    bool ok = true;
    if (*a->o->policy == '@')
        ok = queue_read_file(a->run, a->o->policy + 1, &text);
    else
        buf_add(&text, a->o->policy, strlen(a->o->policy));
    if (ok && !sqs_check_policy(bytes_of(text.ptr, text.len), &e))
        ok = queue_fail(a->run, EX_DATAERR, "--policy: %s", e.text);
    buf_add(&text, "", 1);
    put(a, "Policy", text.ptr);
    return ok;
}

static char *finish(struct buf *json)
{
    buf_add(json, "", 1);
    return json->ptr;
}

static bool put_redrive_policy(struct attributes *a)
{
    struct buf json = {0};
    struct json_writer w = {.out = &json};
    if (!queue_given(a->run, "dead_letter_queue")) return true;
    if (!*a->o->dead_letter_queue) {
        put(a, "RedrivePolicy", mem_strdup(""));
        return true;
    }
    char *arn = queue_arn(a->run, a->o->dead_letter_queue);
    struct error e;
    if (!arn) return false;
    bool ok = sqs_check_arn(bytes_str(arn), &e) ||
              queue_fail(a->run, EX_DATAERR, "--dead-letter-queue: %s", e.text);
    json_object(&w);
    json_key(&w, "deadLetterTargetArn");
    json_string(&w, bytes_str(arn));
    json_key(&w, "maxReceiveCount");
    json_number(&w, a->o->max_receive_count);
    json_object_end(&w);
    put(a, "RedrivePolicy", finish(&json));
    free(arn);
    return ok;
}

static bool put_redrive_allow(struct attributes *a)
{
    const struct create_options *o = a->o;
    struct buf json = {0};
    struct json_writer w = {.out = &json};
    struct error e;
    bool ok = true;
    if (!queue_given(a->run, "redrive_allow")) return true;
    json_object(&w);
    json_key(&w, "redrivePermission");
    json_string(&w, bytes_str(redrive_permissions[o->redrive_allow]));
    if (o->redrive_allow == BY_QUEUE) {
        json_key(&w, "sourceQueueArns");
        json_array(&w);
        for (size_t i = 0; i < o->redrive_sources.count; i++) {
            struct bytes arn = bytes_str(o->redrive_sources.items[i]);
            ok = ok && (sqs_check_arn(arn, &e) ||
                        queue_fail(a->run, EX_DATAERR, "--redrive-source: %s", e.text));
            json_string(&w, arn);
        }
        json_array_end(&w);
    }
    json_object_end(&w);
    put(a, "RedriveAllowPolicy", finish(&json));
    return ok;
}

static bool put_all(struct attributes *a)
{
    put_plain(a);
    return put_policy(a) && put_redrive_policy(a) && put_redrive_allow(a);
}

static void free_texts(struct attributes *a)
{
    for (size_t i = 0; i < a->text_count; i++)
        free(a->texts[i]);
    free(a->pairs->items);
}

/* ---- what does not go together ---- */

static bool check_fifo(struct queue_run *run, bool fifo)
{
    static const char *const only_fifo[] = {"content_based_deduplication", "deduplication_scope",
                                            "fifo_throughput_limit"};
    char name[QUEUE_OPTION_SIZE];
    for (int i = 0; i < 3; i++)
        if (!fifo && queue_given(run, only_fifo[i]))
            return queue_fail(run, EX_DATAERR,
                              "%s is for FIFO queues only, and this one's name does not end in "
                              ".fifo",
                              queue_option(only_fifo[i], name));
    return true;
}

static bool check_throughput(struct queue_run *run, const struct create_options *o, bool is_new)
{
    bool per_group = queue_given(run, "fifo_throughput_limit") && o->fifo_throughput_limit == 1;
    bool scope = queue_given(run, "deduplication_scope");
    if (!per_group || (scope && o->deduplication_scope == 1) || (!scope && !is_new)) return true;
    return queue_fail(run, EX_DATAERR,
                      "--fifo-throughput-limit perMessageGroupId needs --deduplication-scope "
                      "messageGroup");
}

static bool check_encryption(struct queue_run *run, const struct create_options *o, bool is_new)
{
    bool kms = queue_given(run, "kms_key") && *o->kms_key;
    if (kms && o->sse_sqs)
        return queue_fail(run, EX_DATAERR,
                          "--sse-sqs and --kms-key exclude each other: choose one encryption");
    if (is_new && !kms && queue_given(run, "kms_data_key_reuse_period"))
        return queue_fail(run, EX_DATAERR, "--kms-data-key-reuse-period needs --kms-key");
    return true;
}

static bool check_redrive(struct queue_run *run, const struct create_options *o)
{
    size_t sources = o->redrive_sources.count;
    bool by_queue = queue_given(run, "redrive_allow") && o->redrive_allow == BY_QUEUE;
    if (queue_given(run, "max_receive_count") && !o->dead_letter_queue)
        return queue_fail(run, EX_DATAERR, "--max-receive-count needs --dead-letter-queue");
    if (sources && !by_queue)
        return queue_fail(run, EX_DATAERR, "--redrive-source needs --redrive-allow byQueue");
    if (by_queue && (sources < 1 || sources > MAX_ALLOWED_SOURCES))
        return queue_fail(run, EX_DATAERR,
                          "--redrive-allow byQueue needs one to ten --redrive-source, not %zu",
                          sources);
    return true;
}

static bool check(struct queue_run *run, bool fifo, bool is_new)
{
    const struct create_options *o = (const struct create_options *)run->options;
    return check_fifo(run, fifo) && check_throughput(run, o, is_new) &&
           check_encryption(run, o, is_new) && check_redrive(run, o);
}

/* ---- create ---- */

static bool check_name(struct queue_run *run, struct bytes name)
{
    struct error e;
    const struct create_options *o = (const struct create_options *)run->options;
    if (!sqs_check_queue_name(name, &e)) return queue_fail(run, EX_DATAERR, "%s", e.text);
    if (queue_given(run, "fifo") && o->fifo != sqs_is_fifo_name(name))
        return queue_fail(run, EX_DATAERR, "the names of FIFO queues end in .fifo, and no others");
    return true;
}

static bool read_tags(struct queue_run *run, struct sqs_pairs *tags)
{
    const struct create_options *o = (const struct create_options *)run->options;
    for (size_t i = 0; i < o->tags.count; i++)
        if (!queue_add_tag(run, o->tags.items[i], tags)) return false;
    return true;
}

static void print_url(const struct queue_run *run, const struct sqs_queue_url *answer)
{
    if (run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_CREATE_QUEUE].answer, answer);
    else
        queue_print_line(answer->queue_url);
}

static void run_create(struct queue_run *run)
{
    struct sqs_queue_url answer = {0};
    struct sqs_create_queue request = {.name = bytes_str(run->operands[0])};
    struct attributes a = {
        .run = run,
        .o = (const struct create_options *)run->options,
        .pairs = &request.attributes,
    };
    bool fifo = sqs_is_fifo_name(request.name);
    bool ok = check_name(run, request.name) && check(run, fifo, true) &&
              read_tags(run, &request.tags) && queue_open_service(run);
    if (ok && fifo) put(&a, "FifoQueue", mem_strdup("true"));
    if (ok && put_all(&a) && queue_call(run, SQS_CREATE_QUEUE, &request, &answer))
        print_url(run, &answer);
    queue_answer_free(SQS_CREATE_QUEUE, &answer);
    free_texts(&a);
    free(request.tags.items);
}

/* ---- set ---- */

static void run_set(struct queue_run *run)
{
    struct sqs_nothing nothing;
    struct sqs_set_attributes request = {0};
    struct attributes a = {
        .run = run,
        .o = (const struct create_options *)run->options,
        .pairs = &request.attributes,
    };
    bool ok =
        queue_open(run, run->operands[0]) && check(run, run->queue.fifo, false) && put_all(&a);
    request.queue_url = queue_url_of(run);
    if (ok && !request.attributes.count)
        ok = queue_fail(run, EX_USAGE, "nothing to set (see --help)");
    if (ok && queue_call(run, SQS_SET_QUEUE_ATTRIBUTES, &request, &nothing) && run->options->json)
        puts("{}");
    free_texts(&a);
}

const struct queue_verb queue_create = {
    .name = "create",
    .operands = "NAME",
    .help = "create a queue, standard or FIFO, and print its URL (CreateQueue)",
    .opts = create_opts,
    .conf_size = sizeof(struct create_options),
    .least = 1,
    .most = 1,
    .run = run_create,
};

const struct queue_verb queue_set = {
    .name = "set",
    .operands = "QUEUE",
    .help = "change attributes of a queue (SetQueueAttributes)",
    .notes = "SQS takes up to a minute to make a change true everywhere, 15 for the retention.\n",
    .opts = set_opts,
    .conf_size = sizeof(struct create_options),
    .least = 1,
    .most = 1,
    .run = run_set,
};
