/* `sqsbridge queue VERB ...`: every action of SQS from the command line, on the same client as the
 * source and the sink. Thread: the main one. */
#ifndef CONNECTORS_SQS_QUEUE_QUEUE_H
#define CONNECTORS_SQS_QUEUE_QUEUE_H

#include "bridge/verb.h"

extern const struct verb queue_verbs[];

#endif
