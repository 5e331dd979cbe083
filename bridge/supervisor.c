#include "bridge/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include "bridge/log.h"
#include "bridge/worker.h"

struct supervisor {
    const struct supervisor_options *options;
    uv_loop_t loop;
    uv_async_t ended;
    uv_signal_t term, interrupt;
    uv_timer_t stats_timer;
    struct worker **workers;
    size_t count;
    atomic_uint running;
    bool stopping;
    int stats_fd;
    uint64_t *reported; /* messages acknowledged, per worker, at the last report */
};

/* ---- counters ---- */

static void report_line(struct supervisor *s, size_t i)
{
    struct worker *w = s->workers[i];
    const struct stats *stats = worker_stats(w);
    uint64_t done = stats_get(stats, COUNT_ACKNOWLEDGED);
    log_info(worker_conf(w)->name,
             "received %llu, confirmed %llu, acknowledged %llu (+%llu), retried %llu, rejected "
             "%llu, in flight %llu",
             (unsigned long long)stats_get(stats, COUNT_RECEIVED),
             (unsigned long long)stats_get(stats, COUNT_CONFIRMED), (unsigned long long)done,
             (unsigned long long)(done - s->reported[i]),
             (unsigned long long)stats_get(stats, COUNT_RETRIED),
             (unsigned long long)stats_get(stats, COUNT_REJECTED),
             (unsigned long long)atomic_load_explicit(&stats->in_flight, memory_order_relaxed));
    s->reported[i] = done;
}

static void report_json(struct supervisor *s, size_t i, struct buf *out)
{
    struct worker *w = s->workers[i];
    stats_write(worker_stats(w), worker_conf(w)->name, worker_index(w), out);
    atomic_store_explicit(&worker_stats(w)->longest_turn_us, 0, memory_order_relaxed);
    buf_add(out, "\n", 1);
}

static void report(struct supervisor *s)
{
    struct buf out = {0};
    for (size_t i = 0; i < s->count; i++)
        if (s->stats_fd < 0)
            report_line(s, i);
        else
            report_json(s, i, &out);
    if (out.len && write(s->stats_fd, out.ptr, out.len) < 0)
        log_warn("sqsbridge", "writing counters to %s: %s", s->options->stats_file,
                 strerror(errno));
    free(out.ptr);
}

static void on_stats_timer(uv_timer_t *timer)
{
    report(timer->data);
}

static bool open_stats(struct supervisor *s)
{
    const char *path = s->options->stats_file;
    s->stats_fd = -1;
    if (!path) return true;
    s->stats_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (s->stats_fd < 0)
        log_error("sqsbridge", "opening %s: %s (check stats_file)", path, strerror(errno));
    return s->stats_fd >= 0;
}

/* ---- signals and the end ---- */

static void stop_workers(struct supervisor *s)
{
    s->stopping = true;
    for (size_t i = 0; i < s->count; i++)
        worker_stop(s->workers[i]);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct supervisor *s = handle->data;
    if (s->stopping) {
        log_warn("sqsbridge",
                 "second signal: ending at once, what is in flight will be delivered again");
        _exit(128 + number);
    }
    log_info("sqsbridge", "%s: draining (a second signal ends at once)", strsignal(number));
    stop_workers(s);
}

static void on_worker_ended(void *arg) /* on the worker's thread */
{
    struct supervisor *s = arg;
    atomic_fetch_sub(&s->running, 1);
    uv_async_send(&s->ended);
}

static void on_ended(uv_async_t *async)
{
    struct supervisor *s = async->data;
    bool failed = false;
    for (size_t i = 0; i < s->count; i++)
        failed |= worker_failed(s->workers[i]);
    if (failed && !s->stopping) stop_workers(s); /* all run, or none */
    if (atomic_load(&s->running) == 0) uv_stop(&s->loop);
}

/* ---- the run ---- */

static void init_handles(struct supervisor *s)
{
    uv_loop_init(&s->loop);
    uv_async_init(&s->loop, &s->ended, on_ended);
    uv_signal_init(&s->loop, &s->term);
    uv_signal_init(&s->loop, &s->interrupt);
    uv_timer_init(&s->loop, &s->stats_timer);
    s->ended.data = s->term.data = s->interrupt.data = s->stats_timer.data = s;
    uv_signal_start(&s->term, on_signal, SIGTERM);
    uv_signal_start(&s->interrupt, on_signal, SIGINT);
    uint64_t every = (uint64_t)s->options->stats_interval_ms;
    if (every) uv_timer_start(&s->stats_timer, on_stats_timer, every, every);
}

static void close_handles(struct supervisor *s)
{
    uv_close((uv_handle_t *)&s->ended, NULL);
    uv_close((uv_handle_t *)&s->term, NULL);
    uv_close((uv_handle_t *)&s->interrupt, NULL);
    uv_close((uv_handle_t *)&s->stats_timer, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
}

static void create_workers(struct supervisor *s, const struct pipeline_conf *pipelines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->count += (size_t)pipelines[i].workers;
    s->workers = mem_zalloc(s->count * sizeof(struct worker *));
    s->reported = mem_zalloc(s->count * sizeof(s->reported[0]));
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        for (unsigned copy = 0; copy < (unsigned)pipelines[i].workers; copy++)
            s->workers[at++] = worker_create(&pipelines[i], copy, on_worker_ended, s);
    atomic_store(&s->running, (unsigned)s->count);
}

static int exit_code(enum fault fault)
{
    if (fault == FAULT_FATAL) return EX_IOERR;
    return fault == FAULT_CONFIG ? EX_CONFIG : EX_UNAVAILABLE;
}

static int join_workers(struct supervisor *s)
{
    int code = EX_OK;
    struct error e;
    for (size_t i = 0; i < s->count; i++)
        if (!worker_join(s->workers[i], &e)) code = exit_code(e.fault);
    return code;
}

int supervisor_run(const struct pipeline_conf *pipelines, size_t count,
                   const struct supervisor_options *options)
{
    struct supervisor s = {.options = options};
    signal(SIGPIPE, SIG_IGN);
    if (!open_stats(&s)) return EX_CANTCREAT;
    init_handles(&s);
    create_workers(&s, pipelines, count);
    for (size_t i = 0; i < s.count; i++)
        worker_start(s.workers[i]);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    if (options->stats_interval_ms) report(&s);
    int code = join_workers(&s);
    close_handles(&s);
    if (s.stats_fd >= 0) close(s.stats_fd);
    free(s.workers);
    free(s.reported);
    return code;
}
