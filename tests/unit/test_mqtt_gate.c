/* The ack gate alone: which PUBACKs leave, and in which order. */
#include "connectors/mqtt/ack_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A socket that keeps the packet identifiers that were acknowledged, write by write: "1,2;3". */
struct fake {
    struct ack_gate *gate;
    struct buf written;
    bool busy;
};

static bool fake_write(void *arg, const void *bytes, size_t len)
{
    struct fake *f = arg;
    const uint8_t *at = bytes;
    if (f->busy) return false;
    if (f->written.len) buf_printf(&f->written, ";");
    for (size_t i = 0; i < len; i += 4) {
        assert_int_equal(at[i], 0x40);
        assert_int_equal(at[i + 1], 2);
        buf_printf(&f->written, "%s%d", i ? "," : "", at[i + 2] << 8 | at[i + 3]);
    }
    return true;
}

static void expect_written(struct fake *f, const char *expected)
{
    buf_reserve(&f->written, 1);
    f->written.ptr[f->written.len] = '\0';
    assert_string_equal(f->written.ptr, expected);
    f->written.len = 0;
}

static int set_up(void **state)
{
    struct fake *f = mem_zalloc(sizeof(*f));
    f->gate = ack_gate_create(fake_write, f);
    ack_gate_connected(f->gate, false);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fake *f = *state;
    ack_gate_destroy(f->gate);
    free(f->written.ptr);
    free(f);
    return 0;
}

static struct receipt arrive(struct fake *f, uint16_t id)
{
    struct receipt r = {.verdict = VERDICT_CONFIRMED};
    assert_true(ack_gate_arrived(f->gate, id, false, id, &r.cookie));
    assert_int_not_equal(r.cookie, 0);
    return r;
}

static bool arrives_again(struct fake *f, uint16_t id)
{
    uint64_t token;
    return ack_gate_arrived(f->gate, id, true, id, &token);
}

static bool settle(struct fake *f, struct receipt *r)
{
    ack_gate_settle(f->gate, r);
    return ack_gate_drain(f->gate);
}

static size_t take_done(struct fake *f)
{
    size_t n = 0;
    for (struct receipt *r = ack_gate_take_done(f->gate); r; r = r->next)
        n++;
    return n;
}

static void test_nothing_leaves_before_it_is_confirmed(void **state)
{
    struct fake *f = *state;
    struct receipt r = arrive(f, 1);
    assert_true(ack_gate_drain(f->gate));
    expect_written(f, "");
    assert_int_equal(take_done(f), 0);
    settle(f, &r);
    expect_written(f, "1");
    assert_int_equal(take_done(f), 1);
}

static void test_acks_leave_in_order_of_arrival(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 7), b = arrive(f, 3), c = arrive(f, 5);
    settle(f, &c);
    settle(f, &b);
    expect_written(f, "");
    settle(f, &a);
    expect_written(f, "7,3,5"); /* with one write */
    assert_int_equal(take_done(f), 3);
}

static void test_a_busy_socket_is_tried_again(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1), b = arrive(f, 2);
    f->busy = true;
    assert_false(settle(f, &a));
    assert_false(settle(f, &b));
    assert_int_equal(take_done(f), 0);
    f->busy = false;
    assert_true(ack_gate_drain(f->gate));
    expect_written(f, "1,2");
    assert_int_equal(take_done(f), 2);
}

static void test_many_acks_take_several_writes(void **state)
{
    struct fake *f = *state;
    enum { MANY = 3000 };
    struct receipt *all = mem_zalloc(MANY * sizeof(*all));
    for (uint16_t i = 0; i < MANY; i++)
        all[i] = arrive(f, (uint16_t)(i + 1));
    for (size_t i = MANY; i-- > 0;)
        ack_gate_settle(f->gate, &all[i]);
    assert_true(ack_gate_drain(f->gate));
    assert_int_equal(take_done(f), MANY);
    unsigned id = 0, writes = 1;
    for (char *at = f->written.ptr; id < MANY; at++) {
        assert_int_equal(strtoul(at, &at, 10), ++id);
        writes += *at == ';';
    }
    assert_int_equal(writes, 3);
    free(all);
}

static void test_redelivery_on_a_live_connection_is_one_message(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1), b = arrive(f, 2);
    assert_false(arrives_again(f, 1));
    settle(f, &a);
    settle(f, &b);
    expect_written(f, "1;2"); /* once each */
}

static void test_redelivery_after_a_resumed_session_rearms_the_ack(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1), b = arrive(f, 2);
    ack_gate_disconnected(f->gate);
    ack_gate_connected(f->gate, true);
    settle(f, &a); /* not sent again yet: nothing is owed on this connection */
    expect_written(f, "");
    assert_int_equal(take_done(f), 1);
    assert_false(arrives_again(f, 1));
    assert_false(arrives_again(f, 2));
    assert_true(ack_gate_drain(f->gate));
    expect_written(f, "1");
    settle(f, &b);
    expect_written(f, "2");
    assert_int_equal(take_done(f), 1);
}

