/* What leaves in one spelling comes back the same from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

enum { MAX_HEADERS = 600 };

struct headers {
    struct attr list[MAX_HEADERS];
    size_t count;
};

static struct bytes copy(struct bytes b)
{
    char *ptr = mem_alloc(b.len);
    if (b.len) memcpy(ptr, b.ptr, b.len);
    return bytes_of(ptr, b.len);
}

static void collect(void *arg, struct bytes name, struct bytes value)
{
    struct headers *h = arg;
    struct attr *a = &h->list[h->count++];
    *a = (struct attr){.name = copy(name), .value = copy(value)};
    a->type = text_is_utf8(value) ? ATTR_STRING : ATTR_BINARY;
}

static void same_attrs(const struct attr *a, const struct attr *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(bytes_eq(a[i].name, b[i].name));
        assert_true(bytes_eq(a[i].value, b[i].value));
        assert_true(bytes_eq(a[i].subtype, b[i].subtype));
        assert_int_equal(a[i].type, b[i].type);
    }
}

static const struct attr varied[] = {
    {.name = BYTES_INIT("plain"), .value = BYTES_INIT("text é"), .type = ATTR_STRING},
    {.name = BYTES_INIT("count"),
     .value = BYTES_INIT("42"),
     .type = ATTR_NUMBER,
     .subtype = BYTES_INIT("int")},
    {.name = BYTES_INIT("raw"),
     .value = BYTES_INIT("\0\1\xfe\xff"),
     .type = ATTR_BINARY,
     .subtype = BYTES_INIT("png")},
    {.name = BYTES_INIT("twice"), .value = BYTES_INIT("a"), .type = ATTR_STRING},
    {.name = BYTES_INIT("twice"), .value = BYTES_INIT("7"), .type = ATTR_NUMBER},
    {.name = BYTES_INIT("empty"), .value = BYTES_INIT(""), .type = ATTR_STRING},
    {.name = BYTES_INIT("nul"), .value = BYTES_INIT("a\0b"), .type = ATTR_STRING},
    {.name = BYTES_INIT("binary text"),
     .value = BYTES_INIT("looks like text"),
     .type = ATTR_BINARY},
};
enum { VARIED = sizeof(varied) / sizeof(varied[0]) };

static struct msg *message(struct bytes body, const struct attr *attrs, size_t n)
{
    return msg_new(&(struct msg_draft){.body = body, .attrs = attrs, .attr_count = n});
}

static void headers_bring_types_back(enum mapping_values values)
{
    struct headers *h = mem_zalloc(sizeof(*h));
    struct buf scratch = {0};
    struct msg *m = message(BYTES_LIT("x"), varied, VARIED);
    mapping_headers(m, values, collect, h);
    struct bytes owned[MAX_HEADERS][2];
    size_t sent = h->count;
    for (size_t i = 0; i < sent; i++) {
        owned[i][0] = h->list[i].name;
        owned[i][1] = h->list[i].value;
        if (values == MAPPING_TEXT)
            assert_true(text_is_utf8(h->list[i].value) && !text_has_nul(h->list[i].value));
    }
    assert_int_equal(mapping_fold_headers(h->list, sent, &scratch), VARIED);
    same_attrs(h->list, m->attrs, VARIED);
    for (size_t i = 0; i < sent; i++)
        for (int k = 0; k < 2; k++)
            free((void *)(uintptr_t)owned[i][k].ptr);
    free(scratch.ptr);
    free(h);
    msg_unref(m);
}

static void kafka_headers_bring_types_back(void **state)
{
    (void)state;
    headers_bring_types_back(MAPPING_RAW);
}

static void mqtt_properties_bring_types_back(void **state)
{
    (void)state;
    headers_bring_types_back(MAPPING_TEXT);
}

static void plain_strings_have_no_companion(void **state)
{
    (void)state;
    struct headers *h = mem_zalloc(sizeof(*h));
    struct msg *m = message(BYTES_LIT("x"), varied, 1);
    mapping_headers(m, MAPPING_RAW, collect, h);
    assert_int_equal(h->count, 1);
    free((void *)(uintptr_t)h->list[0].name.ptr);
    free((void *)(uintptr_t)h->list[0].value.ptr);
    free(h);
    msg_unref(m);
}

static void a_companion_that_makes_no_sense_stays_a_header(void **state)
{
    (void)state;
    struct attr attrs[] = {
        {.name = BYTES_LIT("a"), .value = BYTES_LIT("1")},
        {.name = BYTES_LIT("sqsbridge.type.a"), .value = BYTES_LIT("Nonsense")},
        {.name = BYTES_LIT("sqsbridge.type.b"), .value = BYTES_LIT("Number")},
        {.name = BYTES_LIT("c"), .value = BYTES_LIT("not base64!")},
        {.name = BYTES_LIT("sqsbridge.type.c"), .value = BYTES_LIT("Binary;base64")},
    };
    struct buf scratch = {0};
    assert_int_equal(mapping_fold_headers(attrs, 5, &scratch), 5);
    free(scratch.ptr);
}

/* ---- SQS ---- */

