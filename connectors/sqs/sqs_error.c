#include "connectors/sqs/sqs_error.h"

#include <stdio.h>

struct known {
    const char *code;
    enum sqs_class class;
    const char *hint; /* %s stands for the permission */
};

/* Codes without prefix and without the suffix "Exception". */
static const struct known known_codes[] = {
    {"RequestThrottled", SQS_THROTTLED, NULL},
    {"Throttling", SQS_THROTTLED, NULL},
    {"Throttled", SQS_THROTTLED, NULL},
    {"TooManyRequests", SQS_THROTTLED, NULL},
    {"RequestLimitExceeded", SQS_THROTTLED, NULL},
    {"BandwidthLimitExceeded", SQS_THROTTLED, NULL},
    {"LimitExceeded", SQS_THROTTLED, NULL},
    {"ProvisionedThroughputExceeded", SQS_THROTTLED, NULL},
    {"SlowDown", SQS_THROTTLED, NULL},
    {"PriorRequestNotComplete", SQS_THROTTLED, NULL},
    {"TransactionInProgress", SQS_THROTTLED, NULL},
    {"EC2Throttled", SQS_THROTTLED, NULL},
    {"KmsThrottled", SQS_THROTTLED, NULL},
    {"KMS.Throttling", SQS_THROTTLED, NULL},
    {"OverLimit", SQS_THROTTLED,
     "the queue has as many messages in flight as it allows: find the consumer that does not "
     "delete them"},

    {"InternalError", SQS_TRANSIENT, NULL},
    {"InternalFailure", SQS_TRANSIENT, NULL},
    {"ServiceUnavailable", SQS_TRANSIENT, NULL},
    {"RequestTimeout", SQS_TRANSIENT, NULL},

    {"RequestTimeTooSkewed", SQS_CLOCK, "set this machine's clock"},
    {"RequestExpired", SQS_CLOCK, "set this machine's clock"},
    {"RequestInTheFuture", SQS_CLOCK, "set this machine's clock"},
    {"InvalidSignature", SQS_CLOCK, "check secret_access_key and region, and the clock"},
    {"SignatureDoesNotMatch", SQS_CLOCK, "check secret_access_key and region, and the clock"},
    {"AuthFailure", SQS_CLOCK, "check the access key, the region and the clock"},

    {"ExpiredToken", SQS_CREDENTIALS, "the session token has expired: get new credentials"},
    {"TokenRefreshRequired", SQS_CREDENTIALS, "the session token has expired: get new credentials"},
    {"InvalidClientTokenId", SQS_CREDENTIALS, "check access_key_id and session_token"},
    {"UnrecognizedClient", SQS_CREDENTIALS, "check access_key_id and session_token"},
    {"InvalidAccessKeyId", SQS_CREDENTIALS, "check access_key_id"},
    {"MissingAuthenticationToken", SQS_CREDENTIALS, "check the credentials and endpoint_url"},
    {"IncompleteSignature", SQS_CREDENTIALS, "check that no proxy removes headers"},

    {"QueueDoesNotExist", SQS_CONFIG, "check queue_url and region, or create the queue"},
    {"NonExistentQueue", SQS_CONFIG, "check queue_url and region, or create the queue"},
    {"QueueDeletedRecently", SQS_CONFIG, "the queue was deleted within the last minute: wait"},
    {"PurgeQueueInProgress", SQS_CONFIG, "the queue was purged within the last minute: wait"},
    {"QueueNameExists", SQS_CONFIG, "compare its attributes, and set those that differ"},
    {"QueueAlreadyExists", SQS_CONFIG, "compare its attributes, and set those that differ"},
    {"ResourceNotFound", SQS_CONFIG, "check the ARN or the task handle, and region"},
    {"AccessDenied", SQS_DENIED, "allow %s to these credentials, in their policy or the queue's"},
    {"OptInRequired", SQS_CONFIG, "the account has not signed up for this region"},
    {"InvalidAddress", SQS_CONFIG, "check queue_url"},
    {"InvalidSecurity", SQS_CONFIG, "use an https address in queue_url or endpoint_url"},
    {"UnsupportedOperation", SQS_CONFIG, NULL},
    {"UnknownOperation", SQS_CONFIG, "check endpoint_url: SQS does not answer there"},
    {"InvalidAction", SQS_CONFIG, "check endpoint_url: SQS does not answer there"},
    {"KMS.AccessDenied", SQS_CONFIG, "allow these credentials to use the queue's KMS key"},
    {"KmsAccessDenied", SQS_CONFIG, "allow these credentials to use the queue's KMS key"},
    {"KMS.Disabled", SQS_CONFIG, "enable the queue's KMS key"},
    {"KmsDisabled", SQS_CONFIG, "enable the queue's KMS key"},
    {"KMS.NotFound", SQS_CONFIG, "the queue's KMS key is gone: give the queue another"},
    {"KmsNotFound", SQS_CONFIG, "the queue's KMS key is gone: give the queue another"},
    {"KMS.InvalidState", SQS_CONFIG, "check the state of the queue's KMS key"},
    {"KmsInvalidState", SQS_CONFIG, "check the state of the queue's KMS key"},
    {"KMS.InvalidKeyUsage", SQS_CONFIG, "the queue needs a symmetric KMS key"},
    {"KmsInvalidKeyUsage", SQS_CONFIG, "the queue needs a symmetric KMS key"},
    {"KMS.OptInRequired", SQS_CONFIG, "the account has not signed up for KMS in this region"},
    {"KmsOptInRequired", SQS_CONFIG, "the account has not signed up for KMS in this region"},

    {"ReceiptHandleIsInvalid", SQS_HANDLE, NULL},
    {"MessageNotInflight", SQS_HANDLE, NULL},
    {"BatchRequestTooLong", SQS_TOO_LONG, NULL},
    {"InvalidMessageContents", SQS_SENDER, NULL},
    {"InvalidParameterValue", SQS_SENDER, NULL},
    {"InvalidAttributeValue", SQS_SENDER, NULL},
    {"InvalidAttributeName", SQS_SENDER, NULL},
    {"MissingParameter", SQS_SENDER, NULL},
    {"MissingRequiredParameter", SQS_SENDER, NULL},
    {"Serialization", SQS_SENDER, NULL},
    {"InvalidBatchEntryId", SQS_SENDER, NULL},
    {"BatchEntryIdsNotDistinct", SQS_SENDER, NULL},
    {"TooManyEntriesInBatchRequest", SQS_SENDER, NULL},
    {"EmptyBatchRequest", SQS_SENDER, NULL},
};

