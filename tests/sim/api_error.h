/* The errors of the SQS API: what goes on the wire for each code (service model, sqs/2012-11-05).
 */
#ifndef SIM_API_ERROR_H
#define SIM_API_ERROR_H

#include <stdbool.h>

enum api_code {
    API_BATCH_IDS_NOT_DISTINCT,
    API_BATCH_TOO_LONG,
    API_BATCH_EMPTY,
    API_BATCH_TOO_MANY,
    API_BATCH_ID_INVALID,
    API_EXPIRED_TOKEN,
    API_INCOMPLETE_SIGNATURE,
    API_INTERNAL,
    API_INVALID_ADDRESS,
    API_INVALID_ATTRIBUTE_NAME,
    API_INVALID_ATTRIBUTE_VALUE,
    API_INVALID_CONTENTS,
    API_INVALID_PARAMETER,
    API_MISSING_PARAMETER,
    API_MISSING_TOKEN,
    API_NO_SUCH_QUEUE,
    API_NO_SUCH_RESOURCE,
    API_NOT_IN_FLIGHT,
    API_OVER_LIMIT,
    API_PURGE_IN_PROGRESS,
    API_QUEUE_DELETED_RECENTLY,
    API_QUEUE_EXISTS,
    API_RECEIPT_HANDLE_INVALID,
    API_SERIALIZATION,
    API_SIGNATURE_MISMATCH,
    API_THROTTLED,
    API_UNKNOWN_CLIENT,
    API_UNKNOWN_OPERATION,
    API_UNSUPPORTED,
    API_CODES,
};

struct api_error {
    enum api_code code;
    char text[3072]; /* a signature mismatch quotes the canonical request, as AWS does */
};

struct api_wire {
    const char *type;  /* __type of the JSON body */
    const char *query; /* the legacy code: x-amzn-query-error, and Code of a batch entry */
    int status;
};

const struct api_wire *api_wire(enum api_code code);
/* Always returns false, so that a check can end with `return api_fail(...)`. */
bool api_fail(struct api_error *e, enum api_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
