/* Requests and answers by tables: what is written, what is read, and that no text can harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_admin.h"
#include "tests/unit/owned_text.h"

static void expect_request(enum sqs_action action, const void *request, const char *json)
{
    struct buf out = {0};
    sqs_shape_encode(sqs_admin_shapes[action].request, request, &out);
    expect_text(&out, json);
}

static void what_is_absent_is_left_out(void **state)
{
    (void)state;
    struct sqs_list_queues none = {.max_results = {false, 7}};
    struct sqs_list_queues page = {.prefix = BYTES_LIT("a\"b"), .max_results = {true, 0}};
    struct sqs_create_queue create = {.name = BYTES_LIT("q")};
    expect_request(SQS_LIST_QUEUES, &none, "{}");
    expect_request(SQS_LIST_QUEUES, &page, "{\"QueueNamePrefix\":\"a\\\"b\",\"MaxResults\":0}");
    expect_request(SQS_CREATE_QUEUE, &create, "{\"QueueName\":\"q\"}");
}

static void lists_and_pairs_are_written_in_order(void **state)
{
    (void)state;
    struct sqs_create_queue create = {.name = BYTES_LIT("q")};
    struct sqs_permission permission = {.queue_url = BYTES_LIT("u"), .label = BYTES_LIT("l")};
    for (int i = 0; i < 20; i++)
        sqs_pairs_add(&create.tags, BYTES_LIT("k"), BYTES_LIT(""));
    create.tags.count = 2;
    sqs_pairs_add(&create.attributes, BYTES_LIT("Policy"), BYTES_LIT("{\"a\":1}"));
    expect_request(SQS_CREATE_QUEUE, &create,
                   "{\"QueueName\":\"q\",\"Attributes\":{\"Policy\":\"{\\\"a\\\":1}\"},"
                   "\"tags\":{\"k\":\"\",\"k\":\"\"}}");
    sqs_texts_add(&permission.accounts, BYTES_LIT("1"));
    sqs_texts_add(&permission.actions, BYTES_LIT("*"));
    sqs_texts_add(&permission.actions, BYTES_LIT("SendMessage"));
    expect_request(SQS_ADD_PERMISSION, &permission,
                   "{\"QueueUrl\":\"u\",\"Label\":\"l\",\"AWSAccountIds\":[\"1\"],"
                   "\"Actions\":[\"*\",\"SendMessage\"]}");
    free(create.attributes.items);
    free(create.tags.items);
    free(permission.accounts.items);
    free(permission.actions.items);
}

static void every_action_has_its_shapes_but_those_of_messages(void **state)
{
    (void)state;
    for (int i = 0; i < SQS_ACTIONS; i++) {
        bool hot = i == SQS_RECEIVE_MESSAGE || i == SQS_SEND_MESSAGE ||
                   i == SQS_SEND_MESSAGE_BATCH || i == SQS_DELETE_MESSAGE_BATCH ||
                   i == SQS_CHANGE_MESSAGE_VISIBILITY_BATCH;
        assert_int_equal(sqs_admin_shapes[i].request == NULL, hot);
        assert_int_equal(sqs_admin_shapes[i].answer == NULL, hot);
        assert_non_null(sqs_actions[i].name);
        assert_true(strncmp(sqs_actions[i].permission, "sqs:", 4) == 0);
        assert_string_equal(strchr(sqs_actions[i].header, ' ') + 1, sqs_actions[i].target);
        assert_string_equal(strchr(sqs_actions[i].target, '.') + 1, sqs_actions[i].name);
    }
}

static void tasks_are_read_whatever_the_order(void **state)
{
    (void)state;
    const struct sqs_shape *shape = sqs_admin_shapes[SQS_LIST_MESSAGE_MOVE_TASKS].answer;
    struct sqs_move_tasks answer;
    struct error e;
    struct bytes json = owned_text(
        "{\"New\":[{}],\"Results\":[{\"StartedTimestamp\":1764000000123,\"Status\":\"FAILED\","
        "\"FailureReason\":\"a\\nb\",\"Extra\":{\"x\":null}},{\"Status\":\"RUNNING\","
        "\"TaskHandle\":\"h\",\"ApproximateNumberOfMessagesMoved\":\"12\","
        "\"ApproximateNumberOfMessagesToMove\":null}]}");
    assert_true(sqs_shape_decode(shape, json, &answer, &e));
    assert_int_equal(answer.results.count, 2);
    const struct sqs_move_task *tasks = answer.results.items;
    assert_int_equal(tasks[0].started_ms.value, 1764000000123);
    expect_bytes(tasks[0].failure_reason, "a\nb");
    assert_null(tasks[0].task_handle.ptr);
    expect_bytes(tasks[1].task_handle, "h");
    assert_int_equal(tasks[1].moved.value, 12);
    assert_false(tasks[1].to_move.given);
    sqs_shape_free(shape, &answer);
    assert_int_equal(answer.results.count, 0);
    owned_text_free(json);
}

static void an_answer_can_be_empty(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{}", " {} ", "{\"QueueUrls\":null}"};
    const struct sqs_shape *shape = sqs_admin_shapes[SQS_LIST_QUEUES].answer;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sqs_queue_urls answer;
        struct error e;
        struct bytes json = owned_text(texts[i]);
        assert_true(sqs_shape_decode(shape, json, &answer, &e));
        assert_int_equal(answer.queue_urls.count, 0);
        sqs_shape_free(shape, &answer);
        owned_text_free(json);
    }
}

static void what_must_be_there_must_be_there(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{}", "{\"QueueUrl\":null}", "{\"QueueUrl\":\"\"}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sqs_queue_url answer;
        struct error e;
        struct bytes json = owned_text(texts[i]);
        const struct sqs_shape *shape = sqs_admin_shapes[SQS_CREATE_QUEUE].answer;
        assert_false(sqs_shape_decode(shape, json, &answer, &e));
        assert_string_equal(e.text, "answer without QueueUrl");
        owned_text_free(json);
    }
}

/* A malformed answer is an error and leaks nothing, wherever it ends: the sanitizer sees to that.
 */
