/* What the answer to a call means: part of the client. Thread: the loop's. */
#ifndef CONNECTORS_SQS_SQS_ANSWER_H
#define CONNECTORS_SQS_SQS_ANSWER_H

#include "connectors/sqs/sqs_client.h"

/* Fills in the call's class, error and code. queue: its name, "" where there is none. */
void sqs_answer_read(struct sqs_call *call, const char *queue);

/* "SendMessageBatch: queue "orders": " before the error. */
void sqs_answer_name_error(struct sqs_call *call, const char *queue);

#endif
