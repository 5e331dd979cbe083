/* Stands between the core and the two ends of a pipeline, and fails the check at the first call
 * that breaks the contract of bridge/pipeline.h and bridge/connector.h:
 *   - never more messages or bytes between emit and acknowledged than the window allows
 *   - nothing is reserved or emitted after stop()
 *   - each receipt is acknowledged once, by a source that has it; none is left at the end
 *   - submit() takes no more than it was offered, and each leg that it took ends once
 * The linker brings the calls of the core here (--wrap); settle(), stop() and submit() are brought
 * here by ops of its own. Thread: the pipeline's, but for start and end. One pipeline at a time. */
#ifndef TESTS_CONFORMANCE_WATCH_H
#define TESTS_CONFORMANCE_WATCH_H

#include "bridge/pipeline_conf.h"

/* Before the pipeline is made: puts its own ops in front of those that conf names. */
void watch_begin(struct pipeline_conf *conf);

/* After its end. */
void watch_end(void);

#endif
