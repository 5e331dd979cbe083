/* Standard queues of the simulator, and the small parts of the model. */
#include "tests/sim/fixture.h"

#include "tests/sim/number.h"

#include <stdio.h>
#include <stdlib.h>

static void a_received_message_is_hidden_until_its_timeout(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    assert_bodies(fixture_receive(f->q, 10, 10), "a");
    assert_bodies(fixture_receive(f->q, 10, 10), "");
    fixture_advance(f, 10000);
    struct got again = fixture_receive(f->q, 10, 10);
    assert_bodies(again, "a");
    assert_int_equal(again.counts[0], 2);
}

static void the_queue_has_a_timeout_of_its_own(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "VisibilityTimeout", "5");
    fixture_send(f->q, NULL, "a", NULL);
    fixture_receive(f->q, 10, -1);
    fixture_advance(f, 4000);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
    fixture_advance(f, 1000);
    assert_bodies(fixture_receive(f->q, 10, -1), "a");
}

static void a_late_delete_still_deletes(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    struct got got = fixture_receive(f->q, 1, 10);
    fixture_advance(f, 11000);
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_DONE);
    assert_bodies(fixture_receive(f->q, 1, -1), "");
}

static void a_stale_handle_is_accepted_without_effect(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    struct got old = fixture_receive(f->q, 1, 10);
    fixture_advance(f, 11000);
    struct got newest = fixture_receive(f->q, 1, 10);
    assert_string_not_equal(newest.handles[0], old.handles[0]);
    assert_int_equal(fixture_delete(f->q, &old, 0), HANDLE_IGNORED);
    assert_int_equal(f->q->in_flight, 1);
    assert_int_equal(fixture_delete(f->q, &newest, 0), HANDLE_DONE);
    assert_int_equal(fixture_delete(f->q, &newest, 0), HANDLE_IGNORED);
}

static void a_handle_of_another_queue_is_garbage(void **state)
{
    struct fixture *f = *state;
    struct queue *other = account_add(&f->account, text_of("other"));
    fixture_send(other, NULL, "a", NULL);
    struct got got = fixture_receive(other, 1, 10);
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_GARBAGE);
    got.handles[0][3] ^= 1;
    assert_int_equal(fixture_delete(other, &got, 0), HANDLE_GARBAGE);
    assert_int_equal(queue_delete(other, text_of("no handle")), HANDLE_GARBAGE);
}

static void visibility_changes_only_in_flight_and_within_twelve_hours(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    struct got got = fixture_receive(f->q, 1, 10);
    fixture_advance(f, 1000);
    assert_int_equal(fixture_change(f->q, &got, 0, 43200), HANDLE_TOO_LONG);
    assert_int_equal(fixture_change(f->q, &got, 0, 43198), HANDLE_DONE); /* the clock goes on */
    assert_int_equal(fixture_change(f->q, &got, 0, 0), HANDLE_DONE);
    assert_int_equal(fixture_change(f->q, &got, 0, 10), HANDLE_AT_REST);
    got = fixture_receive(f->q, 1, 10);
    fixture_delete(f->q, &got, 0);
    assert_int_equal(fixture_change(f->q, &got, 0, 10), HANDLE_GONE);
}

static void a_receive_without_timeout_returns_each_message_once(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    fixture_send(f->q, NULL, "b", NULL);
    assert_bodies(fixture_receive(f->q, 10, 0), "a,b");
    assert_bodies(fixture_receive(f->q, 10, 0), "a,b");
    assert_int_equal(f->q->ready, 2);
}

static void a_delayed_message_appears_later(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "DelaySeconds", "3");
    fixture_send(f->q, NULL, "a", NULL);
    assert_int_equal(f->q->delayed, 1);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
    fixture_advance(f, 3000);
    assert_bodies(fixture_receive(f->q, 10, -1), "a");
}

static void old_messages_are_dropped(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "MessageRetentionPeriod", "60");
    fixture_send(f->q, NULL, "a", NULL);
    fixture_advance(f, 60000);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
    assert_int_equal(f->q->expired, 1);
}