static void garbage_is_an_error(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"queueUrls\":[\"a\",\"b\\u00e9\"],\"NextToken\":\"t\",\"x\":[1,{\"y\":\"z\"}]}";
    static const char *const wrong[] = {"[]",
                                        "7",
                                        "<html>",
                                        "{\"queueUrls\":{}}",
                                        "{\"queueUrls\":[7]}",
                                        "{\"queueUrls\":[\"a\",null]}",
                                        "{\"NextToken\":[]}",
                                        "{\"queueUrls\":[\"\\ud800\"]}",
                                        "{} {}"};
    const struct sqs_shape *shape = sqs_admin_shapes[SQS_LIST_DEAD_LETTER_SOURCE_QUEUES].answer;
    struct sqs_queue_urls answer;
    struct error e;
    for (size_t len = 1; len < sizeof(whole) - 1; len++) {
        char *text = mem_strndup(whole, len);
        assert_false(sqs_shape_decode(shape, bytes_of(text, len), &answer, &e));
        sqs_shape_free(shape, &answer);
        free(text);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct bytes json = owned_text(wrong[i]);
        if (sqs_shape_decode(shape, json, &answer, &e)) fail_msg("taken: %s", wrong[i]);
        sqs_shape_free(shape, &answer);
        owned_text_free(json);
    }
}

/* Every answer, each of its bytes another: an error or an answer that can be written again. */
static void no_answer_can_harm(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"QueueUrl\":\"u\",\"QueueUrls\":[\"a\\n\"],\"queueUrls\":[\"b\"],\"NextToken\":\"t\","
        "\"Attributes\":{\"A\":\"1\"},\"Tags\":{\"k\":\"\"},\"TaskHandle\":\"h\",\"Results\":[{"
        "\"Status\":"
        "\"RUNNING\",\"StartedTimestamp\":17}],\"ApproximateNumberOfMessagesMoved\":3}";
    enum { LEN = sizeof(whole) - 1 };
    union {
        struct sqs_queue_urls urls;
        struct sqs_move_tasks tasks;
        char room[256];
    } answer;
    struct buf out = {0};
    struct error e;
    for (int action = 0; action < SQS_ACTIONS; action++) {
        const struct sqs_shape *shape = sqs_admin_shapes[action].answer;
        if (!shape) continue;
        assert_true(shape->size <= sizeof(answer));
        for (size_t at = 0; at < LEN; at++)
            for (const char *other = "\"\\{}[],:0n\xff"; *other; other++) {
                char *text = mem_strndup(whole, LEN);
                text[at] = *other;
                out.len = 0;
                if (sqs_shape_decode(shape, bytes_of(text, LEN), &answer, &e))
                    sqs_shape_encode(shape, &answer, &out);
                sqs_shape_free(shape, &answer);
                free(text);
            }
    }
    free(out.ptr);
}

static void pairs_are_found_by_name(void **state)
{
    (void)state;
    const struct sqs_shape *shape = sqs_admin_shapes[SQS_GET_QUEUE_ATTRIBUTES].answer;
    struct sqs_attributes answer;
    struct error e;
    struct bytes json = owned_text("{\"Attributes\":{\"A\":\"1\",\"N\":5,\"Gone\":null}}");
    assert_true(sqs_shape_decode(shape, json, &answer, &e));
    expect_bytes(sqs_pairs_find(&answer.attributes, "A"), "1");
    expect_bytes(sqs_pairs_find(&answer.attributes, "N"), "5");
    assert_null(sqs_pairs_find(&answer.attributes, "Gone").ptr);
    sqs_shape_free(shape, &answer);
    owned_text_free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_absent_is_left_out),
        cmocka_unit_test(lists_and_pairs_are_written_in_order),
        cmocka_unit_test(every_action_has_its_shapes_but_those_of_messages),
        cmocka_unit_test(tasks_are_read_whatever_the_order),
        cmocka_unit_test(an_answer_can_be_empty),
        cmocka_unit_test(what_must_be_there_must_be_there),
        cmocka_unit_test(garbage_is_an_error),
        cmocka_unit_test(no_answer_can_harm),
        cmocka_unit_test(pairs_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
