/* The Kafka source against librdkafka's mock cluster: credits, commits, rebalances. A group's first
 * join takes the mock three seconds. */
#include "tests/unit/test_kafka_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const one_topic[] = {"t"};
static const struct opt_list topics = {one_topic, 1};

enum { OFFSET_COMMIT = 8, HEARTBEAT = 12 }; /* Kafka's numbers of these requests */

struct committed {
    struct rig *r;
    int64_t offset;
    uint64_t next_ns;
};

static bool has_committed(void *arg)
{
    struct committed *c = arg;
    if (uv_hrtime() < c->next_ns) return false; /* asking takes a connection */
    c->next_ns = uv_hrtime() + 200000000;
    return rig_committed(c->r, "g", "t", 0) == c->offset;
}

/* A short while in which nothing may happen that the test forbids afterwards. */
struct pause {
    uint64_t until_ns;
};

static bool is_over(void *arg)
{
    const struct pause *p = arg;
    return uv_hrtime() >= p->until_ns;
}

static void for_a_while(struct rig *r, uint64_t ms)
{
    struct pause p = {uv_hrtime() + ms * 1000000};
    rig_until(r, is_over, &p);
}

/* Each partition's messages in its order, each once. */
static void assert_each_once(const struct keeper *k, unsigned partitions, unsigned per_partition)
{
    unsigned next[16] = {0};
    for (size_t i = 0; i < k->count; i++) {
        unsigned partition, offset;
        assert_int_equal(sscanf(k->seen[i].position, "t-%u-%u", &partition, &offset), 2);
        assert_int_equal(offset, next[partition]++);
    }
    for (unsigned p = 0; p < partitions; p++)
        assert_int_equal(next[p], per_partition);
}

static void test_all_arrive_and_are_committed(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    rig_topic(r, "t", 4);
    for (int p = 0; p < 4; p++)
        rig_write(r, "t", p, 3000);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 12000);
    rig_until_acknowledged(r, p);
    for (int i = 0; i < 4; i++)
        assert_int_equal(rig_committed(r, "g", "t", i), 3000);
    rig_stop(r, 0, p);
    assert_int_equal(k.count, 12000);
    assert_each_once(&k, 4, 3000);
    keeper_free(&k);
}

static void test_no_more_than_the_window(void **state)
{
    struct rig *r = *state;
    struct keeper k = {0};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 50);
    rig_write(r, "t", 1, 50);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 10);
    for_a_while(r, 200);
    assert_int_equal(k.count, 10);
    for (size_t done = 0; done < 100; done++) {
        rig_until_seen(r, &k, done + 1);
        assert_in_range(k.count, done, done + 10);
        keeper_confirm(&k, done);
    }
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_each_once(&k, 2, 50);
    keeper_free(&k);
}

/* Confirmed is not acknowledged: a message counts as in flight until its commit is answered. */
static void test_a_failing_commit_is_tried_again(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", 1);
    rig_write(r, "t", 0, 30);
    rd_kafka_mock_push_request_errors(r->cluster, OFFSET_COMMIT, 2,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 10);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_ACKNOWLEDGED), 0);
    rig_until_seen(r, &k, 30);
    rig_until_acknowledged(r, p);
    assert_int_equal(rig_committed(r, "g", "t", 0), 30);
    assert_true(rig_logged(r, "consumer group \"g\": this user may not"));
    rig_stop(r, 0, p);
    keeper_free(&k);
}

static bool says_commit_failed(void *arg)
{
    return rig_logged(arg, "committing offsets: ");
}

/* A commit fails, and before the next one the coordinator says that we are out of the group. What
 * was in flight counts for nothing, and all goes on with the next assignment. */
static void test_a_lost_assignment(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    static const char *const often[] = {"heartbeat.interval.ms=50"};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    source.client.properties = (struct opt_list){often, 1};
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", 1);
    rig_write(r, "t", 0, 30);
    rd_kafka_mock_push_request_errors(r->cluster, OFFSET_COMMIT, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_commit_failed, r);
    rd_kafka_mock_push_request_errors(r->cluster, HEARTBEAT, 1,
                                      RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID);
    struct committed wanted = {.r = r, .offset = 30};
    rig_until(r, has_committed, &wanted);
    assert_true(rig_logged(r, "partitions were lost"));
    assert_int_equal(k.count, 40);
    rig_stop(r, 0, p);
    keeper_free(&k);
}

/* Reads count messages of the first of some partitions, with a prefetch that is full at once. */
static void expect_pace(struct rig *r, int partitions, unsigned count, uint64_t most_ms)
{
    struct keeper k = {.confirm = true};
    static const char *const small[] = {"queued.min.messages=50", "fetch.message.max.bytes=1000"};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    source.client.properties = (struct opt_list){small, 2};
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", partitions);
    rig_write(r, "t", 0, count);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 1);
    uint64_t before = uv_hrtime();
    rig_until_seen(r, &k, count);
    assert_in_range((uv_hrtime() - before) / 1000000, 0, most_ms);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_each_once(&k, 1, count);
    keeper_free(&k);
}

