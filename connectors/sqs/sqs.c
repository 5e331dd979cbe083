#include "connectors/sqs/sqs.h"
#include "connectors/sqs/queue/queue.h"

const struct connector connector_sqs = {
    .name = "sqs",
    .summary = "Amazon SQS queues, standard and FIFO",
    .source = &sqs_source_ops,
    .sink = &sqs_sink_ops,
    .verbs = queue_verbs,
};
