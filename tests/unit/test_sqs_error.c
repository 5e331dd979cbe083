/* What follows from an error of SQS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_error.h"

static enum sqs_class classify(int status, const char *code, const char *message)
{
    return sqs_classify(status, bytes_str(code), bytes_str(message));
}

static void codes_have_their_class(void **state)
{
    (void)state;
    static const struct {
        const char *code, *message;
        int status;
        enum sqs_class class;
    } cases[] = {
        {NULL, NULL, 200, SQS_OK},
        {"RequestThrottled", "", 403, SQS_THROTTLED},
        {"Throttling", "Rate exceeded", 400, SQS_THROTTLED},
        {"OverLimit", "", 403, SQS_THROTTLED},
        {"KMS.Throttling", "", 400, SQS_THROTTLED},
        {NULL, NULL, 429, SQS_THROTTLED},
        {"InternalError", "", 500, SQS_TRANSIENT},
        {NULL, NULL, 503, SQS_TRANSIENT},
        {NULL, NULL, 502, SQS_TRANSIENT},
        {NULL, NULL, 408, SQS_TRANSIENT},
        {"SignatureDoesNotMatch", "", 403, SQS_CLOCK},
        {"InvalidSignature", "Signature expired: 2026...", 400, SQS_CLOCK},
        {"RequestExpired", "", 403, SQS_CLOCK},
        {"ExpiredToken", "", 403, SQS_CREDENTIALS},
        {"InvalidClientTokenId", "", 403, SQS_CREDENTIALS},
        {"AccessDenied", "", 403, SQS_DENIED},
        {"QueueDoesNotExist", "", 400, SQS_CONFIG},
        {"KMS.NotFound", "", 400, SQS_CONFIG},
        {"InvalidSecurity", "", 403, SQS_CONFIG},
        {NULL, NULL, 403, SQS_CONFIG},
        {"ReceiptHandleIsInvalid", "", 404, SQS_HANDLE},
        {"InvalidParameterValue",
         "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
         400, SQS_HANDLE},
        {"InvalidParameterValue", "Message must be shorter than 1048576 bytes.", 400, SQS_SENDER},
        {"InvalidMessageContents", "", 400, SQS_SENDER},
        {"BatchRequestTooLong", "", 400, SQS_TOO_LONG},
        {NULL, NULL, 413, SQS_TOO_LONG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum sqs_class class = classify(cases[i].status, cases[i].code, cases[i].message);
        if (class != cases[i].class)
            fail_msg("%d %s: class %d", cases[i].status, cases[i].code, class);
    }
}

/* Some services set the flag on errors that pass, so the code is asked first. */
static void an_entry_is_judged_by_its_code_before_its_flag(void **state)
{
    (void)state;
    struct bytes none = BYTES_NONE;
    assert_int_equal(sqs_classify_entry(true, BYTES_LIT("RequestThrottled"), none), SQS_THROTTLED);
    assert_int_equal(sqs_classify_entry(true, BYTES_LIT("InternalError"), none), SQS_TRANSIENT);
    assert_int_equal(sqs_classify_entry(true, BYTES_LIT("SomethingNew"), none), SQS_SENDER);
    assert_int_equal(sqs_classify_entry(false, BYTES_LIT("SomethingNew"), none), SQS_TRANSIENT);
    assert_int_equal(sqs_classify_entry(true, BYTES_LIT("InvalidParameterValue"), none),
                     SQS_SENDER);
}

static void expect_hint(const char *code, const char *message, const char *part)
{
    char text[256];
    struct bytes c = bytes_str(code), m = bytes_str(message);
    sqs_error_hint(sqs_classify(400, c, m), c, m, "sqs:SendMessage", text, sizeof(text));
    if (!strstr(text, part)) fail_msg("%s: \"%s\" does not hold \"%s\"", code, text, part);
}

static void a_person_reads_what_to_do(void **state)
{
    (void)state;
    expect_hint("QueueDoesNotExist", "", "check queue_url and region");
    expect_hint("AccessDenied", "", "allow sqs:SendMessage");
    expect_hint("SignatureDoesNotMatch", "", "secret_access_key");
    expect_hint("SignatureDoesNotMatch", "Credential should be scoped to a valid region.",
                "check region");
    expect_hint("ExpiredToken", "", "get new credentials");
    expect_hint("KMS.Disabled", "", "KMS key");
    expect_hint("NeverHeardOf", "", "endpoint_url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_class),
        cmocka_unit_test(an_entry_is_judged_by_its_code_before_its_flag),
        cmocka_unit_test(a_person_reads_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
