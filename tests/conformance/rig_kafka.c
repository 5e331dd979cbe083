/* The Kafka connector, against librdkafka's mock cluster in a process of its own. The witness is
 * librdkafka too, with handles of its own: the official client. */
#include <librdkafka/rdkafka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/conformance/headers.h"
#include "tests/conformance/process.h"
#include "tests/conformance/rig.h"
#include "tests/conformance/wait.h"

enum { PARTITIONS = 4, PATIENCE_MS = 20000 };

struct kafka_rig {
    struct rig base;
    struct process mock;
    char address[64];
    rd_kafka_t *producer, *group, *reader; /* the group's handle only asks for its offsets */
    rd_kafka_topic_partition_list_t *partitions;
    struct parcels arrived;
};

static rd_kafka_t *new_client(struct kafka_rig *r, rd_kafka_type_t type, const char *group)
{
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    const char *const properties[][2] = {
        {"bootstrap.servers", r->address}, {"group.id", group},
        {"enable.auto.commit", "false"},   {"auto.offset.reset", "earliest"},
        {"reconnect.backoff.ms", "20"},    {"reconnect.backoff.max.ms", "100"},
        {"fetch.wait.max.ms", "20"},       {"log_level", "2"}};
    for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++) {
        const char *name = properties[i][0];
        bool consumer_only = strchr("gefa", name[0]) && strcmp(name, "bootstrap.servers") != 0;
        if (type == RD_KAFKA_PRODUCER && consumer_only) continue;
        if (rd_kafka_conf_set(conf, name, properties[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK)
            check_failed("%s", why);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof(why));
    if (!client) check_failed("%s", why);
    return client;
}

static rd_kafka_topic_partition_list_t *partitions_of(const char *topic)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(PARTITIONS);
    for (int32_t i = 0; i < PARTITIONS; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    return list;
}

static void command(struct kafka_rig *r, const char *line)
{
    char answer[128];
    if (write(r->mock.in, line, strlen(line)) < 0) check_failed("kafka_mock is gone");
    process_read_line(&r->mock, answer, sizeof(answer));
    if (strcmp(answer, "ok") != 0) check_failed("kafka_mock: %s", answer);
}

static struct rig *rig_open(const char *folder)
{
    const char *const argv[] = {
        PROGRAMS "/kafka_mock", "--topic", "in:4", "--topic", "out:4", NULL};
    struct kafka_rig *r = mem_zalloc(sizeof(*r));
    char line[128], *log = mem_printf("%s/kafka_mock.log", folder);
    r->mock = process_start_piped(argv, log);
    process_read_line(&r->mock, line, sizeof(line));
    if (sscanf(line, "listening %63s", r->address) != 1) check_failed("kafka_mock: %s", line);
    r->producer = new_client(r, RD_KAFKA_PRODUCER, NULL);
    r->group = new_client(r, RD_KAFKA_CONSUMER, "bridge");
    r->reader = new_client(r, RD_KAFKA_CONSUMER, "reader");
    r->partitions = partitions_of("in");
    rd_kafka_topic_partition_list_t *out = partitions_of("out");
    rd_kafka_assign(r->reader, out);
    rd_kafka_topic_partition_list_destroy(out);
    free(log);
    return &r->base;
}

static void rig_close(struct rig *rig)
{
    struct kafka_rig *r = (struct kafka_rig *)rig;
    rd_kafka_topic_partition_list_destroy(r->partitions);
    rd_kafka_consumer_close(r->reader);
    rd_kafka_destroy(r->reader);
    rd_kafka_destroy(r->group);
    rd_kafka_destroy(r->producer);
    process_stop(&r->mock, SIGTERM);
    parcels_release(&r->arrived);
    free(r);
}

static void rig_down(struct rig *rig)
{
    command((struct kafka_rig *)rig, "down\n");
}

static void rig_up(struct rig *rig)
{
    command((struct kafka_rig *)rig, "up\n");
}

static void rig_stall(struct rig *rig)
{
    process_signal(&((struct kafka_rig *)rig)->mock, SIGSTOP);
}

static void rig_resume(struct rig *rig)
{
    process_signal(&((struct kafka_rig *)rig)->mock, SIGCONT);
}

/* ---- the source's side ---- */

static void add_cluster(const struct kafka_rig *r, const char *more, struct buf *options)
{
    buf_printf(options,
               "type = \"kafka\"; bootstrap_servers = \"%s\"; "
               "properties = [\"reconnect.backoff.ms=20\", \"reconnect.backoff.max.ms=200\"%s];",
               r->address, more);
}

/* The mock lets a group that lost a member wait for a session timeout, less a second. */
static void rig_source(struct rig *rig, struct buf *options)
{
    add_cluster((struct kafka_rig *)rig, ", \"heartbeat.interval.ms=500\"", options);
    buf_printf(options, " topics = [\"in\"]; group_id = \"bridge\"; commit_interval = \"20ms\"; "
                        "session_timeout = \"4s\";");
}

static rd_kafka_headers_t *headers_of(const struct msg *m)
{
    struct header headers[HEADERS_MAX];
    struct buf keep = {0};
    size_t n = headers_write(m, false, headers, &keep);
    rd_kafka_headers_t *list = rd_kafka_headers_new(n);
    for (size_t i = 0; i < n; i++)
        rd_kafka_header_add(list, headers[i].name.ptr, (ssize_t)headers[i].name.len,
                            headers[i].value.ptr, (ssize_t)headers[i].value.len);
    free(keep.ptr);
    return list;
}

static void produce(struct kafka_rig *r, const struct msg *m)
{
    union {
        const void *in;
        void *out;
    } body = {m->body.ptr}, key = {m->key.ptr};
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = "in"},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {key.out, m->key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {body.out, m->body.len}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers_of(m)},
    };
    rd_kafka_error_t *failed =
        rd_kafka_produceva(r->producer, parts, sizeof(parts) / sizeof(parts[0]));
    if (failed) check_failed("producing: %s", rd_kafka_error_string(failed));
}

