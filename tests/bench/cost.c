#include "tests/bench/cost.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static atomic_size_t allocations;

/* glibc's own, under the names that it keeps for those who take the usual ones. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *ptr, size_t size);

void *malloc(size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(n, size);
}

void *realloc(void *ptr, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(ptr, size);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct cost cost_now(void)
{
    return (struct cost){seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID),
                         atomic_load_explicit(&allocations, memory_order_relaxed)};
}

struct cost cost_since(const struct cost *begin)
{
    struct cost now = cost_now();
    return (struct cost){now.wall_s - begin->wall_s, now.cpu_s - begin->cpu_s,
                         now.allocations - begin->allocations};
}
