#include "tests/sim/control.h"

#include "tests/sim/args.h"
#include "tests/sim/inspect.h"
#include "tests/sim/jout.h"
#include "tests/sim/move.h"
#include "tests/sim/options.h"
#include "tests/sim/poll.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request to the control endpoint. */
struct control {
    struct sim *sim;
    struct text rest;  /* of the path, after the command */
    struct text query; /* of the URL */
    json_t *args;
    struct buf *out;
    char why[256]; /* set when the command failed */
};

static bool fail(struct control *k, const char *why)
{
    snprintf(k->why, sizeof(k->why), "%s", why);
    return false;
}

static void say_ok(struct control *k)
{
    buf_add_text(k->out, text_of("{\"ok\":true}"));
}

static bool add_faults(struct control *k)
{
    bool ok = true;
    if (json_is_object(k->args)) ok = faults_add(&k->sim->faults, k->args, k->why, sizeof(k->why));
    for (size_t i = 0; ok && i < json_array_size(k->args); i++)
        ok = faults_add(&k->sim->faults, json_array_get(k->args, i), k->why, sizeof(k->why));
    if (ok) say_ok(k);
    return ok;
}

static bool show_faults(struct control *k)
{
    faults_write(&k->sim->faults, k->out);
    return true;
}

static bool clear_faults(struct control *k)
{
    faults_clear(&k->sim->faults);
    say_ok(k);
    return true;
}

static void end_all_polls(struct sim *sim)
{
    for (struct table_node *node = NULL; (node = table_next(&sim->account.queues, node));)
        poll_fail_all(sim, LIST_ENTRY(node, struct queue, by_name));
}

/* Back to how it started; connections stay. */
static bool reset(struct control *k)
{
    struct sim *sim = k->sim;
    end_all_polls(sim);
    move_forget(sim);
    account_clear(&sim->account);
    sim->account.clock.offset_ms = 0;
    faults_clear(&sim->faults);
    inspect_forget(sim);
    say_ok(k);
    return options_apply(sim->options, sim);
}

static bool advance(struct control *k)
{
    const json_t *ms = json_object_get(k->args, "ms");
    if (!json_is_integer(ms) || json_integer_value(ms) < 0)
        return fail(k, "\"ms\" must be a number of milliseconds");
    k->sim->account.clock.offset_ms += json_integer_value(ms);
    poll_serve(k->sim);
    say_ok(k);
    return true;
}

static bool expire(struct control *k)
{
    struct queue *q = account_find(&k->sim->account, args_view(json_object_get(k->args, "queue")));
    if (!q) return fail(k, "no such queue");
    queue_expire(q);
    poll_serve(k->sim);
    say_ok(k);
    return true;
}

static struct text string_or_empty(const json_t *o, const char *name)
{
    const json_t *value = json_object_get(o, name);
    return json_is_string(value) ? args_view(value) : (struct text){"", 0};
}

/* "expired", "expires_s" in Unix time, or never. */
static int64_t expiry_of(const json_t *args)
{
    const json_t *at_s = json_object_get(args, "expires_s");
    if (json_is_true(json_object_get(args, "expired"))) return 0;
    return json_is_integer(at_s) ? json_integer_value(at_s) : AUTH_NEVER;
}

/* What standard queues may do, as the options --shuffle and --duplicate say at the start. */
static bool turn_dials(struct control *k)
{
    struct account *a = &k->sim->account;
    const json_t *shuffle = json_object_get(k->args, "shuffle");
    const json_t *duplicate = json_object_get(k->args, "duplicate");
    bool known = json_object_size(k->args) == (size_t) !!shuffle + (size_t) !!duplicate;
    if (!known || (shuffle && !json_is_boolean(shuffle)) ||
        (duplicate && !json_is_number(duplicate)))
        return fail(k, "\"shuffle\" is true or false, \"duplicate\" a probability");
    if (shuffle) a->shuffle = json_is_true(shuffle);
    if (duplicate) a->duplicate = json_number_value(duplicate);
    say_ok(k);
    return true;
}

static bool add_credentials(struct control *k)
{
    struct text id = string_or_empty(k->args, "access_key");
    struct text secret = string_or_empty(k->args, "secret");
    if (!id.len || !secret.len) return fail(k, "\"access_key\" and \"secret\" are needed");
    auth_add(&k->sim->auth, id, secret, string_or_empty(k->args, "token"), expiry_of(k->args));
    say_ok(k);
    return true;
}

static bool show_credentials(struct control *k)
{
    auth_write_uses(&k->sim->auth, k->out);
    return true;
}

static bool show_queues(struct control *k)
{
    inspect_queues(k->sim, k->out);
    return true;
}

static size_t limit_of(struct text query)
{
    if (!text_starts(query, "limit=")) return 1000;
    char *digits = text_copy((struct text){query.ptr + 6, query.len - 6});
    size_t limit = strtoul(digits, NULL, 10);
    free(digits);
    return limit;
}

static bool show_queue(struct control *k)
{
    struct queue *q = account_find(&k->sim->account, k->rest);
    if (!q) return fail(k, "no such queue");
    inspect_queue(q, limit_of(k->query), k->out);
    return true;
}

static bool show_stats(struct control *k)
{
    inspect_stats(k->sim, k->out);
    return true;
}

/* A path that ends in '/' takes the rest as an argument. */
static const struct command {
    const char *method, *path;
    bool (*run)(struct control *k);
} commands[] = {
    {"GET", "stats", show_stats},
    {"GET", "queues", show_queues},
    {"GET", "queues/", show_queue},
    {"GET", "faults", show_faults},
    {"POST", "faults", add_faults},
    {"POST", "faults/clear", clear_faults},
    {"POST", "reset", reset},
    {"POST", "advance", advance},
    {"POST", "expire", expire},
    {"POST", "dials", turn_dials},
    {"POST", "credentials", add_credentials},
    {"GET", "credentials", show_credentials},
};

static const struct command *find_command(struct text method, struct text path, struct text *rest)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const struct command *command = &commands[i];
        size_t len = strlen(command->path);
        bool open = command->path[len - 1] == '/';
        if (!text_is(method, command->method) || !text_starts(path, command->path) ||
            (!open && path.len != len))
            continue;
        *rest = (struct text){path.ptr + len, path.len - len};
        return command;
    }
    return NULL;
}

static void refuse(struct http_exchange *x, int status, const char *why)
{
    x->reply.status = status;
    x->reply.body.len = 0;
    jout_open(&x->reply.body, '{');
    jout_pair(&x->reply.body, "error", text_of(why));
    jout_close(&x->reply.body, '}');
}

void control_handle(struct sim *sim, struct http_exchange *x)
{
    const struct http_request *r = &x->request;
    struct control k = {.sim = sim, .query = r->query, .out = &x->reply.body};
    struct text path = {r->path.ptr + 6, r->path.len - 6}; /* after "/_sim/" */
    const struct command *command = find_command(r->method, path, &k.rest);
    x->reply.content_type = "application/json";
    k.args = json_loadb(r->body.ptr, r->body.len, 0, NULL);
    if (!command)
        refuse(x, 404, "no such command");
    else if (r->body.len && !k.args)
        refuse(x, 400, "the body is not JSON");
    else if (!command->run(&k))
        refuse(x, 400, k.why);
    json_decref(k.args);
    http_answer(x, 0);
}
