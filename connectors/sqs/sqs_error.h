/* What an error of SQS means: which class it is of, and what a person can do about it.
 * Thread: any; no state. Source: the service model, SDK retry rules, answers recorded from AWS. */
#ifndef CONNECTORS_SQS_SQS_ERROR_H
#define CONNECTORS_SQS_SQS_ERROR_H

#include "bridge/bytes.h"
#include "bridge/error.h"

enum sqs_class {
    SQS_OK,
    SQS_TRANSIENT,   /* try again */
    SQS_THROTTLED,   /* try again, slower */
    SQS_CLOCK,       /* the signature was refused, maybe because our clock is wrong */
    SQS_CREDENTIALS, /* the keys are wrong or have expired */
    SQS_CONFIG,      /* no such queue and the like: somebody must act */
    SQS_DENIED,      /* not allowed: somebody must act */
    SQS_HANDLE,      /* this receipt handle is dead */
    SQS_TOO_LONG,    /* the batch as a whole is too large */
    SQS_SENDER,      /* what we sent can never be accepted */
};

/* From the short code (see sqs_short_code()), the message, and the HTTP status where there is
 * neither. */
enum sqs_class sqs_classify(int status, struct bytes code, struct bytes message);

/* The same for one entry of a batch that failed. */
enum sqs_class sqs_classify_entry(bool sender_fault, struct bytes code, struct bytes message);

/* What to do about it, in words; permission: as policies name it ("sqs:SendMessage"). "": nothing
 * better than the message says. */
void sqs_error_hint(enum sqs_class class, struct bytes code, struct bytes message,
                    const char *permission, char *text, size_t size);

#endif