static void test_confirmed_but_unwritten_comes_back_when_the_connection_ends(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1), b = arrive(f, 2);
    settle(f, &b);
    ack_gate_disconnected(f->gate);
    assert_int_equal(take_done(f), 1);
    settle(f, &a);
    expect_written(f, ""); /* nothing is written to nobody */
    assert_int_equal(take_done(f), 1);
}

static void test_nothing_is_written_before_connack(void **state)
{
    struct fake *f = *state;
    ack_gate_disconnected(f->gate);
    struct receipt a = arrive(f, 1);
    assert_true(settle(f, &a));
    expect_written(f, "");
}

static void test_lost_session_forgets_every_identifier(void **state)
{
    struct fake *f = *state;
    struct receipt old = arrive(f, 1);
    ack_gate_disconnected(f->gate);
    ack_gate_connected(f->gate, false);
    assert_true(arrives_again(f, 1)); /* of somebody else's session: new to us */
    settle(f, &old);
    expect_written(f, ""); /* the late verdict is not this message's */
    assert_int_equal(take_done(f), 1);
}

static void test_identifier_used_again_is_another_message(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1);
    settle(f, &a);
    expect_written(f, "1");
    struct receipt again = arrive(f, 1);
    assert_int_not_equal(a.cookie, again.cookie);
    ack_gate_settle(f->gate, &a); /* twice, as nobody should */
    assert_true(ack_gate_drain(f->gate));
    expect_written(f, "");
    settle(f, &again);
    expect_written(f, "1");
}

static void test_dup_with_other_content_is_another_message(void **state)
{
    struct fake *f = *state;
    uint64_t token;
    struct receipt a = arrive(f, 1);
    ack_gate_disconnected(f->gate);
    ack_gate_connected(f->gate, true);
    assert_true(ack_gate_arrived(f->gate, 1, true, 999, &token));
    settle(f, &a);
    expect_written(f, "");
}

static void test_identifiers_wrap_around(void **state)
{
    struct fake *f = *state;
    for (unsigned i = 0; i < 200000; i++) {
        struct receipt r = arrive(f, (uint16_t)(i % 65535 + 1));
        assert_true(settle(f, &r));
        assert_int_equal(take_done(f), 1);
        f->written.len = 0;
    }
}

static void test_given_back_is_never_acknowledged_and_holds_up_nobody(void **state)
{
    struct fake *f = *state;
    struct receipt a = arrive(f, 1), b = arrive(f, 2), c = arrive(f, 3);
    b.verdict = VERDICT_RELEASED;
    settle(f, &b);
    settle(f, &c);
    settle(f, &a);
    expect_written(f, "1,3");
    assert_int_equal(take_done(f), 3);
}

static void test_fingerprint_tells_messages_apart(void **state)
{
    (void)state;
    struct bytes topic = BYTES_LIT("a/b"), body = BYTES_LIT("0123456789");
    uint64_t print = ack_gate_fingerprint(topic, body);
    assert_true(print == ack_gate_fingerprint(topic, body));
    assert_true(print != ack_gate_fingerprint(BYTES_LIT("a/c"), body));
    assert_true(print != ack_gate_fingerprint(topic, BYTES_LIT("0123456780")));
    assert_true(print != ack_gate_fingerprint(topic, BYTES_NONE));
    assert_true(ack_gate_fingerprint(BYTES_LIT("ab"), BYTES_LIT("c")) !=
                ack_gate_fingerprint(BYTES_LIT("a"), BYTES_LIT("bc")));
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(test_nothing_leaves_before_it_is_confirmed),
        GATE_TEST(test_acks_leave_in_order_of_arrival),
        GATE_TEST(test_a_busy_socket_is_tried_again),
        GATE_TEST(test_many_acks_take_several_writes),
        GATE_TEST(test_redelivery_on_a_live_connection_is_one_message),
        GATE_TEST(test_redelivery_after_a_resumed_session_rearms_the_ack),
        GATE_TEST(test_confirmed_but_unwritten_comes_back_when_the_connection_ends),
        GATE_TEST(test_nothing_is_written_before_connack),
        GATE_TEST(test_lost_session_forgets_every_identifier),
        GATE_TEST(test_identifier_used_again_is_another_message),
        GATE_TEST(test_dup_with_other_content_is_another_message),
        GATE_TEST(test_identifiers_wrap_around),
        GATE_TEST(test_given_back_is_never_acknowledged_and_holds_up_nobody),
        cmocka_unit_test(test_fingerprint_tells_messages_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
