/* The source: reads, cuts into lines, and emits as far as there is room. A file can't be
 * acknowledged: a verdict only gives the room back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/log.h"
#include "connectors/file/file.h"
#include "connectors/file/jsonl.h"
#include "connectors/file/lines.h"
#include "connectors/file/stream.h"
#include "connectors/file/take.h"

enum { READ_BYTES = 64 * 1024, REOPEN_MS = 1000, LANE = 1 };

struct file_source {
    struct source base;
    const struct file_source_conf *conf;
    struct file_stream file;
    struct lines lines;
    struct jsonl_room room;
    struct turn_task pump;
    struct loop_timer reopen;
    uv_fs_t read;
    bool reading;  /* a poll or a read is under way */
    bool refused;  /* room() will follow */
    bool held;     /* the lane has its share of the window */
    bool finished; /* the end was reached, or a line that stops us */
    bool opened;
    bool stopped, closing;
    uint64_t run; /* part of each position: who runs the same file again wants it delivered again */
    struct take take; /* where conf->take */
};

static uv_loop_t *uv_of(struct file_source *s)
{
    return loop_uv(pipeline_loop(s->base.pipeline));
}

static void fail(struct file_source *s, const struct error *e)
{
    s->finished = true;
    pipeline_source_failed(&s->base, e);
}

static void add_place(const struct file_source *s, struct error *e)
{
    char name[300];
    error_prefix(e, "%s, line %llu", file_stream_name(s->conf->path, O_RDONLY, name, sizeof(name)),
                 (unsigned long long)s->lines.taken + 1);
}

/* A line that can't become a message. False: it stops the source. */
static bool bad_line(struct file_source *s, struct error *why)
{
    struct error e;
    add_place(s, why);
    if (s->conf->bad_line == FILE_BAD_LINE_SKIP) {
        log_warn(pipeline_name(s->base.pipeline), "%s (skipped)", why->text);
        stats_drop(pipeline_stats(s->base.pipeline), DROP_BAD_LINE);
        return true;
    }
    error_set(&e, FAULT_CONFIG, "%.400s (mend the line, or set bad_line = \"skip\")", why->text);
    fail(s, &e);
    return false;
}

static bool skip_long_line(struct file_source *s)
{
    struct error e;
    error_set(&e, FAULT_CONFIG, "longer than max_line_bytes = %lld",
              (long long)s->conf->max_line_bytes);
    if (!bad_line(s, &e)) return false;
    lines_drop(&s->lines);
    return true;
}

/* The file's name stands in for the topic where lines carry nothing but bodies. */
static void draft_line(const struct file_source *s, struct bytes line, struct msg_draft *draft)
{
    const char *path = s->conf->path, *slash = strrchr(path, '/');
    draft->body = line;
    if (!file_is_standard(path)) draft->topic = bytes_str(slash ? slash + 1 : path);
}

/* One message in the place that was reserved for it. False: the line stops the source. */
static bool emit(struct file_source *s, char *line, size_t len)
{
    char position[300];
    struct error e;
    snprintf(position, sizeof(position), "%.200s:%llu@%llx",
             file_is_standard(s->conf->path) ? "stdin" : s->conf->path,
             (unsigned long long)s->lines.taken + 1, (unsigned long long)s->run);
    struct msg_draft draft = {.position = bytes_str(position)};
    if (s->conf->format == FILE_LINES) {
        draft_line(s, bytes_of(line, len), &draft);
    } else if (!jsonl_read(line, len, &draft, &s->room, &e)) {
        pipeline_unreserve(s->base.pipeline, 1);
        return bad_line(s, &e);
    }
    pipeline_emit(s->base.pipeline, msg_new(&draft), s->lines.taken + 1, LANE);
    return true;
}

static bool may_emit(struct file_source *s)
{
    if (s->stopped || s->held || s->refused || s->finished) return false;
    s->refused = !pipeline_reserve(s->base.pipeline, 1);
    return !s->refused;
}

static void emit_lines(struct file_source *s)
{
    char *line;
    size_t len;
    for (;;) {
        switch (lines_peek(&s->lines, &line, &len)) {
        case LINE_NONE:
            return;
        case LINE_TOO_LONG:
            if (!skip_long_line(s)) return;
            break;
        case LINE_WHOLE:
            if (!may_emit(s) || !emit(s, line, len)) return;
            lines_take(&s->lines);
            break;
        }
    }
}

