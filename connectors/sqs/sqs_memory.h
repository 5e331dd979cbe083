/* The ids of messages that were confirmed and are held no more: should one come again, it is
 * deleted and not sent again. Bounded by number and by age; the oldest is forgotten. Apart from
 * sqs_held.h, and small, because at full load an id is written here for every message.
 * Thread: the pipeline's. Owner: whoever holds the struct; it copies the ids. */
#ifndef CONNECTORS_SQS_SQS_MEMORY_H
#define CONNECTORS_SQS_SQS_MEMORY_H

#include <stdint.h>
#include <sys/queue.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

struct sqs_remembered;
TAILQ_HEAD(sqs_remembered_list, sqs_remembered);

struct sqs_memory {
    struct sqs_remembered **buckets;
    size_t mask, count, max;
    uint64_t keep_ms;
    struct sqs_remembered_list list; /* oldest first */
};

void sqs_memory_init(struct sqs_memory *m, size_t max, uint64_t keep_ms);
void sqs_memory_free(struct sqs_memory *m);

void sqs_memory_add(struct sqs_memory *m, struct bytes id, uint64_t now_ms); /* not in it yet */
bool sqs_memory_take(struct sqs_memory *m, struct bytes id); /* true: it was in it till now */

#endif
