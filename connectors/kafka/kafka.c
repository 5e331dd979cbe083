#include "connectors/kafka/kafka.h"

const struct connector connector_kafka = {
    .name = "kafka",
    .summary = "Apache Kafka: a consumer of a group, an idempotent producer (librdkafka)",
    .source = &kafka_source,
    .sink = &kafka_sink,
};
