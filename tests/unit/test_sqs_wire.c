/* The JSON of SQS: what we write, and what SQS, emulators and proxies may answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_wire.h"

#define QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
static const char url[] = QUEUE;

static void expect_bytes(struct bytes b, const char *text)
{
    assert_int_equal(b.len, strlen(text));
    assert_memory_equal(b.ptr, text, b.len);
}

/* ---- requests ---- */

static void expect_json(struct buf *out, const char *text)
{
    buf_add(out, "", 1);
    assert_string_equal(out->ptr, text);
    free(out->ptr);
    *out = (struct buf){0};
}

static void a_receive_always_says_how_long_it_waits(void **state)
{
    (void)state;
    struct buf out = {0};
    struct sqs_receive r = {.queue_url = url, .visibility_s = 45, .max = 10};
    sqs_encode_receive(&out, &r);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":10,"
                      "\"WaitTimeSeconds\":0,\"VisibilityTimeout\":45,"
                      "\"MessageSystemAttributeNames\":[\"SentTimestamp\",\"MessageGroupId\","
                      "\"ApproximateReceiveCount\"],"
                      "\"MessageAttributeNames\":[\"All\"]}");
}

static void a_fifo_receive_carries_its_attempt_id(void **state)
{
    (void)state;
    struct buf out = {0};
    struct sqs_receive r = {
        .queue_url = url, .attempt_id = "abc", .wait_s = 20, .visibility_s = 30, .max = 1};
    sqs_encode_receive(&out, &r);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":1,"
                      "\"WaitTimeSeconds\":20,\"VisibilityTimeout\":30,"
                      "\"MessageSystemAttributeNames\":[\"SentTimestamp\",\"MessageGroupId\","
                      "\"ApproximateReceiveCount\"],"
                      "\"MessageAttributeNames\":[\"All\"],\"ReceiveRequestAttemptId\":\"abc\"}");
}

static void deletes_and_visibility_name_their_handles(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct bytes handles[] = {BYTES_LIT("AQEB\"1"), BYTES_LIT("AQEB2")};
    const int64_t seconds[] = {0, 900};
    struct sqs_handles batch = {.queue_url = url, .handles = handles, .count = 2};
    sqs_encode_handles(&out, &batch);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB\\\"1\"},"
                      "{\"Id\":\"1\",\"ReceiptHandle\":\"AQEB2\"}]}");
    batch.seconds = seconds;
    sqs_encode_handles(&out, &batch);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB\\\"1\",\"VisibilityTimeout\":0},"
                      "{\"Id\":\"1\",\"ReceiptHandle\":\"AQEB2\",\"VisibilityTimeout\":900}]}");
}

static void a_send_carries_bodies_types_and_ids(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct attr attrs[] = {
        {BYTES_LIT("text"), BYTES_LIT("a\tb"), BYTES_NONE, ATTR_STRING},
        {BYTES_LIT("count"), BYTES_LIT("42"), BYTES_LIT("int"), ATTR_NUMBER},
        {BYTES_LIT("raw"), BYTES_LIT("\0\1\xfe\xff"), BYTES_LIT("png"), ATTR_BINARY},
    };
    struct sqs_entry plain = {.body = BYTES_LIT("say \"hello\"\n\\ \xc3\xa9")};
    struct sqs_entry full = {
        .body = BYTES_LIT("x"),
        .attrs = attrs,
        .attr_count = 3,
        .group_id = BYTES_LIT("g1"),
        .deduplication_id = BYTES_LIT("d1"),
        .delay_s = 5,
    };
    sqs_encode_send_begin(&out, url);
    sqs_encode_send_entry(&out, 0, &plain);
    sqs_encode_send_entry(&out, 1, &full);
    sqs_encode_send_end(&out);
    expect_json(&out,
                "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                "{\"Id\":\"0\",\"MessageBody\":\"say \\\"hello\\\"\\n\\\\ \xc3\xa9\"},"
                "{\"Id\":\"1\",\"MessageBody\":\"x\",\"DelaySeconds\":5,\"MessageGroupId\":\"g1\","
                "\"MessageDeduplicationId\":\"d1\",\"MessageAttributes\":{"
                "\"text\":{\"DataType\":\"String\",\"StringValue\":\"a\\tb\"},"
                "\"count\":{\"DataType\":\"Number.int\",\"StringValue\":\"42\"},"
                "\"raw\":{\"DataType\":\"Binary.png\",\"BinaryValue\":\"AAH+/w==\"}}}]}");
}

static void queue_attributes_are_asked_for_by_name(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct bytes names[] = {BYTES_LIT("VisibilityTimeout"), BYTES_LIT("RedrivePolicy")};
    sqs_encode_queue_attributes(&out, url, names, 2);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE
                      "\",\"AttributeNames\":[\"VisibilityTimeout\",\"RedrivePolicy\"]}");
}

