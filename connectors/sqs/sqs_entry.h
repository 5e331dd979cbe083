/* A message as an entry of SendMessageBatch: its mapping, its message group, its deduplication id.
 * Thread: the pipeline's. */
#ifndef CONNECTORS_SQS_SQS_ENTRY_H
#define CONNECTORS_SQS_SQS_ENTRY_H

#include "bridge/mapping.h"
#include "connectors/sqs/sqs.h"
#include "connectors/sqs/sqs_digest.h"
#include "connectors/sqs/sqs_limits.h"
#include "connectors/sqs/sqs_wire.h"

/* Makes entries, one at a time: the next one reuses its buffers. */
struct sqs_maker {
    const struct sqs_sink_conf *conf;
    const struct sqs_queue *queue;
    const char *pipeline;
    struct sqs_digest *digest;
    uint64_t nonce; /* of this run, for messages whose source can't name them */
    struct buf scratch;
    char group_id[SQS_ID_MAX + 1], deduplication_id[SQS_ID_MAX + 1];
    struct mapping_sqs mapped;
    struct sqs_entry entry; /* what was made; views into the above and the message */
};

/* The message group alone, into maker->entry.group_id. FAULT_REJECT where the template needs what
 * the message has not. */
bool sqs_entry_group(struct sqs_maker *maker, const struct leg *l, struct error *e) MUST_USE;

/* All the rest; maker->mapped.size is its size as SQS counts it. */
bool sqs_entry_make(struct sqs_maker *maker, const struct leg *l, struct error *e) MUST_USE;

void sqs_maker_free(struct sqs_maker *maker); /* what it holds */

#endif
