#include "tests/unit/test_kafka_rig.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_MS = 30000 };

/* ---- the cluster ---- */

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[200];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) != RD_KAFKA_CONF_OK)
        fail_msg("%s", why);
}

static rd_kafka_t *client(struct rig *r, rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[200];
    if (r->servers) set(conf, "bootstrap.servers", r->servers);
    set(conf, "log_level", "3");
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!rk) fail_msg("%s", why);
    return rk;
}

static int open_with(void **state, int brokers)
{
    struct rig *r = mem_zalloc(sizeof(*r));
    r->loop = loop_create();
    r->host = client(r, RD_KAFKA_PRODUCER, rd_kafka_conf_new());
    r->cluster = rd_kafka_mock_cluster_new(r->host, brokers);
    r->servers = rd_kafka_mock_cluster_bootstraps(r->cluster);
    r->log = memfd_create("log", MFD_CLOEXEC);
    r->saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(r->log, STDERR_FILENO);
    *state = r;
    return 0;
}

int rig_open(void **state)
{
    return open_with(state, 1);
}

int rig_open_three(void **state)
{
    return open_with(state, 3);
}

int rig_close(void **state)
{
    struct rig *r = *state;
    dup2(r->saved_stderr, STDERR_FILENO);
    close(r->saved_stderr);
    close(r->log);
    loop_destroy(r->loop);
    rd_kafka_mock_cluster_destroy(r->cluster);
    rd_kafka_destroy(r->host);
    free(r);
    return 0;
}

void rig_topic(struct rig *r, const char *topic, int partitions)
{
    assert_false(rd_kafka_mock_topic_create(r->cluster, topic, partitions, 1));
}

bool rig_logged(struct rig *r, const char *text)
{
    static char log[1 << 18];
    ssize_t n = pread(r->log, log, sizeof(log) - 1, 0);
    log[n > 0 ? n : 0] = '\0';
    return strstr(log, text) != NULL;
}