static const struct known *find(struct bytes code)
{
    for (size_t i = 0; i < sizeof(known_codes) / sizeof(known_codes[0]); i++)
        if (bytes_eq(code, bytes_str(known_codes[i].code))) return &known_codes[i];
    return NULL;
}

static bool mentions(struct bytes text, const char *words)
{
    return text.len && memmem(text.ptr, text.len, words, strlen(words));
}

static enum sqs_class by_status(int status)
{
    if (status == 429) return SQS_THROTTLED;
    if (status == 413) return SQS_TOO_LONG;
    if (status == 408 || status == 0 || status >= 500) return SQS_TRANSIENT;
    return SQS_CONFIG;
}

static enum sqs_class by_code(const struct known *known, struct bytes message)
{
    /* On a FIFO queue, SQS says InvalidParameterValue of a handle that has expired. */
    bool handle = known->class == SQS_SENDER && mentions(message, "eceipt handle");
    return handle ? SQS_HANDLE : known->class;
}

enum sqs_class sqs_classify(int status, struct bytes code, struct bytes message)
{
    if (status == 200 && !code.len) return SQS_OK;
    if (status == 429) return SQS_THROTTLED;
    const struct known *known = find(code);
    return known ? by_code(known, message) : by_status(status);
}

enum sqs_class sqs_classify_entry(bool sender_fault, struct bytes code, struct bytes message)
{
    const struct known *known = find(code);
    if (known) return by_code(known, message);
    return sender_fault ? SQS_SENDER : SQS_TRANSIENT;
}

void sqs_error_hint(enum sqs_class class, struct bytes code, struct bytes message,
                    const char *permission, char *text, size_t size)
{
    const struct known *known = find(code);
    const char *hint = known && known->hint ? known->hint : "";
    if (class == SQS_CLOCK && mentions(message, "scoped to a valid region"))
        hint = "check region: the signature was made for another one";
    else if (class == SQS_CONFIG && !known)
        hint = "check queue_url and endpoint_url, and that no proxy answers in place of SQS";
    const char *place = strstr(hint, "%s");
    if (place)
        snprintf(text, size, "%.*s%s%s", (int)(place - hint), hint, permission, place + 2);
    else
        snprintf(text, size, "%s", hint);
}
