#include "tests/conformance/wait.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

enum { DEADLINE_MS = 20000, WATCH_MS = 300, LOOK_EVERY_MS = 3 };

void check_failed(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("FAILED: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(NULL);
    _Exit(1);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = LOOK_EVERY_MS * 1000000}, NULL);
}

bool comes_true(bool (*is_so)(void *arg), void *arg)
{
    uint64_t until = now_ms() + DEADLINE_MS;
    while (!is_so(arg)) {
        if (now_ms() > until) return false;
        nap();
    }
    return true;
}

void wait_until(bool (*is_so)(void *arg), void *arg, const char *what)
{
    if (!comes_true(is_so, arg)) check_failed("%s: not within %d s", what, DEADLINE_MS / 1000);
}

void stays_so(bool (*is_so)(void *arg), void *arg, const char *what)
{
    uint64_t until = now_ms() + WATCH_MS;
    do {
        if (!is_so(arg)) check_failed("%s: no longer so", what);
        nap();
    } while (now_ms() < until);
}
