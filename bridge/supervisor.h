/* The process: runs the pipelines of a configuration, reports their counters, and ends them on
 * SIGTERM or SIGINT. A second such signal ends the process at once: what was not acknowledged will
 * be delivered again. SIGHUP reads the configuration again: what did not change runs on, what
 * changed or is gone is drained, and when all of that has ended the rest is started. Thread: the
 * main one. */
#ifndef BRIDGE_SUPERVISOR_H
#define BRIDGE_SUPERVISOR_H

#include "bridge/log.h"
#include "bridge/pipeline_conf.h"

/* What is to run. */
struct plan {
    const struct pipeline_conf *pipelines; /* each with a name of its own */
    size_t count;
    enum log_level log_level;
    int64_t stats_interval_ms; /* 0: no reports */
    const char *stats_file;    /* JSON lines are appended here; NULL: log lines instead */
};

/* Where plans come from. A plan lives until release(): more than one may be in use. */
struct plan_source {
    /* NULL: there is none, people were told why, and code is the process's exit code for it. */
    struct plan *(*load)(void *arg, int *code);
    void (*release)(struct plan *plan);
    void *arg;
    const char *name; /* "bridge.conf": for people */
};

/* Returns when every pipeline has ended: an exit code of sysexits.h, 0 after a clean end. */
int supervisor_run(const struct plan_source *source) MUST_USE;

#endif
