#include "connectors/sqs/sqs_pack.h"

struct sqs_sums sqs_sums_of(struct sqs_digest *d, const struct sqs_entry *entry)
{
    struct sqs_sums sums = {
        .body = sqs_digest_body(d, entry->body),
        .has_attrs = entry->attr_count > 0,
        .has_system = entry->trace_header.ptr != NULL,
    };
    const struct attr trace = {.name = BYTES_LIT("AWSTraceHeader"), .value = entry->trace_header};
    if (sums.has_attrs) sums.attrs = sqs_digest_attrs(d, entry->attrs, entry->attr_count);
    if (sums.has_system) sums.system = sqs_digest_attrs(d, &trace, 1);
    return sums;
}

bool sqs_sums_agree(const struct sqs_sums *sums, const struct sqs_digest *d,
                    const struct sqs_result *r)
{
    if (!sqs_digest_agrees(d, &sums->body, r->body_md5)) return false;
    if (sums->has_attrs && !sqs_digest_agrees(d, &sums->attrs, r->attrs_md5)) return false;
    return !sums->has_system || sqs_digest_agrees(d, &sums->system, r->system_md5);
}

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
    p->sums[i] = sqs_sums_of(d, entry);
    sqs_encode_send_entry(p->out, i, entry);
}

void sqs_pack_end(struct sqs_pack *p)
{
    sqs_encode_send_end(p->out);
}

bool sqs_pack_agrees(const struct sqs_pack *p, const struct sqs_digest *d, size_t i,
                     const struct sqs_result *r)
{
    return sqs_sums_agree(&p->sums[i], d, r);
}
