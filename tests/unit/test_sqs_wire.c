/* The JSON of SQS, emulators and proxies: what they may answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_wire.h"
#include "tests/unit/owned_text.h"

static bool receive(const char *text, struct sqs_received *out, struct bytes *json)
{
    struct error e = {0};
    *json = owned_text(text);
    bool ok = sqs_decode_receive(*json, out, &e);
    if (!ok) assert_int_equal(e.fault, FAULT_DOWN);
    return ok;
}

static void a_message_is_read_whatever_the_order_of_its_members(void **state)
{
    (void)state;
    struct sqs_received *got = mem_zalloc(sizeof(*got));
    struct bytes json;
    assert_true(receive(
        "{\"New\":{\"a\":[1,{\"b\":null}]},\"Messages\":[{\"MessageAttributes\":{\"n\":{\"Extra\":"
        "1,"
        "\"StringValue\":\"42\",\"DataType\":\"Number.int\",\"StringListValues\":[]},\"b\":"
        "{\"BinaryValue\":\"AAH+/w==\",\"DataType\":\"Binary\"}},\"Body\":\"a\\u00e9\\n\\ud83d"
        "\\ude00\",\"Attributes\":{\"SenderId\":\"x\",\"SentTimestamp\":\"1764000000123\","
        "\"ApproximateReceiveCount\":\"3\",\"MessageGroupId\":\"g\\/1\"},\"ReceiptHandle\":\"h+/"
        "=\",\"MD5OfBody\":\"00\","
        "\"MessageId\":\"m1\",\"MD5OfMessageAttributes\":null},{\"MessageId\":\"m2\","
        "\"ReceiptHandle\":\"h2\",\"Body\":\"\"}]}",
        got, &json));
    assert_int_equal(got->count, 2);
    const struct sqs_message *m = &got->messages[0];
    expect_bytes(m->id, "m1");
    assert_int_equal(m->receives, 3);
    assert_int_equal(got->messages[1].receives, 0);
    expect_bytes(m->handle, "h+/=");
    expect_bytes(m->body, "a\xc3\xa9\n\xf0\x9f\x98\x80");
    expect_bytes(m->group, "g/1");
    expect_bytes(m->body_md5, "00");
    assert_int_equal(m->attrs_md5.len, 0);
    assert_int_equal(m->sent_ms, 1764000000123);
    assert_int_equal(m->attr_count, 2);
    expect_bytes(m->attrs[0].name, "n");
    expect_bytes(m->attrs[0].value, "42");
    expect_bytes(m->attrs[0].subtype, "int");
    assert_int_equal(m->attrs[0].type, ATTR_NUMBER);
    assert_int_equal(m->attrs[1].type, ATTR_BINARY);
    assert_true(bytes_eq(m->attrs[1].value, BYTES_LIT("\0\1\xfe\xff")));
    assert_null(got->messages[1].group.ptr);
    assert_non_null(got->messages[1].body.ptr);
    assert_int_equal(got->messages[1].attr_count, 0);
    owned_text_free(json);
    sqs_received_free(got);
    free(got);
}

static void all_system_attributes_are_kept_by_message(void **state)
{
    (void)state;
    struct sqs_received *got = mem_zalloc(sizeof(*got));
    struct bytes json;
    assert_true(
        receive("{\"Messages\":[{\"MessageId\":\"a\",\"ReceiptHandle\":\"h\",\"Attributes\":"
                "{\"SenderId\":\"s\",\"New\":null,\"SentTimestamp\":\"5\"}},{\"MessageId\":"
                "\"b\",\"ReceiptHandle\":\"h\",\"Attributes\":{\"AWSTraceHeader\":\"t\"}}]}",
                got, &json));
    assert_int_equal(got->messages[0].system_count, 2);
    expect_bytes(got->messages[0].system[0].name, "SenderId");
    expect_bytes(got->messages[0].system[1].value, "5");
    assert_int_equal(got->messages[1].system_count, 1);
    expect_bytes(got->messages[1].system[0].value, "t");
    owned_text_free(json);
    sqs_received_free(got);
    free(got);
}

/* More than there is room for are skipped, and harm nobody. */
static void system_attributes_without_end(void **state)
{
    (void)state;
    struct sqs_received *got = mem_zalloc(sizeof(*got));
    struct buf text = {0};
    struct bytes json;
    buf_printf(&text, "{\"Messages\":[");
    for (int m = 0; m < SQS_BATCH; m++) {
        buf_printf(&text, "%s{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Attributes\":{",
                   m ? "," : "");
        for (int i = 0; i < 100; i++)
            buf_printf(&text, "%s\"n%d\":\"v\"", i ? "," : "", i);
        buf_printf(&text, "}}");
    }
    buf_add(&text, "]}", 3);
    assert_true(receive(text.ptr, got, &json));
    assert_int_equal(got->messages[9].system_count, SQS_SYSTEM_ATTRS);
    expect_bytes(got->messages[9].system[0].name, "n0");
    owned_text_free(json);
    free(text.ptr);
    sqs_received_free(got);
    free(got);
}

