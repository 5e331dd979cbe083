/* Whatever is built in: each option makes a difference, and equal values make none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bridge/settings.h"
#include "bridge/template.h"

enum { MOST_VALUES = 5 };

static const char *text_of(unsigned value)
{
    static const char *const texts[] = {NULL, "", "a", "b", "aa"};
    return texts[value] ? mem_strdup(texts[value]) : NULL;
}

static struct opt_list list_of(unsigned value)
{
    static const char *const items[MOST_VALUES][2] = {{0}, {0}, {"a", "b"}, {"ab"}, {"a"}};
    struct opt_list list = {NULL, 0};
    if (value == 0) return list;
    const char **copies = mem_zalloc(sizeof(items[0]));
    for (; list.count < 2 && items[value][list.count]; list.count++)
        copies[list.count] = mem_strdup(items[value][list.count]);
    list.items = copies;
    return list;
}

static const struct template *template_of(unsigned value)
{
    struct error e;
    const char *text = text_of(value);
    const struct template *t = text ? template_compile(text, &e) : NULL;
    free((char *)(uintptr_t)text);
    return t;
}

static const void *section_of(const struct section_kind *kind, unsigned value)
{
    const char *name = text_of(value);
    if (!name) return NULL;
    void *section = mem_zalloc(kind->conf_size);
    memcpy(section, &name, sizeof(name));
    return section;
}

/* The value of that number, as memory of its own. False: there are not so many. */
static bool set(const struct opt *o, void *conf, unsigned value)
{
    void *field = (char *)conf + o->offset;
    switch (o->type) {
    case OPT_STRING:
    case OPT_PATH:
        *(const char **)field = text_of(value);
        return true;
    case OPT_TEMPLATE:
        *(const struct template **)field = template_of(value);
        return true;
    case OPT_BOOL:
        *(bool *)field = value != 0;
        return value < 2;
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        *(int64_t *)field = value == 1 ? INT64_C(1) << 40 : value;
        return true;
    case OPT_ENUM:
        *(int *)field = (int)value;
        return true;
    case OPT_LIST:
        *(struct opt_list *)field = list_of(value);
        return true;
    case OPT_SECTION:
        *(const void **)field = section_of(o->kind, value);
        return true;
    }
    return false;
}

static size_t size_of(enum opt_type type)
{
    if (type == OPT_LIST) return sizeof(struct opt_list);
    if (type == OPT_BOOL) return sizeof(bool);
    return type == OPT_ENUM ? sizeof(int) : sizeof(int64_t);
}

static void release(const struct opt *o, void *conf)
{
    void *field = (char *)conf + o->offset;
    if (o->type == OPT_STRING || o->type == OPT_PATH) free(*(char **)field);
    if (o->type == OPT_TEMPLATE) template_free(*(struct template **)field);
    if (o->type == OPT_SECTION && *(char ***)field) free(**(char ***)field);
    if (o->type == OPT_SECTION) free(*(char ***)field);
    struct opt_list *list = field;
    for (size_t i = 0; o->type == OPT_LIST && i < list->count; i++)
        free((char *)(uintptr_t)list->items[i]);
    if (o->type == OPT_LIST) free((void *)(uintptr_t)list->items);
    memset(field, 0, size_of(o->type));
}

static void compare(const struct opt *o, void *const confs[2],
                    const struct pipeline_conf pipelines[2], unsigned left, unsigned right)
{
    if (set(o, confs[0], left) && set(o, confs[1], right) &&
        settings_are_equal(&pipelines[0], &pipelines[1]) != (left == right))
        fail_msg("%s: values %u and %u", o->name, left, right);
    release(o, confs[0]);
    release(o, confs[1]);
}

/* confs: what the table describes, somewhere in the pipelines. */
static void check_table(const struct opt *opts, void *const confs[2],
                        const struct pipeline_conf pipelines[2])
{
    for (const struct opt *o = opts; o->name; o++)
        for (unsigned left = 0; left < MOST_VALUES; left++)
            for (unsigned right = 0; right < MOST_VALUES; right++)
                compare(o, confs, pipelines, left, right);
}

static void *zeroed(size_t size, void *confs[2])
{
    free(confs[0]);
    free(confs[1]);
    confs[0] = mem_zalloc(size);
    return confs[1] = mem_zalloc(size);
}

static const struct connector *with_both_sides(void)
{
    const struct connector *const *c = connectors;
    while (!(*c)->source || !(*c)->sink)
        c++;
    return *c;
}

struct pair {
    struct pipeline_conf pipelines[2];
    void *source[2], *sink[2], *other[2];
};

