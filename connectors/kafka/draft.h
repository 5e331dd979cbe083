/* A Kafka message as our own: body, key, headers, topic, time, and its name
 * "topic-partition-offset". Thread: the pipeline's. */
#ifndef CONNECTORS_KAFKA_DRAFT_H
#define CONNECTORS_KAFKA_DRAFT_H

#include <librdkafka/rdkafka.h>

#include "bridge/msg.h"

/* Room that is used again for each message. Zero-initialise. */
struct kafka_draft {
    struct attr attrs[MSG_MAX_ATTRS];
    struct buf scratch;
    bool cut; /* the last message had more headers than MSG_MAX_ATTRS; the rest of them is left out
               */
};

struct msg *kafka_draft_msg(struct kafka_draft *d, const rd_kafka_message_t *from,
                            struct bytes topic); /* returns a reference */
void kafka_draft_free(struct kafka_draft *d);

#endif
