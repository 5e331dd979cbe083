/* The time of the queues: real time that only moves forward, plus an offset that tests advance.
 * Signatures are checked against the real wall clock, which the offset does not touch. */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include <stdint.h>

struct clock {
    int64_t base_ms;   /* wall time less monotonic time at the start */
    int64_t offset_ms; /* what the tests added */
};

void clock_start(struct clock *c);
int64_t clock_now_ms(const struct clock *c); /* since the epoch */
int64_t clock_wall_s(void);

#endif