static void read_more(struct file_source *s);

static void pump(void *arg)
{
    struct file_source *s = arg;
    if (s->stopped || s->finished) return;
    emit_lines(s);
    if (s->finished || s->refused || s->held) return;
    if (!s->lines.ended) {
        read_more(s);
        return;
    }
    s->finished = true;
    pipeline_source_finished(&s->base);
}

static void wake(struct file_source *s)
{
    loop_at_turn_end(pipeline_loop(s->base.pipeline), &s->pump);
}

static void read_failed(struct file_source *s, int why)
{
    char name[300];
    struct error e;
    error_set(&e, FAULT_CONFIG, "reading %s: %s",
              file_stream_name(s->conf->path, O_RDONLY, name, sizeof(name)), uv_strerror(why));
    fail(s, &e);
}

/* n < 0: what went wrong, as libuv counts it. */
static void take_bytes(struct file_source *s, ssize_t n)
{
    if (n > 0) lines_added(&s->lines, (size_t)n);
    if (n == 0) s->lines.ended = true;
    if (n < 0 && n != UV_EAGAIN && n != UV_EINTR)
        read_failed(s, (int)n);
    else
        wake(s);
}

static void take_ended(uv_work_t *work, int status)
{
    struct take *t = work->data;
    struct file_source *s = (struct file_source *)((char *)t - offsetof(struct file_source, take));
    (void)status; /* it is never cancelled */
    if (t->failed)
        log_error(pipeline_name(s->base.pipeline),
                  "putting the rest back into \"%s\": %s (it is in \"%s\", and the next replay "
                  "goes on there)",
                  t->path, uv_strerror(-t->failed), t->aside);
    pipeline_source_closed(&s->base);
}

static void file_closed(void *arg)
{
    struct file_source *s = arg;
    if (!s->take.aside || !s->opened) {
        pipeline_source_closed(&s->base);
        return;
    }
    s->take.work.data = &s->take;
    uv_queue_work(uv_of(s), &s->take.work, take_end, take_ended);
}

static void read_done(uv_fs_t *read)
{
    struct file_source *s = read->data;
    ssize_t n = read->result;
    uv_fs_req_cleanup(read);
    s->reading = false;
    if (s->closing)
        file_stream_close(&s->file, file_closed, s);
    else
        take_bytes(s, n);
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct file_source *s = poll->data;
    (void)status, (void)events; /* read(2) knows better */
    uv_poll_stop(poll);
    s->reading = false;
    ssize_t n = read(s->file.fd, lines_room(&s->lines, READ_BYTES), READ_BYTES);
    take_bytes(s, n < 0 ? uv_translate_sys_error(errno) : n);
}

static void read_more(struct file_source *s)
{
    if (s->reading || s->file.fd < 0) return;
    s->reading = true;
    s->file.poll.data = s->read.data = s;
    if (s->file.polled) {
        uv_poll_start(&s->file.poll, UV_READABLE, readable);
        return;
    }
    uv_buf_t to = uv_buf_init(lines_room(&s->lines, READ_BYTES), READ_BYTES);
    uv_fs_read(uv_of(s), &s->read, s->file.fd, &to, 1, -1, read_done);
}

static void open_input(void *arg)
{
    struct file_source *s = arg;
    struct error e;
    const char *path = s->take.aside ? s->take.aside : s->conf->path;
    if (file_stream_open(&s->file, uv_of(s), path, O_RDONLY, &e)) {
        s->opened = true;
        pipeline_source_state(&s->base, true, NULL);
        wake(s);
        return;
    }
    pipeline_source_state(&s->base, false, &e);
    loop_timer_start(pipeline_loop(s->base.pipeline), &s->reopen, REOPEN_MS);
}

static struct source *source_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct file_source *s = mem_zalloc(sizeof(*s));
    (void)p, (void)e;
    s->base.ops = &file_source;
    s->conf = conf;
    s->file.fd = -1;
    s->lines.max_bytes = (size_t)s->conf->max_line_bytes;
    s->pump = (struct turn_task){.run = pump, .arg = s};
    s->reopen = (struct loop_timer){.run = open_input, .arg = s};
    return &s->base;
}

