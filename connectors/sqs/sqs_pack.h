/* One SendMessageBatch as it fills up: at most ten entries, at most so many bytes together, as SQS
 * counts them. Thread: the pipeline's. Owner: its request; out is the request's body. */
#ifndef CONNECTORS_SQS_SQS_PACK_H
#define CONNECTORS_SQS_SQS_PACK_H

#include "connectors/sqs/sqs_digest.h"
#include "connectors/sqs/sqs_limits.h"
#include "connectors/sqs/sqs_wire.h"

/* What SQS must say of a message that it has as it was sent. */
struct sqs_sums {
    struct sqs_md5 body, attrs, system;
    bool has_attrs, has_system;
};
struct sqs_sums sqs_sums_of(struct sqs_digest *d, const struct sqs_entry *entry);
bool sqs_sums_agree(const struct sqs_sums *sums, const struct sqs_digest *d,
                    const struct sqs_result *r);

struct sqs_pack {
    struct buf *out;
    size_t count, bytes;
    struct sqs_sums sums[SQS_BATCH];
};

void sqs_pack_begin(struct sqs_pack *p, struct buf *out, const char *queue_url);

/* Whether an entry of that size may join. The first one always may. */
bool sqs_pack_fits(const struct sqs_pack *p, size_t size, size_t max_bytes);
void sqs_pack_add(struct sqs_pack *p, struct sqs_digest *d, const struct sqs_entry *entry,
                  size_t size);
void sqs_pack_end(struct sqs_pack *p);

/* Whether SQS has entry i as we sent it, by the MD5s of its answer. */
bool sqs_pack_agrees(const struct sqs_pack *p, const struct sqs_digest *d, size_t i,
                     const struct sqs_result *r);

#endif