static void an_empty_receive_has_many_spellings(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"Messages\":[]}", "{\"Messages\":null}", " {\n} "};
    struct sqs_received *got = mem_zalloc(sizeof(*got));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bytes json;
        got->count = 7;
        assert_true(receive(texts[i], got, &json));
        assert_int_equal(got->count, 0);
        owned_text_free(json);
    }
    free(got);
}

#define MESSAGE "{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"b\"}"
#define THREE MESSAGE "," MESSAGE "," MESSAGE

static void garbage_is_an_error_and_nothing_more(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "<html>502 Bad Gateway</html>",
        "[]",
        "null1",
        "{\"Messages\":[" MESSAGE,
        "{\"Messages\":[" MESSAGE "]} x",
        "{\"Messages\":{}}",
        "{\"Messages\":[7]}",
        "{\"Messages\":[null]}",
        "{\"Messages\":[{}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"Body\":\"b\"}]}",
        "{\"Messages\":[{\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}",
        "{\"Messages\":[{\"MessageId\":[],\"ReceiptHandle\":\"h\",\"Body\":\"b\"}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"\\ud800\"}]}",
        "{\"Messages\":[" THREE "," THREE "," THREE "," MESSAGE "," MESSAGE "]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"MessageAttributes\":{\"a\":"
        "{\"DataType\":\"Blob\",\"StringValue\":\"x\"}}}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"MessageAttributes\":{\"a\":"
        "{\"DataType\":\"Binary\",\"BinaryValue\":\"*\"}}}]}",
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Attributes\":"
        "{\"SentTimestamp\":\"soon\"}}]}",
    };
    struct sqs_received *got = mem_zalloc(sizeof(*got));
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct bytes json;
        if (receive(texts[i], got, &json)) fail_msg("taken for an answer: %s", texts[i]);
        owned_text_free(json);
    }
    sqs_received_free(got);
    free(got);
}

static void every_entry_of_a_batch_has_its_fate(void **state)
{
    (void)state;
    struct sqs_result results[4];
    struct error e;
    struct bytes json = owned_text(
        "{\"Failed\":[{\"Message\":\"too large\",\"SenderFault\":true,\"Code\":"
        "\"AWS.SimpleQueueService.InvalidMessageContents\",\"Id\":\"2\"}],\"Successful\":[{\"Id\":"
        "\"0\",\"MessageId\":\"x\",\"MD5OfMessageBody\":\"aa\",\"MD5OfMessageAttributes\":\"bb\","
        "\"SequenceNumber\":null},{\"Id\":\"9\"},{\"Id\":\"strange\"},{\"Id\":\"1\"}]}");
    assert_true(sqs_decode_batch(json, NULL, results, 4, &e));
    assert_int_equal(results[0].fate, SQS_DONE);
    expect_bytes(results[0].body_md5, "aa");
    expect_bytes(results[0].attrs_md5, "bb");
    assert_int_equal(results[1].fate, SQS_DONE);
    assert_int_equal(results[2].fate, SQS_FAILED);
    assert_true(results[2].sender_fault);
    expect_bytes(results[2].code, "InvalidMessageContents");
    expect_bytes(results[2].message, "too large");
    assert_int_equal(results[3].fate, SQS_UNANSWERED);
    owned_text_free(json);
}

static void results_find_their_entries_by_the_ids_of_the_caller(void **state)
{
    (void)state;
    const struct bytes ids[] = {BYTES_LIT("7"), BYTES_LIT("x")};
    struct sqs_result results[2];
    struct error e;
    struct bytes json =
        owned_text("{\"Successful\":[{\"Id\":\"x\",\"MessageId\":\"m\","
                   "\"MD5OfMessageSystemAttributes\":\"cc\",\"SequenceNumber\":\"18\"},"
                   "{\"Id\":\"0\"}]}");
    assert_true(sqs_decode_batch(json, ids, results, 2, &e));
    assert_int_equal(results[0].fate, SQS_UNANSWERED);
    assert_int_equal(sqs_classify_result(&results[0]), SQS_TRANSIENT);
    assert_int_equal(results[1].fate, SQS_DONE);
    assert_int_equal(sqs_classify_result(&results[1]), SQS_OK);
    expect_bytes(results[1].message_id, "m");
    expect_bytes(results[1].system_md5, "cc");
    expect_bytes(results[1].sequence, "18");
    owned_text_free(json);
}

static void a_sent_message_has_an_id(void **state)
{
    (void)state;
    struct sqs_result result;
    struct error e;
    struct bytes json = owned_text("{\"MessageId\":\"m\",\"MD5OfMessageBody\":\"aa\"}");
    assert_true(sqs_decode_send(json, &result, &e));
    expect_bytes(result.message_id, "m");
    expect_bytes(result.body_md5, "aa");
    owned_text_free(json);
    json = owned_text("{}");
    assert_false(sqs_decode_send(json, &result, &e));
    owned_text_free(json);
}

