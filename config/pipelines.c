#include "config/pipelines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/section.h"
#include "config/suggest.h"
#include "config/value.h"

/* One side of a connector, as source_ops and sink_ops have it in common. */
struct side {
    const struct opt *opts;
    size_t conf_size;
    void (*check)(const void *conf, struct opt_report *r);
};

static bool side_of(const struct connector *c, bool source, struct side *side)
{
    if (source && c->source)
        *side = (struct side){c->source->opts, c->source->conf_size, c->source->check};
    if (!source && c->sink)
        *side = (struct side){c->sink->opts, c->sink->conf_size, c->sink->check};
    return source ? c->source != NULL : c->sink != NULL;
}

static void complain_of_type(const struct reader *r, const config_setting_t *at, bool source,
                             const char *wrong)
{
    struct side side;
    struct buf types = {0};
    struct suggestion s = suggest_begin(wrong);
    for (size_t i = 0; connectors[i]; i++) {
        if (!side_of(connectors[i], source, &side)) continue;
        buf_printf(&types, "%s\"%s\"", types.len ? ", " : "", connectors[i]->name);
        suggest_offer(&s, connectors[i]->name);
    }
    complain_at(r->complaints, setting_place(r, at), "type = \"%s\": expected one of %.*s%s%s%s",
                wrong, (int)types.len, types.ptr, s.nearest ? " (did you mean \"" : "",
                s.nearest ? s.nearest : "", s.nearest ? "\"?)" : "");
    free(types.ptr);
}

/* What a source or a sink is, before its options. role: "source", for people. */
static const struct connector *read_type(const struct reader *r, config_setting_t *group,
                                         bool source, const char *role, struct side *side)
{
    struct place place = setting_place(r, group);
    config_setting_t *at = NULL;
    if (!config_setting_is_group(group)) {
        complain_at(r->complaints, place, "the %s: expected { type = \"...\"; ... }", role);
    } else if (!(at = config_setting_get_member(group, "type"))) {
        complain_at(r->complaints, place, "the %s lacks type (as in type = \"%s\")", role,
                    connectors[0]->name);
    }
    const char *type = at ? setting_text(r, at) : NULL;
    if (!type) return NULL;
    const struct connector *c = connector_find(type);
    if (c && side_of(c, source, side)) return c;
    complain_of_type(r, at, source, type);
    return NULL;
}

struct end {
    const struct connector *connector;
    const void *conf;
};

/* One source, sink or dead letter. False: it can't be used, not even to check the pipeline. */
static bool read_end(const struct reader *r, config_setting_t *group, bool source, const char *role,
                     struct end *end)
{
    static const char *const more[] = {"type", NULL};
    struct side side;
    char title[64];
    end->connector = read_type(r, group, source, role, &side);
    if (!end->connector) return false;
    void *conf = owned_alloc(r->owned, side.conf_size);
    end->conf = conf;
    snprintf(title, sizeof(title), "%s %s", end->connector->name, role);
    struct section s = {r, group, title, side.opts, more, pipeline_opts, "the pipeline"};
    if (!section_read(&s, conf)) return false;
    struct section_report report = section_report(&s);
    if (side.check) side.check(conf, &report.report);
    return !report.complained;
}

static bool read_sink(const struct reader *r, config_setting_t *group, const char *role,
                      struct sink_conf *sink)
{
    struct end end;
    bool right = read_end(r, group, false, role, &end);
    *sink = (struct sink_conf){end.connector, end.conf};
    return right;
}

static bool read_source(const struct reader *r, config_setting_t *pipeline,
                        struct pipeline_conf *conf)
{
    struct end end;
    config_setting_t *at = config_setting_get_member(pipeline, "source");
    if (!at) {
        complain_at(r->complaints, setting_place(r, pipeline),
                    "the pipeline \"%s\" lacks its source (source = { type = \"...\"; ... };)",
                    conf->name);
        return false;
    }
    bool right = read_end(r, at, true, "source", &end);
    conf->source = (struct source_conf){end.connector, end.conf};
    return right;
}

static bool read_sink_list(const struct reader *r, config_setting_t *list,
                           struct pipeline_conf *conf)
{
    int count = config_setting_length(list);
    if (!config_setting_is_list(list) || count == 0 || count > PIPELINE_MAX_SINKS) {
        complain_at(r->complaints, setting_place(r, list),
                    "sinks: expected 1 to %d sinks, like ( { type = \"...\"; }, { ... } )",
                    PIPELINE_MAX_SINKS);
        return false;
    }
    bool right = true;
    for (int i = 0; i < count; i++) {
        struct sink_conf *sink = &conf->sinks[conf->sink_count++];
        right = read_sink(r, list->value.list->elements[i], "sink", sink) && right;
    }
    return right;
}

