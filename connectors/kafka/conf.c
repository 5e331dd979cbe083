#include "connectors/kafka/conf.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/leg.h"

/* A configuration on its way. Faults go to the report where there is one (lint: all of them), else
 * the first one to e. */
struct draft {
    rd_kafka_conf_t *conf;
    struct opt_report *report;
    struct error *e;
    bool failed;
};

static void PRINTF_LIKE(3, 4) complain(struct draft *d, const char *option, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (d->report)
        opt_complain(d->report, option, "%s", text);
    else if (!d->failed)
        error_set(d->e, FAULT_CONFIG, "%s: %s", option ? option : "kafka", text);
    d->failed = true;
}

static void set(struct draft *d, const char *option, const char *property, const char *value)
{
    char why[300];
    if (!value) return;
    if (rd_kafka_conf_set(d->conf, property, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        complain(d, option, "%s", why);
}

static void set_number(struct draft *d, const char *option, const char *property, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    set(d, option, property, text);
}

static bool names(const struct opt_list *properties, const char *wanted)
{
    for (size_t i = 0; i < properties->count; i++) {
        char name[128];
        const char *value;
        if (kafka_property_split(properties->items[i], name, sizeof(name), &value) &&
            strcmp(name, wanted) == 0)
            return true;
    }
    return false;
}

static void set_properties(struct draft *d, const struct opt_list *properties)
{
    for (size_t i = 0; i < properties->count; i++) {
        const char *text = properties->items[i], *value;
        char name[128];
        if (!kafka_property_split(text, name, sizeof(name), &value)) {
            complain(d, "properties", "\"%s\" is not of the form \"name=value\"", text);
            continue;
        }
        const char *refused = kafka_property_refused(name);
        if (refused)
            complain(d, "properties", "%s may not be set: %s", name, refused);
        else
            set(d, "properties", name, value);
    }
}

static void set_security(struct draft *d, const struct kafka_client_conf *c)
{
    bool tls = c->security_protocol == KAFKA_SSL || c->security_protocol == KAFKA_SASL_SSL;
    bool sasl = c->security_protocol >= KAFKA_SASL_PLAINTEXT;
    set(d, "security_protocol", "security.protocol", kafka_protocols[c->security_protocol]);
    if (sasl) {
        set(d, "sasl_mechanism", "sasl.mechanisms", kafka_mechanisms[c->sasl_mechanism]);
        set(d, "sasl_username", "sasl.username", c->sasl_username);
        set(d, "sasl_password", "sasl.password", c->sasl_password);
    }
    if (tls) {
        set(d, "tls_ca", "ssl.ca.location", c->tls_ca);
        set(d, "tls_cert", "ssl.certificate.location", c->tls_cert);
        set(d, "tls_key", "ssl.key.location", c->tls_key);
        set(d, "tls_key_password", "ssl.key.password", c->tls_key_password);
    }
}

/* "name" for the first worker, "name-1" for the next: each needs its own. */
static void set_name(struct draft *d, const char *option, const char *property, const char *name,
                     unsigned worker)
{
    char text[256];
    if (!name) return;
    snprintf(text, sizeof(text), worker ? "%s-%u" : "%s", name, worker);
    set(d, option, property, text);
}

static void set_common(struct draft *d, const struct kafka_client_conf *c,
                       const struct kafka_conf_run *run)
{
    char id[200];
    snprintf(id, sizeof(id), "sqsbridge-%s", run->pipeline);
    set(d, "bootstrap_servers", "bootstrap.servers", c->bootstrap_servers);
    set_name(d, "client_id", "client.id", c->client_id ? c->client_id : id, run->worker);
    set(d, NULL, "log.queue", "true");
    set(d, NULL, "log.thread.name", "false");
    set(d, NULL, "socket.nagle.disable", "true");
    set(d, NULL, "socket.keepalive.enable", "true");
    set(d, NULL, "reconnect.backoff.max.ms", "2000");
    set_security(d, c);
}

static void fill_consumer(struct draft *d, const struct kafka_source_conf *c,
                          const struct kafka_conf_run *run)
{
    set_common(d, &c->client, run);
    set(d, "group_id", "group.id", c->group_id);
    set_name(d, "group_instance_id", "group.instance.id", c->group_instance_id, run->worker);
    /* With "stop" the bridge decides itself: see offsets.c. */
    bool own = c->lost_offset == KAFKA_LOST_STOP;
    set(d, "auto_offset_reset", "auto.offset.reset",
        own ? "error" : kafka_offset_resets[c->auto_offset_reset]);
    set_number(d, "session_timeout", "session.timeout.ms", c->session_timeout);
    set(d, NULL, "enable.auto.commit", "false");
    set(d, NULL, "enable.auto.offset.store", "false");
    /* cooperative-sticky can hang on close in 2.0.2 */
    set(d, NULL, "partition.assignment.strategy", "range");
    set(d, NULL, "check.crcs", "true");
    /* Prefetch is per partition, and what makes the process large: 1 MiB each, and one fetch. A
     * broker is asked for one fetch at a time, and one for partitions without news takes as long as
     * fetch.wait.max.ms: what is prefetched of the others has to last for that (2.0.2; at the
     * defaults of 500 ms and here 1,000 messages, 3,000 messages a second were the most). */
    set(d, NULL, "queued.min.messages", "4000");
    set(d, NULL, "queued.max.messages.kbytes", "1024");
    set(d, NULL, "fetch.message.max.bytes", "262144");
    set(d, NULL, "fetch.wait.max.ms", "100");
    /* How soon a new topic or partition is seen. */
    set(d, NULL, "topic.metadata.refresh.interval.ms", "15000");
    set_properties(d, &c->client.properties);
    rd_kafka_conf_set_events(d->conf, RD_KAFKA_EVENT_FETCH | RD_KAFKA_EVENT_ERROR |
                                          RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_REBALANCE |
                                          RD_KAFKA_EVENT_OFFSET_COMMIT |
                                          RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH);
}

enum { KEYLESS_RUN = 256 }; /* messages that follow each other to one partition: larger batches */

/* Keys as Java places them. Without a key, a lane of the source stays in one partition, or its
 * order would be lost; the rest goes round. Called by librdkafka within produce, or on its main
 * thread for messages that waited for the topic's metadata: the leg and its receipt don't change
 * meanwhile. */
static int32_t place(const rd_kafka_topic_t *topic, const void *key, size_t key_len,
                     int32_t partitions, void *topic_opaque, void *message_opaque)
{
    const struct leg *l = message_opaque;
    uint32_t count = (uint32_t)partitions;
    if (key)
        return rd_kafka_msg_partitioner_murmur2(topic, key, key_len, partitions, topic_opaque,
                                                message_opaque);
    if (l->receipt->lane_id) return (int32_t)(l->receipt->lane_id % count);
    int32_t turn = (int32_t)(l->seq / KEYLESS_RUN % count);
    for (int32_t i = 0; i < partitions; i++) {
        int32_t p = (int32_t)(((uint32_t)turn + (uint32_t)i) % count);
        if (rd_kafka_topic_partition_available(topic, p)) return p;
    }
    return turn;
}

static void set_partitioner(struct draft *d, const struct opt_list *properties)
{
    if (names(properties, "partitioner")) return;
    if (names(properties, "sticky.partitioning.linger.ms"))
        complain(d, "properties",
                 "sticky.partitioning.linger.ms needs one of librdkafka's "
                 "partitioners, for example partitioner=murmur2_random");
    rd_kafka_topic_conf_t *topic = rd_kafka_conf_get_default_topic_conf(d->conf);
    rd_kafka_topic_conf_set_partitioner_cb(topic, place);
    /* Else librdkafka asks once in a while, and sends all that has no key to the answer. */
    set(d, NULL, "sticky.partitioning.linger.ms", "0");
}

static void fill_producer(struct draft *d, const struct kafka_sink_conf *c,
                          const struct kafka_conf_run *run)
{
    set_common(d, &c->client, run);
    set(d, NULL, "enable.idempotence", "true");
    set(d, NULL, "acks", "all");
    set(d, NULL, "message.timeout.ms", "0");
    set(d, "compression", "compression.codec", kafka_compressions[c->compression]);
    set_number(d, "linger", "linger.ms", c->linger);
    set_number(d, "batch_size", "batch.size", c->batch_size);
    /* What a topic takes is the broker's to say; larger than batch.size goes alone. */
    set(d, NULL, "message.max.bytes", "16777216");
    set_number(d, NULL, "queue.buffering.max.messages", 2 * (int64_t)run->window + 1000);
    set_properties(d, &c->client.properties);
    set_partitioner(d, &c->client.properties);
    rd_kafka_conf_set_events(d->conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR |
                                          RD_KAFKA_EVENT_LOG |
                                          RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH);
}

int64_t kafka_conf_message_max(const struct kafka_sink_conf *conf)
{
    const struct opt_list *properties = &conf->client.properties;
    char name[64];
    const char *value;
    int64_t most = 1000000; /* below the 1048588 of a broker whose message.max.bytes nobody set */
    for (size_t i = 0; i < properties->count; i++)
        if (kafka_property_split(properties->items[i], name, sizeof(name), &value) &&
            strcmp(name, "message.max.bytes") == 0)
            most = strtoll(value, NULL, 10);
    return most;
}

static rd_kafka_conf_t *finish(struct draft *d)
{
    if (!d->failed) return d->conf;
    rd_kafka_conf_destroy(d->conf);
    return NULL;
}

rd_kafka_conf_t *kafka_conf_consumer(const struct kafka_source_conf *conf,
                                     const struct kafka_conf_run *run, struct error *e)
{
    struct draft d = {.conf = rd_kafka_conf_new(), .e = e};
    fill_consumer(&d, conf, run);
    return finish(&d);
}

rd_kafka_conf_t *kafka_conf_producer(const struct kafka_sink_conf *conf,
                                     const struct kafka_conf_run *run, struct error *e)
{
    struct draft d = {.conf = rd_kafka_conf_new(), .e = e};
    fill_producer(&d, conf, run);
    return finish(&d);
}

/* ---- lint ---- */

/* Warnings of librdkafka's own check: that a property belongs to the other side, or is of no use.
 */
static void on_warning(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    struct draft *d = rd_kafka_opaque(rk);
    (void)level;
    if (strcmp(facility, "CONFWARN") == 0 && strstr(text, "will be ignored"))
        complain(d, "properties", "%s", text);
}

/* Which option a message of librdkafka is about; NULL: the section as a whole. */
static const char *option_in(const char *text)
{
    static const char *const known[][2] = {
        {"ssl.ca.location", "tls_ca"},
        {"ssl.certificate.location", "tls_cert"},
        {"ssl.key.location", "tls_key"},
        {"sasl.username", "sasl_username"},
        {"SASL mechanism", "sasl_mechanism"},
        {"session.timeout.ms", "session_timeout"},
        {"partition.assignment.strategy", "properties"},
        {"linger.ms", "linger"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strstr(text, known[i][0])) return known[i][1];
    return NULL;
}

/* A client without brokers connects to nothing, but loads certificates and checks values against
 * each other: all that can be known before a connection. */
static void try_client(struct draft *d, rd_kafka_type_t type)
{
    char why[300];
    rd_kafka_conf_set(d->conf, "bootstrap.servers", "", NULL, 0);
    rd_kafka_conf_set(d->conf, "log.queue", "false", NULL, 0);
    rd_kafka_conf_set_opaque(d->conf, d);
    rd_kafka_conf_set_log_cb(d->conf, on_warning);
    rd_kafka_t *rk = rd_kafka_new(type, d->conf, why, sizeof(why));
    if (rk) {
        rd_kafka_destroy(rk);
        return;
    }
    complain(d, option_in(why), "%s", why);
    rd_kafka_conf_destroy(d->conf);
}

static void check_built(struct draft *d, rd_kafka_type_t type, bool complete)
{
    if (complete && !d->failed)
        try_client(d, type);
    else
        rd_kafka_conf_destroy(d->conf);
}

static const struct kafka_conf_run scratch_run = {.pipeline = "check", .window = 1000};

void kafka_conf_check_consumer(const struct kafka_source_conf *conf, bool complete,
                               struct opt_report *r)
{
    struct draft d = {.conf = rd_kafka_conf_new(), .report = r};
    fill_consumer(&d, conf, &scratch_run);
    check_built(&d, RD_KAFKA_CONSUMER, complete);
}

void kafka_conf_check_producer(const struct kafka_sink_conf *conf, bool complete,
                               struct opt_report *r)
{
    struct draft d = {.conf = rd_kafka_conf_new(), .report = r};
    fill_producer(&d, conf, &scratch_run);
    check_built(&d, RD_KAFKA_PRODUCER, complete);
}
