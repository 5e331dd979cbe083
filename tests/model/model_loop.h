/* A loop without time and without events: the model decides what happens next. It stands in for
 * bridge/loop.c. Timers fire in any order: nothing in the core may rest on how long something
 * takes. Thread: the test's. */
#ifndef TESTS_MODEL_MODEL_LOOP_H
#define TESTS_MODEL_MODEL_LOOP_H

#include <stddef.h>

#include "bridge/loop.h"

bool model_loop_turn_is_due(const struct loop *loop);
void model_loop_turn(struct loop *loop);

size_t model_loop_timers(const struct loop *loop); /* that are armed */
struct loop_timer *model_loop_timer(const struct loop *loop, size_t i);
void model_loop_fire(struct loop *loop, struct loop_timer *timer);

#endif
