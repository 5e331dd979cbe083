/* sqsbridge store show|verify|export|drain CONFIG [PIPELINE]: what is in the stores of a
 * configuration, without or instead of the bridge that uses them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "bridge/flow.h"
#include "bridge/json.h"
#include "bridge/store_tools.h"
#include "config/commands.h"
#include "config/config.h"
#include "config/owned.h"
#include "config/value.h"

static const char usage[] =
    "usage: sqsbridge store show|verify|export|drain [--json] FILE [PIPELINE]\n"
    "  show    messages, sizes and the oldest of each store of a configuration\n"
    "  verify  check every page and every message; exit code 65 where anything is wrong\n"
    "  export  print the messages as JSON lines, as the file connector reads them; they stay\n"
    "  drain   deliver what is there to the sinks, without the source, then end\n";

struct visit {
    const struct pipeline_conf *conf;
    unsigned worker;
    bool json;
    size_t number; /* of the visit, from 0 */
};

/* ---- show and verify ---- */

static void age_text(int64_t since_ms, char *text, size_t size)
{
    int64_t s = (int64_t)time(NULL) - since_ms / 1000;
    if (!since_ms)
        snprintf(text, size, "-");
    else if (s < 120)
        snprintf(text, size, "%" PRId64 "s", s > 0 ? s : 0);
    else if (s < 7200)
        snprintf(text, size, "%" PRId64 "m", s / 60);
    else if (s < 172800)
        snprintf(text, size, "%" PRId64 "h", s / 3600);
    else
        snprintf(text, size, "%" PRId64 "d", s / 86400);
}

static void show_row(const struct visit *v, const struct store_sight *s)
{
    char age[32], messages[32] = "in use";
    age_text(s->oldest_ms, age, sizeof(age));
    if (!s->in_use) snprintf(messages, sizeof(messages), "%" PRId64, s->messages);
    if (v->number == 0)
        printf("%-20s %6s %12s %8s %12s %12s %6s  %s\n", "PIPELINE", "WORKER", "MESSAGES", "OLDEST",
               "USED BYTES", "FILE BYTES", "BAD", "FILE");
    printf("%-20s %6u %12s %8s %12" PRId64 " %12" PRId64 " %6" PRId64 "  %s\n", v->conf->name,
           v->worker, messages, age, s->used_bytes, s->file_bytes + s->log_bytes, s->bad, s->path);
}

static void put(struct json_writer *w, const char *key, int64_t value)
{
    json_key(w, key);
    json_number(w, value);
}

/* One line for each store. */
static void print_json(const struct visit *v, const struct store_sight *s,
                       void (*fill)(struct json_writer *w, const struct store_sight *s))
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_object(&w);
    json_key(&w, "pipeline");
    json_string(&w, bytes_str(v->conf->name));
    put(&w, "worker", v->worker);
    fill(&w, s);
    json_object_end(&w);
    printf("%.*s\n", (int)out.len, out.ptr);
    free(out.ptr);
}

static void fill_shown(struct json_writer *w, const struct store_sight *s)
{
    json_key(w, "path");
    json_string(w, bytes_str(s->path));
    json_key(w, "in_use");
    json_bool(w, s->in_use);
    if (!s->in_use) {
        put(w, "messages", s->messages);
        put(w, "bad", s->bad);
        put(w, "oldest_ms", s->oldest_ms);
        put(w, "used_bytes", s->used_bytes);
    }
    put(w, "file_bytes", s->file_bytes);
    put(w, "log_bytes", s->log_bytes);
    put(w, "reserve_bytes", s->reserve_bytes);
}

static void show_json(const struct visit *v, const struct store_sight *s)
{
    print_json(v, s, fill_shown);
}

static int complain(const struct visit *v, const char *text)
{
    fprintf(stderr, "sqsbridge: store of pipeline \"%s\": %s\n", v->conf->name, text);
    return EX_UNAVAILABLE;
}

static bool look(const struct visit *v, bool verify, struct store_sight *s, struct error *e)
{
    return store_tools_look(v->conf->store_path, v->conf->name, v->worker, verify, s, e);
}

static int show(const struct visit *v)
{
    struct store_sight s;
    struct error e;
    bool ok = look(v, false, &s, &e);
    if (ok) (v->json ? show_json : show_row)(v, &s);
    free(s.path);
    return ok ? EX_OK : complain(v, e.text);
}

static void fill_verified(struct json_writer *w, const struct store_sight *s)
{
    put(w, "messages", s->messages);
    json_key(w, "ok");
    json_bool(w, s->findings.len == 0);
    json_key(w, "findings");
    json_array(w);
    for (const char *at = s->findings.ptr, *end = at + s->findings.len; at < end;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        json_string(w, bytes_of(at, (size_t)(newline - at)));
        at = newline + 1;
    }
    json_array_end(w);
}

static int verify(const struct visit *v)
{
    struct store_sight s;
    struct error e;
    bool ok = look(v, true, &s, &e);
    int code = ok && s.findings.len ? EX_DATAERR : EX_OK;
    if (ok && v->json)
        print_json(v, &s, fill_verified);
    else if (ok)
        printf("%s: %s, %" PRId64 " messages\n%.*s", s.path, code ? "damaged" : "ok", s.messages,
               (int)s.findings.len, s.findings.len ? s.findings.ptr : "");
    free(s.findings.ptr);
    free(s.path);
    return ok ? code : complain(v, e.text);
}

