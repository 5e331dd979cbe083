/* The sink: messages become lines in a buffer; one write at a time takes all that has gathered, and
 * confirms it. Pipes and terminals are written when they have room; regular files on the thread
 * pool, which waits for the disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bridge/log.h"
#include "connectors/file/append.h"
#include "connectors/file/file.h"
#include "connectors/file/jsonl.h"
#include "connectors/file/stream.h"

enum { FIRST_REOPEN_MS = 100, LAST_REOPEN_MS = 10000, MAX_BATCH = 256 };

/* Lines, and the legs that they are of; a leg's sink_data says where its line ends. */
struct batch {
    struct buf bytes;
    struct leg *first, *last;
};

struct file_sink {
    struct sink base;
    const struct file_sink_conf *conf;
    struct file_stream file;
    struct batch filling, writing;
    size_t written; /* of writing, where it is polled */
    struct append append;
    struct turn_task write;
    struct loop_timer reopen;
    uint64_t reopen_ms;
    bool busy;    /* writing is under way */
    bool refused; /* pipeline_ready() is owed */
    bool failed;  /* the last write did; the next one decides */
    bool looked;  /* at the end of what was there before us */
    bool closing;
};

static struct loop *loop_of(struct file_sink *s)
{
    return pipeline_loop(s->base.pipeline);
}

static void batch_add(struct batch *b, struct leg *l)
{
    l->next = NULL;
    l->sink_data = b->bytes.len;
    if (b->last)
        b->last->next = l;
    else
        b->first = l;
    b->last = l;
}

/* Ends the legs whose lines lie within the first `end` bytes. */
static void batch_end(struct batch *b, size_t end, const struct error *why)
{
    while (b->first && b->first->sink_data <= end) {
        struct leg *l = b->first;
        b->first = l->next;
        leg_done(l, why);
    }
    if (b->first) return;
    b->last = NULL;
    b->bytes.len = 0;
}

/* ---- going down, and up again ---- */

static void file_closed(void *arg)
{
    struct file_sink *s = arg;
    if (s->closing) {
        pipeline_sink_closed(&s->base);
        return;
    }
    s->reopen_ms = s->reopen_ms ? s->reopen_ms * 2 : FIRST_REOPEN_MS;
    if (s->reopen_ms > LAST_REOPEN_MS) s->reopen_ms = LAST_REOPEN_MS;
    loop_timer_start(loop_of(s), &s->reopen, s->reopen_ms);
}

/* e NULL: nothing to complain of. */
static void go_down(struct file_sink *s, const struct error *e)
{
    pipeline_sink_state(&s->base, SINK_DOWN, e);
    file_stream_close(&s->file, file_closed, s);
}

static void explain(const struct file_sink *s, int why, bool torn, struct error *e)
{
    char name[300];
    const char *reason = why == ESTALE ? "it was moved away" : uv_strerror(-why);
    const char *hint = why == EPIPE    ? " (its reader is gone)"
                       : why == ENOSPC ? " (make room; it is tried again)"
                                       : "";
    error_set(e, FAULT_DOWN, "writing to %s: %s%s%s",
              file_stream_name(s->conf->path, O_WRONLY, name, sizeof(name)), reason, hint,
              torn ? ", and half a line could not be taken back" : "");
}

static void write_failed(struct file_sink *s, int why)
{
    struct error e;
    explain(s, why, s->append.torn, &e);
    s->failed = true;
    s->looked = false;
    batch_end(&s->writing, SIZE_MAX, &e);
    batch_end(&s->filling, SIZE_MAX, &e);
    if (why == EPIPE && file_is_standard(s->conf->path)) pipeline_sink_failed(&s->base, &e);
    go_down(s, why == ESTALE ? NULL : &e); /* it was moved away: it is made anew */
}

static void write_succeeded(struct file_sink *s)
{
    s->reopen_ms = 0;
    s->failed = false;
    pipeline_sink_state(&s->base, SINK_UP, NULL);
}

/* After a failed write its legs are offered again and show whether it works now; without one there
 * may be nothing to try with. */
