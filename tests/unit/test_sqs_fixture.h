/* A strict simulator of SQS as a process of its own, and pipelines between it and scripted sources
 * and sinks. Thread: the test's. Owner: sim_start() makes it, sim_stop() ends it. */
#ifndef TESTS_UNIT_TEST_SQS_FIXTURE_H
#define TESTS_UNIT_TEST_SQS_FIXTURE_H

#include "connectors/sqs/sqs.h"
#include "tests/unit/scripted.h"

/* cmocka setup and teardown: *state is a struct sim with the queues "q" and "q.fifo", and "strict"
 * and "strict.fifo", whose messages go to "dead" and "dead.fifo" instead of being received a third
 * time. */
int sim_start(void **state);
int sim_stop(void **state);

struct sim {
    char url[64];
    char standard[128], fifo[128]; /* URLs of the queues */
    int pid, input;
};

/* A control request; fails the test where it is refused. The answer is the caller's to free. */
char *sim_ask(const struct sim *sim, const char *path, const char *json);
void sim_fault(const struct sim *sim, const char *rule); /* JSON, see the simulator's README */
void sim_expire(const struct sim *sim, const char *queue);

/* A number of a queue: "ready", "in_flight", "sent", "received", "deleted". */
unsigned sim_count(const struct sim *sim, const char *queue, const char *what);
bool sim_is_empty(const struct sim *sim, const char *queue);

/* Options with their defaults, for one of the queues. */
struct sqs_source_conf sim_source(const char *queue_url);
struct sqs_sink_conf sim_sink(const char *queue_url);

/* A pipeline from the queue to a script, and from a script to the queue. */
struct pipeline_conf sim_from(const struct sqs_source_conf *source,
                              struct scripted_sink_conf *sink);
struct pipeline_conf sim_to(struct scripted_source_conf *source, const struct sqs_sink_conf *sink);

/* Puts n messages into the queue; on a FIFO queue their group is `name`. */
void sim_fill(const char *queue_url, const char *name, unsigned n);

#endif
