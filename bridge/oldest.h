/* How long the oldest message of a source waits to be acknowledged there. Where acknowledgements
 * leave in order (Kafka's commits, MQTT's PUBACKs) one message that no sink takes holds back all
 * that are behind it: that shows in the counters, and is said once a minute. Thread: the
 * pipeline's. Owner: a source embeds one, zero-initialised. */
#ifndef BRIDGE_OLDEST_H
#define BRIDGE_OLDEST_H

#include "bridge/pipeline.h"

struct oldest {
    uint64_t said_ms; /* loop time; 0: nothing was said of what waits now */
};

/* To be called about once a second. who: which message it is; NULL: none waits. behind: how many it
 * holds back. */
void oldest_report(struct oldest *o, struct pipeline *p, const char *who, uint64_t age_ms,
                   size_t behind);

#endif
