/* The two parts of a pipeline with a store between them: counted as one. */
#include "bridge/pipeline_private.h"
#include "bridge/pipeline_run.h"

void pipeline_join(struct pipeline *front, struct pipeline *back)
{
    front->back = back;
    back->front = front;
}

void pipeline_set_passing(struct pipeline *front, unsigned passing)
{
    if (front->passing == passing) return;
    front->passing = passing;
    pipeline_wake(front);
}

unsigned pipeline_in_flight(const struct pipeline *p)
{
    return p->in_flight;
}

/* What the source did is counted by the front, the rest by whoever did it. */
static void forward_counts(struct pipeline *back)
{
    for (enum counter c = 0; c < COUNTERS; c++) {
        if (c == COUNT_RECEIVED || c == COUNT_RECEIVED_BYTES) continue;
        if (c == COUNT_ACKNOWLEDGED || c == COUNT_RELEASED) continue;
        uint64_t now = stats_get(&back->stats, c);
        stats_add(&back->front->stats, c, now - back->forwarded[c]);
        back->forwarded[c] = now;
    }
}

void pipeline_publish(struct pipeline *p)
{
    unsigned in_flight = p->in_flight;
    size_t bytes = p->bytes;
    if (p->front) {
        forward_counts(p);
        p = p->front;
        in_flight += p->in_flight - p->passing;
        bytes += p->bytes;
    } else if (p->back) {
        in_flight += p->back->in_flight - p->passing;
        bytes += p->back->bytes;
    }
    atomic_store_explicit(&p->stats.in_flight, in_flight, memory_order_relaxed);
    atomic_store_explicit(&p->stats.in_flight_bytes, bytes, memory_order_relaxed);
}
