/* Named sections: keys = { a = { ... }; }; and the options that refer to them. */
#include "test_config_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/verb_host.h"

static const char *with_keys(const char *keys, const char *lines)
{
    static char text[8192];
    snprintf(text, sizeof(text), "keys = { %s };\n%s", keys, fixture_source(lines));
    return text;
}

static void expect(const char *keys, const char *lines, const char *complaints)
{
    char *got = fixture_complaints(with_keys(keys, lines));
    assert_string_equal(got, complaints);
    free(got);
}

static const struct queue_source_conf *source_of(const struct config *c)
{
    return c->pipelines[0].source.conf;
}

static void an_option_refers_to_a_section(void **state)
{
    (void)state;
    struct config *c = fixture_load(with_keys(
        "a = { secret = \"aaaa\"; }; b = { secret = \"bbbb\"; base = \"a\"; };", "keys = \"b\";"));
    const struct keys_conf *keys = source_of(c)->keys;
    assert_string_equal(keys->name, "b");
    assert_string_equal(keys->secret, "bbbb");
    assert_string_equal(keys->base->name, "a");
    assert_null(keys->base->base);
    config_free(c);
}

static void a_section_may_come_after_its_use(void **state)
{
    (void)state;
    struct config *c = fixture_load(
        with_keys("b = { secret = \"bbbb\"; base = \"a\"; }; a = { secret = \"aaaa\"; };", ""));
    assert_null(source_of(c)->keys);
    assert_int_equal(c->named.count, 2);
    const struct keys_conf *b = c->named.items[0].conf;
    assert_string_equal(b->base->secret, "aaaa");
    config_free(c);
}

static void wrong_sections(void **state)
{
    (void)state;
    expect("a = { };", "", "main.conf:1: the keys \"a\" lacks secret or secret_file (proves it)\n");
    expect("a = { secret = \"x\"; };", "keys = \"a\";", "main.conf:1: secret: is too short\n");
    expect("a = { secret = \"xx\"; bas = 1; };", "",
           "main.conf:1: unknown option \"bas\" of the keys \"a\" (did you mean \"base\"?)\n");
    expect("a = { secret = \"xx\"; base = \"a\"; };", "",
           "main.conf:1: base: the section refers to itself\n");
    expect("a = 5;", "", "main.conf:1: keys.a: expected { name = value; ... }\n");
}

static void wrong_references(void **state)
{
    (void)state;
    expect("alpha = { secret = \"xxxxxx\"; };", "keys = \"alhpa\";",
           "main.conf:4: keys = \"alhpa\": there is no such section (did you mean \"alpha\"?)\n");
    expect("", "keys = \"plant\";",
           "main.conf:4: keys = \"plant\": there is no such section (write keys = { plant = { ... "
           "}; }; at the top level)\n");
    expect("", "keys = 5;", "main.conf:4: keys: expected text in quotes\n");
}

static void sections_that_are_no_group(void **state)
{
    (void)state;
    char *got =
        fixture_complaints("keys = 5;\npipelines = { p = { source = { type = \"tap\"; }; sink "
                           "= { type = \"sinkhole\"; }; }; };\n");
    assert_string_equal(got, "main.conf:1: keys: expected { NAME = { ... }; }\n");
    free(got);
}

/* As commands of connectors see it: no pipelines are needed. */
static void a_verb_finds_a_section(void **state)
{
    (void)state;
    struct verb_host *host = verb_host_create();
    struct queue_source_conf conf = {0};
    fixture_write("keys.conf", "keys = { a = { secret = \"aaaa\"; }; };\n");
    const struct opt *opts = connector_find("queue")->source->opts, *keys = opts, *linger = opts;
    while (keys->type != OPT_SECTION)
        keys++;
    while (linger->type != OPT_DURATION)
        linger++;
    const struct keys_conf *a = host->section(host, "keys.conf", keys->kind, "a");
    assert_non_null(a);
    assert_string_equal(a->secret, "aaaa");
    assert_null(host->section(host, "keys.conf", keys->kind, "b"));
    assert_null(host->section(host, "missing.conf", keys->kind, "a"));
    struct error e;
    assert_true(host->parse(host, linger, "250ms", &conf, &e));
    assert_int_equal(conf.linger, 250);
    assert_false(host->parse(host, linger, "soon", &conf, &e));
    assert_false(host->parse(host, keys, "a", &conf, &e));
    verb_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_refers_to_a_section),
        cmocka_unit_test(a_section_may_come_after_its_use),
        cmocka_unit_test(wrong_sections),
        cmocka_unit_test(wrong_references),
        cmocka_unit_test(sections_that_are_no_group),
        cmocka_unit_test(a_verb_finds_a_section),
    };
    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
