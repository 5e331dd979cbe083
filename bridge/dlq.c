#include "bridge/dlq.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "bridge/json.h"
#include "bridge/log.h"
#include "bridge/replay.h"
#include "bridge/text.h"

enum { PROGRESS_MS = 200, MAX_LETTERS = 100000 };

struct dlq {
    const struct dlq_options *options;
    struct pipeline_conf conf;
    struct loop *loop;
    struct pipeline *pipeline;
    struct loop_timer progress;
    uv_signal_t term, interrupt;
    bool stopping, failed;
    struct error error;
};

/* ---- show ---- */

static void write_text(struct json_writer *w, const char *name, struct bytes text)
{
    if (!text.ptr) return;
    json_key(w, name);
    if (text_is_utf8(text))
        json_string(w, text);
    else
        json_base64(w, text);
}

static void write_number(struct json_writer *w, const char *name, int64_t value)
{
    json_key(w, name);
    json_number(w, value);
}

static void show_json(const struct dead_letter *d, const struct msg *letter)
{
    struct buf out = {0};
    struct json_writer w = {.out = &out};
    json_object(&w);
    write_text(&w, "reason", d->reason);
    write_text(&w, "source", d->source);
    write_text(&w, "origin", d->origin);
    write_text(&w, "sink", d->sink);
    write_number(&w, "attempts", d->attempts);
    write_number(&w, "first_ms", d->first_ms);
    write_number(&w, "last_ms", d->last_ms);
    write_number(&w, "size", (int64_t)letter->body.len);
    json_object_end(&w);
    printf("%.*s\n", (int)out.len, out.ptr);
    free(out.ptr);
}

static const char *utc(int64_t ms, char text[32])
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return text;
}

/* What comes from elsewhere may hold anything; it stays on its line. */
static void print_text(struct bytes text)
{
    const char *at = text.ptr;
    for (size_t i = 0; i < text.len; i++)
        putchar((unsigned char)at[i] < 0x20 || at[i] == 0x7f ? ' ' : at[i]);
}

static void show_text(const struct dead_letter *d, const struct msg *letter)
{
    char first[32], last[32];
    print_text(d->origin);
    printf(" from ");
    print_text(d->source);
    printf(", refused by ");
    print_text(d->sink);
    printf("\n  ");
    print_text(d->reason);
    printf("\n  attempts %" PRId64 ", first %s, last %s, %zu bytes\n", d->attempts,
           utc(d->first_ms, first), utc(d->last_ms, last), letter->body.len);
}

static void show(void *arg, const struct dead_letter *d, const struct msg *letter)
{
    const struct dlq *q = arg;
    if (q->options->json)
        show_json(d, letter);
    else
        show_text(d, letter);
}

/* ---- progress and summary ---- */

static void print_progress(void *arg)
{
    struct dlq *q = arg;
    const struct replay_counts *c = pipeline_replay_counts(q->pipeline);
    fprintf(stderr, "\rreplayed %" PRIu64 ", failed again %" PRIu64 ", left %" PRIu64 " ",
            c->replayed, c->failed_again, c->left);
    loop_timer_start(q->loop, &q->progress, PROGRESS_MS);
}

/* Their sink is away, or refuses them as the dead-letter sink does, too. */
static uint64_t unanswered(const struct dlq *q)
{
    const struct replay_counts *c = pipeline_replay_counts(q->pipeline);
    return c->sent - c->replayed - c->failed_again;
}

static void summarise(const struct dlq *q)
{
    const struct replay_counts *c = pipeline_replay_counts(q->pipeline);
    const char *cut = q->stopping ? " (stopped early)" : "";
    if (q->progress.run) fprintf(stderr, "\r\033[K");
    if (q->options->show && q->options->json) return;
    if (q->options->show)
        printf("%" PRIu64 " dead letters%s", c->seen, cut);
    else
        printf("replayed %" PRIu64 ", failed again and went back %" PRIu64 "%s", c->replayed,
               c->failed_again, cut);
    uint64_t stuck = q->options->show ? 0 : unanswered(q);
    if (stuck) printf(", without an answer, and still there %" PRIu64, stuck);
    if (c->left) printf(", %s %" PRIu64, q->options->show ? "not shown" : "left", c->left);
    if (c->foreign)
        printf(", not dead letters of pipeline \"%s\": %" PRIu64, q->conf.name, c->foreign);
    printf("\n");
}

