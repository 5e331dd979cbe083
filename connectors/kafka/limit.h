/* How large a message a topic takes (its max.message.bytes), asked of the brokers, so that one that
 * can never go is found before it fails all that are sent with it. Where the brokers don't say
 * (rights, age), their refusal does: see suspects.h. Thread: the pipeline's. Owner: a sink. */
#ifndef CONNECTORS_KAFKA_LIMIT_H
#define CONNECTORS_KAFKA_LIMIT_H

#include "bridge/msg.h"
#include "connectors/kafka/client.h"

/* Zero-initialise. */
struct kafka_limit {
    int64_t bytes;     /* 0: unknown */
    uint64_t known_ms; /* loop time of the answer */
    bool asked;        /* and not answered */
};

/* The answer is an event of the client. Harmless while one is on its way. */
void kafka_limit_ask(struct kafka_limit *limit, struct kafka_client *c, const char *topic);

/* False: the event is something else. */
bool kafka_limit_answered(struct kafka_limit *limit, struct kafka_client *c,
                          rd_kafka_event_t *event);
void kafka_limit_forget(struct kafka_limit *limit); /* the client is gone, and so is the answer */

/* Whether it is certain that the topic does not take this message. Where the answer is old, it is
 * not, and the brokers are asked again. */
bool kafka_limit_exceeded(struct kafka_limit *limit, struct kafka_client *c, const char *topic,
                          const struct msg *m);

#endif
