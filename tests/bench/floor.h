/* The least that a request can cost with libcurl: the same bytes again and again, the answer thrown
 * away, no loop but libcurl's own. Thread: the caller's. */
#ifndef TESTS_BENCH_FLOOR_H
#define TESTS_BENCH_FLOOR_H

#include "bridge/bytes.h"

struct floor_request {
    const char *url;
    const char *const *headers; /* "Name: value", NULL at the end */
    struct bytes body;
    int in_flight;
};

void floor_run(const struct floor_request *same, long requests); /* ends the process on a failure */

#endif
