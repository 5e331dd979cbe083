#include "bridge/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include "bridge/crew.h"
#include "bridge/settings.h"

/* A plan, and who needs it: all pipelines that were started from it, and the supervisor while it is
 * the newest. */
struct generation {
    struct plan *plan;
    unsigned users;
    bool first;
};

struct running {
    struct running *next;
    struct generation *generation;
    struct crew *crew;
    bool wanted; /* by the newest plan; else it drains */
};

struct changes {
    unsigned unchanged, changed, new, removed;
};

struct supervisor {
    const struct plan_source *source;
    struct generation *newest;
    struct running *running;
    uv_loop_t loop;
    uv_async_t ended;
    uv_signal_t term, interrupt, hangup;
    uv_timer_t stats_timer;
    int stats_fd; /* -1: none */
    bool stopping, reloading;
    struct changes changes; /* while reloading */
    int code;
};

/* ---- counters ---- */

static void report(struct supervisor *s, struct crew *c)
{
    struct buf lines = {0};
    if (s->stats_fd < 0)
        crew_log_counters(c);
    else
        crew_write_counters(c, &lines);
    if (lines.len && write(s->stats_fd, lines.ptr, lines.len) < 0)
        log_warn("sqsbridge", "writing counters to %s: %s", s->newest->plan->stats_file,
                 strerror(errno));
    free(lines.ptr);
}

static void on_stats_timer(uv_timer_t *timer)
{
    struct supervisor *s = timer->data;
    for (struct running *r = s->running; r; r = r->next)
        report(s, r->crew);
}

/* Opened anew each time: whoever moves files of counters away has a signal for it. */
static bool open_stats(struct supervisor *s, const char *path)
{
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
    if (path && fd < 0) {
        log_error("sqsbridge", "opening %s: %s (check stats_file)", path, strerror(errno));
        return false;
    }
    if (s->stats_fd >= 0) close(s->stats_fd);
    s->stats_fd = fd;
    return true;
}

static void apply_process_settings(struct supervisor *s, const struct plan *plan)
{
    uint64_t every = (uint64_t)plan->stats_interval_ms;
    log_set_level(plan->log_level);
    uv_timer_stop(&s->stats_timer);
    if (every) uv_timer_start(&s->stats_timer, on_stats_timer, every, every);
}

/* ---- generations ---- */

static void unuse(struct supervisor *s, struct generation *g)
{
    if (!g || --g->users) return;
    s->source->release(g->plan);
    free(g);
}

static const struct pipeline_conf *find_pipeline(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->count; i++)
        if (strcmp(plan->pipelines[i].name, name) == 0) return &plan->pipelines[i];
    return NULL;
}

static struct running *find_running(const struct supervisor *s, const char *name)
{
    struct running *r = s->running;
    while (r && strcmp(crew_conf(r->crew)->name, name) != 0)
        r = r->next;
    return r;
}

/* ---- starting and stopping ---- */

static void on_crew_ended(void *arg) /* on a worker's thread */
{
    struct supervisor *s = arg;
    uv_async_send(&s->ended);
}

static void start(struct supervisor *s, const struct pipeline_conf *conf)
{
    struct running **end = &s->running;
    while (*end)
        end = &(*end)->next;
    struct running *r = *end = mem_zalloc(sizeof(*r));
    r->generation = s->newest;
    r->generation->users++;
    r->wanted = true;
    r->crew = crew_start(conf, on_crew_ended, s);
}

static void stop(struct running *r)
{
    r->wanted = false;
    crew_stop(r->crew);
}

static void stop_all(struct supervisor *s)
{
    s->stopping = true;
    for (struct running *r = s->running; r; r = r->next)
        stop(r);
}

static int exit_code(enum fault fault)
{
    if (fault == FAULT_NONE) return EX_OK;
    if (fault == FAULT_FATAL) return EX_IOERR;
    return fault == FAULT_CONFIG ? EX_CONFIG : EX_UNAVAILABLE;
}

/* What failed and was then replaced has no say in the process's exit code. */
static void remove_running(struct supervisor *s, struct running **slot)
{
    struct running *r = *slot;
    *slot = r->next;
    if (s->newest->plan->stats_interval_ms) report(s, r->crew);
    int code = exit_code(crew_join(r->crew));
    if (s->stopping && code > s->code) s->code = code;
    unuse(s, r->generation);
    free(r);
}

static void remove_ended(struct supervisor *s)
{
    struct running **slot = &s->running;
    while (*slot)
        if (!(*slot)->wanted && crew_has_ended((*slot)->crew))
            remove_running(s, slot);
        else
            slot = &(*slot)->next;
}

/* ---- from what runs to what is to run ---- */

static bool any_unwanted(const struct supervisor *s)
{
    const struct running *r = s->running;
    while (r && r->wanted)
        r = r->next;
    return r != NULL;
}

static bool all_have_ended(const struct supervisor *s)
{
    const struct running *r = s->running;
    while (r && crew_has_ended(r->crew))
        r = r->next;
    return r == NULL;
}

static void start_missing(struct supervisor *s)
{
    const struct plan *plan = s->newest->plan;
    for (size_t i = 0; i < plan->count; i++)
        if (!find_running(s, plan->pipelines[i].name)) start(s, &plan->pipelines[i]);
    if (s->reloading)
        log_info("sqsbridge", "reloaded %s: %u unchanged, %u changed, %u new, %u removed",
                 s->source->name, s->changes.unchanged, s->changes.changed, s->changes.new,
                 s->changes.removed);
    s->reloading = false;
}