static bool read_sinks(const struct reader *r, config_setting_t *pipeline,
                       struct pipeline_conf *conf)
{
    config_setting_t *one = config_setting_get_member(pipeline, "sink");
    config_setting_t *more = config_setting_get_member(pipeline, "sinks");
    config_setting_t *letter = config_setting_get_member(pipeline, "dead_letter");
    bool right = (one == NULL) != (more == NULL);
    if (one && more) {
        complain_at(r->complaints, setting_place(r, more),
                    "sink and sinks are both given (put all of them into sinks)");
    } else if (!right) {
        complain_at(r->complaints, setting_place(r, pipeline),
                    "the pipeline \"%s\" lacks its sink (sink = { type = \"...\"; ... };)",
                    conf->name);
    }
    if (more)
        right = read_sink_list(r, more, conf) && right;
    else if (one)
        right = read_sink(r, one, "sink", &conf->sinks[conf->sink_count++]) && right;
    if (letter) right = read_sink(r, letter, "dead letter", &conf->dead_letter) && right;
    return right;
}

/* Names are part of client ids and of names of metrics; libconfig itself keeps out all but "*". */
static void check_name(const struct reader *r, const config_setting_t *at)
{
    if (strchr(at->name, '*'))
        complain_at(r->complaints, setting_place(r, at),
                    "the name of a pipeline has letters, digits, _ and - (\"%s\" has a *)",
                    at->name);
}

/* The file for dead letters is a file sink like any other. */
static bool make_dead_letter_file(const struct reader *r, config_setting_t *group,
                                  struct pipeline_conf *conf)
{
    static const char *const settings[][2] = {{"path", NULL}, {"format", "jsonl"}};
    struct error e;
    struct side side;
    const struct connector *c = connector_find("file");
    if (!conf->dead_letter_file) return true;
    if (!c || !side_of(c, false, &side)) {
        complain_at(r->complaints, setting_place(r, group),
                    "dead_letter_file: this build has no connector \"file\"");
        return false;
    }
    void *file = owned_alloc(r->owned, side.conf_size);
    if (!value_defaults(side.opts, file, r->owned, &e)) return false;
    for (size_t i = 0; i < 2; i++) {
        const char *text = settings[i][1] ? settings[i][1] : conf->dead_letter_file;
        const struct opt *o = opt_find(side.opts, settings[i][0]);
        if (!o || !value_parse(o, text, file, r->owned, &e)) return false;
    }
    conf->last_resort = (struct sink_conf){c, file};
    return true;
}

static void read_pipeline(const struct reader *r, config_setting_t *group,
                          struct pipeline_conf *conf)
{
    static const char *const more[] = {"source", "sink", "sinks", "dead_letter", NULL};
    conf->name = owned_strdup(r->owned, group->name);
    check_name(r, group);
    if (!config_setting_is_group(group)) {
        complain_at(r->complaints, setting_place(r, group),
                    "the pipeline \"%s\": expected { source = {...}; sink = {...}; }", group->name);
        return;
    }
    char *title = owned_take(r->owned, mem_printf("pipeline \"%s\"", conf->name), free);
    struct section s = {r, group, title, pipeline_opts, more, global_opts, "the top level"};
    bool right = section_read(&s, conf);
    right = read_source(r, group, conf) && right;
    right = read_sinks(r, group, conf) && right;
    right = make_dead_letter_file(r, group, conf) && right;
    if (!right) return;
    struct section_report report = section_report(&s);
    pipeline_check(conf, &report.report);
}

struct pipeline_conf *pipelines_read(const struct reader *r, config_setting_t *root, size_t *count)
{
    config_setting_t *all = config_setting_get_member(root, "pipelines");
    bool right = all && config_setting_is_group(all) && config_setting_length(all) > 0;
    *count = right ? (size_t)config_setting_length(all) : 0;
    struct pipeline_conf *confs = owned_alloc(r->owned, (*count + 1) * sizeof(*confs));
    if (!right) {
        complain_at(r->complaints, setting_place(r, all ? all : root),
                    "there are no pipelines (write pipelines = { NAME = { source = {...}; sink = "
                    "{...}; }; };)");
    }
    for (size_t i = 0; i < *count; i++)
        read_pipeline(r, all->value.list->elements[i], &confs[i]);
    return confs;
}