static void a_receive_can_name_what_it_wants(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct bytes names[] = {BYTES_LIT("a.*"), BYTES_LIT("b")};
    struct sqs_receive r = {
        .queue_url = url,
        .wait_s = -1,
        .visibility_s = -1,
        .max = 1,
        .attr_names = names,
        .attr_name_count = 2,
        .system_names = names,
    };
    sqs_encode_receive(&out, &r);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":1,"
                      "\"MessageAttributeNames\":[\"a.*\",\"b\"]}");
}

static void a_single_send_says_all_that_an_entry_does(void **state)
{
    (void)state;
    struct buf out = {0};
    struct sqs_entry entry = {
        .body = BYTES_LIT("x"),
        .group_id = BYTES_LIT("g"),
        .trace_header = BYTES_LIT("Root=1"),
        .id = BYTES_LIT("ignored"),
        .no_delay = true,
    };
    sqs_encode_send(&out, url, &entry);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MessageBody\":\"x\",\"DelaySeconds\":0,"
                      "\"MessageGroupId\":\"g\",\"MessageSystemAttributes\":{\"AWSTraceHeader\":"
                      "{\"DataType\":\"String\",\"StringValue\":\"Root=1\"}}}");
}

static void entries_keep_the_ids_that_callers_chose(void **state)
{
    (void)state;
    struct buf out = {0};
    struct sqs_entry entry = {.body = BYTES_LIT("x"), .id = BYTES_LIT("mine")};
    const struct bytes ids[] = {BYTES_LIT("a"), BYTES_LIT("b")};
    const struct bytes handles[] = {BYTES_LIT("1"), BYTES_LIT("2")};
    struct sqs_handles batch = {.queue_url = url, .ids = ids, .handles = handles, .count = 2};
    sqs_encode_send_begin(&out, url);
    sqs_encode_send_entry(&out, 0, &entry);
    sqs_encode_send_end(&out);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"mine\",\"MessageBody\":\"x\"}]}");
    sqs_encode_handles(&out, &batch);
    expect_json(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"a\",\"ReceiptHandle\":\"1\"},"
                      "{\"Id\":\"b\",\"ReceiptHandle\":\"2\"}]}");
}

/* ---- answers ---- */

/* The reader writes into its text, so it gets a copy, without a NUL behind it. */
static struct bytes own(const char *text)
{
    size_t len = strlen(text);
    return bytes_of(memcpy(mem_alloc(len + 1), text, len), len);
}

static void release(struct bytes text)
{
    union {
        const void *borrowed;
        void *owned;
    } p = {.borrowed = text.ptr};
    free(p.owned);
}

static bool receive(const char *text, struct sqs_received *out, struct bytes *json)
{
    struct error e = {0};
    *json = own(text);
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
    release(json);
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
    release(json);
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
    release(json);
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
        release(json);
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
        release(json);
    }
    sqs_received_free(got);
    free(got);
}

