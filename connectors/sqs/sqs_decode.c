#include "connectors/sqs/sqs_wire.h"

#include <stdlib.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

/* bytes are constant everywhere but here: the reader unescapes what the caller owns. */
static struct json_reader open_json(struct bytes json)
{
    struct json_reader r;
    union {
        const void *borrowed;
        char *owned;
    } text = {.borrowed = json.ptr};
    json_read(&r, text.owned, json.len);
    return r;
}

static bool is(struct bytes key, const char *name)
{
    size_t len = strlen(name);
    return key.len == len && memcmp(key.ptr, name, len) == 0;
}

/* A string; null leaves what is there. Numbers pass as the text they are. */
static bool take_text(const struct json_reader *r, enum json_token token, struct bytes *text)
{
    if (token == JSON_STRING || token == JSON_NUMBER) *text = r->text;
    return token == JSON_STRING || token == JSON_NUMBER || token == JSON_NULL;
}

typedef bool member_fn(struct json_reader *r, struct bytes key, enum json_token value, void *arg);

/* Calls member() for each member of the object whose first token was `token`; null is an empty one.
 */
static bool each_member(struct json_reader *r, enum json_token token, member_fn *member, void *arg)
{
    if (token == JSON_NULL) return true;
    if (token != JSON_OBJECT) return false;
    while ((token = json_next(r)) == JSON_KEY) {
        struct bytes key = r->text;
        if (!member(r, key, json_next(r), arg)) return false;
    }
    return token == JSON_OBJECT_END;
}

typedef bool element_fn(struct json_reader *r, enum json_token value, void *arg);

static bool each_element(struct json_reader *r, enum json_token token, element_fn *element,
                         void *arg)
{
    if (token == JSON_NULL) return true;
    if (token != JSON_ARRAY) return false;
    while ((token = json_next(r)) != JSON_ARRAY_END)
        if (token == JSON_ERROR || !element(r, token, arg)) return false;
    return true;
}

/* The answer as a whole: one object, and nothing after it. */
static bool whole_answer(struct bytes json, member_fn *member, void *arg, struct error *e)
{
    struct json_reader r = open_json(json);
    if (each_member(&r, json_next(&r), member, arg) && json_next(&r) == JSON_END) return true;
    return error_set(e, FAULT_DOWN, "answer is not as SQS writes it: %s at byte %zu",
                     r.error ? r.error : "unexpected value",
                     r.error ? r.error_offset : (size_t)(r.at - r.start));
}

/* ---- ReceiveMessage ---- */

struct message_scope {
    struct sqs_received *out;
    struct sqs_message *m;
    size_t json_len;
};

struct attr_scope {
    struct message_scope *outer;
    struct attr *attr;
};

/* All binary values together are shorter than the text that holds them, so the buffer never moves.
 */
static bool take_binary(const struct message_scope *scope, const struct json_reader *r,
                        struct bytes *value)
{
    struct buf *binary = &scope->out->binary;
    if (!binary->len) buf_reserve(binary, scope->json_len);
    size_t begin = binary->len;
    if (!text_unbase64(r->text, binary)) return false;
    *value = bytes_of(binary->ptr + begin, binary->len - begin);
    return true;
}

static bool attr_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct attr_scope *scope = arg;
    if (is(key, "DataType")) return value == JSON_STRING && mapping_type_read(r->text, scope->attr);
    if (is(key, "StringValue")) return take_text(r, value, &scope->attr->value);
    if (is(key, "BinaryValue") && value == JSON_STRING)
        return take_binary(scope->outer, r, &scope->attr->value);
    return json_skip(r, value);
}

static bool one_attr(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct message_scope *scope = arg;
    struct sqs_received *out = scope->out;
    if (out->attr_count == MSG_MAX_ATTRS) return false;
    struct attr *a = &out->attrs[out->attr_count++];
    *a = (struct attr){.name = key, .value = BYTES_LIT("")};
    scope->m->attr_count++;
    struct attr_scope inner = {scope, a};
    return each_member(r, value, attr_member, &inner);
}

static bool system_attr(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct message_scope *scope = arg;
    struct sqs_received *out = scope->out;
    struct sqs_message *m = scope->m;
    if (m->system_count == SQS_SYSTEM_ATTRS) return json_skip(r, value);
    struct sqs_pair *pair = &out->system[out->system_count];
    *pair = (struct sqs_pair){.name = key, .value = BYTES_NONE};
    if (!take_text(r, value, &pair->value)) return false;
    if (!pair->value.ptr) return true;
    out->system_count++;
    m->system_count++;
    if (is(key, "MessageGroupId")) m->group = pair->value;
    if (is(key, "ApproximateReceiveCount")) return json_int(pair->value, &m->receives);
    return !is(key, "SentTimestamp") || json_int(pair->value, &m->sent_ms);
}

