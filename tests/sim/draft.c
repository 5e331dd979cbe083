#include "tests/sim/draft.h"

#include "tests/sim/number.h"

#include <inttypes.h>
#include <string.h>

/* #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF; jansson has checked
 * the UTF-8. */
static bool contents_ok(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
        if (c == 0xef && i + 2 < t.len && (unsigned char)t.ptr[i + 1] == 0xbf &&
            (unsigned char)t.ptr[i + 2] >= 0xbe)
            return false; /* U+FFFE, U+FFFF */
    }
    return true;
}

bool draft_id_ok(struct text id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (id.ptr[i] <= ' ' || id.ptr[i] > '~') return false;
    }
    return id.len >= 1 && id.len <= 128;
}

bool draft_check_id(const char *name, struct text id, struct api_error *e)
{
    if (!id.ptr || draft_id_ok(id)) return true;
    return api_fail(e, API_INVALID_PARAMETER,
                    "Value %.*s for parameter %s is invalid. Reason: %s can only include "
                    "alphanumeric and punctuation characters. 1 to 128 in length.",
                    (int)(id.len < 256 ? id.len : 256), id.ptr, name, name);
}

bool draft_not_for_queue(const char *name, struct text value, struct api_error *e)
{
    return api_fail(e, API_INVALID_PARAMETER,
                    "Value %.*s for parameter %s is invalid. Reason: The request include parameter "
                    "that is not valid for this queue type.",
                    (int)value.len, value.ptr, name);
}

static bool attribute_name_ok(struct text name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    for (size_t i = 0; i < name.len; i++) {
        if (!name.ptr[i] || !strchr(allowed, name.ptr[i])) return false;
        if (name.ptr[i] == '.' && (i == 0 || i + 1 == name.len || name.ptr[i - 1] == '.'))
            return false;
    }
    bool reserved = (name.len >= 4 && text_is_nocase((struct text){name.ptr, 4}, "aws.")) ||
                    (name.len >= 7 && text_is_nocase((struct text){name.ptr, 7}, "amazon."));
    return name.len >= 1 && name.len <= 256 && !reserved;
}

static bool type_ok(struct text type)
{
    struct text rest = type, base = text_cut(&rest, '.');
    return type.len <= 256 &&
           (text_is(base, "String") || text_is(base, "Number") || text_is(base, "Binary"));
}

static bool empty_value(struct text name, const char *type, struct api_error *e)
{
    return api_fail(e, API_INVALID_PARAMETER,
                    "Message (user) attribute '%.*s' must contain a non-empty value of type '%s'.",
                    (int)name.len, name.ptr, type);
}

static bool read_binary(struct attribute *a, const json_t *spec, struct buf *scratch,
                        struct api_error *e)
{
    struct text coded;
    if (!args_text(spec, "BinaryValue", &coded, e)) return false;
    if (!coded.len) return empty_value(a->name, "Binary", e);
    if (!buf_add_unbase64(scratch, coded))
        return api_fail(e, API_SERIALIZATION, "BinaryValue is not valid base64");
    a->value = text_of_buf(scratch);
    return true;
}

static bool read_string(struct attribute *a, const json_t *spec, struct api_error *e)
{
    bool number = text_starts(a->type, "Number");
    if (!args_text(spec, "StringValue", &a->value, e)) return false;
    if (!a->value.len) return empty_value(a->name, number ? "Number" : "String", e);
    if (number && !number_ok(a->value))
        return api_fail(e, API_INVALID_PARAMETER,
                        "Can't cast the value of message (user) attribute '%.*s' to a number.",
                        (int)a->name.len, a->name.ptr);
    if (!contents_ok(a->value))
        return api_fail(e, API_INVALID_PARAMETER,
                        "Message (user) attribute '%.*s' contains invalid characters.",
                        (int)a->name.len, a->name.ptr);
    return true;
}

static bool read_attribute(struct attribute *a, const json_t *spec, struct buf *scratch,
                           struct api_error *e)
{
    if (!json_is_object(spec))
        return api_fail(e, API_SERIALIZATION, "MessageAttributes must hold Structures");
    if (!attribute_name_ok(a->name))
        return api_fail(e, API_INVALID_PARAMETER,
                        "Message (user) attribute name '%.*s' is invalid: 1 to 256 of A-Z, a-z, "
                        "0-9, '_', '-' and '.', not starting with AWS. or Amazon.",
                        (int)(a->name.len < 256 ? a->name.len : 256), a->name.ptr);
    if (!args_text(spec, "DataType", &a->type, e)) return false;
    if (!a->type.len || !type_ok(a->type))
        return api_fail(e, API_INVALID_PARAMETER,
                        "Message (user) attribute '%.*s' has an invalid type; the supported type "
                        "prefixes are Binary, Number and String.",
                        (int)a->name.len, a->name.ptr);
    return attribute_is_binary(a) ? read_binary(a, spec, scratch, e) : read_string(a, spec, e);
}

