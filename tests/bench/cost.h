/* What a stretch of work costs this process: wall clock, processor time, allocations of everybody
 * in it, libcurl and OpenSSL included. Thread: any one. */
#ifndef TESTS_BENCH_COST_H
#define TESTS_BENCH_COST_H

#include <stddef.h>

struct cost {
    double wall_s, cpu_s;
    size_t allocations;
};

struct cost cost_now(void);
struct cost cost_since(const struct cost *begin);

#endif
