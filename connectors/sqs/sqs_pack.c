#include "connectors/sqs/sqs_pack.h"

void sqs_pack_begin(struct sqs_pack *p, struct buf *out, const char *queue_url)
{
    p->out = out;
    p->count = p->bytes = 0;
    out->len = 0;
    sqs_encode_send_begin(out, queue_url);
}

bool sqs_pack_fits(const struct sqs_pack *p, size_t size, size_t max_bytes)
{
    return p->count == 0 || (p->count < SQS_BATCH && p->bytes + size <= max_bytes);
}

void sqs_pack_add(struct sqs_pack *p, struct sqs_digest *d, const struct sqs_entry *entry,
                  size_t size)
{
    size_t i = p->count++;
    p->bytes += size;
    p->body_md5[i] = sqs_digest_body(d, entry->body);
    p->has_attrs[i] = entry->attr_count > 0;
    if (p->has_attrs[i]) p->attrs_md5[i] = sqs_digest_attrs(d, entry->attrs, entry->attr_count);
    sqs_encode_send_entry(p->out, i, entry);
}

void sqs_pack_end(struct sqs_pack *p)
{
    sqs_encode_send_end(p->out);
}

bool sqs_pack_agrees(const struct sqs_pack *p, const struct sqs_digest *d, size_t i,
                     const struct sqs_result *r)
{
    if (!sqs_digest_agrees(d, &p->body_md5[i], r->body_md5)) return false;
    return !p->has_attrs[i] || sqs_digest_agrees(d, &p->attrs_md5[i], r->attrs_md5);
}
