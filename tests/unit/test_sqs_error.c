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
        int status;
        const char *code, *message;
        enum sqs_class class;
    } cases[] = {
        {200, NULL, NULL, SQS_OK},
        {403, "RequestThrottled", "", SQS_THROTTLED},
        {400, "Throttling", "Rate exceeded", SQS_THROTTLED},
        {403, "OverLimit", "", SQS_THROTTLED},
        {400, "KMS.Throttling", "", SQS_THROTTLED},
        {429, NULL, NULL, SQS_THROTTLED},
        {500, "InternalError", "", SQS_TRANSIENT},
        {503, NULL, NULL, SQS_TRANSIENT},
        {502, NULL, NULL, SQS_TRANSIENT},
        {408, NULL, NULL, SQS_TRANSIENT},
        {403, "SignatureDoesNotMatch", "", SQS_CLOCK},
        {400, "InvalidSignature", "Signature expired: 2026...", SQS_CLOCK},
        {403, "RequestExpired", "", SQS_CLOCK},
        {403, "ExpiredToken", "", SQS_CREDENTIALS},
        {403, "InvalidClientTokenId", "", SQS_CREDENTIALS},
        {403, "AccessDenied", "", SQS_DENIED},
        {400, "QueueDoesNotExist", "", SQS_CONFIG},
        {400, "KMS.NotFound", "", SQS_CONFIG},
        {403, "InvalidSecurity", "", SQS_CONFIG},
        {403, NULL, NULL, SQS_CONFIG},
        {404, "ReceiptHandleIsInvalid", "", SQS_HANDLE},
        {400, "InvalidParameterValue",
         "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.",
         SQS_HANDLE},
        {400, "InvalidParameterValue", "Message must be shorter than 1048576 bytes.", SQS_SENDER},
        {400, "InvalidMessageContents", "", SQS_SENDER},
        {400, "BatchRequestTooLong", "", SQS_TOO_LONG},
        {413, NULL, NULL, SQS_TOO_LONG},
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
