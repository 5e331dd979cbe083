/* ReceiveMessage. */
#include "tests/sim/args.h"
#include "tests/sim/draft.h"
#include "tests/sim/jout.h"
#include "tests/sim/poll.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum system_name {
    APPROXIMATE_FIRST_RECEIVE,
    APPROXIMATE_RECEIVE_COUNT,
    AWS_TRACE_HEADER,
    DEAD_LETTER_SOURCE,
    MESSAGE_DEDUPLICATION_ID,
    MESSAGE_GROUP_ID,
    SENDER_ID,
    SENT_TIMESTAMP,
    SEQUENCE_NUMBER,
    SYSTEM_NAMES,
};

static const char *const system_names[SYSTEM_NAMES] = {
    [APPROXIMATE_FIRST_RECEIVE] = "ApproximateFirstReceiveTimestamp",
    [APPROXIMATE_RECEIVE_COUNT] = "ApproximateReceiveCount",
    [AWS_TRACE_HEADER] = "AWSTraceHeader",
    [DEAD_LETTER_SOURCE] = "DeadLetterQueueSourceArn",
    [MESSAGE_DEDUPLICATION_ID] = "MessageDeduplicationId",
    [MESSAGE_GROUP_ID] = "MessageGroupId",
    [SENDER_ID] = "SenderId",
    [SENT_TIMESTAMP] = "SentTimestamp",
    [SEQUENCE_NUMBER] = "SequenceNumber",
};

static bool read_system_name(struct text name, unsigned *bits, struct api_error *e)
{
    if (text_is(name, "All")) {
        *bits |= (1u << SYSTEM_NAMES) - 1;
        return true;
    }
    for (unsigned i = 0; i < SYSTEM_NAMES; i++) {
        if (text_is(name, system_names[i])) {
            *bits |= 1u << i;
            return true;
        }
    }
    return api_fail(e, API_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", (int)name.len,
                    name.ptr);
}

/* AttributeNames is the deprecated name of the same list. */
static bool read_system_names(const json_t *args, const char *member, unsigned *bits,
                              struct api_error *e)
{
    json_t *names;
    if (!args_names(args, member, &names, e)) return false;
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (!read_system_name(args_view(json_array_get(names, i)), bits, e)) return false;
    }
    return true;
}

static bool read_attempt(struct call *c, struct api_error *e)
{
    struct text *attempt = &c->poll.receive.attempt;
    if (!args_text(c->args, "ReceiveRequestAttemptId", attempt, e)) return false;
    if (attempt->ptr && !c->queue->settings.fifo)
        return draft_not_for_queue("ReceiveRequestAttemptId", *attempt, e);
    return draft_check_id("ReceiveRequestAttemptId", *attempt, e);
}

static const struct args_range max_range = {1, 10, "Must be between 1 and 10, if provided."};
static const struct args_range wait_range = {0, 20, "Must be >= 0 and <= 20, if provided."};
static const struct args_range visibility_range = {0, QUEUE_VISIBILITY_MAX_S,
                                                   "Must be >= 0 and <= 43200, if provided."};

static bool read_request(struct call *c, struct api_error *e)
{
    struct poll *p = &c->poll;
    int64_t max = 1, wait_s = c->queue->settings.wait_s;
    p->receive.visibility_s = -1;
    if (!args_int_within(c->args, "MaxNumberOfMessages", &max_range, &max, e) ||
        !args_int_within(c->args, "WaitTimeSeconds", &wait_range, &wait_s, e) ||
        !args_int_within(c->args, "VisibilityTimeout", &visibility_range, &p->receive.visibility_s,
                         e) ||
        !read_system_names(c->args, "AttributeNames", &p->system_names, e) ||
        !read_system_names(c->args, "MessageSystemAttributeNames", &p->system_names, e) ||
        !args_names(c->args, "MessageAttributeNames", &p->names, e) || !read_attempt(c, e))
        return false;
    p->receive.max = (unsigned)max;
    p->receive.short_poll = wait_s == 0;
    p->deadline_ms = clock_now_ms(&c->sim->account.clock) + wait_s * 1000;
    return true;
}

/* "All", ".*", "prefix.*" or the name itself. */
static bool name_matches(struct text pattern, struct text name)
{
    if (text_is(pattern, "All") || text_is(pattern, ".*")) return true;
    if (pattern.len > 2 && !memcmp(pattern.ptr + pattern.len - 2, ".*", 2))
        return name.len >= pattern.len - 2 && !memcmp(name.ptr, pattern.ptr, pattern.len - 2);
    return text_equal(pattern, name);
}

static bool is_wanted(const json_t *patterns, struct text name)
{
    for (size_t i = 0; i < json_array_size(patterns); i++) {
        if (name_matches(args_view(json_array_get(patterns, i)), name)) return true;
    }
    return false;
}

static void write_attribute(const struct attribute *a, struct buf *out)
{
    jout_key_text(out, a->name);
    jout_open(out, '{');
    if (attribute_is_binary(a)) {
        jout_key(out, "BinaryValue");
        buf_add_char(out, '"');
        buf_add_base64(out, a->value);
        buf_add_char(out, '"');
    } else {
        jout_pair(out, "StringValue", a->value);
    }
    jout_pair(out, "DataType", a->type);
    jout_close(out, '}');
}

