#include "tests/sim/fault.h"

#include "tests/sim/jout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rule {
    struct link link;
    struct fault fault;
    char *action, *queue; /* NULL: any */
    int64_t count;        /* how often it still strikes; -1: always */
    int64_t skip;         /* how many matching requests it lets pass first */
    uint64_t hits;
    json_t *spec; /* owns the strings of `fault` */
};

static const char *const kind_names[] = {
    [FAULT_STATUS] = "status",
    [FAULT_THROTTLE] = "throttle",
    [FAULT_EXPIRED_TOKEN] = "expired_token",
    [FAULT_DELAY] = "delay",
    [FAULT_HANG] = "hang",
    [FAULT_CUT_BEFORE] = "cut_before",
    [FAULT_CUT_AFTER] = "cut_after",
    [FAULT_CUT_MID] = "cut_mid",
    [FAULT_PARTIAL] = "partial",
    [FAULT_OMIT_BEFORE] = "omit_before",
    [FAULT_OMIT_AFTER] = "omit_after",
    [FAULT_PRETEND] = "pretend",
    [FAULT_WRONG_MD5] = "wrong_md5",
    [FAULT_WRONG_ATTRIBUTE_MD5] = "wrong_attribute_md5",
    [FAULT_GARBAGE] = "garbage",
    [FAULT_HUGE_LENGTH] = "huge_length",
    [FAULT_DATE_SKEW] = "date_skew",
};

static const char *const member_names[] = {
    "kind",    "action", "queue",        "count",    "skip",        "status", "code",
    "message", "html",   "sender_fault", "delay_ms", "date_skew_s", "from",   "upto",
};

void faults_init(struct faults *f)
{
    list_init(&f->rules);
}

void faults_clear(struct faults *f)
{
    while (!list_empty(&f->rules)) {
        struct rule *r = LIST_ENTRY(f->rules.next, struct rule, link);
        list_remove(&r->link);
        json_decref(r->spec);
        free(r->action);
        free(r->queue);
        free(r);
    }
}

static enum fault_kind kind_of(const char *name)
{
    for (size_t i = FAULT_STATUS; name && i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (!strcmp(kind_names[i], name)) return (enum fault_kind)i;
    }
    return FAULT_NONE;
}

static bool known_member(const char *name)
{
    for (size_t i = 0; i < sizeof(member_names) / sizeof(member_names[0]); i++) {
        if (!strcmp(member_names[i], name)) return true;
    }
    return false;
}

/* A misspelt member would make a test pass for the wrong reason. */
static bool check_spec(json_t *spec, char *why, size_t why_size)
{
    if (kind_of(json_string_value(json_object_get(spec, "kind"))) == FAULT_NONE) {
        snprintf(why, why_size, "no such kind of fault");
        return false;
    }
    for (void *at = json_object_iter(spec); at; at = json_object_iter_next(spec, at)) {
        if (known_member(json_object_iter_key(at))) continue;
        snprintf(why, why_size, "unknown member \"%s\"", json_object_iter_key(at));
        return false;
    }
    return true;
}

static int64_t number(const json_t *spec, const char *name, int64_t otherwise)
{
    const json_t *value = json_object_get(spec, name);
    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

static char *string_copy(const json_t *spec, const char *name)
{
    const char *value = json_string_value(json_object_get(spec, name));
    return value ? text_copy(text_of(value)) : NULL;
}

bool faults_add(struct faults *f, json_t *spec, char *why, size_t why_size)
{
    if (!check_spec(spec, why, why_size)) return false;
    struct rule *r = mem_alloc(sizeof(*r));
    r->spec = json_deep_copy(spec);
    r->action = string_copy(spec, "action");
    r->queue = string_copy(spec, "queue");
    r->count = number(spec, "count", 1);
    r->skip = number(spec, "skip", 0);
    r->fault = (struct fault){
        .kind = kind_of(json_string_value(json_object_get(spec, "kind"))),
        .status = (int)number(spec, "status", 503),
        .code = json_string_value(json_object_get(r->spec, "code")),
        .message = json_string_value(json_object_get(r->spec, "message")),
        .html = json_string_value(json_object_get(r->spec, "html")),
        .sender_fault = json_is_true(json_object_get(spec, "sender_fault")),
        .delay_ms = (uint64_t)number(spec, "delay_ms", 0),
        .date_skew_s = number(spec, "date_skew_s", 0),
        .from = (size_t)number(spec, "from", 0),
        .upto = (size_t)number(spec, "upto", 10),
    };
    list_add_tail(&f->rules, &r->link);
    return true;
}

static bool matches(const struct rule *r, struct text action, struct text queue)
{
    return r->count != 0 && (!r->action || text_is(action, r->action)) &&
           (!r->queue || text_is(queue, r->queue));
}

struct fault faults_next(struct faults *f, struct text action, struct text queue)
{
    for (struct link *node = f->rules.next; node != &f->rules; node = node->next) {
        struct rule *r = LIST_ENTRY(node, struct rule, link);
        if (!matches(r, action, queue)) continue;
        if (r->skip > 0) {
            r->skip--;
            continue;
        }
        if (r->count > 0) r->count--;
        r->hits++;
        return r->fault;
    }
    return (struct fault){0};
}

void faults_write(const struct faults *f, struct buf *out)
{
    jout_open(out, '[');
    for (struct link *node = f->rules.next; node != &f->rules; node = node->next) {
        const struct rule *r = LIST_ENTRY(node, struct rule, link);
        jout_open(out, '{');
        jout_pair(out, "kind", text_of(kind_names[r->fault.kind]));
        jout_pair(out, "action", text_of(r->action ? r->action : ""));
        jout_pair(out, "queue", text_of(r->queue ? r->queue : ""));
        jout_pair_int(out, "left", r->count);
        jout_pair_int(out, "hits", (int64_t)r->hits);
        jout_close(out, '}');
    }
    jout_close(out, ']');
}
