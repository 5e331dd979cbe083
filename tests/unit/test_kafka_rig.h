/* For the Kafka connector's tests: librdkafka's mock cluster in this process, pipelines on one loop
 * in the test's thread, a source that emits what a test gives it, and a sink that keeps its legs
 * until the test ends them. Thread: the test's. */
#ifndef TESTS_UNIT_TEST_KAFKA_RIG_H
#define TESTS_UNIT_TEST_KAFKA_RIG_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "bridge/pipeline_run.h"
#include "connectors/kafka/kafka.h"

extern const struct connector connector_kafka;

/* ---- the cluster ---- */

struct rig {
    struct loop *loop;
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster;
    const char *servers;
    int saved_stderr, log; /* what the bridge says goes to a file meanwhile */
    bool ended[4];
};

int rig_open(void **state);       /* cmocka's setup and teardown */
int rig_open_three(void **state); /* brokers */
int rig_close(void **state);

void rig_topic(struct rig *r, const char *topic, int partitions);
bool rig_logged(struct rig *r, const char *text);

/* Writes count messages "0", "1", ... to one partition, and waits for them. */
void rig_write(struct rig *r, const char *topic, int32_t partition, unsigned count);

/* The group's committed offset, -1: none. */
int64_t rig_committed(struct rig *r, const char *group, const char *topic, int32_t partition);

void rig_commit(struct rig *r, const char *group, const char *topic, int32_t partition,
                int64_t offset);

/* Reads a topic from its beginning until count messages have come. Free with rig_read_free(). */
struct rig_read {
    rd_kafka_t *consumer;
    rd_kafka_message_t **messages;
    size_t count;
};
struct rig_read rig_read(struct rig *r, const char *topic, int partitions, size_t count);
void rig_read_free(struct rig_read *read);

/* ---- pipelines ---- */

/* Runs the loop until the condition holds; fails the test after 30 s. */
void rig_until(struct rig *r, bool (*holds)(void *arg), void *arg);

/* slot: 0..3. conf lives until rig_stop(). */
struct pipeline *rig_start(struct rig *r, int slot, struct pipeline_conf *conf);
void rig_stop(struct rig *r, int slot, struct pipeline *p);

struct kafka_source_conf rig_source_conf(struct rig *r, const struct opt_list *topics,
                                         const char *group);
struct kafka_sink_conf rig_sink_conf(struct rig *r, const struct template *topic);

/* ---- the other side ---- */

struct given {
    const struct msg_draft *drafts;
    size_t count;
    uint32_t (*lane_of)(size_t i); /* NULL: none */
    /* what happened */
    size_t emitted, confirmed, released;
};

/* A leg that the sink saw: kept until the test ends it, unless confirm is set. */
struct seen {
    struct leg *leg; /* NULL: ended */
    char position[64];
};

struct keeper {
    bool confirm;
    struct seen *seen;
    size_t count, capacity;
};

extern const struct connector given_connector, keeper_connector;

void keeper_confirm(struct keeper *k, size_t i);
void keeper_confirm_all(struct keeper *k);
size_t keeper_index(const struct keeper *k, const char *position); /* fails where there is none */
void keeper_free(struct keeper *k);

void rig_until_seen(struct rig *r, struct keeper *k, size_t count); /* so many legs, at least */
void rig_until_acknowledged(struct rig *r, struct pipeline *p);     /* all that was received */

struct template *rig_template(const char *text); /* free with template_free() */
void rig_until_confirmed(struct rig *r, const struct given *given, size_t count);

/* n messages "0", "1", ..., all with the same key, so that they keep their order. */
struct msg_draft *rig_numbered(size_t n);
void rig_free_numbered(struct msg_draft *drafts);

struct pipeline_conf rig_pipeline(const struct connector *source, const void *source_conf,
                                  const struct connector *sink, const void *sink_conf,
                                  int64_t window);

#endif
