#include "connectors/sqs/sqs_entry.h"

#include <stdlib.h>

/* The text itself where SQS can carry it, else its hash: equal texts give equal ids. */
static struct bytes put_id(struct sqs_maker *maker, struct bytes text, char id[SQS_ID_MAX + 1])
{
    if (!sqs_is_id(text)) {
        sqs_digest_sha256(maker->digest, &text, 1, id);
        return bytes_str(id);
    }
    memcpy(id, text.ptr, text.len);
    return bytes_of(id, text.len);
}

static bool expand_id(struct sqs_maker *maker, const struct template *template, const struct msg *m,
                      char id[SQS_ID_MAX + 1], struct bytes *out, struct error *e)
{
    maker->scratch.len = 0;
    if (!template_expand(template, m, &maker->scratch, e)) return false;
    *out = put_id(maker, bytes_of(maker->scratch.ptr, maker->scratch.len), id);
    return true;
}

bool sqs_entry_group(struct sqs_maker *maker, const struct leg *l, struct error *e)
{
    struct bytes *group = &maker->entry.group_id;
    const struct template *template = maker->conf->message_group_id;
    *group = BYTES_NONE;
    if (template)
        return expand_id(maker, template, l->msg, maker->group_id, group, e) ||
               error_prefix(e, "message_group_id");
    if (!maker->queue->fifo) return true;
    bool keyed = l->msg->key.len > 0;
    *group = put_id(maker, keyed ? l->msg->key : bytes_str(maker->pipeline), maker->group_id);
    return true;
}

/* The same for the same message of the source, however often it is sent: SQS drops the repetitions
 * of five minutes. A message without a position is known by its number in this run. The time is
 * part of it as a topic that is deleted and made anew counts its offsets from 0. */
static void make_deduplication_id(struct sqs_maker *maker, const struct leg *l)
{
    struct bytes origin = l->msg->topic, position = l->msg->position;
    struct bytes sent = bytes_of(&l->msg->timestamp_ms, sizeof(l->msg->timestamp_ms));
    if (!position.len) {
        origin = bytes_of(&maker->nonce, sizeof(maker->nonce));
        position = bytes_of(&l->seq, sizeof(l->seq));
    }
    const struct bytes parts[] = {bytes_str(maker->pipeline), origin, position, sent};
    sqs_digest_sha256(maker->digest, parts, sizeof(parts) / sizeof(parts[0]),
                      maker->deduplication_id);
    maker->entry.deduplication_id = bytes_str(maker->deduplication_id);
}

static bool deduplication_id(struct sqs_maker *maker, const struct leg *l, struct error *e)
{
    const struct template *template = maker->conf->message_deduplication_id;
    struct bytes *id = &maker->entry.deduplication_id;
    *id = BYTES_NONE;
    if (!maker->queue->fifo) return true;
    if (template)
        return expand_id(maker, template, l->msg, maker->deduplication_id, id, e) ||
               error_prefix(e, "message_deduplication_id");
    make_deduplication_id(maker, l);
    return true;
}

bool sqs_entry_make(struct sqs_maker *maker, const struct leg *l, struct error *e)
{
    struct sqs_entry *entry = &maker->entry;
    if (!deduplication_id(maker, l, e)) return false;
    maker->scratch.len = 0;
    if (!mapping_to_sqs(l->msg, (size_t)maker->conf->max_message_bytes, &maker->mapped,
                        &maker->scratch, e))
        return false;
    entry->body = maker->mapped.body;
    entry->attrs = maker->mapped.attrs;
    entry->attr_count = maker->mapped.attr_count;
    entry->delay_s = maker->conf->delay_seconds;
    return true;
}

void sqs_maker_free(struct sqs_maker *maker)
{
    free(maker->scratch.ptr);
}
