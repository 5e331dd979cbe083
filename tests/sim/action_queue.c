/* The life of queues: CreateQueue, DeleteQueue, PurgeQueue, GetQueueUrl, Get- and
 * SetQueueAttributes. */
#include "tests/sim/args.h"
#include "tests/sim/jout.h"
#include "tests/sim/poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    PURGE_REST_MS = 60000,
};

static bool name_ok(struct text name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t stem = queue_name_is_fifo(name) ? name.len - 5 : name.len;
    for (size_t i = 0; i < stem; i++) {
        if (!name.ptr[i] || !strchr(allowed, name.ptr[i])) return false;
    }
    return stem >= 1 && name.len <= 80;
}

static bool read_name(const json_t *args, struct text *name, struct api_error *e)
{
    if (!args_need_text(args, "QueueName", name, e)) return false;
    if (name_ok(*name)) return true;
    return api_fail(e, API_INVALID_PARAMETER,
                    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
                    "length");
}

static void write_queue_url(struct call *c, const struct queue *q)
{
    jout_open(c->out, '{');
    jout_key(c->out, "QueueUrl");
    call_write_url(c, q, c->out);
    jout_close(c->out, '}');
}

static bool set_all(struct settings *s, json_t *attributes, struct api_error *e)
{
    for (void *at = json_object_iter(attributes); at; at = json_object_iter_next(attributes, at)) {
        const json_t *value = json_object_iter_value(at);
        struct text name = text_of(json_object_iter_key(at));
        if (!json_is_string(value))
            return api_fail(e, API_SERIALIZATION, "Attributes must be Strings");
        if (!settings_set(s, name, args_view(value), e)) return false;
    }
    return settings_settle(s, e);
}

/* A dead-letter queue is of the same kind, and may refuse its sources. */
static bool check_redrive(const struct account *a, const struct settings *s, const char *source,
                          struct api_error *e)
{
    if (!s->dead_letter_arn) return true;
    const struct queue *target = account_find_arn(a, text_of(s->dead_letter_arn));
    if (!target)
        return api_fail(e, API_INVALID_PARAMETER,
                        "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter "
                        "target does not exist.",
                        s->redrive);
    if (target->settings.fifo != s->fifo)
        return api_fail(e, API_INVALID_PARAMETER,
                        "Value %s for parameter RedrivePolicy is invalid. Reason: Dead-letter "
                        "queue must be same type of queue as the source.",
                        s->redrive);
    const char *allow = target->settings.redrive_allow;
    bool denied =
        allow && (strstr(allow, "denyAll") || (strstr(allow, "byQueue") && !strstr(allow, source)));
    return !denied ||
           api_fail(e, API_INVALID_PARAMETER,
                    "Value %s for parameter RedrivePolicy is invalid. Reason: Queue does "
                    "not have permission to use the dead-letter queue.",
                    s->redrive);
}

/* The same name again is fine as long as no attribute differs. */
static bool create_again(struct call *c, struct queue *q, json_t *attributes, struct api_error *e)
{
    struct settings asked;
    settings_copy(&asked, &q->settings);
    bool ok = set_all(&asked, attributes, e);
    const char *differs = ok ? settings_differ(&asked, &q->settings) : NULL;
    if (differs)
        ok = api_fail(e, API_QUEUE_EXISTS,
                      "A queue already exists with the same name and a different value for "
                      "attribute %s",
                      differs);
    settings_free(&asked);
    if (ok) write_queue_url(c, q);
    return ok;
}

static bool check_kind(struct text name, const json_t *attributes, struct api_error *e)
{
    bool asked = json_object_get(attributes, "FifoQueue");
    if (asked == queue_name_is_fifo(name)) return true;
    if (asked)
        return api_fail(e, API_INVALID_PARAMETER,
                        "The name of a FIFO queue can only include alphanumeric characters, "
                        "hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in "
                        "length.");
    return api_fail(e, API_INVALID_PARAMETER,
                    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in "
                    "length");
}

static bool create_new(struct call *c, struct text name, json_t *attributes, struct api_error *e)
{
    struct account *a = &c->sim->account;
    struct settings s;
    char arn[256];
    settings_default(&s, queue_name_is_fifo(name));
    snprintf(arn, sizeof(arn), "arn:aws:sqs:%s:" ACCOUNT_ID ":%.*s", a->region, (int)name.len,
             name.ptr);
    if (!set_all(&s, attributes, e) || !check_redrive(a, &s, arn, e) ||
        !account_name_free(a, name, e)) {
        settings_free(&s);
        return false;
    }
    struct queue *q = account_add(a, name);
    settings_free(&q->settings);
    q->settings = s;
    write_queue_url(c, q);
    c->queue = q;
    return true;
}

static bool check_tags(json_t *tags, struct api_error *e)
{
    for (void *at = json_object_iter(tags); at; at = json_object_iter_next(tags, at)) {
        if (!json_is_string(json_object_iter_value(at)))
            return api_fail(e, API_SERIALIZATION, "Tags must be Strings");
    }
    return true;
}