static bool source_start(struct source *source, struct error *e)
{
    struct file_source *s = (struct file_source *)source;
    s->take.path = s->conf->path;
    s->run = (uint64_t)loop_unix_ms();
    if (s->conf->take && !take_begin(&s->take, e)) return false;
    open_input(source);
    return true;
}

static void source_room(struct source *source)
{
    struct file_source *s = (struct file_source *)source;
    s->refused = false;
    wake(s);
}

static void source_settle(struct source *source, struct receipt *const *receipts, size_t n)
{
    struct file_source *s = (struct file_source *)source;
    for (size_t i = 0; i < n && s->conf->take; i++)
        if (receipts[i]->verdict == VERDICT_CONFIRMED) take_confirm(&s->take, receipts[i]->cookie);
    pipeline_acknowledged(source->pipeline, receipts, n);
}

static void source_hold(struct source *source, uint32_t lane_id, bool held)
{
    struct file_source *s = (struct file_source *)source;
    (void)lane_id; /* there is one */
    s->held = held;
    if (!held) wake(s);
}

static void source_stop(struct source *source)
{
    struct file_source *s = (struct file_source *)source;
    struct loop *loop = pipeline_loop(s->base.pipeline);
    s->stopped = true;
    loop_cancel_task(loop, &s->pump);
    loop_timer_stop(loop, &s->reopen);
}

static void source_close(struct source *source)
{
    struct file_source *s = (struct file_source *)source;
    source_stop(source);
    s->closing = true;
    if (s->reading && !s->file.polled)
        uv_cancel((uv_req_t *)&s->read); /* read_done() comes in any case */
    else
        file_stream_close(&s->file, file_closed, s);
}

static void source_destroy(struct source *source)
{
    struct file_source *s = (struct file_source *)source;
    if (!s) return;
    take_free(&s->take);
    free(s->lines.in.ptr);
    free(s->room.scratch.ptr);
    free(s);
}

static void source_check(const void *conf, struct opt_report *r)
{
    const struct file_source_conf *c = conf;
    if (!file_is_standard(c->path) && access(c->path, R_OK) != 0)
        opt_complain(r, "path", "\"%s\" can't be read: %s", c->path, uv_strerror(-errno));
}

static struct source_promise source_promise(const void *conf)
{
    const struct file_source_conf *c = conf;
    bool again = file_is_regular(c->path);
    return (struct source_promise){
        .at_least_once = again,
        .ordered_by = "line",
        .why = again ? NULL : "a pipe can't be read again",
        .max_message_bytes = c->max_line_bytes,
    };
}

static void source_describe(const void *conf, char *text, size_t size)
{
    const struct file_source_conf *c = conf;
    char name[300];
    snprintf(text, size, "file %s", file_stream_name(c->path, O_RDONLY, name, sizeof(name)));
}

static const char *const formats[] = {"lines", "jsonl", NULL};
static const char *const bad_lines[] = {"stop", "skip", NULL};

static const struct opt source_opts[] = {
    {
        OPT_FIELD(struct file_source_conf, path),
        .type = OPT_STRING,
        .fallback = "-",
        .help =
            "the file or named pipe to read, from its start to its end; \"-\" is standard input",
    },
    {
        OPT_FIELD(struct file_source_conf, format),
        .type = OPT_ENUM,
        .fallback = "lines",
        .choices = formats,
        .help = "lines: each line is a body; jsonl: each line is a message as a JSON object",
    },
    {
        OPT_FIELD(struct file_source_conf, bad_line),
        .type = OPT_ENUM,
        .fallback = "stop",
        .choices = bad_lines,
        .help =
            "a line that is too long or not JSON: stop there, or skip it and count it as dropped",
    },
    {
        OPT_FIELD(struct file_source_conf, max_line_bytes),
        .type = OPT_SIZE,
        .fallback = "1MiB",
        .min = 1,
        .max = INT64_C(256) << 20,
        .help = "the longest line allowed",
    },
    OPT_END,
};

const struct source_ops file_source = {
    .opts = source_opts,
    .conf_size = sizeof(struct file_source_conf),
    .check = source_check,
    .promise = source_promise,
    .describe = source_describe,
    .create = source_create,
    .start = source_start,
    .room = source_room,
    .settle = source_settle,
    .hold = source_hold,
    .stop = source_stop,
    .close = source_close,
    .destroy = source_destroy,
};
