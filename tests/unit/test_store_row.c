/* What is written reads back equal; what is cut short or changed is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/store_row.h"

static const struct attr attrs[] = {
    {.name = BYTES_INIT("celsius"),
     .value = BYTES_INIT("21.5"),
     .type = ATTR_NUMBER,
     .subtype = BYTES_INIT("float")},
    {.name = BYTES_INIT("raw"), .value = BYTES_INIT("\0\1\377"), .type = ATTR_BINARY},
    {.name = BYTES_INIT("empty"), .value = BYTES_INIT("")},
    {.name = BYTES_INIT("raw"), .value = BYTES_INIT("again")},
};

static struct msg *sample(void)
{
    return msg_new(&(struct msg_draft){.body = BYTES_LIT("body"),
                                       .key = BYTES_LIT(""),
                                       .topic = BYTES_LIT("a/b"),
                                       .position = BYTES_LIT("t-0-17"),
                                       .timestamp_ms = 1700000000123,
                                       .attrs = attrs,
                                       .attr_count = 4});
}

static void expect_same(struct bytes a, struct bytes b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL); /* none differs from empty */
    assert_true(bytes_eq(a, b));
}

static void what_is_written_reads_back_equal(void **state)
{
    (void)state;
    struct buf head = {0};
    struct msg_draft draft;
    struct store_room room;
    struct msg *m = sample();
    store_row_write(m, &head);
    assert_true(store_row_read(bytes_of(head.ptr, head.len), &draft, &room));
    assert_int_equal(draft.timestamp_ms, m->timestamp_ms);
    expect_same(draft.key, m->key);
    expect_same(draft.topic, m->topic);
    expect_same(draft.position, m->position);
    assert_int_equal(draft.attr_count, m->attr_count);
    for (size_t i = 0; i < draft.attr_count; i++) {
        expect_same(draft.attrs[i].name, m->attrs[i].name);
        expect_same(draft.attrs[i].value, m->attrs[i].value);
        expect_same(draft.attrs[i].subtype, m->attrs[i].subtype);
        assert_int_equal(draft.attrs[i].type, m->attrs[i].type);
    }
    msg_unref(m);
    free(head.ptr);
}

static void what_is_not_there_stays_so(void **state)
{
    (void)state;
    struct buf head = {0};
    struct msg_draft draft;
    struct store_room room;
    struct msg *m = msg_new(&(struct msg_draft){0});
    store_row_write(m, &head);
    assert_true(store_row_read(bytes_of(head.ptr, head.len), &draft, &room));
    assert_null(draft.key.ptr);
    assert_null(draft.topic.ptr);
    assert_int_equal(draft.attr_count, 0);
    msg_unref(m);
    free(head.ptr);
}

static void a_head_cut_short_is_none(void **state)
{
    (void)state;
    struct buf head = {0};
    struct msg_draft draft;
    struct store_room room;
    struct msg *m = sample();
    store_row_write(m, &head);
    for (size_t len = 0; len < head.len; len++) {
        char *exact = mem_alloc(len + 1); /* so that a sanitizer sees a byte too far */
        memcpy(exact, head.ptr, len);
        exact = mem_realloc(exact, len ? len : 1);
        assert_false(store_row_read(bytes_of(exact, len), &draft, &room));
        free(exact);
    }
    msg_unref(m);
    free(head.ptr);
}

static void each_changed_bit_changes_the_sum(void **state)
{
    (void)state;
    char head[] = "some head", body[] = "and some longer body of a message";
    struct bytes h = bytes_of(head, sizeof(head)), b = bytes_of(body, sizeof(body));
    int64_t sum = store_row_sum(7, h, b);
    for (size_t i = 0; i < 8 * sizeof(body); i++) {
        body[i / 8] = (char)(body[i / 8] ^ 1 << i % 8);
        assert_int_not_equal(store_row_sum(7, h, b), sum);
        body[i / 8] = (char)(body[i / 8] ^ 1 << i % 8);
    }
    for (size_t i = 0; i < 8 * sizeof(head); i++) {
        head[i / 8] = (char)(head[i / 8] ^ 1 << i % 8);
        assert_int_not_equal(store_row_sum(7, h, b), sum);
        head[i / 8] = (char)(head[i / 8] ^ 1 << i % 8);
    }
    assert_int_not_equal(store_row_sum(8, h, b), sum);
    assert_int_not_equal(store_row_sum(7, h, BYTES_NONE), store_row_sum(7, h, BYTES_LIT("")));
}

/* Files of this version have such sums in them. */
static void the_sum_stays_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(store_row_sum(1, BYTES_LIT("head"), BYTES_LIT("body")), 0x804b4a159b340eb1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back_equal),
        cmocka_unit_test(what_is_not_there_stays_so),
        cmocka_unit_test(a_head_cut_short_is_none),
        cmocka_unit_test(each_changed_bit_changes_the_sum),
        cmocka_unit_test(the_sum_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
