/* Credentials with a provider that does as it is told, and a clock that stands still until the test
 * moves it. Thread: the test's, but for what the provider does. */
#ifndef UNIT_CREDENTIALS_FIXTURE_H
#define UNIT_CREDENTIALS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/aws/credentials_core.h"
#include "connectors/aws/credentials_thread.h"

enum { HOUR_S = 3600, MINUTE_MS = 60000 };

int64_t scripted_clock(void);
void advance_ms(struct credentials *c, int64_t ms); /* and look, where c is given */

/* What the provider does, and has done. Each keys are "id-N", N the number of the fetch. */
enum answer { GOOD, BAD, LATER };
struct script {
    _Atomic int answer;
    _Atomic int64_t lifetime_s; /* 0: for ever */
    atomic_bool of_a_service;
    atomic_uint fetches, destroyed; /* so far */
};
extern struct script script;

int credentials_setup(void **state);    /* GOOD for an hour, nothing done yet */
int credentials_teardown(void **state); /* the last close ends the thread */

struct provider *scripted_create(void);
struct credentials *begin(void);                       /* with one of these */
void answer_now(struct provider *p, enum answer what); /* what a fetch under LATER waits for */

/* Each fails the test after ten seconds. */
void until_fetches(unsigned n);
void until_state(struct credentials *c, uint64_t refreshes,
                 uint64_t failures); /* so many, at least */
void until_the_thread_ended(void);
void settle(struct credentials *c); /* whatever is due was done, or has begun */

/* One who waits, and what it heard. */
struct waiting {
    struct credentials_waiter w;
    unsigned good, bad;
    unsigned *left;
    char why[512];
};
void note_ready(struct credentials_waiter *w, const struct error *why); /* of a struct waiting */
void run_loop(struct loop *loop);                                       /* up to loop_stop() */

/* Waits; where p is given, its fetch number n gets its answer meanwhile. */
struct waiting await_answer(struct credentials *c, uint64_t newer_than, struct provider *p,
                            unsigned n, enum answer what);
struct waiting await(struct credentials *c, uint64_t newer_than);

void expect_id(struct credentials *c, const char *id);
void expect_none(struct credentials *c);

#endif