bool action_create_queue(struct call *c, struct api_error *e)
{
    struct text name;
    json_t *attributes, *tags;
    if (!read_name(c->args, &name, e) || !args_map(c->args, "Attributes", &attributes, e) ||
        !args_map(c->args, "tags", &tags, e) || !check_tags(tags, e) ||
        !check_kind(name, attributes, e))
        return false;
    struct queue *q = account_find(&c->sim->account, name);
    if (q) return create_again(c, q, attributes, e);
    if (!create_new(c, name, attributes, e)) return false;
    for (void *at = json_object_iter(tags); at; at = json_object_iter_next(tags, at))
        label_set(&c->queue->tags, text_of(json_object_iter_key(at)),
                  args_view(json_object_iter_value(at)));
    return true;
}

bool action_delete_queue(struct call *c, struct api_error *e)
{
    (void)e;
    poll_fail_all(c->sim, c->queue);
    account_delete(&c->sim->account, c->queue);
    return true;
}

bool action_purge_queue(struct call *c, struct api_error *e)
{
    int64_t since_ms = clock_now_ms(&c->sim->account.clock) - c->queue->purged_ms;
    if (since_ms < PURGE_REST_MS)
        return api_fail(e, API_PURGE_IN_PROGRESS,
                        "Only one PurgeQueue operation on %s is allowed every 60 seconds.",
                        c->queue->name);
    queue_purge(c->queue);
    return true;
}

bool action_get_queue_url(struct call *c, struct api_error *e)
{
    struct text name, owner;
    if (!args_need_text(c->args, "QueueName", &name, e) ||
        !args_text(c->args, "QueueOwnerAWSAccountId", &owner, e))
        return false;
    const struct queue *q = account_find(&c->sim->account, name);
    if (!q || (owner.ptr && !text_is(owner, ACCOUNT_ID)))
        return api_fail(e, API_NO_SUCH_QUEUE, "The specified queue does not exist.");
    write_queue_url(c, q);
    return true;
}

/* What GetQueueAttributes was asked for; the names that matched are counted to find unknown ones.
 */
struct asked {
    json_t *names;
    bool all;
    size_t known;
    struct buf *out;
};

static void write_attribute(void *ctx, const char *name, struct text value)
{
    struct asked *asked = ctx;
    bool named = false;
    for (size_t i = 0; i < json_array_size(asked->names) && !named; i++)
        named = text_is(args_view(json_array_get(asked->names, i)), name);
    if (named || asked->all) jout_pair(asked->out, name, value);
}

static void write_number(struct asked *asked, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    write_attribute(asked, name, text_of(digits));
}

static bool check_names(struct asked *asked, struct api_error *e)
{
    static const char *const known[] = {
        "All",
        "Policy",
        "VisibilityTimeout",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp",
        "LastModifiedTimestamp",
        "QueueArn",
        "ApproximateNumberOfMessagesDelayed",
        "DelaySeconds",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "FifoQueue",
        "ContentBasedDeduplication",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        "DeduplicationScope",
        "FifoThroughputLimit",
        "RedriveAllowPolicy",
        "SqsManagedSseEnabled",
    };
    for (size_t i = 0; i < json_array_size(asked->names); i++) {
        struct text name = args_view(json_array_get(asked->names, i));
        size_t k = 0;
        while (k < sizeof(known) / sizeof(known[0]) && !text_is(name, known[k]))
            k++;
        if (k == sizeof(known) / sizeof(known[0]))
            return api_fail(e, API_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", (int)name.len,
                            name.ptr);
        asked->all = asked->all || k == 0;
    }
    return true;
}

bool action_get_queue_attributes(struct call *c, struct api_error *e)
{
    struct queue *q = c->queue;
    struct asked asked = {.out = c->out};
    if (!args_names(c->args, "AttributeNames", &asked.names, e) || !check_names(&asked, e))
        return false;
    queue_settle(q);
    if (!json_array_size(asked.names)) {
        buf_add_text(c->out, text_of("{}"));
        return true;
    }
    jout_open(c->out, '{');
    jout_key(c->out, "Attributes");
    jout_open(c->out, '{');
    write_attribute(&asked, "QueueArn", text_of(q->arn));
    write_number(&asked, "ApproximateNumberOfMessages", (int64_t)q->ready);
    write_number(&asked, "ApproximateNumberOfMessagesNotVisible", (int64_t)q->in_flight);
    write_number(&asked, "ApproximateNumberOfMessagesDelayed", (int64_t)q->delayed);
    write_number(&asked, "CreatedTimestamp", q->created_ms / 1000);
    write_number(&asked, "LastModifiedTimestamp", q->modified_ms / 1000);
    settings_each(&q->settings, write_attribute, &asked);
    jout_close(c->out, '}');
    jout_close(c->out, '}');
    return true;
}

bool action_set_queue_attributes(struct call *c, struct api_error *e)
{
    struct queue *q = c->queue;
    struct settings next;
    json_t *attributes;
    if (!args_map(c->args, "Attributes", &attributes, e)) return false;
    if (!attributes) return args_missing("Attributes", e);
    if (json_object_get(attributes, "FifoQueue"))
        return api_fail(e, API_INVALID_ATTRIBUTE_NAME, "Unknown Attribute FifoQueue.");
    settings_copy(&next, &q->settings);
    bool ok = set_all(&next, attributes, e) && check_redrive(q->account, &next, q->arn, e);
    struct settings unused = ok ? q->settings : next;
    if (ok) q->settings = next;
    settings_free(&unused);
    q->modified_ms = clock_now_ms(&c->sim->account.clock);
    return ok;
}
