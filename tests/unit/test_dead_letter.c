/* A dead letter keeps all of its message, whatever transport it goes through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/dead_letter.h"
#include "bridge/mapping.h"

static const struct dead_letter facts = {
    .reason = BYTES_INIT("too large"),
    .pipeline = BYTES_INIT("orders"),
    .source = BYTES_INIT("kafka orders"),
    .origin = BYTES_INIT("orders-0-42"),
    .sink = BYTES_INIT("sqs out"),
    .key = BYTES_INIT("k\0\xff"),
    .topic = BYTES_INIT("orders"),
    .attempts = 3,
    .first_ms = 1700000000000,
    .last_ms = 1700000009000,
    .timestamp_ms = 1690000000000,
    .lane = 77,
};

static void expect_same(struct bytes a, struct bytes b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_true(bytes_eq(a, b));
}

/* Attributes of one name keep their order; else a transport may give another one. */
static void expect_attrs(const struct msg *a, const struct msg *b)
{
    bool used[MSG_MAX_ATTRS] = {false};
    assert_int_equal(a->attr_count, b->attr_count);
    for (uint32_t i = 0; i < a->attr_count; i++) {
        uint32_t k = 0;
        while (k < b->attr_count && (used[k] || !bytes_eq(a->attrs[i].name, b->attrs[k].name)))
            k++;
        assert_true(k < b->attr_count);
        used[k] = true;
        assert_true(bytes_eq(a->attrs[i].value, b->attrs[k].value));
        assert_true(bytes_eq(a->attrs[i].subtype, b->attrs[k].subtype));
        assert_int_equal(a->attrs[i].type, b->attrs[k].type);
    }
}

static void expect_facts(const struct dead_letter *d)
{
    expect_same(d->reason, facts.reason);
    expect_same(d->pipeline, facts.pipeline);
    expect_same(d->source, facts.source);
    expect_same(d->origin, facts.origin);
    expect_same(d->sink, facts.sink);
    expect_same(d->key, facts.key);
    expect_same(d->topic, facts.topic);
    assert_int_equal(d->attempts, 3);
    assert_int_equal(d->first_ms, facts.first_ms);
    assert_int_equal(d->last_ms, facts.last_ms);
    assert_int_equal(d->lane, 77);
}

static struct msg *make(struct bytes body, const struct attr *attrs, size_t n)
{
    return msg_new(&(struct msg_draft){.body = body,
                                       .key = facts.key,
                                       .topic = facts.topic,
                                       .position = facts.origin,
                                       .timestamp_ms = facts.timestamp_ms,
                                       .attrs = attrs,
                                       .attr_count = n});
}

/* As it is, or through what a transport makes of it. */
typedef struct msg *travel_fn(const struct msg *letter); /* a function type: nothing to name */

static struct msg *by_hand(const struct msg *letter)
{
    return msg_with_attrs(letter, letter->attrs, letter->attr_count);
}

/* Its attributes come back in another order, and nothing of key, topic and position. */
static struct msg *by_sqs(const struct msg *letter)
{
    struct mapping_sqs sqs;
    struct buf there = {0}, back = {0};
    struct attr attrs[MSG_MAX_ATTRS], turned[MAPPING_SQS_ATTRS];
    struct error e;
    assert_true(mapping_to_sqs(letter, 1 << 20, &sqs, &there, &e));
    for (size_t i = 0; i < sqs.attr_count; i++)
        turned[i] = sqs.attrs[sqs.attr_count - 1 - i];
    assert_true(bytes_eq(sqs.attrs[0].name, BYTES_LIT("sqsbridge.dead_letter")));
    struct msg_draft draft = {.body = sqs.body, .attrs = turned, .attr_count = sqs.attr_count};
    mapping_from_sqs(&draft, attrs, &back);
    struct msg *m = msg_new(&draft);
    free(there.ptr);
    free(back.ptr);
    return m;
}