/* Nothing is started before all that is to end has ended: they may have in common a client id, a
 * consumer group or the folder of a store, whatever their names are. */
static void step(struct supervisor *s)
{
    remove_ended(s);
    if (any_unwanted(s)) return; /* or one that ended since would look like the end of all */
    if (!s->stopping) start_missing(s);
    if (!all_have_ended(s)) return;
    stop_all(s);
    remove_ended(s);
    uv_stop(&s->loop);
}

/* One that ended badly is started again. */
static bool may_run_on(const struct running *r, const struct plan *plan)
{
    const struct pipeline_conf *conf = find_pipeline(plan, crew_conf(r->crew)->name);
    return conf && r->wanted && crew_end(r->crew) == WORKER_WELL &&
           settings_are_equal(conf, crew_conf(r->crew));
}

static struct changes apply(struct supervisor *s, const struct plan *plan)
{
    struct changes done = {0};
    for (struct running *r = s->running; r; r = r->next) {
        bool known = find_pipeline(plan, crew_conf(r->crew)->name) != NULL;
        bool runs_on = may_run_on(r, plan);
        done.unchanged += runs_on;
        done.changed += known && !runs_on;
        done.removed += !known && r->wanted;
        if (!runs_on) stop(r);
    }
    for (size_t i = 0; i < plan->count; i++)
        done.new += !find_running(s, plan->pipelines[i].name);
    return done;
}

/* The newest wins, also while what an earlier one has changed still drains. EX_OK, or nothing has
 * changed. */
static int load(struct supervisor *s)
{
    int code = EX_OK;
    struct plan *plan = s->source->load(s->source->arg, &code);
    if (!plan) return code;
    if (!open_stats(s, plan->stats_file)) {
        s->source->release(plan);
        return EX_CANTCREAT;
    }
    struct generation *before = s->newest;
    s->newest = mem_zalloc(sizeof(*s->newest));
    *s->newest = (struct generation){.plan = plan, .users = 1, .first = !before};
    apply_process_settings(s, plan);
    s->reloading = before != NULL;
    s->changes = apply(s, plan);
    unuse(s, before);
    step(s);
    return EX_OK;
}

/* ---- events ---- */

static void on_end_signal(uv_signal_t *handle, int number)
{
    struct supervisor *s = handle->data;
    if (s->stopping) {
        log_warn("sqsbridge",
                 "second signal: ending at once, what is in flight will be delivered again");
        _exit(128 + number);
    }
    log_info("sqsbridge", "%s: draining (a second signal ends at once)", strsignal(number));
    stop_all(s);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct supervisor *s = handle->data;
    (void)number;
    if (s->stopping) return;
    log_info("sqsbridge", "SIGHUP: reading %s again", s->source->name);
    if (load(s) != EX_OK)
        log_error("sqsbridge", "not reloaded, for the reasons above: what runs goes on as it is");
}

/* At first all run, or none. After a reload, what can't start is on its own. */
static void look_at(struct supervisor *s, struct running *r)
{
    enum worker_end end = crew_end(r->crew);
    bool first = r->generation->first;
    if (s->stopping) return;
    if (end == WORKER_FAILED || (end == WORKER_NOT_STARTED && first))
        stop_all(s);
    else if (end == WORKER_NOT_STARTED)
        crew_stop(r->crew);
}

static void on_ended(uv_async_t *async)
{
    struct supervisor *s = async->data;
    for (struct running *r = s->running; r; r = r->next)
        look_at(s, r);
    step(s);
}

/* ---- the run ---- */

static void init_signal(struct supervisor *s, uv_signal_t *handle, uv_signal_cb run, int number)
{
    loop_must(uv_signal_init(&s->loop, handle));
    handle->data = s;
    loop_must(uv_signal_start(handle, run, number));
}

static void init_handles(struct supervisor *s)
{
    loop_must(uv_loop_init(&s->loop));
    loop_must(uv_async_init(&s->loop, &s->ended, on_ended));
    uv_timer_init(&s->loop, &s->stats_timer);
    s->ended.data = s->stats_timer.data = s;
    init_signal(s, &s->term, on_end_signal, SIGTERM);
    init_signal(s, &s->interrupt, on_end_signal, SIGINT);
    init_signal(s, &s->hangup, on_hangup, SIGHUP);
}

static void close_handles(struct supervisor *s)
{
    uv_close((uv_handle_t *)&s->ended, NULL);
    uv_close((uv_handle_t *)&s->term, NULL);
    uv_close((uv_handle_t *)&s->interrupt, NULL);
    uv_close((uv_handle_t *)&s->hangup, NULL);
    uv_close((uv_handle_t *)&s->stats_timer, NULL);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
}

int supervisor_run(const struct plan_source *source)
{
    struct supervisor s = {.source = source, .stats_fd = -1};
    signal(SIGPIPE, SIG_IGN);
    init_handles(&s);
    int code = load(&s);
    if (s.newest) uv_run(&s.loop, UV_RUN_DEFAULT);
    close_handles(&s);
    if (s.stats_fd >= 0) close(s.stats_fd);
    unuse(&s, s.newest);
    return code != EX_OK ? code : s.code;
}
