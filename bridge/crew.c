#include "bridge/crew.h"

#include <stdlib.h>

#include "bridge/log.h"
#include "bridge/stats.h"

struct member {
    struct worker *worker;
    uint64_t reported; /* messages acknowledged, at the last report */
};

struct crew {
    const struct pipeline_conf *conf;
    atomic_size_t at_work;
    void (*ended)(void *arg);
    void *ended_arg;
    size_t count;
    struct member members[];
};

static void on_ended(void *arg) /* on the worker's thread */
{
    struct crew *c = arg;
    void (*ended)(void *arg) = c->ended;
    void *ended_arg = c->ended_arg;
    atomic_fetch_sub(&c->at_work, 1);
    ended(ended_arg);
}

struct crew *crew_start(const struct pipeline_conf *conf, void (*ended)(void *arg), void *arg)
{
    size_t count = (size_t)conf->workers;
    struct crew *c = mem_zalloc(sizeof(*c) + count * sizeof(c->members[0]));
    c->conf = conf;
    c->ended = ended;
    c->ended_arg = arg;
    c->count = count;
    atomic_init(&c->at_work, count);
    for (size_t i = 0; i < count; i++)
        c->members[i].worker = worker_create(conf, (unsigned)i, on_ended, c);
    for (size_t i = 0; i < count; i++)
        worker_start(c->members[i].worker);
    return c;
}

void crew_stop(struct crew *c)
{
    for (size_t i = 0; i < c->count; i++)
        worker_stop(c->members[i].worker);
}

bool crew_has_ended(const struct crew *c)
{
    return atomic_load(&c->at_work) == 0;
}

enum worker_end crew_end(const struct crew *c)
{
    enum worker_end worst = WORKER_WELL;
    for (size_t i = 0; i < c->count; i++) {
        enum worker_end end = worker_end(c->members[i].worker);
        if (end > worst) worst = end;
    }
    return worst;
}

const struct pipeline_conf *crew_conf(const struct crew *c)
{
    return c->conf;
}

enum fault crew_join(struct crew *c)
{
    struct error e;
    enum fault worst = FAULT_NONE;
    for (size_t i = 0; i < c->count; i++)
        if (!worker_join(c->members[i].worker, &e) && e.fault > worst) worst = e.fault;
    free(c);
    return worst;
}

static void log_counters(struct crew *c, struct member *m)
{
    const struct stats *stats = worker_stats(m->worker);
    uint64_t done = stats_get(stats, COUNT_ACKNOWLEDGED);
    log_info(c->conf->name,
             "received %llu, confirmed %llu, acknowledged %llu (+%llu), retried %llu, rejected "
             "%llu, in flight %llu",
             (unsigned long long)stats_get(stats, COUNT_RECEIVED),
             (unsigned long long)stats_get(stats, COUNT_CONFIRMED), (unsigned long long)done,
             (unsigned long long)(done - m->reported),
             (unsigned long long)stats_get(stats, COUNT_RETRIED),
             (unsigned long long)stats_get(stats, COUNT_REJECTED),
             (unsigned long long)atomic_load_explicit(&stats->in_flight, memory_order_relaxed));
    m->reported = done;
}

void crew_log_counters(struct crew *c)
{
    for (size_t i = 0; i < c->count; i++)
        log_counters(c, &c->members[i]);
}

void crew_write_counters(struct crew *c, struct buf *out)
{
    for (size_t i = 0; i < c->count; i++) {
        struct worker *w = c->members[i].worker;
        struct stats *stats = worker_stats(w);
        stats_write(stats, c->conf->name, worker_index(w), out);
        atomic_store_explicit(&stats->longest_turn_us, 0, memory_order_relaxed);
        buf_add(out, "\n", 1);
    }
}
