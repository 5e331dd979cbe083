#include "tests/sim/call.h"

#include "tests/sim/args.h"
#include "tests/sim/control.h"
#include "tests/sim/jout.h"
#include "tests/sim/poll.h"

#include <stdlib.h>
#include <string.h>

#define TARGET_PREFIX "AmazonSQS."

static void call_free(struct call *c)
{
    json_decref(c->args);
    free(c);
}

static void on_abandoned(struct http_exchange *x)
{
    struct call *c = x->user;
    if (c->pending) poll_remove(c);
    call_free(c);
}

static void add_request_id(struct call *c)
{
    char id[37];
    chance_uuid(&c->sim->account.chance, id);
    buf_addf(&c->x->reply.headers, "x-amzn-RequestId: %s\r\n", id);
}

/* The answer is written; the fault may still spoil it. */
static void answer(struct call *c)
{
    struct http_reply *r = &c->x->reply;
    struct http_exchange *x = c->x;
    struct fault fault = c->fault;
    add_request_id(c);
    call_free(c);
    if (fault.kind == FAULT_CUT_AFTER) {
        http_hang_up(x);
        return;
    }
    if (fault.kind == FAULT_CUT_MID) r->cut_at = r->body.len / 2;
    if (fault.kind == FAULT_GARBAGE) r->body.len /= 2;
    if (fault.kind == FAULT_HUGE_LENGTH) r->announced_length = 1 << 30;
    http_answer(x, fault.delay_ms);
}

void call_done(struct call *c)
{
    c->sim->answers_ok++;
    answer(c);
}

static void write_failure(struct call *c, int status, const char *type, const char *query,
                          const char *message)
{
    struct http_reply *r = &c->x->reply;
    r->status = status;
    r->body.len = 0;
    jout_open(c->out, '{');
    jout_pair(c->out, "__type", text_of(type));
    jout_pair(c->out, "message", text_of(message));
    jout_close(c->out, '}');
    if (c->query_mode)
        buf_addf(&r->headers, "x-amzn-query-error: %s;%s\r\n", query,
                 status < 500 ? "Sender" : "Receiver");
}

void call_failed(struct call *c, const struct api_error *e)
{
    const struct api_wire *wire = api_wire(e->code);
    c->sim->answers_failed++;
    write_failure(c, wire->status, wire->type, wire->query, e->text);
    answer(c);
}

static void fail_status(struct call *c)
{
    const struct fault *f = &c->fault;
    const char *code = f->code ? f->code : "ServiceUnavailable";
    struct buf type = {0};
    buf_addf(&type, "com.amazonaws.sqs#%s", code);
    buf_add_char(&type, 0);
    c->sim->answers_failed++;
    write_failure(c, f->status, type.ptr, code, f->message ? f->message : "a fault on command");
    if (f->html) {
        c->x->reply.content_type = "text/html";
        c->out->len = 0;
        buf_add_text(c->out, text_of(f->html));
    }
    buf_free(&type);
    answer(c);
}

/* True: the fault has ended the call before anything was executed. */
static bool struck_before(struct call *c)
{
    struct api_error e;
    switch (c->fault.kind) {
    case FAULT_STATUS:
        fail_status(c);
        return true;
    case FAULT_THROTTLE:
        api_fail(&e, API_THROTTLED, "Rate exceeded");
        call_failed(c, &e);
        return true;
    case FAULT_EXPIRED_TOKEN:
        api_fail(&e, API_EXPIRED_TOKEN, "The security token included in the request is expired");
        call_failed(c, &e);
        return true;
    case FAULT_CUT_BEFORE:
        http_hang_up(c->x);
        call_free(c);
        return true;
    case FAULT_HANG:
        return true; /* freed by on_abandoned() */
    case FAULT_DATE_SKEW:
        c->x->reply.date_s += c->fault.date_skew_s;
        return false;
    case FAULT_NONE:
    case FAULT_DELAY:
    case FAULT_CUT_AFTER:
    case FAULT_CUT_MID:
    case FAULT_PARTIAL:
    case FAULT_OMIT_BEFORE:
    case FAULT_OMIT_AFTER:
    case FAULT_PRETEND:
    case FAULT_WRONG_MD5:
    case FAULT_WRONG_ATTRIBUTE_MD5:
    case FAULT_GARBAGE:
    case FAULT_HUGE_LENGTH:
        break;
    }
    return false;
}