static void every_entry_of_a_batch_has_its_fate(void **state)
{
    (void)state;
    struct sqs_result results[4];
    struct error e;
    struct bytes json = own(
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
    release(json);
}

static void results_find_their_entries_by_the_ids_of_the_caller(void **state)
{
    (void)state;
    const struct bytes ids[] = {BYTES_LIT("7"), BYTES_LIT("x")};
    struct sqs_result results[2];
    struct error e;
    struct bytes json = own("{\"Successful\":[{\"Id\":\"x\",\"MessageId\":\"m\","
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
    release(json);
}

static void a_sent_message_has_an_id(void **state)
{
    (void)state;
    struct sqs_result result;
    struct error e;
    struct bytes json = own("{\"MessageId\":\"m\",\"MD5OfMessageBody\":\"aa\"}");
    assert_true(sqs_decode_send(json, &result, &e));
    expect_bytes(result.message_id, "m");
    expect_bytes(result.body_md5, "aa");
    release(json);
    json = own("{}");
    assert_false(sqs_decode_send(json, &result, &e));
    release(json);
}

static void lists_of_a_batch_may_be_missing_or_null(void **state)
{
    (void)state;
    struct sqs_result results[1];
    struct error e;
    struct bytes json = own("{\"Successful\":[{\"Id\":\"0\"}],\"Failed\":null}");
    assert_true(sqs_decode_batch(json, NULL, results, 1, &e));
    assert_int_equal(results[0].fate, SQS_DONE);
    release(json);
    json = own("{}");
    assert_true(sqs_decode_batch(json, NULL, results, 1, &e));
    assert_int_equal(results[0].fate, SQS_UNANSWERED);
    release(json);
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
        struct bytes json = own(cases[i].text), code, message;
        assert_true(sqs_decode_error(json, &code, &message));
        expect_bytes(code, cases[i].code);
        expect_bytes(message, cases[i].message);
        release(json);
    }
}

static void an_error_page_is_no_error_answer(void **state)
{
    (void)state;
    struct bytes json = own("<html>503</html>"), code, message;
    assert_false(sqs_decode_error(json, &code, &message));
    release(json);
}

static bool decode_facts(const char *text, struct sqs_queue_facts *facts)
{
    struct error e;
    struct bytes json = own(text);
    bool decoded = sqs_decode_queue_facts(json, facts, &e);
    release(json);
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
        cmocka_unit_test(a_receive_always_says_how_long_it_waits),
        cmocka_unit_test(a_fifo_receive_carries_its_attempt_id),
        cmocka_unit_test(deletes_and_visibility_name_their_handles),
        cmocka_unit_test(a_send_carries_bodies_types_and_ids),
        cmocka_unit_test(queue_attributes_are_asked_for_by_name),
        cmocka_unit_test(a_receive_can_name_what_it_wants),
        cmocka_unit_test(a_single_send_says_all_that_an_entry_does),
        cmocka_unit_test(entries_keep_the_ids_that_callers_chose),
        cmocka_unit_test(all_system_attributes_are_kept_by_message),
        cmocka_unit_test(system_attributes_without_end),
        cmocka_unit_test(results_find_their_entries_by_the_ids_of_the_caller),
        cmocka_unit_test(a_sent_message_has_an_id),
        cmocka_unit_test(a_message_is_read_whatever_the_order_of_its_members),
        cmocka_unit_test(an_empty_receive_has_many_spellings),
        cmocka_unit_test(garbage_is_an_error_and_nothing_more),
        cmocka_unit_test(every_entry_of_a_batch_has_its_fate),
        cmocka_unit_test(lists_of_a_batch_may_be_missing_or_null),
        cmocka_unit_test(errors_are_read_in_all_their_spellings),
        cmocka_unit_test(an_error_page_is_no_error_answer),
        cmocka_unit_test(a_queue_attribute_is_text_that_holds_an_integer),
        cmocka_unit_test(a_redrive_policy_is_text_that_holds_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