static void lists_of_a_batch_may_be_missing_or_null(void **state)
{
    (void)state;
    struct sqs_result results[1];
    struct error e;
    struct bytes json = owned_text("{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":null}");
    assert_true(sqs_decode_batch(json, NULL, results, 1, &e));
    assert_int_equal(results[0].fate, SQS_DONE);
    owned_text_free(json);
    json = owned_text("{}");
    assert_true(sqs_decode_batch(json, NULL, results, 1, &e));
    assert_int_equal(results[0].fate, SQS_UNANSWERED);
    owned_text_free(json);
}

static void errors_are_read_in_all_their_spellings(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code, *message;
    } cases[] = {
        {"{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"no\"}",
         "QueueDoesNotExist", "no"},
        {"{\"__type\":\"com.amazon.coral.service#InvalidParameterValueException\",\"Message\":"
         "\"m\"}",
         "InvalidParameterValue", "m"},
        {"{\"Message\":\"m\",\"__type\":\"AccessDeniedException:http://internal/coral\"}",
         "AccessDenied", "m"},
        {"{\"__type\":\"AWS.SimpleQueueService.NonExistentQueue\"}", "NonExistentQueue", ""},
        {"{\"__type\":\"Exception\"}", "Exception", ""},
        {"{}", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes json = owned_text(cases[i].text), code, message;
        assert_true(sqs_decode_error(json, &code, &message));
        expect_bytes(code, cases[i].code);
        expect_bytes(message, cases[i].message);
        owned_text_free(json);
    }
}

static void an_error_page_is_no_error_answer(void **state)
{
    (void)state;
    struct bytes json = owned_text("<html>503</html>"), code, message;
    assert_false(sqs_decode_error(json, &code, &message));
    owned_text_free(json);
}

static bool decode_facts(const char *text, struct sqs_queue_facts *facts)
{
    struct error e;
    struct bytes json = owned_text(text);
    bool decoded = sqs_decode_queue_facts(json, facts, &e);
    owned_text_free(json);
    return decoded;
}

static void a_queue_attribute_is_text_that_holds_an_integer(void **state)
{
    struct sqs_queue_facts facts = {-1, -1};
    (void)state;
    assert_true(decode_facts(
        "{\"Attributes\":{\"DelaySeconds\":\"0\",\"VisibilityTimeout\":\"45\"}}", &facts));
    assert_int_equal(facts.visibility_s, 45);
    assert_true(decode_facts("{}", &facts));
    assert_int_equal(facts.visibility_s, 45);
    assert_int_equal(facts.max_receives, -1);
    assert_false(decode_facts("{\"Attributes\":{\"VisibilityTimeout\":\"long\"}}", &facts));
}

/* A number, or a string of digits; what can't be read is no reason not to receive. */
static void a_redrive_policy_is_text_that_holds_json(void **state)
{
    static const struct {
        const char *policy;
        int64_t max_receives;
    } cases[] = {
        {"{\\\"deadLetterTargetArn\\\":\\\"arn:aws:sqs:r:1:d\\\",\\\"maxReceiveCount\\\":5}", 5},
        {"{\\\"maxReceiveCount\\\":\\\"7\\\",\\\"deadLetterTargetArn\\\":\\\"a\\\"}", 7},
        {"", 0},
        {"nonsense", 0},
        {"{\\\"maxReceiveCount\\\":\\\"many\\\"}", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sqs_queue_facts facts = {0};
        char text[256];
        snprintf(text, sizeof(text),
                 "{\"Attributes\":{\"RedrivePolicy\":\"%s\",\"VisibilityTimeout\":\"9\"}}",
                 cases[i].policy);
        assert_true(decode_facts(text, &facts));
        assert_int_equal(facts.max_receives, cases[i].max_receives);
        assert_int_equal(facts.visibility_s, 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_read_whatever_the_order_of_its_members),
        cmocka_unit_test(all_system_attributes_are_kept_by_message),
        cmocka_unit_test(system_attributes_without_end),
        cmocka_unit_test(an_empty_receive_has_many_spellings),
        cmocka_unit_test(garbage_is_an_error_and_nothing_more),
        cmocka_unit_test(every_entry_of_a_batch_has_its_fate),
        cmocka_unit_test(results_find_their_entries_by_the_ids_of_the_caller),
        cmocka_unit_test(a_sent_message_has_an_id),
        cmocka_unit_test(lists_of_a_batch_may_be_missing_or_null),
        cmocka_unit_test(errors_are_read_in_all_their_spellings),
        cmocka_unit_test(an_error_page_is_no_error_answer),
        cmocka_unit_test(a_queue_attribute_is_text_that_holds_an_integer),
        cmocka_unit_test(a_redrive_policy_is_text_that_holds_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