static bool message_member(struct json_reader *r, struct bytes key, enum json_token value,
                           void *arg)
{
    struct message_scope *scope = arg;
    struct sqs_message *m = scope->m;
    if (is(key, "Body")) return take_text(r, value, &m->body);
    if (is(key, "MessageId")) return take_text(r, value, &m->id);
    if (is(key, "ReceiptHandle")) return take_text(r, value, &m->handle);
    if (is(key, "MD5OfBody")) return take_text(r, value, &m->body_md5);
    if (is(key, "MD5OfMessageAttributes")) return take_text(r, value, &m->attrs_md5);
    if (is(key, "Attributes")) return each_member(r, value, system_attr, scope);
    if (is(key, "MessageAttributes")) return each_member(r, value, one_attr, scope);
    return json_skip(r, value);
}

static bool one_message(struct json_reader *r, enum json_token value, void *arg)
{
    struct message_scope *scope = arg;
    struct sqs_received *out = scope->out;
    if (out->count == SQS_BATCH) return false;
    struct sqs_message *m = scope->m = &out->messages[out->count++];
    *m = (struct sqs_message){
        .body = BYTES_LIT(""),
        .attrs = &out->attrs[out->attr_count],
        .system = &out->system[out->system_count],
    };
    return value == JSON_OBJECT && each_member(r, value, message_member, scope) && m->id.len &&
           m->handle.len;
}

static bool receive_member(struct json_reader *r, struct bytes key, enum json_token value,
                           void *arg)
{
    if (is(key, "Messages")) return each_element(r, value, one_message, arg);
    return json_skip(r, value);
}

bool sqs_decode_receive(struct bytes json, struct sqs_received *out, struct error *e)
{
    struct message_scope scope = {.out = out, .json_len = json.len};
    out->count = out->attr_count = out->system_count = 0;
    out->binary.len = 0;
    return whole_answer(json, receive_member, &scope, e);
}

void sqs_received_free(struct sqs_received *r)
{
    free(r->binary.ptr);
    r->binary = (struct buf){0};
}

/* ---- batches ---- */

struct batch_scope {
    const struct bytes *ids;
    struct sqs_result *results;
    size_t n;
    bool failed; /* the list at hand is Failed */
};

struct entry_scope {
    struct bytes id;
    struct sqs_result result;
};

static bool sent_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct sqs_result *result = arg;
    if (is(key, "MessageId")) return take_text(r, value, &result->message_id);
    if (is(key, "MD5OfMessageBody")) return take_text(r, value, &result->body_md5);
    if (is(key, "MD5OfMessageAttributes")) return take_text(r, value, &result->attrs_md5);
    if (is(key, "MD5OfMessageSystemAttributes")) return take_text(r, value, &result->system_md5);
    if (is(key, "SequenceNumber")) return take_text(r, value, &result->sequence);
    return json_skip(r, value);
}

static bool entry_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct entry_scope *entry = arg;
    struct sqs_result *result = &entry->result;
    if (is(key, "Id")) return take_text(r, value, &entry->id);
    if (is(key, "Code")) return take_text(r, value, &result->code);
    if (is(key, "Message")) return take_text(r, value, &result->message);
    if (is(key, "SenderFault")) result->sender_fault = value == JSON_TRUE;
    return sent_member(r, key, value, result);
}

/* n: nobody's. */
static size_t index_of(const struct batch_scope *scope, struct bytes id)
{
    int64_t index;
    if (!scope->ids) {
        bool ours = json_int(id, &index) && index >= 0 && (size_t)index < scope->n;
        return ours ? (size_t)index : scope->n;
    }
    size_t i = 0;
    while (i < scope->n && !bytes_eq(scope->ids[i], id))
        i++;
    return i;
}

static bool one_result(struct json_reader *r, enum json_token value, void *arg)
{
    struct batch_scope *scope = arg;
    struct entry_scope entry = {.result.fate = scope->failed ? SQS_FAILED : SQS_DONE};
    if (value != JSON_OBJECT || !each_member(r, value, entry_member, &entry)) return false;
    size_t i = index_of(scope, entry.id);
    if (i == scope->n) return true;
    entry.result.code = sqs_short_code(entry.result.code);
    scope->results[i] = entry.result;
    return true;
}

