#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/loop.h"

enum { THREADS = 4, POSTS = 20000 };

struct note {
    struct post post;
    unsigned thread, number;
};

static struct loop *loop;
static unsigned next_number[THREADS], arrived;

static void note_arrives(struct post *post)
{
    struct note *note = (struct note *)post;
    assert_int_equal(note->number, next_number[note->thread]++);
    free(note);
    if (++arrived == THREADS * POSTS) loop_stop(loop);
}

static void *poster(void *arg)
{
    unsigned thread = *(const unsigned *)arg;
    for (unsigned i = 0; i < POSTS; i++) {
        struct note *note = mem_alloc(sizeof(*note));
        *note = (struct note){.post.run = note_arrives, .thread = thread, .number = i};
        loop_post(loop, &note->post);
    }
    return NULL;
}

static void posts_of_each_thread_arrive_once_and_in_order(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned ids[THREADS];
    loop = loop_create();
    for (unsigned i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, poster, &ids[i]), 0);
    }
    loop_run(loop);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(arrived, THREADS * POSTS);
    loop_destroy(loop);
}

/* ---- timers ---- */

enum { TIMERS = 200 };

struct alarm {
    struct loop_timer timer;
    uint64_t due_ms;
    bool stopped;
};

static struct alarm alarms[TIMERS];
static uint64_t last_due_ms;
static unsigned rung;

static void ring(void *arg)
{
    struct alarm *a = arg;
    assert_false(a->stopped);
    assert_true(a->due_ms >= last_due_ms);
    assert_true(loop_now_ms(loop) >= a->due_ms);
    last_due_ms = a->due_ms;
    rung++;
}

static void end_run(void *arg)
{
    (void)arg;
    loop_stop(loop);
}

static void set_alarm(struct alarm *a, uint64_t after_ms)
{
    a->due_ms = loop_now_ms(loop) + after_ms;
    loop_timer_start(loop, &a->timer, after_ms);
}

static void timers_ring_in_order_and_not_when_stopped(void **state)
{
    (void)state;
    struct loop_timer end = {.run = end_run};
    loop = loop_create();
    for (unsigned i = 0; i < TIMERS; i++) {
        alarms[i].timer = (struct loop_timer){.run = ring, .arg = &alarms[i]};
        set_alarm(&alarms[i], 1 + (unsigned)rand() % 30);
    }
    for (unsigned i = 0; i < TIMERS; i += 2)
        set_alarm(&alarms[i], 1 + (unsigned)rand() % 30); /* moved */
    for (unsigned i = 0; i < TIMERS; i += 3) {
        alarms[i].stopped = true;
        loop_timer_stop(loop, &alarms[i].timer);
    }
    loop_timer_start(loop, &end, 40);
    loop_run(loop);
    assert_int_equal(rung, TIMERS - (TIMERS + 2) / 3);
    loop_destroy(loop);
}

static unsigned rings_again;

static void ring_again(void *arg)
{
    struct loop_timer *timer = arg;
    if (++rings_again == 5)
        loop_stop(loop);
    else
        loop_timer_start(loop, timer, 0);
}

static void a_timer_may_start_itself_anew(void **state)
{
    (void)state;
    struct loop_timer timer = {.run = ring_again, .arg = &timer};
    loop = loop_create();
    loop_timer_start(loop, &timer, 0);
    loop_run(loop);
    assert_int_equal(rings_again, 5);
    loop_destroy(loop);
}

/* ---- tasks at the end of a turn ---- */

static struct turn_task first, second;
static unsigned first_runs, second_runs;

static void run_first(void *arg)
{
    (void)arg;
    first_runs++;
    if (first_runs < 100) { /* more rounds than one turn has: the loop comes back for them */
        loop_at_turn_end(loop, &first);
        loop_at_turn_end(loop, &first);
    } else {
        loop_at_turn_end(loop, &second);
        loop_cancel_task(loop, &second);
        loop_stop(loop);
    }
}

static void run_second(void *arg)
{
    (void)arg;
    second_runs++;
}

static void tasks_run_once_per_request_and_not_when_cancelled(void **state)
{
    (void)state;
    loop = loop_create();
    first.run = run_first;
    second.run = run_second;
    loop_at_turn_end(loop, &first);
    loop_at_turn_end(loop, &first);
    loop_run(loop);
    assert_int_equal(first_runs, 100);
    assert_int_equal(second_runs, 0);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_of_each_thread_arrive_once_and_in_order),
        cmocka_unit_test(timers_ring_in_order_and_not_when_stopped),
        cmocka_unit_test(a_timer_may_start_itself_anew),
        cmocka_unit_test(tasks_run_once_per_request_and_not_when_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
