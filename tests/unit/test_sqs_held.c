/* The table of the messages that we hold, and for how long they stay ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_source.h"

static struct bytes id_of(int i, char text[16])
{
    snprintf(text, 16, "id-%d", i);
    return bytes_str(text);
}

static struct sqs_held *add(struct sqs_held_table *t, int i)
{
    char text[16];
    return sqs_held_add(t, id_of(i, text), BYTES_LIT("handle"));
}

static struct sqs_held *find(const struct sqs_held_table *t, int i)
{
    char text[16];
    return sqs_held_find(t, id_of(i, text));
}

static void what_is_held_is_found(void **state)
{
    (void)state;
    struct sqs_held_table t;
    sqs_held_init(&t);
    for (int i = 0; i < 5000; i++)
        add(&t, i);
    assert_int_equal(t.count, 5000);
    for (int i = 0; i < 5000; i += 2)
        sqs_held_remove(&t, find(&t, i));
    for (int i = 0; i < 5000; i++)
        assert_int_equal(find(&t, i) != NULL, i % 2);
    assert_int_equal(t.count, 2500);
    sqs_held_free(&t);
}

static void a_new_handle_replaces_the_old_one(void **state)
{
    (void)state;
    struct sqs_held_table t;
    sqs_held_init(&t);
    struct sqs_held *h = add(&t, 1);
    uint32_t version = h->handle_version;
    assert_true(bytes_eq(sqs_held_handle(h), BYTES_LIT("handle")));
    sqs_held_set_handle(h, BYTES_LIT("a longer handle"));
    assert_true(bytes_eq(sqs_held_handle(h), BYTES_LIT("a longer handle")));
    assert_true(bytes_eq(sqs_held_id(h), BYTES_LIT("id-1")));
    assert_int_not_equal(h->handle_version, version);
    assert_ptr_equal(find(&t, 1), h);
    sqs_held_free(&t);
}

static void an_entry_outlives_its_removal_while_a_request_names_it(void **state)
{
    (void)state;
    struct sqs_held_table t;
    sqs_held_init(&t);
    struct sqs_held *h = add(&t, 1);
    sqs_held_ref(h);
    sqs_held_remove(&t, h);
    assert_null(find(&t, 1));
    assert_int_equal(h->state, SQS_GONE);
    assert_ptr_not_equal(add(&t, 2), h);
    sqs_held_unref(&t, h);
    assert_ptr_equal(add(&t, 3), h); /* and is used again then */
    assert_int_equal(h->refs, 0);
    sqs_held_free(&t);
}

static void a_group_is_walked_in_order_of_arrival(void **state)
{
    (void)state;
    struct sqs_held_table t;
    sqs_held_init(&t);
    struct sqs_held *a = add(&t, 1), *b = add(&t, 2), *c = add(&t, 3);
    sqs_held_join(b, a);
    sqs_held_join(c, b);
    assert_ptr_equal(sqs_held_first_of_group(c), a);
    assert_ptr_equal(a->group_next, b);
    assert_ptr_equal(b->group_next, c);
    assert_ptr_equal(c->group_next, a);
    sqs_held_remove(&t, b);
    assert_ptr_equal(a->group_next, c);
    assert_ptr_equal(sqs_held_first_of_group(c), a);
    sqs_held_free(&t);
}

static void extensions_double_up_to_fifteen_minutes(void **state)
{
    (void)state;
    const uint32_t last = SQS_BEAT_LEVELS - 1;
    assert_int_equal(sqs_beats_extension_s(30, 0), 30);
    assert_int_equal(sqs_beats_extension_s(30, 1), 60);
    assert_int_equal(sqs_beats_extension_s(30, 5), 900);
    assert_int_equal(sqs_beats_extension_s(1, 9), 512);
    assert_int_equal(sqs_beats_extension_s(1, last), 900);
    assert_int_equal(sqs_beats_extension_s(1, last + 1), 900);
    assert_int_equal(sqs_beats_extension_s(3600, 0), 3600);
    assert_int_equal(sqs_beats_extension_s(3600, last), 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_found),
        cmocka_unit_test(a_new_handle_replaces_the_old_one),
        cmocka_unit_test(an_entry_outlives_its_removal_while_a_request_names_it),
        cmocka_unit_test(a_group_is_walked_in_order_of_arrival),
        cmocka_unit_test(extensions_double_up_to_fifteen_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
