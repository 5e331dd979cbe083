/* The contiguous run of confirmed messages, and the search for the bad message of a batch. */
#include "connectors/kafka/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/kafka/suspects.h"

static struct receipt receipts[4096];

static void test_in_order(void **state)
{
    (void)state;
    struct kafka_window w = {0};
    assert_int_equal(kafka_window_push(&w, 10, 0), 0);
    assert_int_equal(kafka_window_push(&w, 11, 0), 1);
    assert_int_equal(kafka_window_confirm(&w, 0, &receipts[0]), 1);
    assert_int_equal(kafka_window_next_offset(&w), 11);
    assert_int_equal(kafka_window_confirm(&w, 1, &receipts[1]), 1);
    assert_int_equal(kafka_window_next_offset(&w), 12);
    w.sent = w.done;
    assert_ptr_equal(kafka_window_pop(&w), &receipts[0]);
    assert_ptr_equal(kafka_window_pop(&w), &receipts[1]);
    assert_int_equal(kafka_window_count(&w), 0);
    kafka_window_free(&w);
}

static void test_never_past_a_message_in_flight(void **state)
{
    (void)state;
    struct kafka_window w = {0};
    for (int i = 0; i < 5; i++)
        kafka_window_push(&w, 100 + i, 0);
    assert_int_equal(kafka_window_confirm(&w, 4, &receipts[4]), 0);
    assert_int_equal(kafka_window_confirm(&w, 2, &receipts[2]), 0);
    assert_int_equal(kafka_window_confirm(&w, 0, &receipts[0]), 1);
    assert_int_equal(kafka_window_next_offset(&w), 101);
    assert_int_equal(kafka_window_confirm(&w, 1, &receipts[1]), 2);
    assert_int_equal(kafka_window_next_offset(&w), 103);
    assert_int_equal(kafka_window_confirm(&w, 3, &receipts[3]), 2);
    assert_int_equal(kafka_window_next_offset(&w), 105);
    kafka_window_free(&w);
}

static void test_gaps_in_offsets(void **state)
{
    (void)state; /* compaction took 8 and 9, a transaction marker stands at 11 */
    struct kafka_window w = {0};
    kafka_window_push(&w, 7, 0);
    kafka_window_push(&w, 10, 0);
    kafka_window_push(&w, 12, 0);
    kafka_window_confirm(&w, 1, &receipts[1]);
    kafka_window_confirm(&w, 0, &receipts[0]);
    assert_int_equal(kafka_window_next_offset(&w), 11);
    kafka_window_confirm(&w, 2, &receipts[2]);
    assert_int_equal(kafka_window_next_offset(&w), 13);
    kafka_window_free(&w);
}

/* Grows while it is wrapped around, and keeps all in place. */
static void test_wraps_and_grows(void **state)
{
    (void)state;
    struct kafka_window w = {0};
    uint64_t pushed = 0, popped = 0;
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 7 + round % 11; i++, pushed++)
            assert_int_equal(kafka_window_push(&w, (int64_t)(3 * pushed), 0), pushed);
        uint64_t some = kafka_window_count(&w) / 2;
        for (uint64_t at = popped + some; at-- > popped;)
            kafka_window_confirm(&w, at, &receipts[at % 4096]);
        assert_int_equal(w.done, popped + some);
        w.sent = w.done;
        if (some)
            assert_int_equal(kafka_window_next_offset(&w), 3 * (int64_t)(popped + some - 1) + 1);
        for (uint64_t i = 0; i < some; i++, popped++)
            assert_ptr_equal(kafka_window_pop(&w), &receipts[popped % 4096]);
    }
    kafka_window_free(&w);
}

static void test_random_order(void **state)
{
    (void)state;
    enum { N = 4096 };
    struct kafka_window w = {0};
    static unsigned order[N];
    static bool confirmed[N];
    srand(7);
    for (unsigned i = 0; i < N; i++) {
        kafka_window_push(&w, i, 0);
        order[i] = i;
    }
    for (unsigned i = N - 1; i > 0; i--) {
        unsigned k = (unsigned)rand() % (i + 1), other = order[i];
        order[i] = order[k];
        order[k] = other;
    }
    uint64_t first_open = 0, run = 0;
    for (unsigned i = 0; i < N; i++) {
        confirmed[order[i]] = true;
        while (first_open < N && confirmed[first_open])
            first_open++;
        run += kafka_window_confirm(&w, order[i], &receipts[order[i]]);
        assert_int_equal(w.done, first_open);
        assert_int_equal(run, first_open);
    }
    kafka_window_free(&w);
}

