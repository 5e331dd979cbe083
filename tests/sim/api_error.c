#include "tests/sim/api_error.h"

#include <stdarg.h>
#include <stdio.h>

#define SQS "com.amazonaws.sqs#"
#define CORAL "com.amazon.coral.service#"
#define LEGACY "AWS.SimpleQueueService."

static const struct api_wire wires[API_CODES] = {
    [API_BATCH_IDS_NOT_DISTINCT] = {SQS "BatchEntryIdsNotDistinct",
                                    LEGACY "BatchEntryIdsNotDistinct", 400},
    [API_BATCH_TOO_LONG] = {SQS "BatchRequestTooLong", LEGACY "BatchRequestTooLong", 400},
    [API_BATCH_EMPTY] = {SQS "EmptyBatchRequest", LEGACY "EmptyBatchRequest", 400},
    [API_BATCH_TOO_MANY] = {SQS "TooManyEntriesInBatchRequest",
                            LEGACY "TooManyEntriesInBatchRequest", 400},
    [API_BATCH_ID_INVALID] = {SQS "InvalidBatchEntryId", LEGACY "InvalidBatchEntryId", 400},
    [API_EXPIRED_TOKEN] = {CORAL "ExpiredTokenException", "ExpiredToken", 403},
    [API_INCOMPLETE_SIGNATURE] = {CORAL "IncompleteSignatureException", "IncompleteSignature", 400},
    [API_INTERNAL] = {CORAL "InternalFailure", "InternalError", 500},
    [API_INVALID_ADDRESS] = {SQS "InvalidAddress", "InvalidAddress", 404},
    [API_INVALID_ATTRIBUTE_NAME] = {SQS "InvalidAttributeName", "InvalidAttributeName", 400},
    [API_INVALID_ATTRIBUTE_VALUE] = {SQS "InvalidAttributeValue", "InvalidAttributeValue", 400},
    [API_INVALID_CONTENTS] = {SQS "InvalidMessageContents", "InvalidMessageContents", 400},
    [API_INVALID_PARAMETER] = {CORAL "InvalidParameterValueException", "InvalidParameterValue",
                               400},
    [API_MISSING_PARAMETER] = {CORAL "MissingRequiredParameterException", "MissingParameter", 400},
    [API_MISSING_TOKEN] = {CORAL "MissingAuthenticationTokenException",
                           "MissingAuthenticationToken", 403},
    [API_NO_SUCH_QUEUE] = {SQS "QueueDoesNotExist", LEGACY "NonExistentQueue", 400},
    [API_NO_SUCH_RESOURCE] = {SQS "ResourceNotFoundException", "ResourceNotFoundException", 404},
    [API_NOT_IN_FLIGHT] = {SQS "MessageNotInflight", LEGACY "MessageNotInflight", 400},
    [API_OVER_LIMIT] = {SQS "OverLimit", "OverLimit", 403},
    [API_PURGE_IN_PROGRESS] = {SQS "PurgeQueueInProgress", LEGACY "PurgeQueueInProgress", 403},
    [API_QUEUE_DELETED_RECENTLY] = {SQS "QueueDeletedRecently", LEGACY "QueueDeletedRecently", 400},
    [API_QUEUE_EXISTS] = {SQS "QueueNameExists", "QueueAlreadyExists", 400},
    [API_RECEIPT_HANDLE_INVALID] = {SQS "ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", 404},
    [API_SERIALIZATION] = {CORAL "SerializationException", "SerializationException", 400},
    [API_SIGNATURE_MISMATCH] = {CORAL "InvalidSignatureException", "SignatureDoesNotMatch", 403},
    [API_THROTTLED] = {CORAL "ThrottlingException", "ThrottlingException", 400},
    [API_UNKNOWN_CLIENT] = {CORAL "UnrecognizedClientException", "InvalidClientTokenId", 403},
    [API_UNKNOWN_OPERATION] = {CORAL "UnknownOperationException", "InvalidAction", 400},
    [API_UNSUPPORTED] = {SQS "UnsupportedOperation", LEGACY "UnsupportedOperation", 400},
};

const struct api_wire *api_wire(enum api_code code)
{
    return &wires[code];
}

bool api_fail(struct api_error *e, enum api_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->code = code;
    vsnprintf(e->text, sizeof(e->text), format, args);
    va_end(args);
    return false;
}