struct headers {
    struct attr list[2 * MSG_MAX_ATTRS];
    struct buf texts;
    size_t count;
};

static void keep_header(void *arg, struct bytes name, struct bytes value)
{
    struct headers *h = arg;
    size_t at = h->texts.len;
    assert_true(h->count < MSG_MAX_ATTRS); /* what the sources of Kafka and MQTT take */
    buf_add(&h->texts, name.ptr, name.len);
    buf_add(&h->texts, value.ptr, value.len);
    const char *ptr = h->texts.ptr + at;
    h->list[h->count++] = (struct attr){.name = bytes_of(ptr, name.len),
                                        .value = bytes_of(ptr + name.len, value.len)};
}

static struct msg *by_headers(const struct msg *letter, enum mapping_values values)
{
    struct headers h = {0};
    struct buf scratch = {0};
    buf_reserve(&h.texts, 1 << 20); /* it must not move */
    mapping_headers(letter, values, keep_header, &h);
    size_t n = mapping_fold_headers(h.list, h.count, &scratch);
    struct msg_draft draft = {.body = letter->body, .attrs = h.list, .attr_count = n};
    if (!draft.body.ptr) draft.body = bytes_of("", 0);
    struct msg *m = msg_new(&draft);
    free(h.texts.ptr);
    free(scratch.ptr);
    return m;
}

static struct msg *by_kafka(const struct msg *letter)
{
    return by_headers(letter, MAPPING_RAW);
}

static struct msg *by_mqtt(const struct msg *letter)
{
    return by_headers(letter, MAPPING_TEXT);
}

static void round_trip(struct bytes body, const struct attr *attrs, size_t n)
{
    travel_fn *const ways[] = {by_hand, by_sqs, by_kafka, by_mqtt};
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct buf scratch = {0};
        struct dead_letter d = facts, read;
        d.no_body = body.ptr == NULL;
        struct msg *m = make(body, attrs, n);
        struct msg *letter = dead_letter_write(m, &d, BYTES_LIT("orders-0-42/0/3"));
        struct msg *arrived = ways[i](letter);
        assert_true(dead_letter_read(arrived, &read, &scratch));
        expect_facts(&read);
        struct msg *opened = dead_letter_open(arrived, &read);
        expect_same(opened->body, m->body);
        expect_same(opened->key, m->key);
        expect_same(opened->topic, m->topic);
        expect_same(opened->position, m->position);
        assert_int_equal(opened->timestamp_ms, m->timestamp_ms);
        expect_attrs(m, opened);
        msg_unref(opened);
        msg_unref(arrived);
        msg_unref(letter);
        msg_unref(m);
        free(scratch.ptr);
    }
}

#define STRING(n, v)                                                                               \
    {                                                                                              \
        .name = BYTES_INIT(n), .value = BYTES_INIT(v), .type = ATTR_STRING                         \
    }

static void bodies_come_back(void **state)
{
    (void)state;
    round_trip(BYTES_LIT("plain"), NULL, 0);
    round_trip(BYTES_LIT("\0\x01\xff"), NULL, 0);
    round_trip(bytes_of("", 0), NULL, 0);
    round_trip(BYTES_NONE, NULL, 0);
}

static void attributes_come_back_with_their_types(void **state)
{
    static const struct attr attrs[] = {
        STRING("z", "first"),
        {.name = BYTES_INIT("n"),
         .value = BYTES_INIT("42"),
         .subtype = BYTES_INIT("int"),
         .type = ATTR_NUMBER},
        {.name = BYTES_INIT("b"), .value = BYTES_INIT("\0\xff"), .type = ATTR_BINARY},
        STRING("z", "second"),
        STRING("z", "third"),
        STRING("not a legal name", "x"),
        STRING("empty", ""),
        STRING("controls", "a\x01z"),
    };
    (void)state;
    round_trip(BYTES_LIT("body"), attrs, sizeof(attrs) / sizeof(attrs[0]));
}

