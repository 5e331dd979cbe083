/* `sqsbridge dlq`: the dead letters of one pipeline, shown, or sent again through its own sinks.
 * Thread: the main one; no other pipeline runs in the process. */
#ifndef BRIDGE_DLQ_H
#define BRIDGE_DLQ_H

#include "bridge/pipeline_conf.h"

struct dlq_options {
    bool show; /* else replay */
    bool json;
    const char *match;
    uint64_t limit;
    int64_t idle_ms;
};

/* The pipeline, and the place of its letters as a source. An exit code of sysexits.h: EX_TEMPFAIL
 * where letters have failed again, or got no answer. */
int dlq_run(const struct pipeline_conf *conf, const struct source_conf *letters, bool selective,
            const struct dlq_options *options) MUST_USE;

#endif
