/* Attributes out to the properties of a PUBLISH, and back. */
#include "connectors/mqtt/mqtt_properties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct attr string(const char *name, const char *value)
{
    return (struct attr){.name = bytes_str(name), .value = bytes_str(value), .type = ATTR_STRING};
}

static struct msg *make(const struct attr *attrs, size_t count)
{
    struct msg_draft draft = {.body = BYTES_LIT("x"), .attrs = attrs, .attr_count = count};
    return msg_new(&draft);
}

/* As the message would arrive at another subscriber: nothing is copied. */
static MQTTAsync_message as_arrived(const struct mqtt_properties *p)
{
    MQTTAsync_message m = MQTTAsync_message_initializer;
    m.properties.count = m.properties.max_count = (int)p->count;
    m.properties.length = (int)p->length;
    m.properties.array = p->items;
    return m;
}

static void expect_attr(const struct attr *a, const struct attr *expected)
{
    assert_true(bytes_eq(a->name, expected->name));
    assert_true(bytes_eq(a->value, expected->value));
    assert_true(bytes_eq(a->subtype, expected->subtype));
    assert_int_equal(a->type, expected->type);
}

static const struct attr *find(const struct mqtt_reading *r, struct bytes name)
{
    for (size_t i = 0; i < r->count; i++)
        if (bytes_eq(r->attrs[i].name, name)) return &r->attrs[i];
    return NULL;
}

/* Every attribute that goes out comes back as it was. */
static void expect_round_trip(const struct attr *attrs, size_t count, size_t properties)
{
    struct mqtt_properties out = {0};
    struct mqtt_reading *in = mem_zalloc(sizeof(*in));
    struct msg *m = make(attrs, count);
    assert_true(mqtt_properties_build(&out, m, 0));
    assert_int_equal(out.count, properties);
    MQTTAsync_message arrived = as_arrived(&out);
    mqtt_properties_read(in, &arrived);
    assert_int_equal(in->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct attr *a = find(in, attrs[i].name);
        assert_non_null(a);
        expect_attr(a, &attrs[i]);
    }
    msg_unref(m);
    mqtt_properties_free(&out);
    free(in->scratch.ptr);
    free(in);
}

static void test_attributes_are_user_properties(void **state)
{
    (void)state;
    const struct attr attrs[] = {string("device", "pump-7"), string("empty", ""),
                                 string("caf\xc3\xa9", "\xe2\x98\x83")};
    expect_round_trip(attrs, 3, 3);
    expect_round_trip(NULL, 0, 0);
}

static void test_types_survive(void **state)
{
    (void)state;
    const struct attr attrs[] = {
        {.name = BYTES_LIT("n"), .value = BYTES_LIT("12"), .type = ATTR_NUMBER},
        {.name = BYTES_LIT("b"), .value = BYTES_LIT("\0\xff"), .type = ATTR_BINARY},
    };
    expect_round_trip(attrs, 2, 4); /* each has a companion with its type */
}

static void test_own_properties_are_kept(void **state)
{
    (void)state;
    const struct attr attrs[] = {
        string("mqtt.content_type", "application/json"),
        string("mqtt.response_topic", "answers/7"),
        {.name = BYTES_LIT("mqtt.correlation_data"),
         .value = BYTES_LIT("\0\1\2\xfe"),
         .type = ATTR_BINARY},
        {.name = BYTES_LIT("mqtt.payload_format"), .value = BYTES_LIT("1"), .type = ATTR_NUMBER},
        {.name = BYTES_LIT("mqtt.message_expiry"), .value = BYTES_LIT("3600"), .type = ATTR_NUMBER},
        string("plain", "too"),
    };
    expect_round_trip(attrs, 6, 6);
}

static void test_what_is_no_property_stays_an_attribute(void **state)
{
    (void)state;
    const struct attr attrs[] = {string("mqtt.payload_format", "json"),
                                 string("mqtt.message_expiry", "99999999999"),
                                 string("mqtt.unheard_of", "x")};
    expect_round_trip(attrs, 3, 3);
}

static void test_retain_flag(void **state)
{
    (void)state;
    struct mqtt_reading *in = mem_zalloc(sizeof(*in));
    MQTTAsync_message arrived = MQTTAsync_message_initializer;
    mqtt_properties_read(in, &arrived);
    assert_int_equal(in->count, 0); /* only where it is set */
    arrived.retained = 1;
    mqtt_properties_read(in, &arrived);
    assert_int_equal(in->count, 1);
    struct msg *m = make(in->attrs, in->count);
    struct mqtt_properties out = {0};
    assert_true(mqtt_properties_retained(m));
    assert_true(mqtt_properties_build(&out, m, 0));
    assert_int_equal(out.count, 0); /* it is a flag of the packet */
    msg_unref(m);
    mqtt_properties_free(&out);
    free(in);
}

static void test_configured_expiry_wins(void **state)
{
    (void)state;
    const struct attr attrs[] = {
        {.name = BYTES_LIT("mqtt.message_expiry"), .value = BYTES_LIT("5"), .type = ATTR_NUMBER}};
    struct msg *m = make(attrs, 1);
    struct mqtt_properties out = {0};
    assert_true(mqtt_properties_build(&out, m, 60));
    assert_int_equal(out.count, 1);
    assert_int_equal(out.items[0].value.integer4, 60);
    msg_unref(m);
    mqtt_properties_free(&out);
}

/* The length is what Paho counts for the same properties: the packet's size rests on it. */
static void test_length_is_that_of_the_packet(void **state)
{
    (void)state;
    const struct attr attrs[] = {
        string("a", "b"),
        string("mqtt.content_type", "text/plain"),
        {.name = BYTES_LIT("mqtt.payload_format"), .value = BYTES_LIT("0"), .type = ATTR_NUMBER}};
    struct msg *m = make(attrs, 3);
    struct mqtt_properties out = {0};
    MQTTProperties paho = MQTTProperties_initializer;
    assert_true(mqtt_properties_build(&out, m, 7));
    for (size_t i = 0; i < out.count; i++)
        assert_int_equal(MQTTProperties_add(&paho, &out.items[i]), 0);
    assert_int_equal(out.length, paho.length);
    MQTTProperties_free(&paho);
    msg_unref(m);
    mqtt_properties_free(&out);
}

static void test_too_long_for_a_property(void **state)
{
    (void)state;
    char *value = mem_zalloc(65537);
    memset(value, 'v', 65536);
    struct attr a = string("a", value);
    struct mqtt_properties out = {0};
    struct msg *m = make(&a, 1);
    assert_false(mqtt_properties_build(&out, m, 0));
    msg_unref(m);
    value[65535] = '\0';
    a = string("a", value);
    m = make(&a, 1);
    assert_true(mqtt_properties_build(&out, m, 0));
    msg_unref(m);
    mqtt_properties_free(&out);
    free(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_are_user_properties),
        cmocka_unit_test(test_types_survive),
        cmocka_unit_test(test_own_properties_are_kept),
        cmocka_unit_test(test_what_is_no_property_stays_an_attribute),
        cmocka_unit_test(test_retain_flag),
        cmocka_unit_test(test_configured_expiry_wins),
        cmocka_unit_test(test_length_is_that_of_the_packet),
        cmocka_unit_test(test_too_long_for_a_property),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