/* A letter in MQTT must not expire or be retained because its message would, and one in another
 * letter is still one. */
static void names_that_mean_something_are_no_attributes_of_the_letter(void **state)
{
    static const struct attr attrs[] = {
        STRING("mqtt.retain", "true"),
        STRING("mqtt.message_expiry", "5"),
        STRING("sqsbridge.dead_letter", "{}"),
        STRING("sqsbridge.reason", "of another one"),
        STRING("own", "x"),
    };
    (void)state;
    struct msg *m = make(BYTES_LIT("b"), attrs, 5);
    struct msg *letter = dead_letter_write(m, &facts, BYTES_LIT("p"));
    assert_null(msg_attr(letter, BYTES_LIT("mqtt.retain")));
    assert_null(msg_attr(letter, BYTES_LIT("mqtt.message_expiry")));
    assert_int_equal(letter->attr_count, 3);
    msg_unref(letter);
    msg_unref(m);
    round_trip(BYTES_LIT("b"), attrs, 5);
}

static void as_many_attributes_as_a_message_may_have(void **state)
{
    static char names[MSG_MAX_ATTRS][8];
    struct attr attrs[MSG_MAX_ATTRS];
    (void)state;
    for (size_t i = 0; i < MSG_MAX_ATTRS; i++) {
        snprintf(names[i], sizeof(names[i]), "a%zu", i);
        attrs[i] = (struct attr){
            .name = bytes_str(names[i]), .value = bytes_str(names[i] + 1), .type = ATTR_NUMBER};
    }
    round_trip(BYTES_LIT("b"), attrs, MSG_MAX_ATTRS);
    round_trip(BYTES_LIT("b"), attrs, 9);
    round_trip(BYTES_LIT("b"), attrs, 10);
    round_trip(BYTES_LIT("b"), attrs, 11);
}

/* SQS takes ten, and shows the letter and the first nine as they are. */
static void on_sqs_attributes_keep_their_places_as_far_as_they_go(void **state)
{
    static char names[12][8];
    struct attr attrs[12];
    struct mapping_sqs sqs;
    struct buf scratch = {0};
    struct error e;
    (void)state;
    for (size_t i = 0; i < 12; i++) {
        snprintf(names[i], sizeof(names[i]), "a%zu", i);
        attrs[i] = (struct attr){.name = bytes_str(names[i]), .value = BYTES_LIT("v")};
    }
    struct msg *m = make(BYTES_LIT("b"), attrs, 12);
    struct msg *letter = dead_letter_write(m, &facts, BYTES_LIT("p"));
    assert_true(mapping_to_sqs(letter, 1 << 20, &sqs, &scratch, &e));
    assert_int_equal(sqs.attr_count, 10);
    for (size_t i = 0; i < 8; i++)
        assert_true(bytes_eq(sqs.attrs[1 + i].name, attrs[i].name));
    msg_unref(letter);
    msg_unref(m);
    free(scratch.ptr);
}

#define LIST ",\"attributes\":[]"
#define MANY_LISTS "{\"pipeline\":\"p\",\"sink\":\"s\"" LIST LIST LIST LIST LIST LIST "}"

static void what_is_no_letter_is_none(void **state)
{
    static const char *const texts[] = {"",
                                        "{}",
                                        "[]",
                                        "{\"pipeline\":\"p\"",
                                        "{\"pipeline\":\"p\",\"sink\":5}",
                                        "{\"pipeline\":\"p\",\"sink\":\"s\"} x",
                                        MANY_LISTS,
                                        "{\"pipeline\":\"p\",\"sink_base64\":\"*\"}"};
    struct buf scratch = {0};
    struct dead_letter d;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct attr a = {.name = BYTES_LIT("sqsbridge.dead_letter"), .value = bytes_str(texts[i])};
        struct msg *m = make(BYTES_LIT("b"), &a, 1);
        assert_false(dead_letter_read(m, &d, &scratch));
        msg_unref(m);
    }
    struct msg *m = make(BYTES_LIT("b"), NULL, 0);
    assert_false(dead_letter_read(m, &d, &scratch));
    msg_unref(m);
    free(scratch.ptr);
}