static bool read_attributes(struct draft *d, const json_t *entry, struct api_error *e)
{
    json_t *map;
    if (!args_map(entry, "MessageAttributes", &map, e)) return false;
    if (json_object_size(map) > MESSAGE_ATTRIBUTES_MAX)
        return api_fail(e, API_INVALID_PARAMETER,
                        "Number of message attributes [%zu] exceeds the allowed maximum [10].",
                        json_object_size(map));
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        struct attribute *a = &d->attributes[d->n_attributes];
        a->name = text_of(json_object_iter_key(at));
        if (!read_attribute(a, json_object_iter_value(at), &d->scratch[d->n_attributes], e))
            return false;
        d->n_attributes++;
    }
    if (d->n_attributes) md5_attributes(d->attributes, d->n_attributes, d->attributes_md5);
    return true;
}

/* After the MD5 for the answer has been taken: what is stored is the number without needless zeros.
 */
static void trim_numbers(struct draft *d)
{
    for (size_t i = 0; i < d->n_attributes; i++) {
        struct attribute *a = &d->attributes[i];
        if (text_starts(a->type, "Number") && number_trim(a->value, &d->scratch[i]))
            a->value = text_of_buf(&d->scratch[i]);
    }
}

static bool read_trace_header(struct draft *d, const json_t *entry, struct api_error *e)
{
    json_t *map;
    if (!args_map(entry, "MessageSystemAttributes", &map, e)) return false;
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        const char *name = json_object_iter_key(at);
        const json_t *spec = json_object_iter_value(at);
        if (strcmp(name, "AWSTraceHeader") != 0)
            return api_fail(e, API_INVALID_PARAMETER,
                            "Message system attribute name '%s' is invalid.", name);
        struct text type;
        if (!args_text(spec, "DataType", &type, e) ||
            !args_text(spec, "StringValue", &d->trace_header, e))
            return false;
        if (!text_is(type, "String") || !d->trace_header.len)
            return api_fail(e, API_INVALID_PARAMETER,
                            "Message system attribute '%s' must contain a non-empty value of type "
                            "'String'.",
                            name);
    }
    return true;
}

static bool read_body(struct draft *d, const json_t *entry, struct api_error *e)
{
    if (!args_need_text(entry, "MessageBody", &d->body, e)) return false;
    if (contents_ok(d->body)) return true;
    return api_fail(e, API_INVALID_CONTENTS,
                    "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 "
                    "to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF");
}

static bool read_fifo(struct draft *d, const struct queue *q, struct api_error *e)
{
    if (!d->group.ptr) return args_missing("MessageGroupId", e);
    if (!d->dedup.ptr && !q->settings.content_dedup)
        return api_fail(e, API_INVALID_PARAMETER,
                        "The queue should either have ContentBasedDeduplication enabled or "
                        "MessageDeduplicationId provided explicitly");
    if (d->delay_s > 0) {
        char digits[24];
        snprintf(digits, sizeof(digits), "%" PRId64, d->delay_s);
        return draft_not_for_queue("DelaySeconds", text_of(digits), e);
    }
    d->delay_s = -1;
    return true;
}

static bool read_ids(struct draft *d, const json_t *entry, const struct queue *q,
                     struct api_error *e)
{
    if (!args_text(entry, "MessageGroupId", &d->group, e) ||
        !args_text(entry, "MessageDeduplicationId", &d->dedup, e) ||
        !draft_check_id("MessageGroupId", d->group, e))
        return false;
    if (d->dedup.ptr && !q->settings.fifo)
        return draft_not_for_queue("MessageDeduplicationId", d->dedup, e);
    if (!draft_check_id("MessageDeduplicationId", d->dedup, e)) return false;
    return !q->settings.fifo || read_fifo(d, q, e);
}

static const struct args_range delay_range = {0, 900, "DelaySeconds must be >= 0 and <= 900."};

bool draft_read(struct draft *d, const json_t *entry, const struct queue *q, bool in_batch,
                struct api_error *e)
{
    *d = (struct draft){.delay_s = -1};
    if (!read_body(d, entry, e) || !read_attributes(d, entry, e) ||
        !read_trace_header(d, entry, e) ||
        !args_int_within(entry, "DelaySeconds", &delay_range, &d->delay_s, e) ||
        !read_ids(d, entry, q, e))
        return false;
    if (draft_size(d) > (size_t)q->settings.max_bytes)
        return api_fail(e, API_INVALID_PARAMETER,
                        "One or more parameters %s. Reason: Message must be shorter than %" PRId64
                        " bytes.",
                        in_batch ? "cannot be validated" : "are invalid", q->settings.max_bytes);
    trim_numbers(d);
    return true;
}

static size_t base64_size(struct text coded)
{
    size_t pad = coded.len >= 4 ? (size_t)(coded.ptr[coded.len - 1] == '=') +
                                      (size_t)(coded.ptr[coded.len - 2] == '=')
                                : 0;
    return coded.len / 4 * 3 - pad;
}

size_t draft_wire_size(const json_t *entry)
{
    size_t total = json_string_length(json_object_get(entry, "MessageBody"));
    json_t *map = json_object_get(entry, "MessageAttributes");
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        const json_t *spec = json_object_iter_value(at);
        const json_t *binary = json_object_get(spec, "BinaryValue");
        total += strlen(json_object_iter_key(at));
        total += json_string_length(json_object_get(spec, "DataType"));
        total += json_string_length(json_object_get(spec, "StringValue"));
        total += binary ? base64_size(args_view(binary)) : 0;
    }
    return total;
}
