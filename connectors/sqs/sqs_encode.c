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

static void put_names(struct json_writer *w, const char *key, const struct bytes *names, size_t n)
{
    json_key(w, key);
    json_array(w);
    for (size_t i = 0; i < n; i++)
        json_string(w, names[i]);
    json_array_end(w);
}

static void put_id(struct json_writer *w, struct bytes id, size_t index)
{
    char digit = (char)('0' + index);
    put_text(w, "Id", id.ptr ? id : bytes_of(&digit, 1));
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

static void put_wanted(struct json_writer *w, const struct sqs_receive *r)
{
    static const struct bytes sent = BYTES_INIT("SentTimestamp"),
                              group = BYTES_INIT("MessageGroupId"),
                              receives = BYTES_INIT("ApproximateReceiveCount"),
                              all = BYTES_INIT("All");
    const struct bytes ours[] = {sent, group, receives};
    if (!r->system_names)
        put_names(w, "MessageSystemAttributeNames", ours, 3);
    else if (r->system_name_count)
        put_names(w, "MessageSystemAttributeNames", r->system_names, r->system_name_count);
    if (!r->attr_names)
        put_names(w, "MessageAttributeNames", &all, 1);
    else if (r->attr_name_count)
        put_names(w, "MessageAttributeNames", r->attr_names, r->attr_name_count);
}

void sqs_encode_receive(struct buf *out, const struct sqs_receive *r)
{
    struct json_writer w = begin(out, r->queue_url);
    put_number(&w, "MaxNumberOfMessages", r->max);
    if (r->wait_s >= 0) put_number(&w, "WaitTimeSeconds", r->wait_s);
    if (r->visibility_s >= 0) put_number(&w, "VisibilityTimeout", r->visibility_s);
    put_wanted(&w, r);
    if (r->attempt_id) put_text(&w, "ReceiveRequestAttemptId", bytes_str(r->attempt_id));
    json_object_end(&w);
}

void sqs_encode_handles(struct buf *out, const struct sqs_handles *batch)
{
    struct json_writer w = begin_batch(out, batch->queue_url);
    for (size_t i = 0; i < batch->count; i++) {
        json_object(&w);
        put_id(&w, batch->ids ? batch->ids[i] : BYTES_NONE, i);
        put_text(&w, "ReceiptHandle", batch->handles[i]);
        if (batch->seconds) put_number(&w, "VisibilityTimeout", batch->seconds[i]);
        json_object_end(&w);
    }
    end_batch(&w);
}

void sqs_encode_queue_attributes(struct buf *out, const char *queue_url, const struct bytes *names,
                                 size_t n)
{
    struct json_writer w = begin(out, queue_url);
    put_names(&w, "AttributeNames", names, n);
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

void sqs_write_attrs(struct json_writer *w, const char *key, const struct attr *attrs, size_t n)
{
    if (!n) return;
    json_key(w, key);
    json_object(w);
    for (size_t i = 0; i < n; i++)
        put_attr(w, &attrs[i]);
    json_object_end(w);
}

static void put_message(struct json_writer *w, const struct sqs_entry *entry)
{
    const struct attr trace = {.name = BYTES_LIT("AWSTraceHeader"), .value = entry->trace_header};
    put_text(w, "MessageBody", entry->body);
    if (entry->delay_s || entry->no_delay) put_number(w, "DelaySeconds", entry->delay_s);
    if (entry->group_id.ptr) put_text(w, "MessageGroupId", entry->group_id);
    if (entry->deduplication_id.ptr) put_text(w, "MessageDeduplicationId", entry->deduplication_id);
    sqs_write_attrs(w, "MessageAttributes", entry->attrs, entry->attr_count);
    sqs_write_attrs(w, "MessageSystemAttributes", &trace, trace.value.ptr ? 1 : 0);
}

void sqs_encode_send_begin(struct buf *out, const char *queue_url)
{
    begin_batch(out, queue_url);
}

void sqs_encode_send_entry(struct buf *out, size_t index, const struct sqs_entry *entry)
{
    struct json_writer w = {.out = out, .need_comma = index > 0};
    json_object(&w);
    put_id(&w, entry->id, index);
    put_message(&w, entry);
    json_object_end(&w);
}

void sqs_encode_send_end(struct buf *out)
{
    struct json_writer w = {.out = out};
    end_batch(&w);
}

void sqs_encode_send(struct buf *out, const char *queue_url, const struct sqs_entry *entry)
{
    struct json_writer w = begin(out, queue_url);
    put_message(&w, entry);
    json_object_end(&w);
}
