/* The process: starts a worker for each copy of each pipeline, reports their counters, and ends
 * them on SIGTERM or SIGINT. A second signal ends the process at once: what was not acknowledged
 * will be delivered again. Thread: the main one. */
#ifndef BRIDGE_SUPERVISOR_H
#define BRIDGE_SUPERVISOR_H

#include "bridge/pipeline_conf.h"

struct supervisor_options {
    int64_t stats_interval_ms; /* 0: no reports */
    const char *stats_file;    /* JSON lines are appended here; NULL: log lines instead */
};

/* Returns when every worker has ended: an exit code of sysexits.h, 0 after a clean end. */
int supervisor_run(const struct pipeline_conf *pipelines, size_t count,
                   const struct supervisor_options *options) MUST_USE;

#endif
