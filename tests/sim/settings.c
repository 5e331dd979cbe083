#include "tests/sim/settings.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    NUMBER,
    BOOL,
    WORD, /* one of the words in `words` */
    FREE, /* any text; an empty one clears it */
};

struct definition {
    const char *name;
    enum kind kind;
    bool fifo_only;
    size_t offset;
    int64_t min, max, initial;
    const char *words;
};

#define AT(member) offsetof(struct settings, member)

static const struct definition definitions[] = {
    {"DelaySeconds", NUMBER, false, AT(delay_s), 0, 900, 0, NULL},
    {"MaximumMessageSize", NUMBER, false, AT(max_bytes), 1024, 1048576, 1048576, NULL},
    {"MessageRetentionPeriod", NUMBER, false, AT(retention_s), 60, 1209600, 345600, NULL},
    {"ReceiveMessageWaitTimeSeconds", NUMBER, false, AT(wait_s), 0, 20, 0, NULL},
    {"VisibilityTimeout", NUMBER, false, AT(visibility_s), 0, 43200, 30, NULL},
    {"KmsDataKeyReusePeriodSeconds", NUMBER, false, AT(key_reuse_s), 60, 86400, 300, NULL},
    {"FifoQueue", BOOL, true, AT(fifo), 0, 0, 0, NULL},
    {"ContentBasedDeduplication", BOOL, true, AT(content_dedup), 0, 0, 0, NULL},
    {"SqsManagedSseEnabled", BOOL, false, AT(managed_sse), 0, 0, 1, NULL},
    {"Policy", FREE, false, AT(policy), 0, 0, 0, NULL},
    {"RedrivePolicy", FREE, false, AT(redrive), 0, 0, 0, NULL},
    {"RedriveAllowPolicy", FREE, false, AT(redrive_allow), 0, 0, 0, NULL},
    {"KmsMasterKeyId", FREE, false, AT(kms_key), 0, 0, 0, NULL},
    {"DeduplicationScope", WORD, true, AT(dedup_scope), 0, 0, 0, "queue messageGroup"},
    {"FifoThroughputLimit", WORD, true, AT(throughput_limit), 0, 0, 0,
     "perQueue perMessageGroupId"},
};

#define DEFINITIONS (sizeof(definitions) / sizeof(definitions[0]))

static int64_t *number_at(struct settings *s, const struct definition *d)
{
    return (int64_t *)(void *)((char *)s + d->offset);
}

static char **text_at(struct settings *s, const struct definition *d)
{
    return (char **)(void *)((char *)s + d->offset);
}

static int64_t number_in(const struct settings *s, const struct definition *d)
{
    return *(const int64_t *)(const void *)((const char *)s + d->offset);
}

static const char *text_in(const struct settings *s, const struct definition *d)
{
    return *(char *const *)(const void *)((const char *)s + d->offset);
}

static bool is_text(const struct definition *d)
{
    return d->kind == WORD || d->kind == FREE;
}

void settings_default(struct settings *s, bool fifo)
{
    *s = (struct settings){0};
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (!is_text(&definitions[i])) *number_at(s, &definitions[i]) = definitions[i].initial;
    }
    s->fifo = fifo;
}

static char *copy_or_null(const char *s)
{
    return s ? text_copy(text_of(s)) : NULL;
}

void settings_copy(struct settings *to, const struct settings *from)
{
    *to = *from;
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (is_text(&definitions[i]))
            *text_at(to, &definitions[i]) = copy_or_null(text_in(from, &definitions[i]));
    }
    to->dead_letter_arn = copy_or_null(from->dead_letter_arn);
}

void settings_free(struct settings *s)
{
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (is_text(&definitions[i])) free(*text_at(s, &definitions[i]));
    }
    free(s->dead_letter_arn);
    *s = (struct settings){0};
}

static bool bad_value(const char *name, struct api_error *e)
{
    return api_fail(e, API_INVALID_ATTRIBUTE_VALUE, "Invalid value for the parameter %s.", name);
}

