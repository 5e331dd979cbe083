#include "tests/conformance/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bridge/worker.h"
#include "config/config.h"
#include "tests/conformance/wait.h"
#include "tests/conformance/watch.h"

enum { END_WITHIN_S = 20 };

static void write_config(const char *path, struct rig *rig, bool source, const char *settings)
{
    struct buf options = {0};
    (source ? rig->ops->source : rig->ops->sink)(rig, &options);
    FILE *f = fopen(path, "w");
    if (!f) check_failed("%s: %s", path, strerror(errno));
    fprintf(f, "pipelines = { conformance = {\n");
    fprintf(f, "  %s = { %.*s };\n", source ? "source" : "sink", (int)options.len, options.ptr);
    fprintf(f, "  %s = { type = \"probe\"; };\n", source ? "sink" : "source");
    fprintf(f, "  retry_delay = \"5ms\"; retry_max_delay = \"50ms\";\n  %s\n}; };\n", settings);
    fclose(f);
    free(options.ptr);
}

static void load(struct run *r, struct rig *rig, bool source, const char *settings)
{
    char path[] = "/tmp/sqsbridge-conf-XXXXXX";
    struct config_messages messages;
    close(mkstemp(path));
    write_config(path, rig, source, settings);
    r->config = config_load(path, &messages);
    if (!r->config) check_failed("the rig's options are wrong:\n%s", messages.text);
    config_messages_free(&messages);
    unlink(path);
    r->conf = r->config->pipelines[0];
}

static void on_ended(void *arg)
{
    sem_post(arg);
}

void run_begin(struct run *r)
{
    watch_begin(&r->conf);
    sem_init(&r->ended, 0, 0);
    r->worker = worker_create(&r->conf, 0, on_ended, &r->ended);
    worker_start(r->worker);
}

void run_load_source(struct run *r, struct rig *rig, struct probe_sink_script *sink,
                     const char *settings)
{
    load(r, rig, true, settings);
    r->conf.sinks[0] = (struct sink_conf){&probe_connector, sink};
}

void run_load_sink(struct run *r, struct rig *rig, struct probe_source_script *source,
                   const char *settings)
{
    load(r, rig, false, settings);
    r->conf.source = (struct source_conf){&probe_connector, source};
}

uint64_t run_count(const struct run *r, enum counter which)
{
    return stats_get(worker_stats(r->worker), which);
}

uint64_t run_in_flight(const struct run *r)
{
    return atomic_load_explicit(&worker_stats(r->worker)->in_flight, memory_order_relaxed);
}

static void check_counts(const struct run *r)
{
    uint64_t received = run_count(r, COUNT_RECEIVED);
    uint64_t acknowledged = run_count(r, COUNT_ACKNOWLEDGED),
             released = run_count(r, COUNT_RELEASED);
    if (received != acknowledged + released)
        check_failed("%llu messages were received, but %llu acknowledged and %llu released",
                     (unsigned long long)received, (unsigned long long)acknowledged,
                     (unsigned long long)released);
}

void run_stop(struct run *r)
{
    struct timespec until;
    struct error e;
    worker_stop(r->worker);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_WITHIN_S;
    while (sem_timedwait(&r->ended, &until) != 0)
        if (errno != EINTR) check_failed("the pipeline did not end within %d s", END_WITHIN_S);
    check_counts(r);
    if (!worker_join(r->worker, &e)) check_failed("the pipeline failed: %s", e.text);
    watch_end();
    sem_destroy(&r->ended);
    config_free(r->config);
}
