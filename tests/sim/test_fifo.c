/* FIFO queues of the simulator: the lock rules (a) to (g) as they were recorded against AWS,
 * deduplication, receive attempts, handles that expire. */
#include "tests/sim/fixture.h"

static void send_group(struct queue *q, const char *group, const char *bodies)
{
    char body[2] = {0};
    for (; *bodies; bodies++) {
        body[0] = *bodies;
        fixture_send(q, group, body, NULL);
    }
}

static void a_receive_locks_the_rest_of_its_group(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abcd");
    assert_bodies(fixture_receive(f->q, 2, -1), "a,b");
    assert_bodies(fixture_receive(f->q, 10, -1), "");
}

static void b_deleting_the_first_alone_keeps_the_lock(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abcd");
    struct got got = fixture_receive(f->q, 2, -1);
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_DONE);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
}

static void c_deleting_all_that_was_received_opens_the_group(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abcd");
    struct got got = fixture_receive(f->q, 2, -1);
    fixture_delete(f->q, &got, 0);
    fixture_delete(f->q, &got, 1);
    assert_bodies(fixture_receive(f->q, 10, -1), "c,d");
}

static void d_a_message_given_back_comes_again_though_the_next_is_in_flight(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abc");
    struct got got = fixture_receive(f->q, 2, -1);
    assert_int_equal(fixture_change(f->q, &got, 0, 0), HANDLE_DONE);
    assert_bodies(fixture_receive(f->q, 10, -1), "a");
}

static void d_giving_back_the_second_lets_nothing_out(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abc");
    struct got got = fixture_receive(f->q, 2, -1);
    fixture_change(f->q, &got, 1, 0);
    assert_bodies(fixture_receive(f->q, 10, -1), "");
}

static void e_an_extended_message_holds_back_what_follows(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "xyz");
    struct got got = fixture_receive(f->q, 3, 10);
    assert_int_equal(fixture_change(f->q, &got, 1, 60), HANDLE_DONE);
    fixture_advance(f, 11000);
    assert_bodies(fixture_receive(f->q, 10, -1), "x");
}

static void f_an_expired_handle_cannot_delete(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "ab");
    struct got got = fixture_receive(f->q, 1, 10);
    fixture_advance(f, 11000);
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_EXPIRED);
    assert_int_equal(fixture_change(f->q, &got, 0, 10), HANDLE_EXPIRED);
    assert_bodies(fixture_receive(f->q, 1, -1), "a");
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_EXPIRED);
}

static void f_extending_in_time_keeps_the_handle(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "ab");
    struct got got = fixture_receive(f->q, 1, 10);
    fixture_advance(f, 9000);
    assert_int_equal(fixture_change(f->q, &got, 0, 30), HANDLE_DONE);
    fixture_advance(f, 20000);
    assert_int_equal(fixture_delete(f->q, &got, 0), HANDLE_DONE);
    assert_bodies(fixture_receive(f->q, 1, -1), "b");
}

static void g_a_receive_without_timeout_leaves_the_group_open(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abc");
    assert_bodies(fixture_receive(f->q, 2, 0), "a,b");
    assert_bodies(fixture_receive(f->q, 10, -1), "a,b,c");
}

static void one_group_is_taken_before_the_next(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "ab");
    send_group(f->q, "g2", "xy");
    send_group(f->q, "g1", "c");
    assert_bodies(fixture_receive(f->q, 10, -1), "a,b,c,x,y");
}

static void other_groups_flow_while_one_is_locked(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "ab");
    send_group(f->q, "g2", "xy");
    fixture_receive(f->q, 1, -1);
    assert_bodies(fixture_receive(f->q, 10, -1), "x,y");
}

static void order_is_kept_after_the_timeout(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abcde");
    fixture_receive(f->q, 3, 10);
    fixture_advance(f, 11000);
    assert_bodies(fixture_receive(f->q, 10, -1), "a,b,c,d,e");
}

static void a_duplicate_answers_with_the_first(void **state)
{
    struct fixture *f = *state;
    struct sent first = fixture_send(f->q, "g1", "a", "id");
    struct sent again = fixture_send(f->q, "g2", "b", "id");
    assert_false(first.duplicate);
    assert_true(again.duplicate);
    assert_int_equal(f->q->sent, 1);
    assert_int_equal(f->q->deduplicated, 1);
    assert_string_equal(again.id, first.id);
    assert_true(again.sequence == first.sequence);
    assert_bodies(fixture_receive(f->q, 10, -1), "a");
}

