#include "bridge/oldest.h"

#include <inttypes.h>

#include "bridge/log.h"

enum { LONG_MS = 60000 };

void oldest_report(struct oldest *o, struct pipeline *p, const char *who, uint64_t age_ms,
                   size_t behind)
{
    uint64_t now = loop_now_ms(pipeline_loop(p));
    atomic_store_explicit(&pipeline_stats(p)->oldest_ms, who ? age_ms : 0, memory_order_relaxed);
    if (!who || age_ms < LONG_MS) {
        if (o->said_ms) log_info(pipeline_name(p), "no message waits for a minute any more");
        o->said_ms = 0;
        return;
    }
    if (o->said_ms && now - o->said_ms < LONG_MS) return;
    o->said_ms = now;
    log_warn(pipeline_name(p),
             "not ready: %s waits for %" PRIu64 " s to be confirmed, and holds back the "
             "acknowledgement of %zu behind it",
             who, age_ms / 1000, behind);
}
