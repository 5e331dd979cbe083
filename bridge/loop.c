#include "bridge/loop.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/loop_timers.h"

enum { ROUNDS_PER_TURN = 16 }; /* of tasks that arm tasks, before sockets get their turn again */

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_wait;
    uv_check_t after_wait;
    uv_idle_t busy; /* active: do not wait, there is work left */
    struct loop_timers timers;
    _Atomic(struct post *) posts;      /* newest first */
    struct turn_task *tasks, *running; /* armed; those of the round that runs now */
    uint64_t turn_began_ns;
    _Atomic uint64_t longest_turn_us;
};

static void run_posts(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    struct post *post = atomic_exchange_explicit(&loop->posts, NULL, memory_order_acquire);
    struct post *in_order = NULL;
    while (post) {
        struct post *older = post->next;
        post->next = in_order;
        in_order = post;
        post = older;
    }
    while (in_order) {
        struct post *next = in_order->next; /* run() may free or post it again */
        in_order->run(in_order);
        in_order = next;
    }
}

static void run_tasks(struct loop *loop)
{
    for (int round = 0; loop->tasks && round < ROUNDS_PER_TURN; round++) {
        loop->running = loop->tasks;
        loop->tasks = NULL;
        while (loop->running) {
            struct turn_task *task = loop->running;
            loop->running = task->next;
            task->armed = false;
            task->run(task->arg);
        }
    }
}

static void keep_going(uv_idle_t *busy)
{
    (void)busy; /* its being active is the point: the loop does not wait */
}

static void at_turn_end(uv_prepare_t *prepare)
{
    struct loop *loop = prepare->data;
    run_tasks(loop);
    if (loop->tasks)
        uv_idle_start(&loop->busy, keep_going);
    else
        uv_idle_stop(&loop->busy);
    uint64_t turn_us = (uv_hrtime() - loop->turn_began_ns) / 1000;
    if (turn_us > atomic_load_explicit(&loop->longest_turn_us, memory_order_relaxed))
        atomic_store_explicit(&loop->longest_turn_us, turn_us, memory_order_relaxed);
}

static void at_turn_begin(uv_check_t *check)
{
    struct loop *loop = check->data;
    loop->turn_began_ns = uv_hrtime();
}

void loop_must(int status)
{
    if (status == 0) return;
    fprintf(stderr,
            "sqsbridge: starting an event loop: %s: ending (raise the limit of open files or of "
            "memory)\n",
            uv_strerror(status));
    abort();
}

struct loop *loop_create(void)
{
    struct loop *loop = mem_zalloc(sizeof(*loop));
    loop_must(uv_loop_init(&loop->uv));
    loop_must(uv_async_init(&loop->uv, &loop->wake, run_posts));
    uv_prepare_init(&loop->uv, &loop->before_wait);
    uv_check_init(&loop->uv, &loop->after_wait);
    uv_idle_init(&loop->uv, &loop->busy);
    loop->wake.data = loop->before_wait.data = loop->after_wait.data = loop->busy.data = loop;
    uv_prepare_start(&loop->before_wait, at_turn_end);
    uv_check_start(&loop->after_wait, at_turn_begin);
    loop_timers_init(&loop->timers, &loop->uv);
    loop->turn_began_ns = uv_hrtime();
    return loop;
}

void loop_run(struct loop *loop)
{
    loop->turn_began_ns = uv_hrtime();
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

void loop_destroy(struct loop *loop)
{
    if (!loop) return;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_wait, NULL);
    uv_close((uv_handle_t *)&loop->after_wait, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    loop_timers_close(&loop->timers);
    uv_run(&loop->uv, UV_RUN_DEFAULT); /* lets the handles close */
    uv_loop_close(&loop->uv);
    loop_timers_free(&loop->timers);
    free(loop);
}

void loop_post(struct loop *loop, struct post *post)
{
    struct post *newest = atomic_load_explicit(&loop->posts, memory_order_relaxed);
    do {
        post->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posts, &newest, post,
                                                    memory_order_release, memory_order_relaxed));
    if (!newest) uv_async_send(&loop->wake); /* the first one wakes the loop for all that follow */
}

uv_loop_t *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

int64_t loop_unix_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t loop_random(void)
{
    uint64_t number;
    if (uv_random(NULL, NULL, &number, sizeof(number), 0, NULL)) number = uv_hrtime();
    return number;
}

void loop_at_turn_end(struct loop *loop, struct turn_task *task)
{
    if (task->armed) return;
    task->armed = true;
    task->next = loop->tasks;
    loop->tasks = task;
}

static void unlink_task(struct turn_task **list, const struct turn_task *task)
{
    while (*list && *list != task)
        list = &(*list)->next;
    if (*list) *list = task->next;
}

void loop_cancel_task(struct loop *loop, struct turn_task *task)
{
    unlink_task(&loop->tasks, task);
    unlink_task(&loop->running, task);
    task->armed = false;
}

void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms)
{
    /* At least one: a timer that starts itself anew from its run() gets its turn in the next turn.
     */
    loop_timers_start(&loop->timers, timer, uv_now(&loop->uv) + (after_ms ? after_ms : 1));
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    loop_timers_stop(&loop->timers, timer);
}

uint64_t loop_longest_turn_us(struct loop *loop)
{
    return atomic_exchange_explicit(&loop->longest_turn_us, 0, memory_order_relaxed);
}