bool call_queue_name(struct text url, struct text *name, struct api_error *e)
{
    struct text rest = url;
    struct text scheme = text_cut(&rest, '/');
    bool slashes = text_cut(&rest, '/').len == 0;
    text_cut(&rest, '/'); /* the host may be any alias of this one */
    struct text account = text_cut(&rest, '/');
    if ((!text_is(scheme, "http:") && !text_is(scheme, "https:")) || !slashes || !rest.len)
        return api_fail(e, API_INVALID_ADDRESS, "The address %.*s is not valid for this endpoint.",
                        (int)url.len, url.ptr);
    *name = text_is(account, ACCOUNT_ID) ? rest : (struct text){"", 0};
    return true;
}

void call_write_url(const struct call *c, const struct queue *q, struct buf *out)
{
    buf_addf(out, "\"%s/" ACCOUNT_ID "/%s\"", c->sim->url, q->name);
}

static bool find_queue(struct call *c, struct api_error *e)
{
    struct text url, name;
    if (!c->action->has_queue) return true;
    if (!args_need_text(c->args, "QueueUrl", &url, e) || !call_queue_name(url, &name, e))
        return false;
    c->queue = account_find(&c->sim->account, name);
    return c->queue || api_fail(e, API_NO_SUCH_QUEUE, "The specified queue does not exist.");
}

static bool prepare(struct call *c, struct api_error *e)
{
    const struct http_request *r = &c->x->request;
    if (!auth_check(&c->sim->auth, r, c->x->reply.date_s, e)) return false;
    if (!text_is(r->method, "POST") || !c->action ||
        !text_is(http_header(r, "content-type"), "application/x-amz-json-1.0"))
        return api_fail(e, API_UNKNOWN_OPERATION, "The requested operation is not recognized.");
    c->sim->calls[c->action - actions]++;
    if (!json_is_object(c->args))
        return api_fail(e, API_SERIALIZATION, "The body is not a JSON object.");
    return find_queue(c, e);
}

static void run(struct call *c)
{
    struct sim *sim = c->sim;
    struct api_error e;
    if (!prepare(c, &e) || !c->action->run(c, &e))
        call_failed(c, &e);
    else if (!c->pending)
        call_done(c);
    poll_serve(sim);
}

static struct text action_name(const struct http_request *r)
{
    struct text target = http_header(r, "x-amz-target");
    size_t prefix = strlen(TARGET_PREFIX);
    if (!text_starts(target, TARGET_PREFIX)) return (struct text){"", 0};
    return (struct text){target.ptr + prefix, target.len - prefix};
}

/* The name of the queue that a fault rule may ask for. */
static struct text queue_named(const json_t *args)
{
    struct api_error ignored;
    struct text name = args_view(json_object_get(args, "QueueName"));
    struct text url = args_view(json_object_get(args, "QueueUrl"));
    if (url.len && !call_queue_name(url, &name, &ignored)) return (struct text){"", 0};
    return name;
}

static void start(struct sim *sim, struct http_exchange *x)
{
    struct call *c = mem_alloc(sizeof(*c));
    struct text name = action_name(&x->request);
    c->sim = sim;
    c->x = x;
    c->out = &x->reply.body;
    c->action = action_find(name);
    c->query_mode = text_is(http_header(&x->request, "x-amzn-query-mode"), "true");
    c->args = json_loadb(x->request.body.ptr, x->request.body.len, JSON_ALLOW_NUL, NULL);
    c->fault = faults_next(&sim->faults, name, queue_named(c->args));
    x->user = c;
    x->abandoned = on_abandoned;
    if (!c->action) sim->calls_unknown++;
    if (!struck_before(c)) run(c);
}

void call_handle(void *ctx, struct http_exchange *x)
{
    struct sim *sim = ctx;
    if (text_starts(x->request.path, "/_sim/"))
        control_handle(sim, x);
    else
        start(sim, x);
}
