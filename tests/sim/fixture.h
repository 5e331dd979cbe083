/* What the tests of the queue model share: one account, and short ways to send, receive and delete.
 * Messages are told apart by their bodies. */
#ifndef SIM_FIXTURE_H
#define SIM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/queue.h"

struct fixture {
    struct account account;
    struct queue *q;
};

/* What one receive returned, as text that outlives it. */
struct got {
    size_t n;
    char bodies[64]; /* joined by ',' */
    char handles[QUEUE_RECEIVE_MAX][512];
    unsigned counts[QUEUE_RECEIVE_MAX];
};

int fixture_setup_standard(void **state);
int fixture_setup_fifo(void **state);
int fixture_teardown(void **state);

void fixture_set(struct queue *q, const char *attribute, const char *value);
/* The deduplication id is the body unless given; group NULL for standard queues. */
struct sent fixture_send(struct queue *q, const char *group, const char *body, const char *dedup);
struct got fixture_receive(struct queue *q, unsigned max, int64_t visibility_s);
struct got fixture_receive_attempt(struct queue *q, unsigned max, const char *attempt);
enum handle_verdict fixture_delete(struct queue *q, const struct got *got, size_t i);
enum handle_verdict fixture_change(struct queue *q, const struct got *got, size_t i,
                                   int64_t timeout_s);
void fixture_advance(struct fixture *f, int64_t ms);

#define assert_bodies(got, expected) assert_string_equal((got).bodies, expected)

#endif
