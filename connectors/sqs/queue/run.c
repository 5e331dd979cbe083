#include "connectors/sqs/queue/run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "connectors/sqs/sqs_limits.h"

/* ---- what went wrong ---- */

bool queue_fail(struct queue_run *run, int code, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "sqsbridge queue %s: ", run->verb->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (!run->code) run->code = code;
    return false;
}

static int config_code(const char *code)
{
    static const struct {
        const char *code;
        int exit_code;
    } known[] = {
        {"QueueDoesNotExist", EX_NOINPUT},        {"NonExistentQueue", EX_NOINPUT},
        {"ResourceNotFound", EX_NOINPUT},         {"InvalidAddress", EX_NOINPUT},
        {"PurgeQueueInProgress", EX_UNAVAILABLE}, {"QueueDeletedRecently", EX_UNAVAILABLE},
        {"KMS.AccessDenied", EX_NOPERM},          {"KmsAccessDenied", EX_NOPERM},
        {"InvalidSecurity", EX_NOPERM},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(code, known[i].code) == 0) return known[i].exit_code;
    return EX_DATAERR;
}

int queue_exit_code(enum sqs_class class, const char *code)
{
    switch (class) {
    case SQS_OK:
        return EX_OK;
    case SQS_TRANSIENT:
    case SQS_THROTTLED:
        return EX_UNAVAILABLE;
    case SQS_CLOCK:
    case SQS_CREDENTIALS:
    case SQS_DENIED:
        return EX_NOPERM;
    case SQS_CONFIG:
        return config_code(code);
    case SQS_HANDLE:
    case SQS_TOO_LONG:
    case SQS_SENDER:
        return EX_DATAERR;
    }
    return EX_SOFTWARE;
}

bool queue_fail_call(struct queue_run *run, const struct sqs_call *call)
{
    return queue_fail(run, queue_exit_code(call->class, call->code), "%s", call->error.text);
}

/* ---- connecting ---- */

/* As lint has it: one way to sign in, not two. */
static bool take_credentials(struct queue_run *run)
{
    struct queue_options *o = run->options;
    if (!o->credentials_name && !o->config) return true;
    if (!o->credentials_name || !o->config)
        return queue_fail(run, EX_USAGE, "--config and --credentials go together");
    if (o->sqs.access_key_id || o->sqs.secret_access_key || o->sqs.session_token)
        return queue_fail(run, EX_USAGE, "both --credentials and keys are given (choose one)");
    o->sqs.credentials =
        run->host->section(run->host, o->config, &credentials_kind, o->credentials_name);
    if (!o->sqs.credentials && !run->code) run->code = EX_CONFIG; /* it has said why */
    return o->sqs.credentials != NULL;
}

static bool connect_client(struct queue_run *run)
{
    struct error e;
    struct sqs_client_setup setup = {
        .loop = run->loop,
        .context = "sqsbridge queue",
        .conf = &run->options->sqs,
        .queue = &run->queue,
        .max_connections = 1,
    };
    if (!take_credentials(run)) return false;
    run->client = sqs_client_create(&setup, &e);
    return run->client || queue_fail(run, EX_CONFIG, "%s", e.text);
}

bool queue_open_service(struct queue_run *run)
{
    struct error e;
    if (run->client) return true;
    if (!sqs_service_resolve(&run->options->sqs, &run->queue, &e))
        return queue_fail(run, EX_CONFIG, "%s", e.text);
    return connect_client(run);
}

static bool use_url(struct queue_run *run, const char *url)
{
    struct error e;
    const char *option;
    struct sqs_conf *conf = &run->options->sqs;
    conf->queue_url = url;
    if (sqs_queue_resolve(conf, &run->queue, &option, &e)) return true;
    return queue_fail(run, strcmp(option, "queue_url") == 0 ? EX_USAGE : EX_CONFIG, "%s", e.text);
}

/* Texts that a queue struct points to; they last as long as the process. */
static const char *kept(struct queue_run *run, const char *text)
{
    static const struct opt keeper = {.name = "", .type = OPT_STRING, .offset = 0};
    struct error e;
    const char *copy = NULL;
    return run->host->parse(run->host, &keeper, text, &copy, &e) ? copy : NULL;
}

static bool use_answered_url(struct queue_run *run, struct bytes url)
{
    char *text = mem_strndup(url.ptr, url.len);
    const char *copy = kept(run, text);
    free(text);
    return use_url(run, copy);
}

static bool open_by_name(struct queue_run *run, const char *name)
{
    struct sqs_queue_url found;
    struct sqs_get_queue_url request = {
        .name = bytes_str(name),
        .owner_account = bytes_str(run->options->account),
    };
    struct error e;
    if (!sqs_check_queue_name(request.name, &e)) return queue_fail(run, EX_USAGE, "%s", e.text);
    if (!queue_open_service(run)) return false;
    snprintf(run->queue.name, sizeof(run->queue.name), "%s", name);
    bool ok = queue_call(run, SQS_GET_QUEUE_URL, &request, &found) &&
              use_answered_url(run, found.queue_url);
    queue_answer_free(SQS_GET_QUEUE_URL, &found);
    return ok;
}