static void open_output(void *arg)
{
    struct file_sink *s = arg;
    struct error e;
    uv_loop_t *uv = loop_uv(loop_of(s));
    if (file_stream_open(&s->file, uv, s->conf->path, O_WRONLY | O_APPEND | O_CREAT, &e))
        pipeline_sink_state(&s->base, s->failed ? SINK_TRY : SINK_UP, NULL);
    else
        go_down(s, &e);
}

/* ---- writing ---- */

static void wake(struct file_sink *s)
{
    loop_at_turn_end(loop_of(s), &s->write);
}

static void batch_written(struct file_sink *s)
{
    s->busy = false;
    write_succeeded(s);
    if (s->refused) pipeline_ready(&s->base);
    s->refused = false;
    wake(s);
}

static void writable(uv_poll_t *poll, int status, int events);

static void write_polled(struct file_sink *s)
{
    struct buf *b = &s->writing.bytes;
    while (s->written < b->len) {
        ssize_t n = write(s->file.fd, b->ptr + s->written, b->len - s->written);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        s->written += (size_t)n;
    }
    int why = s->written < b->len ? errno : 0;
    batch_end(&s->writing, s->written, NULL);
    if (why == EAGAIN) {
        s->file.poll.data = s;
        uv_poll_start(&s->file.poll, UV_WRITABLE, writable);
    } else if (why) {
        s->busy = false;
        write_failed(s, why);
    } else {
        batch_written(s);
    }
}

static void writable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events; /* write(2) knows better */
    uv_poll_stop(poll);
    write_polled(poll->data);
}

static void append_done(uv_work_t *work, int status)
{
    struct append *a = work->data;
    struct file_sink *s = (struct file_sink *)((char *)a - offsetof(struct file_sink, append));
    (void)status; /* it is never cancelled */
    s->busy = false;
    if (s->closing) {
        file_stream_close(&s->file, file_closed, s);
        return;
    }
    if (a->mended)
        log_warn(pipeline_name(s->base.pipeline),
                 "\"%s\" ended within a line, as a crash leaves it: it has a newline now",
                 s->conf->path);
    if (a->failed) {
        write_failed(s, a->failed);
        return;
    }
    s->looked = true;
    batch_end(&s->writing, SIZE_MAX, NULL);
    batch_written(s);
}

static void start_append(struct file_sink *s)
{
    bool look = s->file.regular && !s->looked && !file_is_standard(s->conf->path);
    s->append = (struct append){
        .fd = s->file.fd,
        .ptr = s->writing.bytes.ptr,
        .len = s->writing.bytes.len,
        .sync = s->conf->sync && s->file.regular,
        .path = s->file.regular && !file_is_standard(s->conf->path) ? s->conf->path : NULL,
        .mend_path = look ? s->conf->path : NULL,
    };
    s->append.work.data = &s->append;
    uv_queue_work(loop_uv(loop_of(s)), &s->append.work, append_run, append_done);
}

static void write_batch(void *arg)
{
    struct file_sink *s = arg;
    if (s->busy || !s->filling.first || s->file.fd < 0) return;
    struct batch empty = s->writing;
    s->writing = s->filling;
    s->filling = empty;
    s->busy = true;
    s->written = 0;
    if (s->file.polled)
        write_polled(s);
    else
        start_append(s);
}

/* ---- the contract ---- */

/* Appends the message's line. FAULT_REJECT where it has none. */
static bool encode(const struct file_sink *s, const struct msg *m, struct buf *out, struct error *e)
{
    if (s->conf->format == FILE_JSONL) {
        jsonl_write(m, out);
    } else if (m->body.len && memchr(m->body.ptr, '\n', m->body.len)) {
        return error_set(e, FAULT_REJECT,
                         "the body has a newline, so it is no line (use format = \"jsonl\")");
    } else {
        buf_add(out, m->body.ptr, m->body.len);
    }
    buf_add(out, "\n", 1);
    return true;
}

static size_t sink_submit(struct sink *sink, struct leg *const *legs, size_t n)
{
    struct file_sink *s = (struct file_sink *)sink;
    size_t taken = 0, room = (size_t)s->conf->max_buffer_bytes;
    for (; taken < n && s->filling.bytes.len < room; taken++) {
        struct error e;
        if (encode(s, legs[taken]->msg, &s->filling.bytes, &e))
            batch_add(&s->filling, legs[taken]);
        else
            leg_done(legs[taken], &e);
    }
    s->refused = taken == 0;
    wake(s);
    return taken;
}

