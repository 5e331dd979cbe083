#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "config/pipelines.h"
#include "config/section.h"
#include "config/value.h"

#define FIELD(name) OPT_FIELD(struct config, name)

static const char *const log_levels[] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug", NULL};

const struct opt global_opts[] = {
    {FIELD(log_level), .type = OPT_ENUM, .choices = log_levels, .fallback = "info",
     .help = "the least important lines that are logged"},
    {FIELD(stats_interval), .type = OPT_DURATION, .fallback = "0s", .min = 0, .max = 86400000,
     .help = "how often each pipeline's counters are reported; 0s: never, with stats_file every "
             "second"},
    {FIELD(stats_file), .type = OPT_STRING,
     .help = "counters are appended to this file as JSON lines, instead of to the log"},
    OPT_END,
};

static void read_tree(struct reader *r, config_setting_t *root, bool pipelines, struct config *c)
{
    const struct section_kind *kinds[NAMED_MAX_KINDS + 1];
    const char *more[NAMED_MAX_KINDS + 2] = {"pipelines"};
    named_kinds(kinds);
    for (size_t i = 0; kinds[i]; i++)
        more[i + 1] = kinds[i]->name;
    struct section s = {r, root, "top level", global_opts, more, pipeline_opts, "a pipeline"};
    section_read(&s, c); /* what is wrong is among the complaints */
    named_read(r, root, &c->named);
    if (pipelines) c->pipelines = pipelines_read(r, root, &c->pipeline_count);
}

/* The words are in the right order already, so that libconfig has little to complain of. */
static void parse(struct reader *r, bool pipelines, struct config *c)
{
    config_t tree;
    config_init(&tree);
    if (config_read_string(&tree, r->input->text.ptr) == CONFIG_TRUE) {
        read_tree(r, config_root_setting(&tree), pipelines, c);
    } else {
        struct place place = input_place(r->input, (unsigned)config_error_line(&tree));
        complain_at(r->complaints, place, "%s", config_error_text(&tree));
    }
    config_destroy(&tree);
}

static struct config *load(const char *path, bool pipelines, struct config_messages *messages)
{
    bool opened;
    struct input input;
    struct complaints complaints = {0};
    struct config *c = mem_zalloc(sizeof(*c));
    c->owned = mem_zalloc(sizeof(*c->owned));
    struct reader reader = {&input, c->owned, &complaints, &c->named};

    if (input_read(&input, path, c->owned, &complaints, &opened)) parse(&reader, pipelines, c);
    input_release(&input);
    messages->count = complaints.count;
    messages->text = complaints_text(&complaints);
    messages->exit_code = !opened ? EX_NOINPUT : complaints.count > 0 ? EX_CONFIG : EX_OK;
    complaints_release(&complaints);
    if (messages->count == 0) return c;
    config_free(c);
    return NULL;
}

struct config *config_load(const char *path, struct config_messages *messages)
{
    return load(path, true, messages);
}

struct config *config_load_sections(const char *path, struct config_messages *messages)
{
    return load(path, false, messages);
}

bool config_parse(struct config *c, const char *option, const char *value, struct error *e)
{
    for (const struct opt *o = global_opts; o->name; o++)
        if (strcmp(o->name, option) == 0) return value_parse(o, value, c, c->owned, e);
    return error_set(e, FAULT_CONFIG, "there is no such option");
}

void config_free(struct config *c)
{
    if (!c) return;
    owned_release(c->owned);
    free(c->owned);
    free(c);
}

void config_messages_free(struct config_messages *messages)
{
    free(messages->text);
    *messages = (struct config_messages){0};
}
