#include "connectors/sqs/sqs_wire.h"

#include "bridge/mapping.h"

static void put_text(struct json_writer *w, const char *key, struct bytes value)
{
    json_key(w, key);
    json_string(w, value);
}

static void put_number(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_number(w, value);
}

static void put_names(struct json_writer *w, const char *key, const char *const *names)
{
    json_key(w, key);
    json_array(w);
    for (; *names; names++)
        json_string(w, bytes_str(*names));
    json_array_end(w);
}

static void put_id(struct json_writer *w, size_t index)
{
    char digit = (char)('0' + index);
    put_text(w, "Id", bytes_of(&digit, 1));
}

static struct json_writer begin(struct buf *out, const char *queue_url)
{
    struct json_writer w = {.out = out};
    json_object(&w);
    put_text(&w, "QueueUrl", bytes_str(queue_url));
    return w;
}

static struct json_writer begin_batch(struct buf *out, const char *queue_url)
{
    struct json_writer w = begin(out, queue_url);
    json_key(&w, "Entries");
    json_array(&w);
    return w;
}

static void end_batch(struct json_writer *w)
{
    json_array_end(w);
    json_object_end(w);
}

void sqs_encode_receive(struct buf *out, const struct sqs_receive *r)
{
    static const char *const system_names[] = {"SentTimestamp", "MessageGroupId", NULL};
    static const char *const names[] = {"All", NULL};
    struct json_writer w = begin(out, r->queue_url);
    put_number(&w, "MaxNumberOfMessages", r->max);
    put_number(&w, "WaitTimeSeconds", r->wait_s);
    put_number(&w, "VisibilityTimeout", r->visibility_s);
    put_names(&w, "MessageSystemAttributeNames", system_names);
    put_names(&w, "MessageAttributeNames", names);
    if (r->attempt_id) put_text(&w, "ReceiveRequestAttemptId", bytes_str(r->attempt_id));
    json_object_end(&w);
}

void sqs_encode_delete(struct buf *out, const char *queue_url, const struct bytes *handles,
                       size_t n)
{
    struct json_writer w = begin_batch(out, queue_url);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        put_id(&w, i);
        put_text(&w, "ReceiptHandle", handles[i]);
        json_object_end(&w);
    }
    end_batch(&w);
}

void sqs_encode_visibility(struct buf *out, const char *queue_url, const struct bytes *handles,
                           const int64_t *seconds, size_t n)
{
    struct json_writer w = begin_batch(out, queue_url);
    for (size_t i = 0; i < n; i++) {
        json_object(&w);
        put_id(&w, i);
        put_text(&w, "ReceiptHandle", handles[i]);
        put_number(&w, "VisibilityTimeout", seconds[i]);
        json_object_end(&w);
    }
    end_batch(&w);
}

void sqs_encode_queue_attribute(struct buf *out, const char *queue_url, const char *name)
{
    const char *const names[] = {name, NULL};
    struct json_writer w = begin(out, queue_url);
    put_names(&w, "AttributeNames", names);
    json_object_end(&w);
}

static void put_attr(struct json_writer *w, const struct attr *a)
{
    char type[300];
    size_t len = mapping_type_write(a, type, sizeof(type));
    json_key_bytes(w, a->name);
    json_object(w);
    put_text(w, "DataType", bytes_of(type, len));
    if (a->type == ATTR_BINARY) {
        json_key(w, "BinaryValue");
        json_base64(w, a->value);
    } else {
        put_text(w, "StringValue", a->value);
    }
    json_object_end(w);
}

void sqs_encode_send_begin(struct buf *out, const char *queue_url)
{
    begin_batch(out, queue_url);
}

void sqs_encode_send_entry(struct buf *out, size_t index, const struct sqs_entry *entry)
{
    struct json_writer w = {.out = out, .need_comma = index > 0};
    json_object(&w);
    put_id(&w, index);
    put_text(&w, "MessageBody", entry->body);
    if (entry->delay_s) put_number(&w, "DelaySeconds", entry->delay_s);
    if (entry->group_id.ptr) put_text(&w, "MessageGroupId", entry->group_id);
    if (entry->deduplication_id.ptr)
        put_text(&w, "MessageDeduplicationId", entry->deduplication_id);
    if (entry->attr_count) {
        json_key(&w, "MessageAttributes");
        json_object(&w);
        for (size_t i = 0; i < entry->attr_count; i++)
            put_attr(&w, &entry->attrs[i]);
        json_object_end(&w);
    }
    json_object_end(&w);
}

void sqs_encode_send_end(struct buf *out)
{
    struct json_writer w = {.out = out};
    end_batch(&w);
}
