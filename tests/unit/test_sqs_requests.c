/* The JSON that SQS gets: what we write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_wire.h"
#include "tests/unit/owned_text.h"

#define QUEUE "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"
static const char url[] = QUEUE;

static void a_receive_always_says_how_long_it_waits(void **state)
{
    (void)state;
    struct buf out = {0};
    struct sqs_receive r = {.queue_url = url, .visibility_s = 45, .max = 10};
    sqs_encode_receive(&out, &r);
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":10,"
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":1,"
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"0\",\"ReceiptHandle\":\"AQEB\\\"1\"},"
                      "{\"Id\":\"1\",\"ReceiptHandle\":\"AQEB2\"}]}");
    batch.seconds = seconds;
    sqs_encode_handles(&out, &batch);
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
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
    expect_text(&out,
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MaxNumberOfMessages\":1,"
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"MessageBody\":\"x\",\"DelaySeconds\":0,"
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
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"mine\",\"MessageBody\":\"x\"}]}");
    sqs_encode_handles(&out, &batch);
    expect_text(&out, "{\"QueueUrl\":\"" QUEUE "\",\"Entries\":["
                      "{\"Id\":\"a\",\"ReceiptHandle\":\"1\"},"
                      "{\"Id\":\"b\",\"ReceiptHandle\":\"2\"}]}");
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