void rig_write(struct rig *r, const char *topic, int32_t partition, unsigned count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "batch.num.messages", "50"); /* a fetch takes whole batches */
    rd_kafka_t *rk = client(r, RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    for (unsigned i = 0; i < count; i++) {
        char body[16];
        size_t len = (size_t)snprintf(body, sizeof(body), "%u", i);
        assert_int_equal(
            rd_kafka_produce(rkt, partition, RD_KAFKA_MSG_F_COPY, body, len, NULL, 0, NULL), 0);
    }
    assert_int_equal(rd_kafka_flush(rk, DEADLINE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
}

int64_t rig_committed(struct rig *r, const char *group, const char *topic, int32_t partition)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "group.id", group);
    rd_kafka_t *rk = client(r, RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition);
    assert_int_equal(rd_kafka_committed(rk, list, DEADLINE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    int64_t offset = list->elems[0].offset;
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return offset < 0 ? -1 : offset;
}

void rig_commit(struct rig *r, const char *group, const char *topic, int32_t partition,
                int64_t offset)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "group.id", group);
    rd_kafka_t *rk = client(r, RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

struct rig_read rig_read(struct rig *r, const char *topic, int partitions, size_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "group.id", "rig-read");
    struct rig_read read = {.consumer = client(r, RD_KAFKA_CONSUMER, conf)};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(read.consumer, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    read.messages = mem_alloc((count + 1) * sizeof(read.messages[0]));
    while (read.count < count) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(read.consumer, DEADLINE_MS);
        if (!m) fail_msg("%zu of %zu messages came", read.count, count);
        if (m->err)
            rd_kafka_message_destroy(m);
        else
            read.messages[read.count++] = m;
    }
    return read;
}

void rig_read_free(struct rig_read *read)
{
    for (size_t i = 0; i < read->count; i++)
        rd_kafka_message_destroy(read->messages[i]);
    free(read->messages);
    rd_kafka_destroy(read->consumer);
}

/* ---- pipelines ---- */

struct look {
    struct rig *rig;
    bool (*holds)(void *arg);
    void *arg;
    uint64_t deadline_ms;
    struct loop_timer timer;
    bool late;
};

static void look(void *arg)
{
    struct look *l = arg;
    bool holds = l->holds(l->arg);
    l->late = !holds && loop_now_ms(l->rig->loop) > l->deadline_ms;
    if (holds || l->late)
        loop_stop(l->rig->loop);
    else
        loop_timer_start(l->rig->loop, &l->timer, 1);
}

void rig_until(struct rig *r, bool (*holds)(void *arg), void *arg)
{
    struct look l = {.rig = r, .holds = holds, .arg = arg};
    l.deadline_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
    l.timer = (struct loop_timer){.run = look, .arg = &l};
    loop_timer_start(r->loop, &l.timer, 1);
    loop_run(r->loop);
    if (l.late) fail_msg("what the test waits for did not come");
}

static void on_closed(struct pipeline *p, void *arg)
{
    (void)p;
    *(bool *)arg = true;
}

struct pipeline *rig_start(struct rig *r, int slot, struct pipeline_conf *conf)
{
    struct error e;
    struct pipeline *p = pipeline_create(conf, r->loop, 0);
    r->ended[slot] = false;
    pipeline_on_closed(p, on_closed, &r->ended[slot]);
    if (!pipeline_start(p, &e)) fail_msg("%s", e.text);
    return p;
}

static bool has_ended(void *arg)
{
    return *(bool *)arg;
}

void rig_stop(struct rig *r, int slot, struct pipeline *p)
{
    pipeline_stop(p);
    rig_until(r, has_ended, &r->ended[slot]);
    pipeline_destroy(p);
}

struct kafka_source_conf rig_source_conf(struct rig *r, const struct opt_list *topics,
                                         const char *group)
{
    return (struct kafka_source_conf){
        .client = {.bootstrap_servers = r->servers},
        .topics = *topics,
        .group_id = group,
        .session_timeout = 6000,
        .commit_interval = 50,
    };
}

struct kafka_sink_conf rig_sink_conf(struct rig *r, const struct template *topic)
{
    return (struct kafka_sink_conf){
        .client = {.bootstrap_servers = r->servers},
        .topic = topic,
        .linger = 5,
        .batch_size = 1000000,
    };
}

struct pipeline_conf rig_pipeline(const struct connector *source, const void *source_conf,
                                  const struct connector *sink, const void *sink_conf,
                                  int64_t window)
{
    return (struct pipeline_conf){
        .name = "test",
        .source = {source, source_conf},
        .sinks = {{sink, sink_conf}},
        .sink_count = 1,
        .max_in_flight = window,
        .max_in_flight_bytes = INT64_C(1) << 30,
        .max_in_flight_per_lane = window,
        .max_attempts = 3,
        .retry_delay = 1,
        .retry_max_delay = 20,
        .drain_timeout = 5000,
        .workers = 1,
    };
}

/* ---- what tests share ---- */

struct template *rig_template(const char *text)
{
    struct error e;
    struct template *t = template_compile(text, &e);
    if (!t) fail_msg("%s", e.text);
    return t;
}

struct done {
    const struct given *given;
    size_t count;
};

static bool is_confirmed(void *arg)
{
    const struct done *d = arg;
    return d->given->confirmed >= d->count;
}

void rig_until_confirmed(struct rig *r, const struct given *given, size_t count)
{
    struct done d = {given, count};
    rig_until(r, is_confirmed, &d);
}

struct msg_draft *rig_numbered(size_t n)
{
    struct msg_draft *drafts = mem_zalloc(n * sizeof(*drafts));
    char *text = mem_alloc(n * 8); /* freed with the drafts: see rig_free_numbered() */
    for (size_t i = 0; i < n; i++) {
        int len = snprintf(text + 8 * i, 8, "%zu", i);
        drafts[i].body = bytes_of(text + 8 * i, (size_t)len);
        drafts[i].key = BYTES_LIT("k");
        drafts[i].position = drafts[i].body;
    }
    return drafts;
}

void rig_free_numbered(struct msg_draft *drafts)
{
    free((void *)(uintptr_t)drafts[0].body.ptr);
    free(drafts);
}

struct seen_all {
    struct keeper *k;
    size_t count;
};

static bool has_seen(void *arg)
{
    const struct seen_all *s = arg;
    return s->k->count >= s->count;
}

void rig_until_seen(struct rig *r, struct keeper *k, size_t count)
{
    struct seen_all s = {k, count};
    rig_until(r, has_seen, &s);
}

static bool all_acknowledged(void *arg)
{
    struct pipeline *p = arg;
    return stats_get(pipeline_stats(p), COUNT_ACKNOWLEDGED) >=
           stats_get(pipeline_stats(p), COUNT_RECEIVED);
}

void rig_until_acknowledged(struct rig *r, struct pipeline *p)
{
    rig_until(r, all_acknowledged, p);
}