static void to_sqs_and_back(struct bytes body, const struct attr *attrs, size_t n, size_t carried)
{
    struct msg *m = message(body, attrs, n);
    struct mapping_sqs sqs;
    struct buf there = {0}, back = {0};
    struct error e;
    assert_true(mapping_to_sqs(m, 1 << 20, &sqs, &there, &e));
    assert_true(sqs.body.len > 0 && text_is_xml(sqs.body));
    assert_int_equal(sqs.attr_count, carried);
    for (size_t i = 0; i < sqs.attr_count; i++)
        assert_true(sqs.attrs[i].value.len > 0);
    struct attr out[MSG_MAX_ATTRS];
    struct msg_draft draft = {.body = sqs.body, .attrs = sqs.attrs, .attr_count = sqs.attr_count};
    mapping_from_sqs(&draft, out, &back);
    assert_true(bytes_eq(draft.body, body));
    assert_int_equal(draft.body.ptr == NULL, body.ptr == NULL);
    assert_int_equal(draft.attr_count, n);
    for (size_t i = 0; i < n; i++) { /* packed ones come last, so the order may differ */
        bool found = false;
        for (size_t k = 0; k < n && !found; k++)
            found = bytes_eq(draft.attrs[k].name, attrs[i].name) &&
                    bytes_eq(draft.attrs[k].value, attrs[i].value) &&
                    bytes_eq(draft.attrs[k].subtype, attrs[i].subtype) &&
                    draft.attrs[k].type == attrs[i].type;
        assert_true(found);
    }
    free(there.ptr);
    free(back.ptr);
    msg_unref(m);
}

static void bodies_survive_sqs(void **state)
{
    (void)state;
    char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (char)i;
    to_sqs_and_back(BYTES_LIT("hello"), NULL, 0, 0);
    to_sqs_and_back(bytes_of(all, sizeof(all)), NULL, 0, 1);
    to_sqs_and_back(BYTES_LIT(""), NULL, 0, 1);
    to_sqs_and_back(BYTES_NONE, NULL, 0, 1);
    to_sqs_and_back(BYTES_LIT("-"), NULL, 0, 0);
    to_sqs_and_back(BYTES_LIT("\x1b"), varied, 3, 4);
}

static void attributes_that_sqs_cannot_carry_are_packed(void **state)
{
    (void)state;
    to_sqs_and_back(BYTES_LIT("x"), varied, VARIED, 5); /* plain, count, raw, twice, and the pack */
}

static void number_attrs(struct attr *attrs, char names[][8], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(names[i], 8, "n%zu", i);
        attrs[i] = (struct attr){.name = bytes_of(names[i], (size_t)len), .value = BYTES_LIT("v")};
    }
}

static void more_than_ten_attributes_are_packed(void **state)
{
    (void)state;
    struct attr attrs[30];
    char names[30][8];
    number_attrs(attrs, names, 30);
    to_sqs_and_back(BYTES_LIT("x"), attrs, 10, 10);
    to_sqs_and_back(BYTES_LIT("x"), attrs, 11, 10);
    to_sqs_and_back(BYTES_LIT("x"), attrs, 30, 10);
    to_sqs_and_back(BYTES_LIT("\1"), attrs, 9, 10);
    to_sqs_and_back(BYTES_LIT("\1"), attrs, 10, 10);
}

static void names_that_sqs_refuses_are_packed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "AWS.x", "amazon.x", ".a", "a.", "a..b", "a b", "é", "", "sqsbridge.encoding", "bad\xff"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct attr a = {.name = bytes_str(bad[i]), .value = BYTES_LIT("v")};
        to_sqs_and_back(BYTES_LIT("x"), &a, 1, 1);
    }
    struct attr number = {.name = BYTES_LIT("n"), .value = BYTES_LIT("12x"), .type = ATTR_NUMBER};
    to_sqs_and_back(BYTES_LIT("x"), &number, 1, 1);
}

static void a_message_that_is_too_large_is_rejected_with_its_size(void **state)
{
    (void)state;
    struct msg *m = message(BYTES_LIT("12345678"), varied, 1); /* 8 + "plain" + "String" + 7 */
    struct mapping_sqs sqs;
    struct buf scratch = {0};
    struct error e;
    assert_true(mapping_to_sqs(m, 26, &sqs, &scratch, &e));
    assert_int_equal(sqs.size, 26);
    assert_false(mapping_to_sqs(m, 25, &sqs, &scratch, &e));
    assert_int_equal(e.fault, FAULT_REJECT);
    assert_non_null(strstr(e.text, "26 bytes"));
    free(scratch.ptr);
    msg_unref(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kafka_headers_bring_types_back),
        cmocka_unit_test(mqtt_properties_bring_types_back),
        cmocka_unit_test(plain_strings_have_no_companion),
        cmocka_unit_test(a_companion_that_makes_no_sense_stays_a_header),
        cmocka_unit_test(bodies_survive_sqs),
        cmocka_unit_test(attributes_that_sqs_cannot_carry_are_packed),
        cmocka_unit_test(more_than_ten_attributes_are_packed),
        cmocka_unit_test(names_that_sqs_refuses_are_packed),
        cmocka_unit_test(a_message_that_is_too_large_is_rejected_with_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