static bool parse_number(struct text t, int64_t *out)
{
    char digits[24];
    if (!t.len || t.len >= sizeof(digits)) return false;
    memcpy(digits, t.ptr, t.len);
    digits[t.len] = 0;
    char *end = NULL;
    errno = 0;
    *out = strtoll(digits, &end, 10);
    return !errno && !*end && (digits[0] == '-' || (digits[0] >= '0' && digits[0] <= '9'));
}

static bool set_number(struct settings *s, const struct definition *d, struct text value,
                       struct api_error *e)
{
    int64_t n = 0;
    if (!parse_number(value, &n) || n < d->min || n > d->max) return bad_value(d->name, e);
    *number_at(s, d) = n;
    return true;
}

static bool set_bool(struct settings *s, const struct definition *d, struct text value,
                     struct api_error *e)
{
    if (!text_is_nocase(value, "true") && !text_is_nocase(value, "false"))
        return bad_value(d->name, e);
    *number_at(s, d) = text_is_nocase(value, "true");
    if (d->offset == AT(managed_sse) && s->managed_sse) s->sse_asked = true;
    return true;
}

static bool is_word_of(struct text value, const char *words)
{
    struct text rest = text_of(words);
    while (rest.len) {
        if (text_equal(text_cut(&rest, ' '), value)) return true;
    }
    return false;
}

/* maxReceiveCount may be a number or a string of digits. */
static bool read_count(const json_t *value, unsigned *out)
{
    int64_t n = json_is_integer(value) ? json_integer_value(value) : 0;
    if (json_is_string(value) && !parse_number(text_of(json_string_value(value)), &n)) return false;
    *out = (unsigned)n;
    return n >= 1 && n <= 1000;
}

static bool set_redrive(struct settings *s, struct text value, struct api_error *e)
{
    json_t *policy = json_loadb(value.ptr, value.len, 0, NULL);
    const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
    unsigned count = 0;
    bool ok = arn && text_starts(text_of(arn), "arn:") &&
              read_count(json_object_get(policy, "maxReceiveCount"), &count);
    if (ok) {
        free(s->dead_letter_arn);
        s->dead_letter_arn = text_copy(text_of(arn));
        s->max_receive_count = count;
    }
    json_decref(policy);
    if (!ok)
        return api_fail(e, API_INVALID_PARAMETER,
                        "Value %.*s for parameter RedrivePolicy is invalid. Reason: Redrive policy "
                        "is not a valid JSON map.",
                        (int)value.len, value.ptr);
    return true;
}

static bool allow_policy_ok(struct text value)
{
    json_t *policy = json_loadb(value.ptr, value.len, 0, NULL);
    const char *who = json_string_value(json_object_get(policy, "redrivePermission"));
    size_t sources = json_array_size(json_object_get(policy, "sourceQueueArns"));
    bool by_queue = who && !strcmp(who, "byQueue");
    bool ok = who && (by_queue || !strcmp(who, "allowAll") || !strcmp(who, "denyAll"));
    ok = ok && (by_queue ? sources >= 1 && sources <= 10 : sources == 0);
    json_decref(policy);
    return ok;
}

static bool set_text(struct settings *s, const struct definition *d, struct text value,
                     struct api_error *e)
{
    if (d->kind == WORD && !is_word_of(value, d->words)) return bad_value(d->name, e);
    if (d->offset == AT(redrive) && value.len && !set_redrive(s, value, e)) return false;
    if (d->offset == AT(redrive_allow) && value.len && !allow_policy_ok(value))
        return bad_value(d->name, e);
    free(*text_at(s, d));
    *text_at(s, d) = value.len ? text_copy(value) : NULL;
    if (d->offset == AT(redrive) && !value.len) {
        free(s->dead_letter_arn);
        s->dead_letter_arn = NULL;
    }
    return true;
}