static bool batch_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct batch_scope *scope = arg;
    scope->failed = is(key, "Failed");
    if (scope->failed || is(key, "Successful")) return each_element(r, value, one_result, scope);
    return json_skip(r, value);
}

bool sqs_decode_batch(struct bytes json, const struct bytes *ids, struct sqs_result *results,
                      size_t n, struct error *e)
{
    struct batch_scope scope = {.ids = ids, .results = results, .n = n};
    for (size_t i = 0; i < n; i++)
        results[i] = (struct sqs_result){.fate = SQS_UNANSWERED};
    return whole_answer(json, batch_member, &scope, e);
}

enum sqs_class sqs_classify_result(const struct sqs_result *r)
{
    switch (r->fate) {
    case SQS_DONE:
        return SQS_OK;
    case SQS_FAILED:
        return sqs_classify_entry(r->sender_fault, r->code, r->message);
    case SQS_UNANSWERED:
        break;
    }
    return SQS_TRANSIENT;
}

bool sqs_decode_send(struct bytes json, struct sqs_result *result, struct error *e)
{
    *result = (struct sqs_result){.fate = SQS_DONE};
    if (!whole_answer(json, sent_member, result, e)) return false;
    return result->message_id.len || error_set(e, FAULT_DOWN, "answer without MessageId");
}

/* ---- GetQueueAttributes ---- */

static bool take_int(const struct json_reader *r, enum json_token token, int64_t *value)
{
    struct bytes text = BYTES_NONE;
    return take_text(r, token, &text) && (!text.ptr || json_int(text, value));
}

static bool policy_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct sqs_queue_facts *facts = arg;
    if (is(key, "maxReceiveCount")) return take_int(r, value, &facts->max_receives);
    return json_skip(r, value);
}

/* JSON in a string; "" where there is none. What can't be read tells nothing, and is no reason not
 * to receive. */
static bool take_policy(const struct json_reader *r, enum json_token token,
                        struct sqs_queue_facts *facts)
{
    struct bytes text = BYTES_NONE;
    struct error ignored;
    if (!take_text(r, token, &text)) return false;
    if (text.len) whole_answer(text, policy_member, facts, &ignored);
    return true;
}

static bool queue_attr(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct sqs_queue_facts *facts = arg;
    if (is(key, "VisibilityTimeout")) return take_int(r, value, &facts->visibility_s);
    if (is(key, "RedrivePolicy")) return take_policy(r, value, facts);
    return json_skip(r, value);
}

static bool queue_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    if (is(key, "Attributes")) return each_member(r, value, queue_attr, arg);
    return json_skip(r, value);
}

bool sqs_decode_queue_facts(struct bytes json, struct sqs_queue_facts *facts, struct error *e)
{
    return whole_answer(json, queue_member, facts, e);
}

/* ---- errors ---- */

struct error_scope {
    struct bytes code, message;
};

static bool error_member(struct json_reader *r, struct bytes key, enum json_token value, void *arg)
{
    struct error_scope *scope = arg;
    if (is(key, "__type")) return take_text(r, value, &scope->code);
    if (is(key, "message") || is(key, "Message")) return take_text(r, value, &scope->message);
    return json_skip(r, value);
}

bool sqs_decode_error(struct bytes json, struct bytes *code, struct bytes *message)
{
    struct error_scope scope = {0};
    struct error ignored;
    if (!whole_answer(json, error_member, &scope, &ignored)) return false;
    *code = sqs_short_code(scope.code);
    *message = scope.message;
    return true;
}

static struct bytes from(struct bytes b, size_t at)
{
    return bytes_of((const char *)b.ptr + at, b.len - at);
}

struct bytes sqs_short_code(struct bytes code)
{
    const struct bytes legacy = BYTES_LIT("AWS.SimpleQueueService.");
    const struct bytes suffix = BYTES_LIT("Exception");
    if (!code.len) return code;
    const char *hash = memrchr(code.ptr, '#', code.len);
    if (hash) code = from(code, (size_t)(hash + 1 - (const char *)code.ptr));
    const char *colon = code.len ? memchr(code.ptr, ':', code.len) : NULL;
    if (colon) code.len = (size_t)(colon - (const char *)code.ptr);
    if (bytes_starts_with(code, legacy)) code = from(code, legacy.len);
    if (code.len > suffix.len && bytes_eq(from(code, code.len - suffix.len), suffix))
        code.len -= suffix.len;
    return code;
}
