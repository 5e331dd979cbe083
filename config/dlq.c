/* dlq show|replay CONFIG PIPELINE: reads what is asked for, and makes a source of the pipeline's
 * dead-letter section. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "bridge/dlq.h"
#include "config/commands.h"
#include "config/config.h"
#include "config/suggest.h"
#include "config/value.h"

static const char usage[] =
    "usage: sqsbridge dlq show|replay [OPTION...] FILE PIPELINE\n"
    "show lists the dead letters of a pipeline, and leaves them where they are. replay sends them\n"
    "again through the pipeline's own sinks, each to the one that refused it, and takes them away\n"
    "when that has confirmed; what fails again becomes a dead letter again, once.\n"
    "  --match TEXT  only letters with this in their reason\n"
    "  --limit N     so many letters at most\n"
    "  --file        those in dead_letter_file, where there is a dead_letter too\n"
    "  --idle TIME   how long nothing comes before the place counts as empty (5s)\n"
    "  --json        show: one JSON object a line\n"
    "  --log-level LEVEL  error, warn (the default), info, debug\n";

struct arguments {
    struct dlq_options options;
    bool in_file, help;
    const char *limit, *idle, *log_level;
    const char *file, *pipeline;
};

static bool read_options(int argc, char **argv, struct arguments *a)
{
    static const struct option options[] = {
        {"match", required_argument, NULL, 'm'}, {"limit", required_argument, NULL, 'n'},
        {"idle", required_argument, NULL, 'i'},  {"log-level", required_argument, NULL, 'l'},
        {"file", no_argument, NULL, 'f'},        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'm':
            a->options.match = optarg;
            break;
        case 'n':
            a->limit = optarg;
            break;
        case 'i':
            a->idle = optarg;
            break;
        case 'l':
            a->log_level = optarg;
            break;
        case 'f':
            a->in_file = true;
            break;
        case 'j':
            a->options.json = true;
            break;
        case 'h':
            a->help = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

static bool read_numbers(struct arguments *a)
{
    static const struct opt idle = {
        .name = "--idle", .type = OPT_DURATION, .min = 100, .max = 3600000};
    struct error e;
    struct owned owned = {0};
    char *end = NULL;
    a->options.idle_ms = 5000;
    if (a->limit) a->options.limit = strtoull(a->limit, &end, 10);
    if (a->limit && (*end || !a->options.limit || a->limit[0] == '-')) {
        fprintf(stderr, "sqsbridge: --limit: expected a number from 1 on\n");
        return false;
    }
    if (!a->idle || value_parse(&idle, a->idle, &a->options.idle_ms, &owned, &e)) return true;
    fprintf(stderr, "sqsbridge: --idle: %s\n", e.text);
    return false;
}

static bool read_arguments(int argc, char **argv, struct arguments *a)
{
    const char *verb = argc > 1 ? argv[1] : "";
    a->help = strcmp(verb, "--help") == 0;
    a->options.show = strcmp(verb, "show") == 0;
    if (a->help) return true;
    if (!a->options.show && strcmp(verb, "replay") != 0) return false;
    if (!read_options(argc - 1, argv + 1, a)) return false;
    if (a->help) return true;
    argv += 1 + optind;
    if (argc - 1 - optind != 2 || !read_numbers(a)) return false;
    a->file = argv[0];
    a->pipeline = argv[1];
    return true;
}

static const struct pipeline_conf *find_pipeline(const struct config *c, const char *name)
{
    struct suggestion s = suggest_begin(name);
    for (size_t i = 0; i < c->pipeline_count; i++) {
        if (strcmp(c->pipelines[i].name, name) == 0) return &c->pipelines[i];
        suggest_offer(&s, c->pipelines[i].name);
    }
    fprintf(stderr, "sqsbridge: there is no pipeline \"%s\"%s%s%s\n", name,
            s.nearest ? " (did you mean \"" : "", s.nearest ? s.nearest : "",
            s.nearest ? "\"?)" : "");
    return NULL;
}

static const struct sink_conf *find_letters(const struct pipeline_conf *p, bool in_file)
{
    const struct sink_conf *sink =
        in_file || !p->dead_letter.connector ? &p->last_resort : &p->dead_letter;
    if (sink->connector) return sink;
    fprintf(stderr, "sqsbridge: pipeline \"%s\" has no %s%s\n", p->name,
            in_file ? "dead_letter_file" : "dead_letter and no dead_letter_file",
            p->on_reject == ON_REJECT_RELEASE
                ? " (on_reject = \"release\": what is refused goes back to its source, and ends "
                  "where that puts it away)"
                : "");
    return NULL;
}

static bool make_source(const struct sink_conf *sink, struct letter_place *place,
                        struct owned *owned, struct error *e)
{
    const struct connector *c = sink->connector;
    if (!c->source || !c->sink->letters)
        return error_set(e, FAULT_CONFIG, "what \"%s\" was sent can't be read again", c->name);
    place->conf = owned_alloc(owned, c->source->conf_size);
    return value_defaults(c->source->opts, place->conf, owned, e) &&
           c->sink->letters(sink->conf, place, e);
}

static int run(const struct arguments *a, struct config *c)
{
    struct error e;
    const struct pipeline_conf *p = find_pipeline(c, a->pipeline);
    const struct sink_conf *sink = p ? find_letters(p, a->in_file) : NULL;
    if (!sink) return EX_USAGE;
    struct letter_place place = {.pipeline = p->name, .take = !a->options.show};
    if (!make_source(sink, &place, c->owned, &e)) {
        fprintf(stderr, "sqsbridge: the dead letters of pipeline \"%s\": %s\n", p->name, e.text);
        return EX_CONFIG;
    }
    if (place.note) fprintf(stderr, "note: %s\n", place.note);
    struct source_conf letters = {sink->connector, place.conf};
    return dlq_run(p, &letters, place.selective, &a->options);
}

int command_dlq(int argc, char **argv)
{
    struct arguments a = {0};
    struct error e;
    struct config_messages messages;
    if (!read_arguments(argc, argv, &a) || a.help) {
        fputs(usage, a.help ? stdout : stderr);
        return a.help ? EX_OK : EX_USAGE;
    }
    struct config *c = config_load(a.file, &messages);
    fputs(messages.text, stderr);
    int code = messages.exit_code;
    config_messages_free(&messages);
    if (!c) return code;
    if (config_parse(c, "log_level", a.log_level ? a.log_level : "warn", &e)) {
        log_set_level((enum log_level)c->log_level);
        code = run(&a, c);
    } else {
        fprintf(stderr, "sqsbridge: --log-level: %s\n", e.text);
        code = EX_USAGE;
    }
    config_free(c);
    return code;
}