static void rig_put(struct rig *rig, const struct parcels *parcels, size_t from, size_t n)
{
    struct kafka_rig *r = (struct kafka_rig *)rig;
    for (size_t i = from; i < from + n; i++)
        produce(r, parcels->items[i]);
    rd_kafka_resp_err_t failed = rd_kafka_flush(r->producer, PATIENCE_MS);
    if (failed) check_failed("producing: %s", rd_kafka_err2str(failed));
}

/* The committed offsets, which count from 0. */
static size_t rig_acked(struct rig *rig)
{
    struct kafka_rig *r = (struct kafka_rig *)rig;
    size_t acked = 0;
    rd_kafka_resp_err_t failed = rd_kafka_committed(r->group, r->partitions, PATIENCE_MS);
    if (failed) check_failed("asking for committed offsets: %s", rd_kafka_err2str(failed));
    for (int i = 0; i < r->partitions->cnt; i++)
        if (r->partitions->elems[i].offset > 0) acked += (size_t)r->partitions->elems[i].offset;
    return acked;
}

/* ---- the sink's side ---- */

static void rig_sink(struct rig *rig, struct buf *options)
{
    add_cluster((struct kafka_rig *)rig, "", options);
    buf_printf(options, " topic = \"out\";");
}

static size_t read_headers(const rd_kafka_message_t *message, struct header *headers)
{
    rd_kafka_headers_t *list;
    const char *name;
    size_t n = 0;
    if (rd_kafka_message_headers(message, &list)) return 0;
    while (!rd_kafka_header_get_all(list, n, &name, &headers[n].value.ptr, &headers[n].value.len))
        headers[n++].name = bytes_str(name);
    return n;
}

static void take(struct kafka_rig *r, const rd_kafka_message_t *message)
{
    struct header headers[HEADERS_MAX];
    struct attr attrs[HEADERS_MAX];
    struct buf keep = {0};
    struct msg_draft draft = {
        .body = {message->payload, message->len},
        .key = {message->key, message->key_len},
        .attrs = attrs,
        .attr_count = headers_read(headers, read_headers(message, headers), attrs, &keep),
    };
    parcels_add(&r->arrived, &draft);
    free(keep.ptr);
}

static const struct parcels *rig_arrived(struct rig *rig)
{
    struct kafka_rig *r = (struct kafka_rig *)rig;
    rd_kafka_message_t *message;
    while ((message = rd_kafka_consumer_poll(r->reader, 0))) {
        if (!message->err) take(r, message);
        rd_kafka_message_destroy(message);
    }
    return &r->arrived;
}

static const struct rig_ops kafka_rig = {
    .name = "kafka",
    .source_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .sink_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .open = rig_open,
    .close = rig_close,
    .down = rig_down,
    .up = rig_up,
    .stall = rig_stall,
    .resume = rig_resume,
    .source = rig_source,
    .put = rig_put,
    .acked = rig_acked,
    .acks_in_order = true,
    .sink = rig_sink,
    .arrived = rig_arrived,
};

const struct rig_ops *const rigs[] = {&kafka_rig, NULL};
