#include "tests/sim/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void clock_start(struct clock *c)
{
    c->base_ms = read_ms(CLOCK_REALTIME) - read_ms(CLOCK_MONOTONIC);
    c->offset_ms = 0;
}

int64_t clock_now_ms(const struct clock *c)
{
    return c->base_ms + c->offset_ms + read_ms(CLOCK_MONOTONIC);
}

int64_t clock_wall_s(void)
{
    return read_ms(CLOCK_REALTIME) / 1000;
}
