/* The timers of a loop: a binary heap behind one libuv timer, so that a timer is part of what it
 * serves and needs no uv_close(). Thread: the loop's. Used by loop.c only. */
#ifndef BRIDGE_LOOP_TIMERS_H
#define BRIDGE_LOOP_TIMERS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct loop_timer;

struct loop_timers {
    uv_timer_t uv;
    struct loop_timer **heap; /* from slot 1; slot 0 means "not armed" */
    size_t count, cap;
};

void loop_timers_init(struct loop_timers *t, uv_loop_t *uv);
void loop_timers_close(struct loop_timers *t); /* begins closing the libuv timer */
void loop_timers_free(struct loop_timers *t);  /* after the loop has closed it */
void loop_timers_start(struct loop_timers *t, struct loop_timer *timer, uint64_t due_ms);
void loop_timers_stop(struct loop_timers *t, struct loop_timer *timer);

#endif
