#include "tests/model/model_loop.h"

#include <assert.h>
#include <stdlib.h>

enum { MAX_TIMERS = 64 };

struct loop {
    struct turn_task *tasks, **tasks_end;
    struct loop_timer *timers[MAX_TIMERS + 1]; /* from 1 on: slot 0 means that it is not armed */
    size_t timer_count;
};

struct loop *loop_create(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));
    loop->tasks_end = &loop->tasks;
    return loop;
}

void loop_destroy(struct loop *loop)
{
    assert(loop->timer_count == 0 && !loop->tasks);
    free(loop);
}

/* What the model never does; the core's worker would. */
void loop_run(struct loop *loop)
{
    (void)loop;
    abort();
}

void loop_stop(struct loop *loop)
{
    loop_run(loop);
}

void loop_post(struct loop *loop, struct post *post)
{
    (void)post;
    loop_run(loop);
}

uv_loop_t *loop_uv(struct loop *loop)
{
    loop_run(loop);
    return NULL;
}

uint64_t loop_longest_turn_us(struct loop *loop)
{
    (void)loop;
    return 0;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return 1;
}

int64_t loop_unix_ms(void)
{
    return 1;
}

void loop_at_turn_end(struct loop *loop, struct turn_task *task)
{
    if (task->armed) return;
    task->armed = true;
    task->next = NULL;
    *loop->tasks_end = task;
    loop->tasks_end = &task->next;
}

void loop_cancel_task(struct loop *loop, struct turn_task *task)
{
    if (!task->armed) return;
    task->armed = false;
    struct turn_task **at = &loop->tasks;
    while (*at != task)
        at = &(*at)->next;
    *at = task->next;
    if (!*at) loop->tasks_end = at;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    if (!timer->slot) return;
    struct loop_timer *last = loop->timers[loop->timer_count--];
    loop->timers[timer->slot] = last;
    last->slot = timer->slot;
    timer->slot = 0;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms)
{
    loop_timer_stop(loop, timer);
    assert(loop->timer_count < MAX_TIMERS);
    timer->due_ms = loop_now_ms(loop) + after_ms;
    timer->slot = ++loop->timer_count;
    loop->timers[timer->slot] = timer;
}

bool model_loop_turn_is_due(const struct loop *loop)
{
    return loop->tasks != NULL;
}

void model_loop_turn(struct loop *loop)
{
    struct turn_task *task = loop->tasks;
    loop_cancel_task(loop, task);
    task->run(task->arg);
}

size_t model_loop_timers(const struct loop *loop)
{
    return loop->timer_count;
}

struct loop_timer *model_loop_timer(const struct loop *loop, size_t i)
{
    return loop->timers[i + 1];
}

void model_loop_fire(struct loop *loop, struct loop_timer *timer)
{
    loop_timer_stop(loop, timer);
    timer->run(timer->arg);
}
