/* librdkafka's configuration out of ours. What the user sets through `properties` comes last and
 * wins over our defaults; what the guarantees rest on, and what has an option of its own, is
 * refused. Thread: any. */
#ifndef CONNECTORS_KAFKA_CONF_H
#define CONNECTORS_KAFKA_CONF_H

#include <librdkafka/rdkafka.h>

#include "connectors/kafka/kafka.h"

/* What depends on the pipeline that asks. */
struct kafka_conf_run {
    const char *pipeline; /* its name */
    unsigned worker;
    unsigned window;
};

/* NULL and FAULT_CONFIG where librdkafka will not have it. rd_kafka_new() takes the result. */
rd_kafka_conf_t *kafka_conf_consumer(const struct kafka_source_conf *conf,
                                     const struct kafka_conf_run *run, struct error *e);

/* Messages carry their struct leg as opaque: where the user names no partitioner, it keeps the
 * order of lanes that have no key. */
rd_kafka_conf_t *kafka_conf_producer(const struct kafka_sink_conf *conf,
                                     const struct kafka_conf_run *run, struct error *e);

/* For lint: builds it and reports each fault. Where it is complete, a client without brokers is
 * made from it too: that loads certificates and checks values against each other. */
void kafka_conf_check_consumer(const struct kafka_source_conf *conf, bool complete,
                               struct opt_report *r);
void kafka_conf_check_producer(const struct kafka_sink_conf *conf, bool complete,
                               struct opt_report *r);

/* What the cluster surely takes: the user's message.max.bytes, else what brokers come with. */
int64_t kafka_conf_message_max(const struct kafka_sink_conf *conf);

/* Why this property of librdkafka may not be set, NULL: it may. */
const char *kafka_property_refused(const char *name);

/* Splits "name=value", without blanks around. False: it is not of that form. */
bool kafka_property_split(const char *text, char *name, size_t size, const char **value) MUST_USE;

#endif