/* What SQS says about a FIFO attribute on a standard queue depends on the attribute. */
static bool not_for_standard(const struct definition *d, struct api_error *e)
{
    if (d->kind == WORD)
        return api_fail(e, API_INVALID_ATTRIBUTE_NAME,
                        "You can specify the %s only when FifoQueue is set to true.", d->name);
    return api_fail(e, API_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %s.", d->name);
}

bool settings_set(struct settings *s, struct text name, struct text value, struct api_error *e)
{
    const struct definition *d = NULL;
    for (size_t i = 0; i < DEFINITIONS && !d; i++) {
        if (text_is(name, definitions[i].name)) d = &definitions[i];
    }
    if (!d)
        return api_fail(e, API_INVALID_ATTRIBUTE_NAME, "Unknown Attribute %.*s.", (int)name.len,
                        name.ptr);
    if (d->fifo_only && !s->fifo) return not_for_standard(d, e);
    if (d->offset == AT(fifo) && !text_is(value, "true")) return bad_value(d->name, e);
    switch (d->kind) {
    case NUMBER:
        return set_number(s, d, value, e);
    case BOOL:
        return set_bool(s, d, value, e);
    case WORD:
    case FREE:
        break;
    }
    if (d->offset == AT(kms_key) && value.len) s->kms_asked = true;
    return set_text(s, d, value, e);
}

bool settings_dedup_per_group(const struct settings *s)
{
    return s->dedup_scope && !strcmp(s->dedup_scope, "messageGroup");
}

/* One kind of encryption replaces the other; asking for both at once is refused. */
static bool settle_encryption(struct settings *s, struct api_error *e)
{
    if (s->kms_asked && s->sse_asked)
        return api_fail(e, API_INVALID_ATTRIBUTE_NAME,
                        "You can use one type of server-side encryption (SSE) at one time. You can "
                        "either enable KMS SSE or SQS SSE.");
    if (s->kms_asked) s->managed_sse = false;
    if (s->sse_asked) {
        free(s->kms_key);
        s->kms_key = NULL;
    }
    s->kms_asked = s->sse_asked = false;
    return true;
}

bool settings_settle(struct settings *s, struct api_error *e)
{
    bool per_group = s->throughput_limit && !strcmp(s->throughput_limit, "perMessageGroupId");
    if (per_group && !settings_dedup_per_group(s))
        return api_fail(e, API_INVALID_ATTRIBUTE_VALUE,
                        "The perMessageGroupId value is allowed only when the value for "
                        "DeduplicationScope is messageGroup.");
    return settle_encryption(s, e);
}

static bool shown(const struct settings *s, const struct definition *d)
{
    if (d->fifo_only && !s->fifo) return false;
    if (d->offset == AT(key_reuse_s)) return s->kms_key;
    return !is_text(d) || d->kind == WORD || text_in(s, d);
}

/* The first word is the default of a WORD. */
static struct text value_of(const struct settings *s, const struct definition *d, char digits[24])
{
    if (d->kind == NUMBER) {
        snprintf(digits, 24, "%" PRId64, number_in(s, d));
        return text_of(digits);
    }
    if (d->kind == BOOL) return text_of(number_in(s, d) ? "true" : "false");
    if (text_in(s, d)) return text_of(text_in(s, d));
    struct text words = text_of(d->words ? d->words : "");
    return text_cut(&words, ' ');
}

void settings_each(const struct settings *s,
                   void (*each)(void *ctx, const char *name, struct text value), void *ctx)
{
    char digits[24];
    for (size_t i = 0; i < DEFINITIONS; i++) {
        if (shown(s, &definitions[i]))
            each(ctx, definitions[i].name, value_of(s, &definitions[i], digits));
    }
}

const char *settings_differ(const struct settings *asked, const struct settings *have)
{
    char left[24], right[24];
    for (size_t i = 0; i < DEFINITIONS; i++) {
        const struct definition *d = &definitions[i];
        if (!text_equal(value_of(asked, d, left), value_of(have, d, right))) return d->name;
    }
    return NULL;
}