static struct sink *sink_create(const void *conf, struct pipeline *p, struct error *e)
{
    struct file_sink *s = mem_zalloc(sizeof(*s));
    (void)p, (void)e;
    s->base.ops = &file_sink;
    s->conf = conf;
    s->file.fd = -1;
    s->write = (struct turn_task){.run = write_batch, .arg = s};
    s->reopen = (struct loop_timer){.run = open_output, .arg = s};
    return &s->base;
}

static bool sink_start(struct sink *sink, struct error *e)
{
    (void)e;
    open_output(sink);
    return true;
}

static void sink_close(struct sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    struct error e;
    error_set(&e, FAULT_DOWN, "the bridge stops");
    s->closing = true;
    loop_timer_stop(loop_of(s), &s->reopen);
    loop_cancel_task(loop_of(s), &s->write);
    batch_end(&s->writing, SIZE_MAX, &e);
    batch_end(&s->filling, SIZE_MAX, &e);
    if (s->busy && !s->file.polled) return; /* append_done() follows */
    file_stream_close(&s->file, file_closed, s);
}

static void sink_destroy(struct sink *sink)
{
    struct file_sink *s = (struct file_sink *)sink;
    if (!s) return;
    free(s->filling.bytes.ptr);
    free(s->writing.bytes.ptr);
    free(s);
}

static struct sink_promise sink_promise(const void *conf)
{
    const struct file_sink_conf *c = conf;
    bool keeps = file_is_regular(c->path);
    return (struct sink_promise){
        .order = ORDER_STREAM,
        .confirmed = keeps,
        .why = keeps ? NULL : "what a pipe's reader has not read is lost with it",
        .max_message_bytes = SINK_TAKES_ALL,
        .body_only = c->format == FILE_JSONL ? NULL
                                             : "lines carry only the body (set format = "
                                               "\"jsonl\")",
    };
}

static bool sink_letters(const void *conf, struct letter_place *place, struct error *e)
{
    const struct file_sink_conf *c = conf;
    struct file_source_conf *source = place->conf;
    if (!file_is_regular(c->path))
        return error_set(e, FAULT_CONFIG, "\"%s\" is no file that can be read again", c->path);
    source->path = c->path;
    source->format = c->format;
    source->bad_line = FILE_BAD_LINE_SKIP;
    source->max_line_bytes = INT64_C(256) << 20;
    source->take = place->take;
    place->selective = true;
    return true;
}

static void sink_describe(const void *conf, char *text, size_t size)
{
    const struct file_sink_conf *c = conf;
    char name[300];
    snprintf(text, size, "file %s", file_stream_name(c->path, O_WRONLY, name, sizeof(name)));
}

static const char *const formats[] = {"lines", "jsonl", NULL};

static const struct opt sink_opts[] = {
    {
        OPT_FIELD(struct file_sink_conf, path),
        .type = OPT_STRING,
        .fallback = "-",
        .help = "the file to append to, or a named pipe; \"-\" is standard output",
    },
    {
        OPT_FIELD(struct file_sink_conf, format),
        .type = OPT_ENUM,
        .fallback = "lines",
        .choices = formats,
        .help = "lines: the body alone, on a line; jsonl: the whole message as a JSON object",
    },
    {
        OPT_FIELD(struct file_sink_conf, sync),
        .type = OPT_BOOL,
        .fallback = "true",
        .help = "confirm messages when a regular file has them on disk, not only in memory",
    },
    {
        OPT_FIELD(struct file_sink_conf, max_buffer_bytes),
        .type = OPT_SIZE,
        .fallback = "1MiB",
        .min = 1,
        .max = INT64_C(256) << 20,
        .help = "lines that may wait for the write before theirs",
    },
    OPT_END,
};

const struct sink_ops file_sink = {
    .opts = sink_opts,
    .conf_size = sizeof(struct file_sink_conf),
    .promise = sink_promise,
    .describe = sink_describe,
    .letters = sink_letters,
    .create = sink_create,
    .start = sink_start,
    .submit = sink_submit,
    .max_batch = MAX_BATCH,
    .close = sink_close,
    .destroy = sink_destroy,
};