/* Anybody may write to a queue: whatever stands in a letter, it is read within its bounds. */
static void letters_that_others_have_changed(void **state)
{
    static const struct attr attrs[] = {STRING("a b", "x"), STRING("mqtt.x", "\x01"),
                                        STRING("empty", "")};
    static const char spice[] = "{}[]\",:\\0a_base64attributes";
    struct buf scratch = {0};
    struct dead_letter d;
    (void)state;
    struct msg *m = make(BYTES_LIT("b"), attrs, 3);
    struct msg *letter = dead_letter_write(m, &facts, BYTES_LIT("p"));
    struct bytes text = letter->attrs[0].value;
    char *changed = mem_alloc(2 * text.len);
    srand(7);
    for (unsigned i = 0; i < 20000; i++) {
        size_t len = text.len, from = (size_t)rand() % len, to = (size_t)rand() % len;
        memcpy(changed, text.ptr, len);
        for (int k = rand() % 4; k >= 0; k--)
            changed[(size_t)rand() % len] = spice[(size_t)rand() % (sizeof(spice) - 1)];
        if (i % 3 == 0) { /* a part of it twice */
            memmove(changed + len, changed + from, len - from);
            len += (len - from) - (i % 2 ? 0 : to % (len - from));
        }
        struct attr a = {.name = BYTES_LIT("sqsbridge.dead_letter"), .value = {changed, len}};
        struct msg *other = make(BYTES_LIT("b"), &a, 1);
        if (dead_letter_read(other, &d, &scratch)) msg_unref(dead_letter_open(other, &d));
        msg_unref(other);
    }
    free(changed);
    free(scratch.ptr);
    msg_unref(letter);
    msg_unref(m);
}

/* What lint counts with: a message of quotes and binary keys, the worst of all spellings. */
static void the_largest_letter_is_no_larger_than_promised(void **state)
{
    enum { LONG = 60000, COUNT = 20 };
    static char quotes[LONG], names[COUNT][8];
    struct attr attrs[COUNT];
    struct mapping_sqs sqs;
    struct buf scratch = {0};
    struct error e;
    (void)state;
    memset(quotes, '"', LONG);
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "%zu!", i);
        attrs[i] = (struct attr){.name = bytes_str(names[i]), .value = bytes_of(quotes, LONG / 4)};
    }
    struct msg *m = msg_new(&(struct msg_draft){.body = bytes_of("\0\0\0", 3),
                                                .key = bytes_of(quotes, LONG),
                                                .attrs = attrs,
                                                .attr_count = COUNT});
    struct dead_letter d = facts;
    d.key = m->key;
    struct msg *letter = dead_letter_write(m, &d, BYTES_LIT("p"));
    int64_t largest = dead_letter_largest((int64_t)(3 + LONG + COUNT * (LONG / 4 + 3)));
    assert_true(mapping_to_sqs(letter, (size_t)largest, &sqs, &scratch, &e));
    assert_true(letter->body.len + letter->key.len + letter->attrs[0].value.len < (size_t)largest);
    msg_unref(letter);
    msg_unref(m);
    free(scratch.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_come_back),
        cmocka_unit_test(attributes_come_back_with_their_types),
        cmocka_unit_test(names_that_mean_something_are_no_attributes_of_the_letter),
        cmocka_unit_test(as_many_attributes_as_a_message_may_have),
        cmocka_unit_test(on_sqs_attributes_keep_their_places_as_far_as_they_go),
        cmocka_unit_test(what_is_no_letter_is_none),
        cmocka_unit_test(letters_that_others_have_changed),
        cmocka_unit_test(the_largest_letter_is_no_larger_than_promised),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
