/* One librdkafka instance on a loop: its events, its log lines, whether the cluster can be reached,
 * and an end that never holds up the loop.
 *
 * librdkafka works on threads of its own and speaks to us through queues; it writes to our eventfd
 * when a queue has something, and all events are handled on the loop. Two calls have no form that
 * does not block, and run on short-lived threads: rd_kafka_metadata() (the probe) and
 * rd_kafka_destroy(). Thread: the loop's. Owner: a source or sink embeds one; it must not go
 * between open() and closed(). */
#ifndef CONNECTORS_KAFKA_CLIENT_H
#define CONNECTORS_KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>

#include "bridge/log.h"
#include "bridge/loop.h"
#include "connectors/kafka/kafka.h"

struct kafka_client_ops {
    /* Deliveries, rebalances, results of commits. Borrowed, unless it returns true: then it keeps
     * the event and destroys it. */
    bool (*event)(void *owner, rd_kafka_event_t *event);
    /* What is not just a broken connection; fatal: the instance is of no more use. */
    void (*error)(void *owner, rd_kafka_resp_err_t code, const char *text, bool fatal);
    void (*woken)(void *owner); /* optional: some queue of this instance has something */
    /* The answer to kafka_client_probe(): NULL: the cluster is there, and the topic (if any) too.
     */
    void (*probed)(void *owner, const struct error *why);
    void (*closed)(void *owner); /* the answer to kafka_client_close() */
};

struct kafka_probe {
    struct post post;
    struct loop_timer next;
    pthread_t thread;
    bool running;
    uint64_t delay_ms; /* before the next one, after a failure */
    bool answered;     /* some broker did; why, if any, is about the topic */
    struct error why;  /* FAULT_NONE: it is there */
};

struct kafka_reaper;

/* Zero-initialise; set ops, owner, loop, context and conf. */
struct kafka_client {
    const struct kafka_client_ops *ops;
    void *owner;
    struct loop *loop;
    const char *context; /* of log lines: the pipeline's name */
    const struct kafka_client_conf *conf;

    rd_kafka_t *rk;          /* NULL: closed */
    rd_kafka_queue_t *queue; /* all events but messages of partitions */
    rd_kafka_topic_t *topic; /* of a sink that has one; the probe looks for it */
    int fd;
    uv_poll_t poll;
    struct loop_timer tick;

    struct kafka_probe probe;
    struct error reason; /* why the last connection broke; FAULT_NONE: it was said */
    struct log_limit log_limit, reason_limit;

    bool closing;
    int close_flags;
    unsigned close_steps; /* until closed() */
    struct turn_task close_task;
    struct kafka_reaper *reaper;
    struct loop_timer patience;
};

/* Takes conf. topic NULL: none to look for. */
bool kafka_client_open(struct kafka_client *c, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                       const char *topic, struct error *e) MUST_USE;

/* More queues to be woken by: a partition's. */
void kafka_client_watch(struct kafka_client *c, rd_kafka_queue_t *queue);
void kafka_client_unwatch(rd_kafka_queue_t *queue);

/* Asks the cluster for itself (and the topic) after after_ms. probed() follows, and after a failure
 * again and again until it has succeeded. Harmless while one is under way. */
void kafka_client_probe(struct kafka_client *c, uint64_t after_ms);

/* Has librdkafka's connections look for work now. */
void kafka_client_wake(struct kafka_client *c);

/* A number of the configuration that the instance runs with. */
int64_t kafka_client_setting(const struct kafka_client *c, const char *property);

/* Ends the instance on a thread of its own, and releases all handles. closed() follows, never from
 * within. flags: of rd_kafka_destroy_flags(). Works on one that is not open. */
void kafka_client_close(struct kafka_client *c, int flags);

#endif