static void a_message_received_too_often_goes_to_the_dead_letter_queue(void **state)
{
    struct fixture *f = *state;
    struct queue *dlq = account_add(&f->account, text_of("dlq"));
    fixture_set(f->q, "RedrivePolicy",
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:123456789012:dlq\","
                "\"maxReceiveCount\":\"2\"}");
    fixture_send(f->q, NULL, "a", NULL);
    for (int i = 0; i < 2; i++) {
        assert_bodies(fixture_receive(f->q, 1, 10), "a");
        fixture_advance(f, 11000);
    }
    assert_bodies(fixture_receive(f->q, 1, 10), "");
    const struct message *m = LIST_ENTRY(dlq->all.next, struct message, all);
    assert_string_equal(m->dead_letter_source, "arn:aws:sqs:us-east-1:123456789012:q");
    struct got got = fixture_receive(dlq, 1, 10);
    assert_bodies(got, "a");
    assert_int_equal(got.counts[0], 3);
}

static void without_its_dead_letter_queue_a_message_stays(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "RedrivePolicy",
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:123456789012:gone\","
                "\"maxReceiveCount\":1}");
    fixture_send(f->q, NULL, "a", NULL);
    fixture_receive(f->q, 1, 0);
    assert_bodies(fixture_receive(f->q, 1, 0), "a");
}

static void too_many_in_flight_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct message *messages[QUEUE_RECEIVE_MAX];
    size_t n;
    f->account.max_in_flight = 1;
    fixture_send(f->q, NULL, "a", NULL);
    fixture_send(f->q, NULL, "b", NULL);
    fixture_receive(f->q, 1, -1);
    assert_false(queue_receive(f->q, &(struct receive){.max = 1}, messages, &n));
    assert_int_equal(n, 0);
}

static void purge_empties_the_queue(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, NULL, "a", NULL);
    fixture_send(f->q, NULL, "b", NULL);
    fixture_receive(f->q, 1, -1);
    queue_purge(f->q);
    assert_int_equal(f->q->ready + f->q->in_flight, 0);
    fixture_advance(f, 60000);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
}

static void a_duplicated_delivery_is_deleted_once(void **state)
{
    struct fixture *f = *state;
    f->account.duplicate = 1;
    fixture_send(f->q, NULL, "a", NULL);
    struct got first = fixture_receive(f->q, 1, 30);
    struct got second = fixture_receive(f->q, 1, 30);
    assert_bodies(second, "a");
    assert_int_equal(fixture_delete(f->q, &first, 0), HANDLE_IGNORED);
    assert_int_equal(fixture_delete(f->q, &second, 0), HANDLE_DONE);
    assert_bodies(fixture_receive(f->q, 1, 30), "");
    assert_int_equal(f->q->stale_deletes, 1);
    assert_int_equal(fixture_delete(f->q, &first, 0), HANDLE_IGNORED);
    assert_int_equal(f->q->stale_deletes, 1); /* what is gone is nobody's */
}

static void shuffling_loses_and_repeats_nothing(void **state)
{
    struct fixture *f = *state;
    bool seen[200] = {0};
    bool in_order = true;
    f->account.shuffle = true;
    for (int i = 0; i < 200; i++) {
        char body[16];
        snprintf(body, sizeof(body), "%d", i);
        fixture_send(f->q, NULL, body, NULL);
    }
    for (int i = 0; i < 200; i++) {
        int body = (int)strtol(fixture_receive(f->q, 1, 30).bodies, NULL, 10);
        assert_false(seen[body]);
        seen[body] = true;
        in_order = in_order && body == i;
    }
    assert_false(in_order);
    assert_int_equal(f->q->ready, 0);
}

static void a_deleted_name_rests_for_a_minute(void **state)
{
    struct fixture *f = *state;
    struct api_error e;
    account_delete(&f->account, f->q);
    assert_false(account_name_free(&f->account, text_of("q"), &e));
    assert_int_equal(e.code, API_QUEUE_DELETED_RECENTLY);
    fixture_advance(f, 60000);
    assert_true(account_name_free(&f->account, text_of("q"), &e));
}

