#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config/commands.h"
#include "config/config.h"
#include "config/value.h"

static const char usage[] =
    "usage: sqsbridge print-config FILE\n"
    "Prints the configuration as it would run: includes, environment and defaults filled in,\n"
    "secrets as \"***\".\n";

static void write_options(const struct opt *opts, const void *conf, int indent, struct buf *out)
{
    for (const struct opt *o = opts; o->name; o++) {
        struct buf value = {0};
        if (value_write(o, conf, &value))
            buf_printf(out, "%*s%s = %.*s;\n", indent, "", o->name, (int)value.len, value.ptr);
        free(value.ptr);
    }
}

static void write_end(const struct connector *c, const struct opt *opts, const void *conf,
                      int indent, struct buf *out)
{
    buf_printf(out, "{\n%*stype = \"%s\";\n", indent + 4, "", c->name);
    write_options(opts, conf, indent + 4, out);
    buf_printf(out, "%*s}", indent, "");
}

static void write_sinks(const struct pipeline_conf *p, struct buf *out)
{
    bool one = p->sink_count == 1;
    buf_printf(out, one ? "        sink = " : "        sinks = (");
    for (size_t i = 0; i < p->sink_count; i++) {
        const struct sink_conf *sink = &p->sinks[i];
        if (!one) buf_printf(out, "%s\n            ", i ? "," : "");
        write_end(sink->connector, sink->connector->sink->opts, sink->conf, one ? 8 : 12, out);
    }
    buf_printf(out, one ? ";\n" : "\n        );\n");
}

static void write_pipeline(const struct pipeline_conf *p, struct buf *out)
{
    const struct sink_conf *letter = &p->dead_letter;
    buf_printf(out, "    %s = {\n        source = ", p->name);
    write_end(p->source.connector, p->source.connector->source->opts, p->source.conf, 8, out);
    buf_printf(out, ";\n");
    write_sinks(p, out);
    if (letter->connector) {
        buf_printf(out, "        dead_letter = ");
        write_end(letter->connector, letter->connector->sink->opts, letter->conf, 8, out);
        buf_printf(out, ";\n");
    }
    write_options(pipeline_opts, p, 8, out);
    buf_printf(out, "    };\n");
}

static void write_sections(const struct named_sections *all, struct buf *out)
{
    const char *open = NULL;
    for (size_t i = 0; i < all->count; i++) {
        const struct named_section *s = &all->items[i];
        const char *kind = s->kind->name;
        if (!open || strcmp(open, kind) != 0)
            buf_printf(out, "%s%s = {\n", open ? "};\n" : "", kind);
        open = kind;
        buf_printf(out, "    %s = {\n", s->name);
        write_options(s->kind->opts, s->conf, 8, out);
        buf_printf(out, "    };\n");
    }
    if (open) buf_printf(out, "};\n");
}

static void print(const struct config *c)
{
    struct buf out = {0};
    write_options(global_opts, c, 0, &out);
    write_sections(&c->named, &out);
    buf_printf(&out, "pipelines = {\n");
    for (size_t i = 0; i < c->pipeline_count; i++)
        write_pipeline(&c->pipelines[i], &out);
    buf_printf(&out, "};\n");
    fwrite(out.ptr, 1, out.len, stdout);
    free(out.ptr);
}

int command_print_config(int argc, char **argv)
{
    if (argc != 2 || argv[1][0] == '-') {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct config_messages messages;
    struct config *c = config_load(argv[1], &messages);
    if (c) print(c);
    fputs(messages.text, stderr);
    int code = messages.exit_code;
    config_messages_free(&messages);
    config_free(c);
    return code;
}
