/* Keys that a program prints, as the SDKs' credential_process does: JSON of Version 1 on standard
 * output. No shell is involved, output and time are bounded, and the program dies with all its
 * children when its time is over.
 * Source: AWS SDKs and Tools reference, "Process credential provider". */
#include <ctype.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdlib.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/provider.h"

enum { TIMEOUT_MS = 60000, MOST_OUTPUT = 64 << 10, MOST_COMPLAINT = 2048, SECRET_LEN = 16 };

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "SessionToken",
    [ANSWER_EXPIRATION] = "Expiration",
    [ANSWER_VERSION] = "Version",
}};

struct process {
    struct provider base;
    struct credentials_conf *conf;
    struct run *run; /* NULL: none */
};

/* One run of the program; outlives the provider until its handles are closed. */
struct run {
    struct process *owner; /* NULL: nobody wants its answer */
    struct provider_home *home;
    uv_process_t child;
    uv_pipe_t out, err;
    struct loop_timer limit;
    struct buf output, complaint;
    unsigned open; /* handles that are not closed */
    bool running, overlong, overdue;
    unsigned reading; /* of the two pipes */
    int64_t status;
    int signal;
};

/* ---- the end of a run ---- */

static void on_closed(uv_handle_t *handle)
{
    struct run *run = handle->data;
    if (--run->open) return;
    struct provider_home *home = run->home;
    secret_buf_free(&run->output);
    secret_buf_free(&run->complaint);
    free(run);
    provider_home_release(home);
}

static void close_handle(void *handle)
{
    uv_handle_t *h = handle;
    if (!uv_is_closing(h)) uv_close(h, on_closed);
}

/* It leads a group of its own, so that its children go with it, also those that it left behind with
 * our pipes in their hands. */
static void kill_group(const struct run *run)
{
    if (run->running || run->reading) kill(-run->child.pid, SIGKILL);
}

/* A process that is not waited for would stay as a zombie: its handle is closed when it has ended.
 */
static void let_go(struct run *run)
{
    loop_timer_stop(run->home->loop, &run->limit);
    close_handle(&run->out);
    close_handle(&run->err);
    if (!run->running) close_handle(&run->child);
    if (run->owner) run->owner->run = NULL;
    run->owner = NULL;
}

/* ---- what it said ---- */