/* ---- export and drain ---- */

static void on_closed(void *arg)
{
    loop_stop(arg);
}

static int run_flow(const struct visit *v, const struct pipeline_conf *conf, enum flow_kind kind)
{
    struct error e = {0};
    struct loop *loop = loop_create();
    struct flow *flow = flow_create(conf, loop, v->worker, kind);
    flow_on_closed(flow, on_closed, loop);
    bool ok = flow_start(flow, &e);
    if (!ok) flow_stop(flow);
    loop_run(loop);
    ok = ok && flow_is_well(flow, &e);
    const struct error *failure = flow_failure(flow);
    if (ok && failure) e = *failure;
    ok = ok && !failure;
    uint64_t delivered = stats_get(flow_stats(flow), COUNT_CONFIRMED);
    flow_destroy(flow);
    loop_destroy(loop);
    if (ok && kind == FLOW_DRAIN)
        fprintf(stderr, "sqsbridge: store of pipeline \"%s\": %" PRIu64 " messages delivered\n",
                v->conf->name, delivered);
    return ok ? EX_OK : complain(v, e.text);
}

static int drain(const struct visit *v)
{
    return run_flow(v, v->conf, FLOW_DRAIN);
}

static bool set_option(const struct sink_ops *sink, const char *name, const char *value, void *conf,
                       struct owned *owned, struct error *e)
{
    for (const struct opt *o = sink->opts; o->name; o++)
        if (strcmp(o->name, name) == 0) return value_parse(o, value, conf, owned, e);
    return error_set(e, FAULT_CONFIG, "the file connector has no option %s", name);
}

/* The file connector's sink, with standard output. */
static bool make_printer(struct sink_conf *to, struct owned *owned, struct error *e)
{
    const struct connector *file = connector_find("file");
    if (!file) return error_set(e, FAULT_CONFIG, "this build has no file connector");
    void *conf = owned_alloc(owned, file->sink->conf_size);
    *to = (struct sink_conf){file, conf};
    return value_defaults(file->sink->opts, conf, owned, e) &&
           set_option(file->sink, "path", "-", conf, owned, e) &&
           set_option(file->sink, "format", "jsonl", conf, owned, e);
}

static int export_messages(const struct visit *v)
{
    struct owned owned = {0};
    struct error e;
    struct pipeline_conf conf = *v->conf;
    conf.sink_count = 1;
    conf.dead_letter = (struct sink_conf){NULL, NULL};
    int code = make_printer(&conf.sinks[0], &owned, &e) ? run_flow(v, &conf, FLOW_EXPORT)
                                                        : complain(v, e.text);
    owned_release(&owned);
    return code;
}

/* ---- the command ---- */

static int visit_pipeline(int (*run)(const struct visit *v), struct visit *v)
{
    unsigned *workers;
    int worst = EX_OK;
    size_t count = store_tools_list(v->conf->store_path, v->conf->name, &workers);
    for (size_t i = 0; i < count; i++, v->number++) {
        v->worker = workers[i];
        int code = run(v);
        if (code != EX_OK) worst = code;
    }
    free(workers);
    return worst;
}

static int visit_all(int (*run)(const struct visit *v), const struct config *c, const char *name,
                     bool json)
{
    struct visit v = {.json = json};
    int worst = EX_OK;
    bool found = false;
    for (size_t i = 0; i < c->pipeline_count; i++) {
        v.conf = &c->pipelines[i];
        if (name && strcmp(name, v.conf->name) != 0) continue;
        if (v.conf->store == STORE_OFF) continue;
        found = true;
        int code = visit_pipeline(run, &v);
        if (code != EX_OK) worst = code;
    }
    if (found) return worst;
    fprintf(stderr,
            name ? "sqsbridge: there is no pipeline \"%s\" with a store\n"
                 : "sqsbridge: no pipeline has a store\n",
            name);
    return EX_USAGE;
}

static int (*find_verb(const char *name))(const struct visit *v)
{
    if (strcmp(name, "show") == 0) return show;
    if (strcmp(name, "verify") == 0) return verify;
    if (strcmp(name, "export") == 0) return export_messages;
    if (strcmp(name, "drain") == 0) return drain;
    return NULL;
}

int command_store(int argc, char **argv)
{
    int (*run)(const struct visit *v) = argc > 1 ? find_verb(argv[1]) : NULL;
    bool json = argc > 2 && strcmp(argv[2], "--json") == 0;
    int at = json ? 3 : 2;
    if (!run || argc <= at || argc > at + 2 || argv[at][0] == '-') {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    struct config_messages messages;
    struct config *c = config_load(argv[at], &messages);
    fputs(messages.text, stderr);
    int code = messages.exit_code;
    config_messages_free(&messages);
    if (!c) return code;
    log_set_level((enum log_level)c->log_level);
    code = visit_all(run, c, argc > at + 1 ? argv[at + 1] : NULL, json);
    config_free(c);
    return code;
}
