/* One message on its way into librdkafka: topic and key by their templates, attributes as headers.
 * The body is not copied: librdkafka reads it until the delivery report, and the leg keeps the
 * message until then. Thread: the pipeline's. */
#ifndef CONNECTORS_KAFKA_PRODUCE_H
#define CONNECTORS_KAFKA_PRODUCE_H

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/kafka.h"

/* Zero-initialise; set conf. */
struct kafka_produce {
    const struct kafka_sink_conf *conf;
    struct buf topic, key; /* expanded; used again for each message */
};

/* The leg is the opaque of the delivery report. constant: the topic, where the option has no field
 * in it; else NULL. False: code says why, and no report will come; with
 * RD_KAFKA_RESP_ERR__INVALID_ARG e has FAULT_REJECT for this message. */
bool kafka_produce_leg(struct kafka_produce *p, rd_kafka_t *rk, rd_kafka_topic_t *constant,
                       struct leg *l, rd_kafka_resp_err_t *code, struct error *e) MUST_USE;

void kafka_produce_free(struct kafka_produce *p);

#endif
