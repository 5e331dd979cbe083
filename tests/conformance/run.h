/* One run of a pipeline: the connector under test at one end, as its configuration file says, a
 * probe at the other, the real core between them, the watcher around it. Thread: the test's. */
#ifndef TESTS_CONFORMANCE_RUN_H
#define TESTS_CONFORMANCE_RUN_H

#include <semaphore.h>

#include "bridge/pipeline_conf.h"
#include "bridge/stats.h"
#include "tests/conformance/probe.h"
#include "tests/conformance/rig.h"

struct run {
    struct config *config;
    struct pipeline_conf conf;
    struct worker *worker;
    sem_t ended;
};

/* Reads the configuration, which must be right while the far end is there. settings: options of the
 * pipeline, as in the file: "max_in_flight = 20;"; none of those that the suite sets itself:
 * retry_delay and retry_max_delay. */
void run_load_source(struct run *r, struct rig *rig, struct probe_sink_script *sink,
                     const char *settings);
void run_load_sink(struct run *r, struct rig *rig, struct probe_source_script *source,
                   const char *settings);
void run_begin(struct run *r);

uint64_t run_count(const struct run *r, enum counter which);
uint64_t run_in_flight(const struct run *r);

/* Drains and waits for the end. The check fails where it does not come, or something is left
 * over. */
void run_stop(struct run *r);

#endif
