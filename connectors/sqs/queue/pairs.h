/* "KEY=VALUE" and "NAME:TYPE=VALUE" of command lines. Thread: the main one. */
#ifndef CONNECTORS_SQS_QUEUE_PAIRS_H
#define CONNECTORS_SQS_QUEUE_PAIRS_H

#include "connectors/sqs/queue/run.h"

/* A checked tag; views into text. */
bool queue_add_tag(struct queue_run *run, const char *text, struct sqs_pairs *tags) MUST_USE;

/* A message attribute: "NAME=VALUE" is a String, "NAME:Number.int=VALUE" what it says. The value of
 * a Binary is base64, or @FILE. Views into text and scratch, which is to be empty. */
bool queue_read_attr(struct queue_run *run, const char *text, struct attr *a,
                     struct buf *scratch) MUST_USE;

#endif