static int make_pair(void **state)
{
    struct pair *p = mem_zalloc(sizeof(*p));
    const struct connector *c = with_both_sides();
    zeroed(c->source->conf_size, p->source);
    zeroed(c->sink->conf_size, p->sink);
    for (size_t i = 0; i < 2; i++) {
        p->pipelines[i].source = (struct source_conf){c, p->source[i]};
        p->pipelines[i].sinks[0] = (struct sink_conf){c, p->sink[i]};
        p->pipelines[i].sink_count = 1;
    }
    *state = p;
    return 0;
}

static int free_pair(void **state)
{
    struct pair *p = *state;
    for (size_t i = 0; i < 2; i++) {
        free(p->source[i]);
        free(p->sink[i]);
        free(p->other[i]);
    }
    free(p);
    return 0;
}

static void each_option_of_a_pipeline_counts(void **state)
{
    struct pair *p = *state;
    void *confs[2] = {&p->pipelines[0], &p->pipelines[1]};
    check_table(pipeline_opts, confs, p->pipelines);
}

static void each_option_of_a_source_counts(void **state)
{
    struct pair *p = *state;
    for (const struct connector *const *c = connectors; *c; c++) {
        if (!(*c)->source) continue;
        zeroed((*c)->source->conf_size, p->other);
        for (size_t i = 0; i < 2; i++)
            p->pipelines[i].source = (struct source_conf){*c, p->other[i]};
        check_table((*c)->source->opts, p->other, p->pipelines);
    }
}

static void each_option_of_a_sink_counts(void **state)
{
    struct pair *p = *state;
    for (const struct connector *const *c = connectors; *c; c++) {
        if (!(*c)->sink) continue;
        zeroed((*c)->sink->conf_size, p->other);
        for (size_t i = 0; i < 2; i++)
            p->pipelines[i].sinks[0] = (struct sink_conf){*c, p->other[i]};
        check_table((*c)->sink->opts, p->other, p->pipelines);
    }
}

static void each_option_of_a_dead_letter_counts(void **state)
{
    struct pair *p = *state;
    const struct connector *c = with_both_sides();
    zeroed(c->sink->conf_size, p->other);
    p->pipelines[0].dead_letter = (struct sink_conf){c, p->other[0]};
    assert_false(settings_are_equal(&p->pipelines[0], &p->pipelines[1]));
    p->pipelines[1].dead_letter = (struct sink_conf){c, p->other[1]};
    assert_true(settings_are_equal(&p->pipelines[0], &p->pipelines[1]));
    check_table(c->sink->opts, p->other, p->pipelines);
}

static void another_sink_counts(void **state)
{
    struct pair *p = *state;
    p->pipelines[0].sinks[1] = p->pipelines[0].sinks[0];
    p->pipelines[0].sink_count = 2;
    assert_false(settings_are_equal(&p->pipelines[0], &p->pipelines[1]));
}

static const struct opt *option_with_a_section(const struct connector **connector)
{
    for (const struct connector *const *c = connectors; *c; c++)
        for (const struct opt *o = (*c)->source ? (*c)->source->opts : NULL; o && o->name; o++)
            if (o->type == OPT_SECTION) {
                *connector = *c;
                return o;
            }
    fail_msg("no source refers to a section");
    return NULL;
}

static void each_option_of_a_named_section_counts(void **state)
{
    struct pair *p = *state;
    const struct connector *c = NULL;
    const struct opt *o = option_with_a_section(&c);
    void *sections[2] = {NULL, NULL};
    static const char name[] = "plant";
    const char *at = name;
    zeroed(c->source->conf_size, p->other);
    zeroed(o->kind->conf_size, sections);
    for (size_t i = 0; i < 2; i++) {
        memcpy(sections[i], &at, sizeof(at));
        memcpy((char *)p->other[i] + o->offset, &sections[i], sizeof(sections[i]));
        p->pipelines[i].source = (struct source_conf){c, p->other[i]};
    }
    check_table(o->kind->opts, sections, p->pipelines);
    free(sections[0]);
    free(sections[1]);
}

static void names_do_not_count(void **state)
{
    struct pair *p = *state;
    p->pipelines[0].name = "a";
    p->pipelines[1].name = "b";
    assert_true(settings_are_equal(&p->pipelines[0], &p->pipelines[1]));
}

#define PAIR_TEST(name) cmocka_unit_test_setup_teardown(name, make_pair, free_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR_TEST(each_option_of_a_pipeline_counts),
        PAIR_TEST(each_option_of_a_source_counts),
        PAIR_TEST(each_option_of_a_sink_counts),
        PAIR_TEST(each_option_of_a_dead_letter_counts),
        PAIR_TEST(another_sink_counts),
        PAIR_TEST(each_option_of_a_named_section_counts),
        PAIR_TEST(names_do_not_count),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