/* librdkafka looks once a second at a partition whose queue is full. */
static void test_a_small_prefetch_is_no_pace(void **state)
{
    expect_pace(*state, 1, 10000, 15000);
}

/* One fetch is on its way to a broker at a time. One that asks for the empty partitions only, as
 * the other's queue is full, is answered when fetch.wait.max.ms is over: meanwhile the other gets
 * nothing. By librdkafka's default of 500 ms this would take 20 s. */
static void test_an_empty_partition_is_no_pace(void **state)
{
    expect_pace(*state, 2, 4000, 12000);
}

static void test_never_past_an_unresolved_message(void **state)
{
    struct rig *r = *state;
    struct keeper k = {0};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    conf.drain_timeout = 300;
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 20);
    rig_write(r, "t", 1, 20);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 40);
    size_t stuck = keeper_index(&k, "t-0-5");
    for (size_t i = k.count; i-- > 0;)
        if (i != stuck) keeper_confirm(&k, i);
    rig_stop(r, 0, p);
    assert_int_equal(rig_committed(r, "g", "t", 0), 5);
    assert_int_equal(rig_committed(r, "g", "t", 1), 20);
    keeper_free(&k);

    k.confirm = true; /* the next run repeats what was not committed, and nothing else */
    p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 15);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_int_equal(k.count, 15);
    assert_string_equal(k.seen[0].position, "t-0-5");
    assert_int_equal(rig_committed(r, "g", "t", 0), 20);
    keeper_free(&k);
}

static void test_a_held_lane_leaves_the_others_alone(void **state)
{
    struct rig *r = *state;
    struct keeper k = {0};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 40);
    conf.max_in_flight_per_lane = 10;
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 500);
    rig_write(r, "t", 1, 500);
    struct pipeline *p = rig_start(r, 0, &conf);
    size_t at = 0, kept = 0;
    while (at < 510) { /* all of partition 1, and partition 0's share */
        rig_until_seen(r, &k, at + 1);
        for (; at < k.count; at++)
            if (strncmp(k.seen[at].position, "t-1-", 4) == 0)
                keeper_confirm(&k, at);
            else
                kept++;
    }
    assert_int_equal(kept, 10);
    k.confirm = true;
    keeper_confirm_all(&k);
    rig_until_seen(r, &k, 1000);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_each_once(&k, 2, 500);
    keeper_free(&k);
}

struct two {
    struct keeper *k[2];
    unsigned want;
};

static bool second_has_some(void *arg)
{
    const struct two *t = arg;
    return t->k[1]->count >= t->want;
}

/* The first member keeps all its messages past the time that a rebalance waits; the second reads
 * what it gets from where the group's offsets are: nothing was committed. What the first confirms
 * afterwards must not move the offsets of partitions that are not its own any more. */
/* A lane that is full waits for a commit; a small one is full long before the window is. The timer
 * is out of reach here. */
static void test_a_full_lane_is_committed(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    source.commit_interval = 60000;
    struct pipeline_conf conf =
        rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 1000);
    conf.max_in_flight_per_lane = 10;
    rig_topic(r, "t", 1);
    rig_write(r, "t", 0, 500);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 500);
    rig_stop(r, 0, p);
    assert_each_once(&k, 1, 500);
    keeper_free(&k);
}

static void test_late_verdicts_commit_nothing(void **state)
{
    struct rig *r = *state;
    struct keeper first = {0}, second = {0};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf =
        rig_pipeline(&connector_kafka, &source, &keeper_connector, &first, 1000);
    struct pipeline_conf other =
        rig_pipeline(&connector_kafka, &source, &keeper_connector, &second, 1000);
    other.drain_timeout = 100;
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 100);
    rig_write(r, "t", 1, 100);
    struct pipeline *p1 = rig_start(r, 0, &conf);
    rig_until_seen(r, &first, 200);
    struct pipeline *p2 = rig_start(r, 1, &other);
    struct two t = {.k = {&first, &second}, .want = 100};
    rig_until(r, second_has_some, &t);
    rig_until_seen(r, &first, 300); /* the one that it got again */
    for (size_t i = 0; i < 200; i++)
        keeper_confirm(&first, i); /* of the first assignment */
    for_a_while(r, 300);
    assert_int_equal(rig_committed(r, "g", "t", 0), -1);
    assert_int_equal(rig_committed(r, "g", "t", 1), -1);
    for (size_t i = 200; i < first.count; i++)
        keeper_confirm(&first, i);
    rig_stop(r, 1, p2);
    rig_stop(r, 0, p1);
    int64_t a = rig_committed(r, "g", "t", 0), b = rig_committed(r, "g", "t", 1);
    assert_true((a == 100 && b == -1) || (a == -1 && b == 100));
    keeper_free(&first);
    keeper_free(&second);
}

