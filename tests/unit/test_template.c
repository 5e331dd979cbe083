#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/template.h"

static struct msg *sample(void)
{
    struct attr attrs[] = {
        {.name = BYTES_LIT("device"), .value = BYTES_LIT("d-17")},
        {.name = BYTES_LIT("empty"), .value = BYTES_LIT("")},
    };
    return msg_new(&(struct msg_draft){
        .body = BYTES_LIT("body"),
        .key = BYTES_LIT("k"),
        .topic = BYTES_LIT("plant/hall 1/temp"),
        .position = BYTES_LIT("t-0-42"),
        .timestamp_ms = 1700000000123,
        .attrs = attrs,
        .attr_count = 2,
    });
}

static void expands_to(const char *text, const char *expected)
{
    struct error e;
    struct buf out = {0};
    struct msg *m = sample();
    struct template *t = template_compile(text, &e);
    assert_non_null(t);
    assert_string_equal(template_text(t), text);
    bool ok = template_expand(t, m, &out, &e);
    assert_int_equal(ok, expected != NULL);
    if (expected) {
        buf_add(&out, "", 1);
        assert_string_equal(out.ptr, expected);
    } else {
        assert_int_equal(e.fault, FAULT_REJECT);
    }
    free(out.ptr);
    template_free(t);
    msg_unref(m);
}

static void fields_are_filled_in(void **state)
{
    (void)state;
    expands_to("", "");
    expands_to("plain $ text } {", "plain $ text } {");
    expands_to("sensors/${attr:device}", "sensors/d-17");
    expands_to("${key}${topic}${position}", "kplant/hall 1/tempt-0-42");
    expands_to("${topic:1}-${topic:2}-${topic:3}", "plant-hall 1-temp");
    expands_to("${timestamp}", "1700000000123");
    expands_to("[${attr:empty}]", "[]");
    expands_to("$${key} ${key}", "${key} k");
    expands_to("a$${b", "a${b");
}

static void a_missing_field_takes_its_fallback_or_rejects(void **state)
{
    (void)state;
    expands_to("${attr:none:-lost}", "lost");
    expands_to("${attr:none:-}", "");
    expands_to("${attr:device:-lost}", "d-17");
    expands_to("x${attr:none}", NULL);
    expands_to("${topic:4}", NULL);
    expands_to("${topic:4:-deep}", "deep");
}

static void refuses(const char *text, const char *part_of_message)
{
    struct error e;
    assert_null(template_compile(text, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_non_null(strstr(e.text, part_of_message));
}

static void nonsense_is_refused_by_name(void **state)
{
    (void)state;
    refuses("${attrs:x}", "no such field: \"${attrs:x}\"");
    refuses("${topic:0}", "topic:0");
    refuses("${topic:x}", "topic:x");
    refuses("${attr:}", "attr:");
    refuses("a ${key", "without \"}\"");
}

static void a_template_without_fields_is_constant(void **state)
{
    (void)state;
    struct error e;
    struct bytes text;
    struct template *plain = template_compile("orders", &e),
                    *filled = template_compile("o${key}", &e);
    assert_true(template_is_constant(plain, &text));
    assert_true(bytes_eq(text, BYTES_LIT("orders")));
    assert_false(template_is_constant(filled, &text));
    template_free(plain);
    template_free(filled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_filled_in),
        cmocka_unit_test(a_missing_field_takes_its_fallback_or_rejects),
        cmocka_unit_test(nonsense_is_refused_by_name),
        cmocka_unit_test(a_template_without_fields_is_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
