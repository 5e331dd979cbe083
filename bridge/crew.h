/* The workers of one pipeline: as many as its configuration says, started and stopped together.
 * Thread: the main one. */
#ifndef BRIDGE_CREW_H
#define BRIDGE_CREW_H

#include "bridge/worker.h"

struct crew;

/* Starts them. ended(arg) is called on a worker's thread, each time that one has ended. conf is
 * borrowed until crew_join(). */
struct crew *crew_start(const struct pipeline_conf *conf, void (*ended)(void *arg), void *arg);
void crew_stop(struct crew *c); /* begins the drain; again: harmless */

bool crew_has_ended(const struct crew *c);      /* all of them */
enum worker_end crew_end(const struct crew *c); /* the worst of those that have ended */
const struct pipeline_conf *crew_conf(const struct crew *c);

/* Waits for the end, and frees the crew. FAULT_NONE: all ended well. */
enum fault crew_join(struct crew *c);

void crew_log_counters(struct crew *c);
void crew_write_counters(struct crew *c, struct buf *out); /* a line of JSON for each worker */

#endif