static int64_t all_committed(struct rig *r, int partitions)
{
    int64_t sum = 0;
    for (int i = 0; i < partitions; i++)
        sum += rig_committed(r, "g", "t", i);
    return sum;
}

static size_t count_distinct(const struct keeper *k)
{
    static bool seen[16][10000];
    size_t n = 0;
    memset(seen, 0, sizeof(seen));
    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < k[side].count; i++) {
            unsigned partition, offset;
            sscanf(k[side].seen[i].position, "t-%u-%u", &partition, &offset);
            n += !seen[partition][offset];
            seen[partition][offset] = true;
        }
    return n;
}

struct group {
    struct rig *r;
    struct keeper *k;
    size_t written;
    uint64_t next_ns;
};

/* What one has seen and could not commit comes again to the other: only the offsets tell. */
static bool all_done(void *arg)
{
    struct group *g = arg;
    if (uv_hrtime() < g->next_ns || count_distinct(g->k) < g->written) return false;
    g->next_ns = uv_hrtime() + 200000000; /* asking takes a connection */
    return all_committed(g->r, 4) == (int64_t)g->written;
}

/* One joins while messages come in, the other leaves. The mock refuses commits while members join
 * (a real broker takes them), so what was in flight then comes again; nothing is missing. */
static void test_members_that_come_and_go(void **state)
{
    struct rig *r = *state;
    struct keeper k[2] = {{.confirm = true}, {.confirm = true}};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf[2];
    struct pipeline *p[2];
    enum { WINDOW = 50 };
    int64_t written = 0;
    rig_topic(r, "t", 4);
    for (int i = 0; i < 2; i++)
        conf[i] = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k[i], WINDOW);
    p[0] = rig_start(r, 0, &conf[0]);
    rig_write(r, "t", 0, 500);
    written += 500;
    rig_until_seen(r, &k[0], 500);
    p[1] = rig_start(r, 1, &conf[1]);
    while (k[1].count == 0) {
        for (int i = 0; i < 4; i++, written += 20)
            rig_write(r, "t", i, 20);
        for_a_while(r, 50);
    }
    rig_until_acknowledged(r, p[0]);
    rig_stop(r, 0, p[0]);
    struct group g = {.r = r, .k = k, .written = (size_t)written};
    rig_until(r, all_done, &g);
    rig_until_acknowledged(r, p[1]);
    rig_stop(r, 1, p[1]);
    assert_int_equal(count_distinct(k), written);
    /* Each revocation repeats a window at most; on a slow machine the two join more than once. */
    assert_in_range(k[0].count + k[1].count - (size_t)written, 0, 4 * WINDOW);
    keeper_free(&k[0]);
    keeper_free(&k[1]);
}

static bool says_unknown(void *arg)
{
    return rig_logged(arg, "Subscribed topic not available: t") &&
           rig_logged(arg, "it does not exist (create it, or correct the name)");
}

static void test_a_topic_that_comes_later(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    static const char *const soon[] = {"topic.metadata.refresh.interval.ms=200"};
    source.client.properties = (struct opt_list){soon, 1};
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", 1);
    rig_write(r, "t", 0, 3);
    rd_kafka_mock_topic_set_error(r->cluster, "t", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_unknown, r);
    rd_kafka_mock_topic_set_error(r->cluster, "t", RD_KAFKA_RESP_ERR_NO_ERROR);
    rig_until_seen(r, &k, 3);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    keeper_free(&k);
}

static bool says_refused(void *arg)
{
    return rig_logged(arg, "Connection refused (is the broker running");
}

static void test_a_broker_that_comes_later(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rig_topic(r, "t", 1);
    rig_write(r, "t", 0, 3);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_refused, r);
    rd_kafka_mock_broker_set_up(r->cluster, 1);
    rig_until_seen(r, &k, 3);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    keeper_free(&k);
}

static void test_stops_while_nobody_answers(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 10);
    rd_kafka_mock_broker_set_down(r->cluster, 1);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until(r, says_refused, r);
    uint64_t before = uv_hrtime();
    rig_stop(r, 0, p);
    assert_in_range((uv_hrtime() - before) / 1000000, 0, 7000);
    keeper_free(&k);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOCKED(test_all_arrive_and_are_committed),
        MOCKED(test_no_more_than_the_window),
        MOCKED(test_a_failing_commit_is_tried_again),
        MOCKED(test_a_lost_assignment),
        MOCKED(test_a_small_prefetch_is_no_pace),
        MOCKED(test_an_empty_partition_is_no_pace),
        MOCKED(test_never_past_an_unresolved_message),
        MOCKED(test_a_held_lane_leaves_the_others_alone),
        MOCKED(test_a_full_lane_is_committed),
        MOCKED(test_late_verdicts_commit_nothing),
        MOCKED(test_members_that_come_and_go),
        MOCKED(test_a_topic_that_comes_later),
        MOCKED(test_a_broker_that_comes_later),
        MOCKED(test_stops_while_nobody_answers),
    };
    return cmocka_run_group_tests_name("kafka_source", tests, NULL, NULL);
}