/* The digest covers the attributes that are returned, not those that the message has. */
static void write_attributes(const struct call *c, const struct message *m, struct buf *out)
{
    struct attribute chosen[MESSAGE_ATTRIBUTES_MAX];
    char md5[MD5_TEXT];
    size_t n = 0;
    for (size_t i = 0; i < m->n_attributes; i++) {
        if (is_wanted(c->poll.names, m->attributes[i].name)) chosen[n++] = m->attributes[i];
    }
    if (!n) return;
    if (n == m->n_attributes)
        memcpy(md5, m->attributes_md5, sizeof(md5));
    else
        md5_attributes(chosen, n, md5);
    if (c->fault.kind == FAULT_WRONG_ATTRIBUTE_MD5) md5[0] = md5[0] == '0' ? '1' : '0';
    jout_pair(out, "MD5OfMessageAttributes", text_of(md5));
    jout_key(out, "MessageAttributes");
    jout_open(out, '{');
    for (size_t i = 0; i < n; i++)
        write_attribute(&chosen[i], out);
    jout_close(out, '}');
}

static void write_optional(struct buf *out, enum system_name name, struct text value)
{
    if (value.len) jout_pair(out, system_names[name], value);
}

static void write_system_attribute(const struct message *m, enum system_name name, struct buf *out)
{
    char digits[24];
    switch (name) {
    case APPROXIMATE_FIRST_RECEIVE:
        jout_pair_int_text(out, system_names[name], m->first_received_ms);
        return;
    case APPROXIMATE_RECEIVE_COUNT:
        jout_pair_int_text(out, system_names[name], m->receive_count);
        return;
    case AWS_TRACE_HEADER:
        write_optional(out, name, m->trace_header);
        return;
    case DEAD_LETTER_SOURCE:
        write_optional(out, name, text_of(m->dead_letter_source));
        return;
    case MESSAGE_DEDUPLICATION_ID:
        write_optional(out, name, m->dedup);
        return;
    case MESSAGE_GROUP_ID:
        write_optional(out, name, m->group);
        return;
    case SENDER_ID:
        jout_pair(out, system_names[name], text_of(ACCOUNT_ID));
        return;
    case SENT_TIMESTAMP:
        jout_pair_int_text(out, system_names[name], m->sent_ms);
        return;
    case SEQUENCE_NUMBER:
        snprintf(digits, sizeof(digits), "%" PRIu64, m->sequence);
        write_optional(out, name, text_of(m->sequence ? digits : ""));
        return;
    case SYSTEM_NAMES:
        return;
    }
}

static void write_system_attributes(unsigned bits, const struct message *m, struct buf *out)
{
    jout_key(out, "Attributes");
    jout_open(out, '{');
    for (unsigned i = 0; i < SYSTEM_NAMES; i++) {
        if (bits >> i & 1) write_system_attribute(m, (enum system_name)i, out);
    }
    jout_close(out, '}');
}

static void write_body_md5(const struct call *c, const struct message *m, struct buf *out)
{
    char md5[MD5_TEXT];
    memcpy(md5, m->body_md5, sizeof(md5));
    if (c->fault.kind == FAULT_WRONG_MD5) md5[0] = md5[0] == '0' ? '1' : '0';
    jout_pair(out, "MD5OfBody", text_of(md5));
}

static void write_message(const struct call *c, const struct message *m, struct buf *out)
{
    jout_open(out, '{');
    jout_pair(out, "MessageId", text_of(m->id));
    jout_key(out, "ReceiptHandle");
    buf_add_char(out, '"');
    queue_handle_of(c->queue, m, out);
    buf_add_char(out, '"');
    write_body_md5(c, m, out);
    jout_pair(out, "Body", m->body);
    if (c->poll.system_names) write_system_attributes(c->poll.system_names, m, out);
    write_attributes(c, m, out);
    jout_close(out, '}');
}

bool receive_try(struct call *c, struct api_error *e, bool *failed)
{
    struct message *messages[QUEUE_RECEIVE_MAX];
    size_t n = 0;
    *failed = !queue_receive(c->queue, &c->poll.receive, messages, &n);
    if (*failed)
        return api_fail(e, API_OVER_LIMIT, "The maximum number of in flight messages is reached.");
    if (!n) return false;
    jout_open(c->out, '{');
    jout_key(c->out, "Messages");
    jout_open(c->out, '[');
    for (size_t i = 0; i < n; i++)
        write_message(c, messages[i], c->out);
    jout_close(c->out, ']');
    jout_close(c->out, '}');
    return true;
}

/* Nothing received: an answer without any member, or a wait. */
bool action_receive_message(struct call *c, struct api_error *e)
{
    bool failed = false;
    if (!read_request(c, e)) return false;
    bool received = receive_try(c, e, &failed);
    if (failed) return false;
    if (!received && !c->poll.receive.short_poll)
        poll_add(c);
    else if (!received)
        buf_add_text(c->out, text_of("{}"));
    return true;
}
