#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config/commands.h"
#include "config/config.h"
#include "config/named.h"
#include "config/suggest.h"
#include "config/value.h"

static const char usage[] =
    "usage: sqsbridge options [CONNECTOR]\n"
    "Lists the connectors and the options of pipelines, or the options of one connector.\n";

static const char *type_name(enum opt_type type)
{
    switch (type) {
    case OPT_STRING:
        return "text";
    case OPT_TEMPLATE:
        return "template";
    case OPT_PATH:
        return "path";
    case OPT_BOOL:
        return "bool";
    case OPT_INT:
        return "integer";
    case OPT_DURATION:
        return "duration";
    case OPT_SECONDS:
        return "seconds";
    case OPT_SIZE:
        return "size";
    case OPT_ENUM:
        return "choice";
    case OPT_LIST:
        return "list";
    case OPT_SECTION:
        return "section";
    }
    return "";
}

/* What is true without it. */
static const char *default_of(const struct opt *o)
{
    if (o->flags & OPT_REQUIRED) return "required";
    if (o->fallback) return o->fallback;
    switch (o->type) {
    case OPT_BOOL:
        return "false";
    case OPT_INT:
    case OPT_SECONDS:
    case OPT_SIZE:
        return "0";
    case OPT_DURATION:
        return "0s";
    case OPT_ENUM:
        return o->choices[0];
    case OPT_STRING:
    case OPT_TEMPLATE:
    case OPT_PATH:
    case OPT_LIST:
    case OPT_SECTION:
        return "-";
    }
    return "-";
}

/* The widest name and default of a table decide its columns. */
struct widths {
    int name, fallback;
};

static struct widths measure(const struct opt *opts)
{
    struct widths w = {0, 0};
    for (; opts->name; opts++) {
        int name = (int)strlen(opts->name);
        int fallback = (int)strlen(default_of(opts));
        if (name > w.name) w.name = name;
        if (fallback > w.fallback) w.fallback = fallback;
    }
    return w;
}

static void print_option(const struct opt *o, struct widths w)
{
    struct buf bounds = {0};
    value_bounds(o, &bounds);
    printf("  %-*s  %-8s  %-*s  %s", w.name, o->name, type_name(o->type), w.fallback, default_of(o),
           o->help);
    if (bounds.len) printf(" [%.*s]", (int)bounds.len, bounds.ptr);
    if (o->flags & OPT_SECRET) printf(" [secret: also %s_file = \"FILE\"]", o->name);
    printf("\n");
    free(bounds.ptr);
}

static void print_table(const char *title, const struct opt *opts)
{
    struct widths w = measure(opts);
    printf("\n%s\n", title);
    for (; opts->name; opts++)
        print_option(opts, w);
}

static void print_kinds(void)
{
    char title[192];
    const struct section_kind *kinds[NAMED_MAX_KINDS + 1];
    named_kinds(kinds);
    for (size_t i = 0; kinds[i]; i++) {
        snprintf(title, sizeof(title), "%s.NAME (%s)", kinds[i]->name, kinds[i]->help);
        print_table(title, kinds[i]->opts);
    }
}

static void print_overview(void)
{
    printf("connectors (sqsbridge options NAME lists their options)\n");
    for (const struct connector *const *c = connectors; *c; c++)
        printf("  %-8s  %-15s  %s\n", (*c)->name,
               !(*c)->sink     ? "source"
               : !(*c)->source ? "sink"
                               : "source and sink",
               (*c)->summary);
    print_table("top level of the file", global_opts);
    print_table("pipelines.NAME (besides source, sink or sinks, dead_letter)", pipeline_opts);
    print_kinds();
}

static void print_connector(const struct connector *c)
{
    char title[96];
    printf("%s: %s\n", c->name, c->summary);
    snprintf(title, sizeof(title), "source = { type = \"%s\"; ... }", c->name);
    if (c->source) print_table(title, c->source->opts);
    snprintf(title, sizeof(title), "sink or dead_letter = { type = \"%s\"; ... }", c->name);
    if (c->sink) print_table(title, c->sink->opts);
}

static int unknown(const char *name)
{
    struct suggestion s = suggest_begin(name);
    for (const struct connector *const *c = connectors; *c; c++)
        suggest_offer(&s, (*c)->name);
    fprintf(stderr, "sqsbridge: there is no connector \"%s\" (", name);
    if (s.nearest)
        fprintf(stderr, "did you mean \"%s\"?)\n", s.nearest);
    else
        fprintf(stderr, "`sqsbridge options` lists them)\n");
    return EX_USAGE;
}

int command_options(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    const struct connector *c = argc == 2 ? connector_find(argv[1]) : NULL;
    if (argc == 2 && !c) return unknown(argv[1]);
    if (c)
        print_connector(c);
    else
        print_overview();
    return EX_OK;
}
