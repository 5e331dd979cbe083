/* One event loop: a libuv loop with the thread that runs it, its clock, and the only door into it
 * from other threads. Thread: loop_post() may be called from any thread; everything else only by
 * the thread that runs the loop (or before loop_run()). Owner: a pipeline worker owns its loop;
 * connectors hang their handles on loop_uv() and close them before destroy. */
#ifndef BRIDGE_LOOP_H
#define BRIDGE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bridge/mem.h"

struct loop;

/* A note for the loop, embedded in whatever the poster owns. It belongs to the loop from
 * loop_post() until run() is called, on the loop's thread; posting it twice before that is an
 * error. Order of one poster is kept. */
struct post {
    void (*run)(struct post *post);
    struct post *next;
};

struct loop *loop_create(void);
void loop_destroy(struct loop *loop); /* all handles closed, loop_run() returned */

void loop_run(struct loop *loop); /* until loop_stop() */
void loop_stop(struct loop *loop);
void loop_post(struct loop *loop, struct post *post); /* any thread */

uv_loop_t *loop_uv(struct loop *loop);

/* For what libuv refuses at start only where the process has no memory or no descriptors left: it
 * ends with one line. */
void loop_must(int status);

/* Monotonic, as of the start of this turn: cheap. */
uint64_t loop_now_ms(const struct loop *loop);
int64_t loop_unix_ms(void); /* the clock on the wall, since 1970; any thread */
uint64_t loop_random(void); /* any thread */

/* Calls run(arg) once, at the end of the current turn, before the loop waits for events again. Any
 * number of requests within one turn give one call. Zero-initialise, set run and arg, keep it alive
 * while armed. */
struct turn_task {
    void (*run)(void *arg);
    void *arg;
    struct turn_task *next;
    bool armed;
};
void loop_at_turn_end(struct loop *loop, struct turn_task *task);
void loop_cancel_task(struct loop *loop, struct turn_task *task); /* harmless when not armed */

/* A one-shot timer that needs no uv_close(): timers are part of the loop. Zero-initialise, set run
 * and arg. Starting an armed timer moves it. */
struct loop_timer {
    void (*run)(void *arg);
    void *arg;
    uint64_t due_ms;
    size_t slot; /* of the loop's heap, 0: not armed */
};
void loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Longest time between two waits for events, in microseconds, since the last call; then starts
 * anew. */
uint64_t loop_longest_turn_us(struct loop *loop);

#endif