static bool may_be_secret(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

/* Keys and tokens are long, and mix capitals with digits; words and paths rarely do. */
static void mask_secrets(char *text)
{
    for (size_t len; *text; text += len ? len : 1) {
        size_t capitals = 0, digits = 0;
        for (len = 0; may_be_secret(text[len]); len++) {
            capitals += isupper((unsigned char)text[len]) != 0;
            digits += isdigit((unsigned char)text[len]) != 0;
        }
        if (len >= SECRET_LEN && capitals > 1 && digits) memset(text, '*', len);
    }
}

/* Its last line, which tends to be the reason. */
static const char *complaint_of(struct run *run)
{
    struct buf *b = &run->complaint;
    buf_add(b, "", 1);
    for (size_t i = 0; i + 1 < b->len; i++)
        if (!b->ptr[i]) b->ptr[i] = ' ';
    char *text = b->ptr, *end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = 0;
    char *line = strrchr(text, '\n');
    line = line ? line + 1 : text;
    for (char *c = line; *c; c++)
        if (iscntrl((unsigned char)*c)) *c = ' ';
    mask_secrets(line);
    return line;
}

static void describe_end(struct run *run, struct error *e)
{
    const char *said = complaint_of(run);
    if (run->signal)
        error_set(e, FAULT_DOWN, "it was ended by signal %d", run->signal);
    else
        error_set(e, FAULT_DOWN, "it ended with exit code %lld", (long long)run->status);
    if (*said) {
        struct error before = *e;
        error_set(e, FAULT_DOWN, "%s: %.250s", before.text, said);
    }
}

static bool read_keys(struct run *run, struct fresh_keys *keys, struct error *e)
{
    struct answer a;
    if (!run->output.len) return error_set(e, FAULT_DOWN, "it prints nothing");
    if (!answer_read_json(run->output.ptr, run->output.len, &names, &a, e)) return false;
    const char *version = a.fields[ANSWER_VERSION];
    bool fine = version && strcmp(version, "1") == 0;
    if (fine)
        fine = answer_keys(&a, &names, keys, e);
    else
        error_set(e, FAULT_DOWN, "the answer's Version is not 1");
    answer_free(&a);
    return fine;
}

static bool is_good(struct run *run, struct fresh_keys *keys, struct error *e)
{
    const struct credentials_conf *conf = run->owner->conf;
    if (run->overdue)
        return error_set(e, FAULT_DOWN,
                         "no answer after %lld ms (raise timeout, or check what it "
                         "waits for)",
                         (long long)(conf->timeout ? conf->timeout : TIMEOUT_MS));
    if (run->overlong) return error_set(e, FAULT_DOWN, "it prints more than %d bytes", MOST_OUTPUT);
    if (run->signal || run->status) {
        describe_end(run, e);
        return false;
    }
    return read_keys(run, keys, e);
}

static void answer(struct run *run)
{
    struct process *p = run->owner;
    struct fresh_keys keys = {0};
    struct error e;
    if (!p) return;
    bool good = is_good(run, &keys, &e);
    if (!good) error_prefix(&e, "process \"%s\"", p->conf->command.items[0]);
    let_go(run);
    if (good)
        provider_done(&p->base, &keys);
    else
        provider_failed(&p->base, &e);
}

/* ---- while it runs ---- */

static void consider_the_end(struct run *run)
{
    if (!run->running && !run->reading) answer(run);
}

static void on_ended(uv_process_t *child, int64_t status, int signal)
{
    struct run *run = child->data;
    run->running = false;
    run->status = status;
    run->signal = signal;
    close_handle(&run->child);
    if (run->owner) consider_the_end(run);
}

static void give_up(struct run *run)
{
    kill_group(run);
    answer(run);
}

static void on_limit(void *arg)
{
    struct run *run = arg;
    run->overdue = true;
    give_up(run);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct run *run = handle->data;
    struct buf *b = handle == (uv_handle_t *)&run->out ? &run->output : &run->complaint;
    (void)suggested;
    /* All at once: growing would leave copies of secrets in freed memory. */
    buf_reserve(b, b == &run->output ? MOST_OUTPUT + 2 - b->len : MOST_COMPLAINT);
    size_t room = b == &run->output ? MOST_OUTPUT + 1 - b->len : MOST_COMPLAINT;
    *out = uv_buf_init(b->ptr + b->len, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in)
{
    struct run *run = stream->data;
    (void)in;
    if (n < 0) {
        close_handle(stream);
        run->reading--;
        consider_the_end(run);
    } else if (stream == (uv_stream_t *)&run->out) {
        run->output.len += (size_t)n;
        run->overlong = run->output.len > MOST_OUTPUT;
        if (run->overlong) give_up(run);
    } else if (run->complaint.len < MOST_COMPLAINT) {
        run->complaint.len += (size_t)n; /* the rest is read and thrown away */
    }
}

static int spawn(struct run *run, const struct opt_list *command)
{
    uv_loop_t *uv = loop_uv(run->home->loop);
    char **args = mem_zalloc((command->count + 1) * sizeof(args[0]));
    for (size_t i = 0; i < command->count; i++)
        args[i] = (char *)(uintptr_t)command->items[i]; /* only read */
    uv_pipe_init(uv, &run->out, 0);
    uv_pipe_init(uv, &run->err, 0);
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->err},
    };
    uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = args[0],
        .args = args,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int result = uv_spawn(uv, &run->child, &options);
    free(args);
    return result;
}

static struct run *create_run(struct process *p)
{
    struct run *run = mem_zalloc(sizeof(*run));
    run->owner = p;
    run->home = p->base.home;
    run->child.data = run->out.data = run->err.data = run;
    run->limit = (struct loop_timer){.run = on_limit, .arg = run};
    run->open = 3;
    provider_home_hold(run->home);
    return p->run = run;
}

static void start_reading(struct run *run)
{
    const struct credentials_conf *conf = run->owner->conf;
    int64_t limit_ms = conf->timeout ? conf->timeout : TIMEOUT_MS;
    run->running = true;
    run->reading = 2;
    uv_read_start((uv_stream_t *)&run->out, on_alloc, on_read);
    uv_read_start((uv_stream_t *)&run->err, on_alloc, on_read);
    loop_timer_start(run->home->loop, &run->limit, (uint64_t)limit_ms);
}

static void fetch(struct provider *base)
{
    struct process *p = (struct process *)base;
    struct run *run = create_run(p);
    struct error e;
    int result = spawn(run, &p->conf->command);
    if (result == 0) {
        start_reading(run);
        return;
    }
    let_go(run);
    error_set(&e, FAULT_DOWN, "process \"%s\": cannot be started: %s", p->conf->command.items[0],
              uv_strerror(result));
    provider_failed(base, &e);
}

static void destroy(struct provider *base)
{
    struct process *p = (struct process *)base;
    if (p->run) {
        kill_group(p->run);
        let_go(p->run);
    }
    credentials_conf_free(p->conf);
    free(p);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

struct provider *provider_process_create(const struct credentials_conf *conf, struct error *e)
{
    if (!conf->command.count) {
        error_set(e, FAULT_CONFIG, "no program (set command)");
        return NULL;
    }
    struct process *p = mem_zalloc(sizeof(*p));
    p->base.ops = &ops;
    p->conf = credentials_conf_copy(conf);
    return &p->base;
}
