#include "connectors/sqs/sqs_limits.h"

#include <stdlib.h>
#include <strings.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

enum {
    NAME_MAX_LEN = 80, /* of a queue, a batch entry, a label */
    ATTR_NAME_MAX = 256,
    ATTR_TYPE_MAX = 256,
    NUMBER_DIGITS = 38,
    NUMBER_MIN_POWER = -128,
    NUMBER_MAX_POWER = 126,
    MAX_DELAY_S = 900,
    TAG_KEY_MAX = 128,
    TAG_VALUE_MAX = 256,
};

static bool refuse(struct error *e, const char *why)
{
    return error_set(e, FAULT_REJECT, "%s", why);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alphanumeric(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Letters, digits, and those of `more`. */
static bool is_word(struct bytes text, const char *more)
{
    const char *at = text.ptr;
    for (size_t i = 0; i < text.len; i++)
        if (!is_alphanumeric(at[i]) && (!at[i] || !strchr(more, at[i]))) return false;
    return text.len > 0;
}

/* ---- names ---- */

bool sqs_is_fifo_name(struct bytes name)
{
    return name.len >= 5 && memcmp((const char *)name.ptr + name.len - 5, ".fifo", 5) == 0;
}

bool sqs_check_queue_name(struct bytes name, struct error *e)
{
    struct bytes stem = name;
    if (sqs_is_fifo_name(name)) stem.len -= 5;
    if (name.len <= NAME_MAX_LEN && is_word(stem, "-_")) return true;
    return error_set(e, FAULT_REJECT,
                     "not the name of a queue: \"%.*s\" (1 to 80 letters, digits, hyphens and "
                     "underscores, with .fifo at the end of a FIFO queue's)",
                     BYTES_ARGS(name));
}

bool sqs_is_id(struct bytes text)
{
    const char *at = text.ptr;
    if (!text.len || text.len > SQS_ID_MAX) return false;
    for (size_t i = 0; i < text.len; i++)
        if (at[i] <= ' ' || at[i] > '~') return false;
    return true;
}

bool sqs_check_id(const char *what, struct bytes id, struct error *e)
{
    return sqs_is_id(id) || error_set(e, FAULT_REJECT,
                                      "%s has %zu characters that SQS may not take (1 to 128 "
                                      "letters, digits and punctuation, no space)",
                                      what, id.len);
}

bool sqs_check_batch_id(struct bytes id, struct error *e)
{
    if (id.len <= NAME_MAX_LEN && is_word(id, "-_")) return true;
    return error_set(e, FAULT_REJECT,
                     "not an id of a batch entry: \"%.*s\" (1 to 80 letters, digits, hyphens and "
                     "underscores)",
                     BYTES_ARGS(id));
}

bool sqs_check_label(struct bytes label, struct error *e)
{
    if (label.len <= NAME_MAX_LEN && is_word(label, "-_")) return true;
    return refuse(e, "not a label: 1 to 80 letters, digits, hyphens and underscores");
}

bool sqs_check_account(struct bytes account, struct error *e)
{
    const char *at = account.ptr;
    bool right = account.len == 12;
    for (size_t i = 0; right && i < account.len; i++)
        right = is_digit(at[i]);
    return right || error_set(e, FAULT_REJECT, "not an account: \"%.*s\" (twelve digits)",
                              BYTES_ARGS(account));
}

bool sqs_check_permitted(struct bytes action, struct error *e)
{
    static const char *const known[] = {
        "*",
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
        "ChangeMessageVisibility",
        "GetQueueAttributes",
        "GetQueueUrl",
        "ListDeadLetterSourceQueues",
        "PurgeQueue",
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (bytes_eq(action, bytes_str(known[i]))) return true;
    return error_set(e, FAULT_REJECT,
                     "cannot be permitted: \"%.*s\" (SendMessage, ReceiveMessage, DeleteMessage, "
                     "ChangeMessageVisibility, GetQueueAttributes, GetQueueUrl, "
                     "ListDeadLetterSourceQueues, PurgeQueue, or *)",
                     BYTES_ARGS(action));
}

/* arn:partition:sqs:region:account:queue */
bool sqs_check_arn(struct bytes arn, struct error *e)
{
    const char *at = arn.ptr;
    unsigned colons = 0;
    size_t service = 0;
    for (size_t i = 0; i < arn.len; i++) {
        if (at[i] != ':') continue;
        if (++colons == 2) service = i + 1;
    }
    if (bytes_starts_with(arn, BYTES_LIT("arn:")) && colons == 5 &&
        bytes_starts_with(bytes_of(at + service, arn.len - service), BYTES_LIT("sqs:")))
        return true;
    return error_set(e, FAULT_REJECT,
                     "not the ARN of a queue: \"%.*s\" (it looks like "
                     "arn:aws:sqs:eu-west-1:123456789012:orders)",
                     BYTES_ARGS(arn));
}

/* ---- messages ---- */

static bool is_reserved(struct bytes name)
{
    return (name.len >= 4 && strncasecmp(name.ptr, "aws.", 4) == 0) ||
           (name.len >= 7 && strncasecmp(name.ptr, "amazon.", 7) == 0);
}

static bool check_attr_name(struct bytes name, struct error *e)
{
    const char *at = name.ptr;
    if (name.len > ATTR_NAME_MAX || !is_word(name, "-_."))
        return refuse(e, "the name has 1 to 256 letters, digits, hyphens, underscores and dots");
    if (at[0] == '.' || at[name.len - 1] == '.' || memmem(at, name.len, "..", 2))
        return refuse(e, "the name may not begin or end with a dot, nor have two in a row");
    return !is_reserved(name) || refuse(e, "names that begin with AWS. or Amazon. are reserved");
}

/* The exponent of a number that ends there; false: that is none. */
static bool read_power(const char *at, const char *end, int *power)
{
    *power = 0;
    if (at == end) return true;
    if ((*at | 0x20) != 'e') return false;
    at++;
    bool negative = at < end && *at == '-';
    if (negative || (at < end && *at == '+')) at++;
    if (at == end || end - at > 4) return false;
    for (; at < end; at++) {
        if (!is_digit(*at)) return false;
        *power = *power * 10 + (*at - '0');
    }
    if (negative) *power = -*power;
    return true;
}

/* Digits, with a point among them at most once; counts those that matter, and the power of ten of
 * the first of them. */
static const char *read_digits(const char *at, const char *end, int *significant, int *first)
{
    bool point = false, any = false, started = false;
    int before = 0, after = 0, zeros = 0;
    for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        any = true;
        if (point)
            after++;
        else if (started || *at != '0')
            before++;
        if (!started && *at == '0') continue;
        if (!started) *first = point ? -after : 0;
        started = true;
        zeros = *at == '0' ? zeros + 1 : 0;
        ++*significant;
    }
    if (started && before) *first = before - 1;
    *significant -= zeros;
    return any ? at : NULL;
}

static bool check_number(struct bytes value, struct error *e)
{
    const char *at = value.ptr, *end = at + value.len;
    int significant = 0, first = 0, power = 0;
    if (at < end && (*at == '-' || *at == '+')) at++;
    at = read_digits(at, end, &significant, &first);
    if (!at || !read_power(at, end, &power)) return refuse(e, "the value is not a number");
    if (significant > NUMBER_DIGITS)
        return refuse(e, "the number has more than 38 significant digits");
    if (significant && (first + power < NUMBER_MIN_POWER || first + power > NUMBER_MAX_POWER))
        return refuse(e, "the number is not within 10^-128 and 10^126");
    return true;
}

bool sqs_check_attr(const struct attr *a, struct error *e)
{
    if (!check_attr_name(a->name, e)) return false;
    if (sizeof("Number.") - 1 + a->subtype.len > ATTR_TYPE_MAX)
        return refuse(e, "the type has more than 256 characters");
    if (!a->value.len) return refuse(e, "the value is empty");
    if (a->type == ATTR_BINARY) return true;
    if (!text_is_xml(a->value))
        return refuse(e, "the value has characters that SQS does not take (control characters, "
                         "U+FFFE, U+FFFF): use type Binary");
    return a->type != ATTR_NUMBER || check_number(a->value, e);
}

size_t sqs_size_of(const struct sqs_entry *entry)
{
    char type[300];
    size_t size = entry->body.len;
    for (size_t i = 0; i < entry->attr_count; i++) {
        const struct attr *a = &entry->attrs[i];
        size += a->name.len + a->value.len + mapping_type_write(a, type, sizeof(type));
    }
    return size;
}

static bool check_attrs(const struct sqs_entry *entry, struct error *e)
{
    if (entry->attr_count > SQS_MAX_ATTRS)
        return error_set(e, FAULT_REJECT, "%zu attributes, and SQS takes 10 at most",
                         entry->attr_count);
    for (size_t i = 0; i < entry->attr_count; i++) {
        const struct attr *a = &entry->attrs[i];
        if (!sqs_check_attr(a, e))
            return error_prefix(e, "attribute \"%.*s\"", BYTES_ARGS(a->name));
        for (size_t k = 0; k < i; k++)
            if (bytes_eq(entry->attrs[k].name, a->name))
                return error_set(e, FAULT_REJECT, "attribute \"%.*s\" is there twice",
                                 BYTES_ARGS(a->name));
    }
    return true;
}

static bool check_body(const struct sqs_entry *entry, struct error *e)
{
    if (!entry->body.len) return refuse(e, "the body is empty, and SQS takes none that is");
    if (!text_is_xml(entry->body))
        return refuse(e, "the body has characters that SQS does not take (control characters but "
                         "tab and line ends, U+FFFE, U+FFFF, invalid UTF-8): encode it");
    size_t size = sqs_size_of(entry);
    return size <= SQS_MAX_BYTES ||
           error_set(e, FAULT_REJECT,
                     "body and attributes together have %zu bytes, and SQS takes 1048576 at most",
                     size);
}

static bool check_kind(const struct sqs_entry *entry, bool fifo, struct error *e)
{
    if (fifo && !entry->group_id.ptr) return refuse(e, "a message of a FIFO queue needs a group");
    if (fifo && entry->delay_s)
        return refuse(e, "a FIFO queue knows no delay of one message (set the queue's)");
    if (!fifo && entry->deduplication_id.ptr)
        return refuse(e, "only FIFO queues deduplicate, and this one's name does not end in .fifo");
    if (entry->group_id.ptr && !sqs_check_id("the group", entry->group_id, e)) return false;
    return !entry->deduplication_id.ptr ||
           sqs_check_id("the deduplication id", entry->deduplication_id, e);
}

bool sqs_check_entry(const struct sqs_entry *entry, bool fifo, struct error *e)
{
    if (entry->delay_s < 0 || entry->delay_s > MAX_DELAY_S)
        return refuse(e, "the delay is 0 to 900 seconds");
    if (entry->trace_header.ptr && !entry->trace_header.len)
        return refuse(e, "the trace header is empty");
    if (entry->trace_header.ptr && !text_is_xml(entry->trace_header))
        return refuse(e, "the trace header has characters that SQS does not take");
    return check_attrs(entry, e) && check_body(entry, e) && check_kind(entry, fifo, e);
}

/* ---- queues ---- */

bool sqs_check_tag(struct bytes key, struct bytes value, struct error *e)
{
    if (!key.len || key.len > TAG_KEY_MAX || !text_is_utf8(key))
        return refuse(e, "the key of a tag has 1 to 128 characters");
    if (value.len > TAG_VALUE_MAX || !text_is_utf8(value))
        return refuse(e, "the value of a tag has 256 characters at most");
    if (key.len >= 4 && strncasecmp(key.ptr, "aws:", 4) == 0)
        return refuse(e, "keys of tags that begin with aws: are reserved");
    return true;
}

bool sqs_check_policy(struct bytes json, struct error *e)
{
    struct json_reader r;
    char *copy;
    if (!json.len) return true; /* removes it */
    if (json.len > SQS_MAX_POLICY)
        return error_set(e, FAULT_REJECT, "the policy has %zu bytes, and SQS takes 8192 at most",
                         json.len);
    copy = mem_strndup(json.ptr, json.len);
    json_read(&r, copy, json.len);
    enum json_token first = json_next(&r);
    bool right = first == JSON_OBJECT && json_skip(&r, first) && json_next(&r) == JSON_END;
    if (!right)
        error_set(e, FAULT_REJECT, "the policy is not a JSON object: %s",
                  r.error ? r.error : "something else");
    free(copy);
    return right;
}