static void the_window_outlives_the_message_and_ends_after_five_minutes(void **state)
{
    struct fixture *f = *state;
    fixture_send(f->q, "g1", "a", "id");
    struct got got = fixture_receive(f->q, 1, -1);
    fixture_delete(f->q, &got, 0);
    fixture_advance(f, 299000);
    assert_true(fixture_send(f->q, "g1", "a", "id").duplicate);
    fixture_advance(f, 2000);
    assert_false(fixture_send(f->q, "g1", "a", "id").duplicate);
}

static void the_scope_may_be_the_group(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "DeduplicationScope", "messageGroup");
    fixture_send(f->q, "g1", "a", "id");
    assert_false(fixture_send(f->q, "g2", "b", "id").duplicate);
    assert_true(fixture_send(f->q, "g1", "c", "id").duplicate);
}

static void the_body_may_be_the_id(void **state)
{
    struct fixture *f = *state;
    fixture_set(f->q, "ContentBasedDeduplication", "true");
    fixture_send(f->q, "g1", "a", NULL);
    assert_true(fixture_send(f->q, "g1", "a", NULL).duplicate);
    assert_false(fixture_send(f->q, "g1", "b", NULL).duplicate);
}

static void sequence_numbers_rise(void **state)
{
    struct fixture *f = *state;
    uint64_t first = fixture_send(f->q, "g1", "a", NULL).sequence;
    assert_true(fixture_send(f->q, "g1", "b", NULL).sequence > first);
}

static void an_attempt_repeated_returns_the_same_messages_and_handles(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abc");
    struct got first = fixture_receive_attempt(f->q, 2, "try");
    fixture_advance(f, 20000);
    struct got again = fixture_receive_attempt(f->q, 2, "try");
    assert_bodies(again, "a,b");
    assert_string_equal(again.handles[0], first.handles[0]);
    assert_string_equal(again.handles[1], first.handles[1]);
    fixture_advance(f, 20000); /* the repeat has started the timeout anew */
    assert_int_equal(fixture_delete(f->q, &first, 0), HANDLE_DONE);
}

static void an_attempt_is_void_once_a_message_changed(void **state)
{
    struct fixture *f = *state;
    send_group(f->q, "g1", "abc");
    struct got first = fixture_receive_attempt(f->q, 2, "try");
    fixture_delete(f->q, &first, 0);
    assert_bodies(fixture_receive_attempt(f->q, 2, "try"), "");
}

static void in_flight_ceiling_gives_nothing_and_no_error(void **state)
{
    struct fixture *f = *state;
    f->account.max_in_flight = 1;
    send_group(f->q, "g1", "a");
    send_group(f->q, "g2", "b");
    fixture_receive(f->q, 1, -1);
    assert_bodies(fixture_receive(f->q, 1, -1), "");
}

static void redrive_keeps_the_order_of_the_group(void **state)
{
    struct fixture *f = *state;
    struct queue *dlq = account_add(&f->account, text_of("dlq.fifo"));
    fixture_set(f->q, "RedrivePolicy",
                "{\"deadLetterTargetArn\":\"arn:aws:sqs:us-east-1:123456789012:dlq.fifo\","
                "\"maxReceiveCount\":1}");
    send_group(f->q, "g1", "abc");
    fixture_receive(f->q, 2, 10);
    fixture_advance(f, 11000);
    assert_bodies(fixture_receive(f->q, 10, -1), "c");
    assert_bodies(fixture_receive(dlq, 10, -1), "a,b");
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, fixture_setup_fifo, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(a_receive_locks_the_rest_of_its_group),
        WITH(b_deleting_the_first_alone_keeps_the_lock),
        WITH(c_deleting_all_that_was_received_opens_the_group),
        WITH(d_a_message_given_back_comes_again_though_the_next_is_in_flight),
        WITH(d_giving_back_the_second_lets_nothing_out),
        WITH(e_an_extended_message_holds_back_what_follows),
        WITH(f_an_expired_handle_cannot_delete),
        WITH(f_extending_in_time_keeps_the_handle),
        WITH(g_a_receive_without_timeout_leaves_the_group_open),
        WITH(one_group_is_taken_before_the_next),
        WITH(other_groups_flow_while_one_is_locked),
        WITH(order_is_kept_after_the_timeout),
        WITH(a_duplicate_answers_with_the_first),
        WITH(the_window_outlives_the_message_and_ends_after_five_minutes),
        WITH(the_scope_may_be_the_group),
        WITH(the_body_may_be_the_id),
        WITH(sequence_numbers_rise),
        WITH(an_attempt_repeated_returns_the_same_messages_and_handles),
        WITH(an_attempt_is_void_once_a_message_changed),
        WITH(in_flight_ceiling_gives_nothing_and_no_error),
        WITH(redrive_keeps_the_order_of_the_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
