/* The ids of confirmed messages: how many are kept, for how long, and that each is known once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_memory.h"

enum { MOST = 1000, KEEP_MS = 60000 };

static struct bytes id_of(int i, char text[16])
{
    snprintf(text, 16, "id-%d", i);
    return bytes_str(text);
}

static void add(struct sqs_memory *m, int i, uint64_t now_ms)
{
    char text[16];
    sqs_memory_add(m, id_of(i, text), now_ms);
}

static bool take(struct sqs_memory *m, int i)
{
    char text[16];
    return sqs_memory_take(m, id_of(i, text));
}

static void what_is_remembered_is_known_once(void **state)
{
    (void)state;
    struct sqs_memory m;
    sqs_memory_init(&m, MOST, KEEP_MS);
    for (int i = 0; i < MOST; i++)
        add(&m, i, 0);
    assert_int_equal(m.count, MOST);
    for (int i = MOST - 1; i >= 0; i--)
        assert_true(take(&m, i));
    for (int i = 0; i < MOST; i++)
        assert_false(take(&m, i));
    assert_int_equal(m.count, 0);
    sqs_memory_free(&m);
}

static void the_oldest_is_forgotten_for_a_new_one(void **state)
{
    (void)state;
    struct sqs_memory m;
    sqs_memory_init(&m, MOST, KEEP_MS);
    for (int i = 0; i <= MOST; i++)
        add(&m, i, 0);
    assert_int_equal(m.count, MOST);
    assert_false(take(&m, 0));
    assert_true(take(&m, 1));
    assert_true(take(&m, MOST));
    sqs_memory_free(&m);
}

static void nothing_is_remembered_for_longer_than_it_can_come_back(void **state)
{
    (void)state;
    struct sqs_memory m;
    sqs_memory_init(&m, MOST, KEEP_MS);
    add(&m, 1, 0);
    add(&m, 2, KEEP_MS - 1);
    add(&m, 3, KEEP_MS);
    assert_false(take(&m, 1));
    assert_true(take(&m, 2));
    sqs_memory_free(&m);
}

static void an_empty_memory_knows_nothing(void **state)
{
    (void)state;
    struct sqs_memory m;
    sqs_memory_init(&m, 1, KEEP_MS);
    assert_false(take(&m, 1));
    add(&m, 1, 0);
    add(&m, 2, 0);
    assert_false(take(&m, 1));
    assert_true(take(&m, 2));
    sqs_memory_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_remembered_is_known_once),
        cmocka_unit_test(the_oldest_is_forgotten_for_a_new_one),
        cmocka_unit_test(nothing_is_remembered_for_longer_than_it_can_come_back),
        cmocka_unit_test(an_empty_memory_knows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