static void attributes_are_hashed_as_aws_does(void **state)
{
    (void)state;
    char md5[MD5_TEXT];
    const struct attribute three[] = {
        {text_of("trace"), text_of("String"), text_of("sensors/a/b")},
        {text_of("n"), text_of("Number.int"), text_of("42")},
        {text_of("bin"), text_of("Binary.raw"), {"\x00\x01\xfe\xff", 4}},
    };
    md5_attributes(three, 3, md5);
    assert_string_equal(md5, "5b4b75baea7ae689727c56813ace21af");
    const struct attribute order[] = {
        {text_of("a"), text_of("String"), text_of("é€😀")},
        {text_of("B"), text_of("String"), text_of("x")},
        {text_of("_"), text_of("String"), text_of("y")},
    };
    md5_attributes(order, 3, md5);
    assert_string_equal(md5, "a95aee53cfc135f325edf3afc15ee1b4");
}

static void check_trim(const char *given, const char *stored)
{
    struct buf out = {0};
    assert_true(number_ok(text_of(given)));
    bool changed = number_trim(text_of(given), &out);
    assert_true(text_is(changed ? text_of_buf(&out) : text_of(given), stored));
    buf_free(&out);
}

static void numbers_lose_needless_zeros(void **state)
{
    (void)state;
    check_trim("42", "42");
    check_trim("-0042.500", "-42.5");
    check_trim("+7", "7");
    check_trim("0.0", "0");
    check_trim(".5", "0.5");
    check_trim("1e5", "1e5");
    static const char *const bad[] = {
        "",   "-",     ".",   "1,5", "0x10",
        "1e", "1e400", "nan", "1 ",  "123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(number_ok(text_of(bad[i])));
}

static void settings_are_checked(void **state)
{
    struct fixture *f = *state;
    struct api_error e;
    struct settings *s = &f->q->settings;
    assert_false(settings_set(s, text_of("VisibilityTimeout"), text_of("43201"), &e));
    assert_int_equal(e.code, API_INVALID_ATTRIBUTE_VALUE);
    assert_false(settings_set(s, text_of("Nonsense"), text_of("1"), &e));
    assert_string_equal(e.text, "Unknown Attribute Nonsense.");
    assert_false(settings_set(s, text_of("ContentBasedDeduplication"), text_of("true"), &e));
    assert_string_equal(e.text, "Unknown Attribute ContentBasedDeduplication.");
    assert_false(settings_set(s, text_of("RedrivePolicy"), text_of("{}"), &e));
    assert_true(settings_set(s, text_of("KmsMasterKeyId"), text_of("alias/x"), &e));
    assert_true(settings_set(s, text_of("SqsManagedSseEnabled"), text_of("true"), &e));
    assert_false(settings_settle(s, &e));
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, fixture_setup_standard, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_received_message_is_hidden_until_its_timeout),
        WITH(the_queue_has_a_timeout_of_its_own),
        WITH(a_late_delete_still_deletes),
        WITH(a_stale_handle_is_accepted_without_effect),
        WITH(a_handle_of_another_queue_is_garbage),
        WITH(visibility_changes_only_in_flight_and_within_twelve_hours),
        WITH(a_receive_without_timeout_returns_each_message_once),
        WITH(a_delayed_message_appears_later),
        WITH(old_messages_are_dropped),
        WITH(a_message_received_too_often_goes_to_the_dead_letter_queue),
        WITH(without_its_dead_letter_queue_a_message_stays),
        WITH(too_many_in_flight_is_an_error),
        WITH(purge_empties_the_queue),
        WITH(a_duplicated_delivery_is_deleted_once),
        WITH(shuffling_loses_and_repeats_nothing),
        WITH(a_deleted_name_rests_for_a_minute),
        WITH(settings_are_checked),
        cmocka_unit_test(attributes_are_hashed_as_aws_does),
        cmocka_unit_test(numbers_lose_needless_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
