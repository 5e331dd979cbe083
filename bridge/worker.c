#include "bridge/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "bridge/flow.h"
#include "bridge/log.h"

enum { TURN_REPORT_MS = 100 };

struct worker {
    const struct pipeline_conf *conf;
    unsigned index;
    struct loop *loop;
    struct flow *flow;
    pthread_t thread;
    void (*ended)(void *arg);
    void *ended_arg;
    struct post stop;
    atomic_flag stop_posted;
    struct loop_timer turn_report;
    _Atomic(enum worker_end) end;
    struct error error; /* of a bad one; read after the join */
};

static void on_closed(void *arg)
{
    struct worker *w = arg;
    loop_stop(w->loop);
}

static void on_stop(struct post *post)
{
    struct worker *w = (struct worker *)((char *)post - offsetof(struct worker, stop));
    flow_stop(w->flow);
}

static void report_turn(void *arg)
{
    struct worker *w = arg;
    struct stats *stats = flow_stats(w->flow);
    uint64_t longest = loop_longest_turn_us(w->loop);
    if (longest > atomic_load_explicit(&stats->longest_turn_us, memory_order_relaxed))
        atomic_store_explicit(&stats->longest_turn_us, longest, memory_order_relaxed);
    loop_timer_start(w->loop, &w->turn_report, TURN_REPORT_MS);
}

static bool start(struct worker *w)
{
    if (flow_start(w->flow, &w->error)) return true;
    log_error(w->conf->name, "cannot start: %s", w->error.text);
    flow_stop(w->flow);
    return false;
}

static enum worker_end end_of(struct worker *w, bool started)
{
    const struct error *failure = flow_failure(w->flow);
    if (!started) return WORKER_NOT_STARTED;
    if (!flow_is_well(w->flow, &w->error)) return WORKER_FAILED;
    if (failure) w->error = *failure;
    return failure ? WORKER_GAVE_UP : WORKER_WELL;
}

static void *run(void *arg)
{
    struct worker *w = arg;
    flow_on_closed(w->flow, on_closed, w);
    bool started = start(w);
    loop_timer_start(w->loop, &w->turn_report, TURN_REPORT_MS);
    loop_run(w->loop);
    loop_timer_stop(w->loop, &w->turn_report);
    atomic_store(&w->end, end_of(w, started));
    if (w->ended) w->ended(w->ended_arg);
    return NULL;
}

struct worker *worker_create(const struct pipeline_conf *conf, unsigned index,
                             void (*ended)(void *arg), void *arg)
{
    struct worker *w = mem_zalloc(sizeof(*w));
    w->conf = conf;
    w->index = index;
    w->ended = ended;
    w->ended_arg = arg;
    w->stop.run = on_stop;
    atomic_flag_clear(&w->stop_posted);
    w->loop = loop_create();
    w->flow = flow_create(conf, w->loop, index, FLOW_WHOLE);
    w->turn_report = (struct loop_timer){.run = report_turn, .arg = w};
    return w;
}

/* Signals are the main thread's business. */
void worker_start(struct worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        log_error("sqsbridge",
                  "cannot create a thread for pipeline \"%s\" (check the limits on "
                  "processes)",
                  w->conf->name);
        abort();
    }
}

void worker_stop(struct worker *w)
{
    if (!atomic_flag_test_and_set(&w->stop_posted)) loop_post(w->loop, &w->stop);
}

bool worker_join(struct worker *w, struct error *e)
{
    pthread_join(w->thread, NULL);
    bool ok = worker_end(w) == WORKER_WELL;
    if (!ok) *e = w->error;
    flow_destroy(w->flow);
    loop_destroy(w->loop);
    free(w);
    return ok;
}

enum worker_end worker_end(const struct worker *w)
{
    return atomic_load(&w->end);
}

struct stats *worker_stats(struct worker *w)
{
    return flow_stats(w->flow);
}

unsigned worker_index(const struct worker *w)
{
    return w->index;
}
