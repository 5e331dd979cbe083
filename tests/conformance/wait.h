/* Conditions with deadlines, and the end of a check that failed. Thread: the test's. */
#ifndef TESTS_CONFORMANCE_WAIT_H
#define TESTS_CONFORMANCE_WAIT_H

#include <stdbool.h>

#include "bridge/mem.h"

/* Says what is wrong, and ends the program: servers that it started end with it. Any thread. */
_Noreturn void check_failed(const char *format, ...) PRINTF_LIKE(1, 2);

/* Looks again and again; the check fails after 20 s: "what: not within 20 s". */
void wait_until(bool (*is_so)(void *arg), void *arg, const char *what);

/* The same; false where the time is up. */
bool comes_true(bool (*is_so)(void *arg), void *arg);

/* For what must not happen: looks for a third of a second, and fails as soon as it is no longer
 * so. */
void stays_so(bool (*is_so)(void *arg), void *arg, const char *what);

#endif
