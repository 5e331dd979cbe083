/* The option tables of everything that is built in: complete, consistent, with defaults that their
 * own rules accept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/value.h"

static const struct opt *current; /* named when a test fails */
static const char *current_table;

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact)) print_error("%s of %s: not %s\n", current->name, current_table, #fact);       \
        assert_true(fact);                                                                         \
    } while (0)

static size_t field_size(enum opt_type type)
{
    switch (type) {
    case OPT_STRING:
    case OPT_TEMPLATE:
    case OPT_PATH:
    case OPT_SECTION:
        return sizeof(void *);
    case OPT_BOOL:
        return sizeof(bool);
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        return sizeof(int64_t);
    case OPT_ENUM:
        return sizeof(int);
    case OPT_LIST:
        return sizeof(struct opt_list);
    }
    return 0;
}

static bool is_number(const struct opt *o)
{
    return o->type == OPT_INT || o->type == OPT_DURATION || o->type == OPT_SECONDS ||
           o->type == OPT_SIZE;
}

static void check_name(const struct opt *o)
{
    CHECK(islower((unsigned char)o->name[0]));
    CHECK(strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(o->name));
    CHECK(strcmp(o->name, "type") != 0);
}

/* Lower case but for names like PEM and QoS; one line; no full stop, though "..." may be one of the
 * things that are named. */
static void check_help(const struct opt *o)
{
    const char *help = o->help ? o->help : "";
    size_t len = strlen(help);
    CHECK(len >= 5);
    if (len < 5) return;
    CHECK(!strchr(help, '\n'));
    CHECK(help[len - 1] != '.' || help[len - 2] == '.');
    size_t capitals = 0;
    for (const char *c = help; *c && *c != ' '; c++)
        capitals += isupper((unsigned char)*c) != 0;
    CHECK(!isupper((unsigned char)help[0]) || capitals > 1);
}

static void check_bounds(const struct opt *o)
{
    CHECK(o->min <= o->max);
    CHECK(is_number(o) || (o->min == 0 && o->max == 0));
    CHECK(o->type == OPT_ENUM ? o->choices && o->choices[0] : o->type == OPT_LIST || !o->choices);
    CHECK(!(o->flags & OPT_SECRET) || o->type == OPT_STRING || o->type == OPT_LIST);
}

/* Without a default, a number is zero: that must be allowed too. */
static void check_default(const struct opt *o)
{
    struct owned owned = {0};
    struct error e = {.text = ""};
    int64_t field[4] = {0};
    struct opt alone = *o;
    alone.offset = 0;
    CHECK(!(o->flags & OPT_REQUIRED) || !o->fallback);
    bool accepted = !o->fallback || value_parse(&alone, o->fallback, field, &owned, &e);
    if (!accepted) print_error("%s\n", e.text);
    CHECK(accepted);
    bool bounded = o->min != 0 || o->max != 0;
    if (is_number(o) && bounded && !(o->flags & OPT_REQUIRED))
        CHECK(field[0] >= o->min && field[0] <= o->max);
    owned_release(&owned);
}

static bool overlap(const struct opt *a, const struct opt *b)
{
    return a->offset < b->offset + field_size(b->type) &&
           b->offset < a->offset + field_size(a->type);
}

static void check_among_others(const struct opt *o, const struct opt *table, size_t conf_size)
{
    CHECK(o->offset + field_size(o->type) <= conf_size);
    for (const struct opt *other = table; other->name; other++) {
        size_t len = strlen(other->name);
        if (other == o) continue;
        CHECK(strcmp(o->name, other->name) != 0);
        CHECK(!overlap(o, other));
        CHECK(!(other->flags & OPT_SECRET) || strncmp(o->name, other->name, len) != 0 ||
              strcmp(o->name + len, "_file") != 0);
    }
}

static void check_table(const char *name, const struct opt *table, size_t conf_size)
{
    current_table = name;
    for (current = table; current->name; current++) {
        check_name(current);
        check_help(current);
        check_bounds(current);
        check_default(current);
        check_among_others(current, table, conf_size);
    }
}

static void global_options(void **state)
{
    (void)state;
    check_table("the top level", global_opts, sizeof(struct config));
}

static void pipeline_options(void **state)
{
    (void)state;
    check_table("pipelines", pipeline_opts, sizeof(struct pipeline_conf));
}

static void connector_options(void **state)
{
    (void)state;
    for (const struct connector *const *c = connectors; *c; c++) {
        assert_true((*c)->source || (*c)->sink);
        assert_true(strlen((*c)->summary) >= 5);
        assert_ptr_equal(connector_find((*c)->name), *c);
        if ((*c)->source) check_table((*c)->name, (*c)->source->opts, (*c)->source->conf_size);
        if ((*c)->sink) check_table((*c)->name, (*c)->sink->opts, (*c)->sink->conf_size);
    }
}

static void section_options(void **state)
{
    (void)state;
    const struct section_kind *kinds[NAMED_MAX_KINDS + 1];
    size_t count = 0;
    named_kinds(kinds);
    for (; kinds[count]; count++) {
        check_table(kinds[count]->name, kinds[count]->opts, kinds[count]->conf_size);
        for (const struct opt *o = kinds[count]->opts; o->name; o++)
            assert_true(o->offset >= sizeof(char *)); /* the section's name comes first */
    }
    assert_true(count < NAMED_MAX_KINDS); /* so none was left out */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_options),
        cmocka_unit_test(pipeline_options),
        cmocka_unit_test(connector_options),
        cmocka_unit_test(section_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
