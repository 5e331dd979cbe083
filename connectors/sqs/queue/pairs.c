#include "connectors/sqs/queue/pairs.h"

#include <sysexits.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

bool queue_add_tag(struct queue_run *run, const char *text, struct sqs_pairs *tags)
{
    struct error e;
    const char *equals = strchr(text, '=');
    if (!equals) return queue_fail(run, EX_USAGE, "a tag is written KEY=VALUE: \"%s\"", text);
    struct bytes key = bytes_of(text, (size_t)(equals - text)), value = bytes_str(equals + 1);
    if (!sqs_check_tag(key, value, &e))
        return queue_fail(run, EX_DATAERR, "tag \"%s\": %s", text, e.text);
    if (tags->count == SQS_MAX_TAGS)
        return queue_fail(run, EX_DATAERR, "more than %d tags", SQS_MAX_TAGS);
    sqs_pairs_add(tags, key, value);
    return true;
}

static bool read_binary(struct queue_run *run, struct bytes text, struct attr *a,
                        struct buf *scratch)
{
    size_t begin = scratch->len;
    const char *file = text.ptr;
    bool ok = *file == '@' ? queue_read_file(run, file + 1, scratch)
                           : text_unbase64(text, scratch) ||
                                 queue_fail(run, EX_DATAERR,
                                            "attribute \"%.*s\": not base64 (write that, or @FILE)",
                                            BYTES_ARGS(a->name));
    a->value = bytes_of(scratch->ptr + begin, scratch->len - begin);
    return ok;
}

bool queue_read_attr(struct queue_run *run, const char *text, struct attr *a, struct buf *scratch)
{
    struct error e;
    const char *equals = strchr(text, '=');
    if (!equals)
        return queue_fail(run, EX_USAGE,
                          "an attribute is written NAME=VALUE or NAME:TYPE=VALUE: "
                          "\"%s\"",
                          text);
    const char *colon = memchr(text, ':', (size_t)(equals - text)), *end = colon ? colon : equals;
    *a =
        (struct attr){.name = bytes_of(text, (size_t)(end - text)), .value = bytes_str(equals + 1)};
    struct bytes type =
        colon ? bytes_of(colon + 1, (size_t)(equals - colon) - 1) : BYTES_LIT("String");
    if (!mapping_type_read(type, a))
        return queue_fail(run, EX_DATAERR,
                          "attribute \"%.*s\": no such type: \"%.*s\" (String, Number or Binary, "
                          "with .anything behind it)",
                          BYTES_ARGS(a->name), BYTES_ARGS(type));
    if (a->type == ATTR_BINARY && !read_binary(run, a->value, a, scratch)) return false;
    return sqs_check_attr(a, &e) ||
           queue_fail(run, EX_DATAERR, "attribute \"%.*s\": %s", BYTES_ARGS(a->name), e.text);
}