static void test_abandon_gives_back_what_it_holds(void **state)
{
    (void)state;
    struct kafka_window w = {0};
    for (int i = 0; i < 4; i++)
        kafka_window_push(&w, i, 0);
    kafka_window_confirm(&w, 0, &receipts[0]);
    kafka_window_confirm(&w, 2, &receipts[2]);
    assert_ptr_equal(kafka_window_abandon(&w), &receipts[0]);
    assert_ptr_equal(kafka_window_abandon(&w), &receipts[2]);
    assert_null(kafka_window_abandon(&w));
    assert_int_equal(kafka_window_count(&w), 0);
    assert_true(w.done == w.head && w.sent == w.head);
    kafka_window_free(&w);
}

/* ---- suspects ---- */

enum { BATCH = 50 };

struct trial {
    struct kafka_suspects suspects;
    struct leg legs[BATCH];
    bool bad[BATCH];
    unsigned ended[BATCH];
    uint64_t last_arrived;
    unsigned rejected, arrived, sent;
};

/* One batch goes to a broker that refuses it whole if one of its messages is bad. */
static void broker_gets(struct trial *t, struct leg **part, size_t n)
{
    bool refused = false;
    t->sent += (unsigned)n;
    for (size_t i = 0; i < n; i++)
        refused |= t->bad[part[i]->seq];
    for (size_t i = n; refused && i--;) { /* reports in any order */
        if (kafka_suspects_add(&t->suspects, part[i])) continue;
        t->ended[part[i]->seq]++;
        t->rejected++;
        assert_true(t->bad[part[i]->seq]);
    }
    for (size_t i = 0; !refused && i < n; i++) {
        t->ended[part[i]->seq]++;
        t->arrived++;
        assert_true(t->last_arrived <= part[i]->seq);
        t->last_arrived = part[i]->seq;
    }
}

static void find_the_bad(struct trial *t, size_t batch)
{
    struct leg *part[BATCH];
    size_t n;
    for (size_t i = 0; i < batch; i++) {
        t->legs[i].seq = i;
        part[i] = &t->legs[i];
    }
    broker_gets(t, part, batch);
    while ((n = kafka_suspects_next(&t->suspects))) {
        kafka_suspects_take(&t->suspects, n, part);
        broker_gets(t, part, n);
    }
    for (size_t i = 0; i < batch; i++)
        assert_int_equal(t->ended[i], 1);
    assert_int_equal(t->suspects.trial, 0);
    free(t->suspects.legs);
}

static void test_one_bad_message_is_found(void **state)
{
    (void)state;
    for (size_t batch = 1; batch <= BATCH; batch++)
        for (size_t bad = 0; bad < batch; bad++) {
            struct trial t = {0};
            t.bad[bad] = true;
            find_the_bad(&t, batch);
            assert_int_equal(t.rejected, 1);
            assert_int_equal(t.arrived, batch - 1);
        }
}

static void test_any_number_of_bad_messages(void **state)
{
    (void)state;
    srand(11);
    for (unsigned round = 0; round < 300; round++) {
        struct trial t = {0};
        unsigned bad = 0;
        for (size_t i = 0; i < BATCH; i++) {
            t.bad[i] = (unsigned)rand() % 300 < round;
            bad += t.bad[i];
        }
        find_the_bad(&t, BATCH);
        assert_int_equal(t.rejected, bad);
        assert_int_equal(t.arrived, BATCH - bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_order),
        cmocka_unit_test(test_never_past_a_message_in_flight),
        cmocka_unit_test(test_gaps_in_offsets),
        cmocka_unit_test(test_wraps_and_grows),
        cmocka_unit_test(test_random_order),
        cmocka_unit_test(test_abandon_gives_back_what_it_holds),
        cmocka_unit_test(test_one_bad_message_is_found),
        cmocka_unit_test(test_any_number_of_bad_messages),
    };
    return cmocka_run_group_tests_name("kafka_window", tests, NULL, NULL);
}