/* ---- the run ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct dlq *q = handle->data;
    if (q->stopping) _exit(128 + number);
    q->stopping = true;
    pipeline_stop(q->pipeline);
}

static void on_closed(struct pipeline *p, void *arg)
{
    struct dlq *q = arg;
    (void)p;
    loop_timer_stop(q->loop, &q->progress);
    uv_close((uv_handle_t *)&q->term, NULL);
    uv_close((uv_handle_t *)&q->interrupt, NULL);
    loop_stop(q->loop);
}

static void watch_signals(struct dlq *q)
{
    signal(SIGPIPE, SIG_IGN);
    loop_must(uv_signal_init(loop_uv(q->loop), &q->term));
    loop_must(uv_signal_init(loop_uv(q->loop), &q->interrupt));
    q->term.data = q->interrupt.data = q;
    loop_must(uv_signal_start(&q->term, on_signal, SIGTERM));
    loop_must(uv_signal_start(&q->interrupt, on_signal, SIGINT));
}

/* A letter is held until the end, not until it is confirmed, so the window is a large one. */
static void make_conf(struct dlq *q, const struct pipeline_conf *conf,
                      const struct source_conf *letters)
{
    q->conf = *conf;
    q->conf.source = *letters;
    q->conf.set_attributes = (struct opt_list){0}; /* the letters have them */
    q->conf.max_in_flight = MAX_LETTERS;
    q->conf.max_in_flight_per_lane = MAX_LETTERS;
    q->conf.on_reject = ON_REJECT_HOLD;
    q->conf.store = 0;
    if (!q->options->show) return;
    q->conf.sink_count = 0;
    q->conf.dead_letter = q->conf.last_resort = (struct sink_conf){NULL, NULL};
}

static void start(struct dlq *q, bool selective)
{
    struct replay_options options = {
        .match = q->options->match,
        .limit = q->options->limit,
        .idle_ms = (uint64_t)q->options->idle_ms,
        .selective = selective,
        .look = q->options->show ? show : NULL,
        .arg = q,
    };
    pipeline_replay(q->pipeline, &options);
    pipeline_on_closed(q->pipeline, on_closed, q);
    if (pipeline_start(q->pipeline, &q->error)) return;
    q->failed = true;
    pipeline_stop(q->pipeline);
}

static int outcome(struct dlq *q)
{
    const struct error *failure = q->failed ? &q->error : pipeline_failure(q->pipeline);
    if (failure) {
        fprintf(stderr, "sqsbridge: %s\n", failure->text);
        return failure->fault == FAULT_CONFIG ? EX_CONFIG : EX_UNAVAILABLE;
    }
    summarise(q);
    if (q->options->show) return EX_OK;
    bool through = !unanswered(q) && !pipeline_replay_counts(q->pipeline)->failed_again;
    return through ? EX_OK : EX_TEMPFAIL;
}

int dlq_run(const struct pipeline_conf *conf, const struct source_conf *letters, bool selective,
            const struct dlq_options *options)
{
    struct dlq q = {.options = options};
    make_conf(&q, conf, letters);
    q.loop = loop_create();
    watch_signals(&q);
    /* A number of its own, as part of client ids: the pipeline itself may be running. */
    q.pipeline = pipeline_create(&q.conf, q.loop, (unsigned)conf->workers);
    if (!options->show && isatty(STDERR_FILENO)) {
        q.progress = (struct loop_timer){.run = print_progress, .arg = &q};
        loop_timer_start(q.loop, &q.progress, PROGRESS_MS);
    }
    start(&q, selective);
    loop_run(q.loop);
    int code = outcome(&q);
    pipeline_destroy(q.pipeline);
    loop_destroy(q.loop);
    return code;
}
