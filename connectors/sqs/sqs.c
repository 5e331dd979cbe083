#include "connectors/sqs/sqs.h"

const struct connector connector_sqs = {
    .name = "sqs",
    .summary = "Amazon SQS queues, standard and FIFO",
    .source = &sqs_source_ops,
    .sink = &sqs_sink_ops,
};
