/* The simulator as a whole: one account behind one HTTP server, all on one loop and one thread. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "tests/sim/account.h"
#include "tests/sim/auth.h"
#include "tests/sim/fault.h"
#include "tests/sim/http.h"
#include "tests/sim/label.h"

struct options;

struct sim {
    uv_loop_t *loop;
    const struct options *options; /* what a reset goes back to */
    struct account account;
    struct auth auth;
    struct faults faults;
    struct http_server http;
    char url[64]; /* http://127.0.0.1:PORT */
    uv_timer_t poll_timer;
    int64_t poll_armed_ms; /* when the timer fires; INT64_MAX: not armed */
    size_t polls;
    uint64_t *calls; /* per action, in the order of actions.h */
    uint64_t answers_ok, answers_failed, calls_unknown;
    struct link moves; /* tasks that move messages back from a dead-letter queue (move.h) */
    uv_timer_t move_timer;
};

#endif