bool queue_open(struct queue_run *run, const char *queue)
{
    if (!strstr(queue, "://") && strncmp(queue, "arn:", 4) != 0) return open_by_name(run, queue);
    return use_url(run, queue) && (run->client || connect_client(run));
}

struct bytes queue_url_of(const struct queue_run *run)
{
    return bytes_str(run->queue.url);
}

/* ---- calls ---- */

static void call_done(struct sqs_call *call)
{
    struct queue_run *run = call->arg;
    if (run->current == call) loop_stop(run->loop);
    run->current = NULL;
}

bool queue_run_call(struct queue_run *run, struct sqs_call *call)
{
    call->client = run->client;
    call->done = call_done;
    call->arg = run;
    run->current = call;
    sqs_call_send(call);
    while (run->current)
        loop_run(run->loop);
    return call->class == SQS_OK;
}

static bool decode(struct sqs_call *call, struct error *e)
{
    struct queue_run *run = call->arg;
    sqs_shape_free(run->answer_shape, run->answer); /* of an attempt before */
    return sqs_shape_decode(run->answer_shape, sqs_call_answer(call), run->answer, e);
}

static bool call(struct queue_run *run, enum sqs_action action, const void *request, void *answer)
{
    struct sqs_call *c = &run->call;
    run->answer_shape = sqs_admin_shapes[action].answer;
    run->answer = answer;
    memset(answer, 0, run->answer_shape->size);
    c->action = action;
    c->decode = decode;
    c->body.len = 0;
    sqs_shape_encode(sqs_admin_shapes[action].request, request, &c->body);
    return queue_run_call(run, c);
}

bool queue_call(struct queue_run *run, enum sqs_action action, const void *request, void *answer)
{
    return call(run, action, request, answer) || queue_fail_call(run, &run->call);
}

void queue_answer_free(enum sqs_action action, void *answer)
{
    sqs_shape_free(sqs_admin_shapes[action].answer, answer);
}

static void pause_is_over(void *arg)
{
    struct queue_run *run = arg;
    loop_stop(run->loop);
}

void queue_wait_ms(struct queue_run *run, uint64_t ms)
{
    run->pause.run = pause_is_over;
    run->pause.arg = run;
    loop_timer_start(run->loop, &run->pause, ms);
    while (run->pause.slot)
        loop_run(run->loop);
}

/* ---- what verbs share ---- */

static char *arn_of_queue(struct queue_run *run, struct bytes url)
{
    struct sqs_get_attributes request = {.queue_url = url};
    struct sqs_attributes found;
    char *arn = NULL;
    sqs_texts_add(&request.names, BYTES_LIT("QueueArn"));
    if (queue_call(run, SQS_GET_QUEUE_ATTRIBUTES, &request, &found)) {
        struct bytes text = sqs_pairs_find(&found.attributes, "QueueArn");
        if (text.len) arn = mem_strndup(text.ptr, text.len);
        if (!arn) queue_fail(run, EX_UNAVAILABLE, "GetQueueAttributes: no QueueArn in the answer");
    }
    queue_answer_free(SQS_GET_QUEUE_ATTRIBUTES, &found);
    free(request.names.items);
    return arn;
}

static char *arn_of_name(struct queue_run *run, const char *name)
{
    struct sqs_get_queue_url request = {.name = bytes_str(name)};
    struct sqs_queue_url found;
    char *arn = NULL, *url;
    struct error e;
    if (!sqs_check_queue_name(request.name, &e)) {
        queue_fail(run, EX_USAGE, "%s", e.text);
        return NULL;
    }
    if (queue_call(run, SQS_GET_QUEUE_URL, &request, &found)) {
        url = mem_strndup(found.queue_url.ptr, found.queue_url.len);
        arn = arn_of_queue(run, bytes_str(url));
        free(url);
    }
    queue_answer_free(SQS_GET_QUEUE_URL, &found);
    return arn;
}

char *queue_arn(struct queue_run *run, const char *text)
{
    if (strncmp(text, "arn:", 4) == 0) return mem_strdup(text);
    if (!queue_open_service(run)) return NULL;
    return strstr(text, "://") ? arn_of_queue(run, bytes_str(text)) : arn_of_name(run, text);
}

bool queue_confirm(struct queue_run *run, const char *what)
{
    char answer[8] = "";
    if (run->options->yes) return true;
    if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
        return queue_fail(run, EX_USAGE, "this cannot be undone (give --yes to %s)", what);
    fprintf(stderr, "%s? This cannot be undone [y/N] ", what);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y')) return true;
    return queue_fail(run, EX_TEMPFAIL, "not done");
}

bool queue_read_file(struct queue_run *run, const char *path, struct buf *out)
{
    bool input = strcmp(path, "-") == 0;
    FILE *file = input ? stdin : fopen(path, "rb");
    if (!file) return queue_fail(run, EX_NOINPUT, "%s: %s", path, strerror(errno));
    size_t got;
    do {
        buf_reserve(out, 65536);
        got = fread(out->ptr + out->len, 1, 65536, file);
        out->len += got;
    } while (got);
    bool failed = ferror(file);
    if (!input) fclose(file);
    return !failed || queue_fail(run, EX_IOERR, "%s: %s", path, strerror(errno));
}
