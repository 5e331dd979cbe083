/* Where the Kafka source begins, and what it does when the offset to go on from is gone; leaders
 * that move, and members that share partitions cooperatively. Against librdkafka's mock cluster. */
#include "tests/unit/test_kafka_rig.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/oldest.h"

static const char *const one_topic[] = {"t"};
static const struct opt_list topics = {one_topic, 1};

struct logged {
    struct rig *r;
    const char *text;
};

static bool has_logged(void *arg)
{
    const struct logged *l = arg;
    return rig_logged(l->r, l->text);
}

static void until_logged(struct rig *r, const char *text)
{
    struct logged l = {r, text};
    rig_until(r, has_logged, &l);
}

/* Each partition's messages, in order from the first one on, each once. */
static void assert_from(const struct keeper *k, unsigned partition, unsigned first, unsigned count)
{
    char start[16];
    unsigned next = first;
    size_t len = (size_t)snprintf(start, sizeof(start), "t-%u-", partition);
    for (size_t i = 0; i < k->count; i++)
        if (strncmp(k->seen[i].position, start, len) == 0)
            assert_int_equal(strtoul(k->seen[i].position + len, NULL, 10), next++);
    assert_int_equal(next, first + count);
}

/* t-0 has lost what the group was to read next; t-1 has not. */
static void prepare_lost(struct rig *r)
{
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 30);
    rig_write(r, "t", 1, 30);
    rig_commit(r, "g", "t", 0, 500);
    rig_commit(r, "g", "t", 1, 10);
}

static void test_a_lost_offset_stops_its_partition(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    prepare_lost(r);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 20);
    until_logged(r, "offset 500 of t-0 is gone");
    until_logged(r, "not ready: 1 of 2 partitions are read no more");
    rig_write(r, "t", 1, 10);
    rig_until_seen(r, &k, 30);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_from(&k, 0, 0, 0);
    assert_from(&k, 1, 10, 30);
    assert_int_equal(rig_committed(r, "g", "t", 0), 500);
    assert_int_equal(rig_committed(r, "g", "t", 1), 40);
    keeper_free(&k);
}

static void test_a_lost_offset_is_reset_where_the_user_says_so(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    source.lost_offset = KAFKA_LOST_RESET;
    prepare_lost(r);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 50);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    assert_from(&k, 0, 0, 30);
    assert_from(&k, 1, 10, 20);
    assert_true(rig_logged(r, "offset reset (at offset 500")); /* it is no secret */
    keeper_free(&k);
}

static void test_no_offset_is_an_error_where_the_user_says_so(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    source.auto_offset_reset = KAFKA_RESET_ERROR;
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 30);
    rig_write(r, "t", 1, 30);
    rig_commit(r, "g", "t", 1, 10);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 20);
    until_logged(r, "group \"g\" has no offset for t-0, and auto_offset_reset is \"error\"");
    rig_stop(r, 0, p);
    assert_from(&k, 1, 10, 20);
    keeper_free(&k);
}

struct ends {
    struct rig *r;
    struct keeper *k;
    int64_t written;
};

static bool sees_what_is_written(void *arg)
{
    struct ends *e = arg;
    rig_write(e->r, "t", 0, 1);
    e->written++;
    return e->k->count > 0;
}

static void test_a_new_group_begins_at_the_end(void **state)
{
    struct rig *r = *state;
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    source.auto_offset_reset = KAFKA_RESET_LATEST;
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 30);
    rig_write(r, "t", 1, 30);
    rig_commit(r, "g", "t", 1, 10);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 20); /* of the other partition, which has an offset */
    assert_from(&k, 1, 10, 20);
    k.count = 0;
    struct ends ends = {r, &k, 30};
    rig_until(r, sees_what_is_written, &ends);
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    for (size_t i = 0; i < k.count; i++)
        assert_in_range(strtoul(k.seen[i].position + 4, NULL, 10), 30, ends.written);
    keeper_free(&k);
}

static bool is_a_second_old(void *arg)
{
    return atomic_load(&pipeline_stats(arg)->oldest_ms) >= 1000;
}

static bool is_done(void *arg)
{
    return atomic_load(&pipeline_stats(arg)->oldest_ms) == 0;
}

/* One message of one partition holds back the commits of those behind it. */
static void test_what_waits_longest(void **state)
{
    struct rig *r = *state;
    struct keeper k = {0};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 100);
    struct oldest oldest = {0};
    rig_topic(r, "t", 2);
    rig_write(r, "t", 0, 20);
    rig_write(r, "t", 1, 20);
    struct pipeline *p = rig_start(r, 0, &conf);
    rig_until_seen(r, &k, 40);
    for (size_t i = 0; i < 40; i++)
        if (i != keeper_index(&k, "t-1-3")) keeper_confirm(&k, i);
    rig_until(r, is_a_second_old, p);
    assert_int_equal(stats_get(pipeline_stats(p), COUNT_ACKNOWLEDGED), 23);
    keeper_confirm_all(&k);
    rig_until(r, is_done, p);

    oldest_report(&oldest, p, "message t-1-3", 59000, 16);
    assert_false(rig_logged(r, "not ready"));
    oldest_report(&oldest, p, "message t-1-3", 61000, 16);
    assert_true(rig_logged(r, "not ready: message t-1-3 waits for 61 s to be confirmed, and holds "
                              "back the acknowledgement of 16 behind it"));
    oldest_report(&oldest, p, "message t-1-3", 62000, 16);
    assert_false(rig_logged(r, "waits for 62 s")); /* once a minute */
    oldest_report(&oldest, p, NULL, 0, 0);
    assert_true(rig_logged(r, "no message waits for a minute any more"));
    rig_stop(r, 0, p);
    keeper_free(&k);
}

/* Partitions move from broker to broker while messages go through; nothing is missing or twice. */
static void test_leaders_move(void **state)
{
    struct rig *r = *state;
    enum { PARTITIONS = 2, ROUNDS = 6, BATCH = 100 };
    struct keeper k = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf = rig_pipeline(&connector_kafka, &source, &keeper_connector, &k, 50);
    static const char *const soon[] = {"topic.metadata.refresh.interval.ms=500"};
    source.client.properties = (struct opt_list){soon, 1};
    rig_topic(r, "t", PARTITIONS);
    struct pipeline *p = rig_start(r, 0, &conf);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < PARTITIONS; i++) {
            rd_kafka_mock_partition_set_leader(r->cluster, "t", i, 1 + (round + i) % 3);
            rig_write(r, "t", i, BATCH);
        }
        rig_until_seen(r, &k, (size_t)((round + 1) * PARTITIONS * BATCH));
    }
    rig_until_acknowledged(r, p);
    rig_stop(r, 0, p);
    for (unsigned i = 0; i < PARTITIONS; i++)
        assert_from(&k, i, 0, ROUNDS * BATCH);
    keeper_free(&k);
}

static bool both_have_some(void *arg)
{
    struct keeper *const *k = arg;
    return k[0]->count > 0 && k[1]->count > 0;
}

/* A second member takes over some partitions. What the first one keeps it goes on reading: none of
 * its messages in flight come again. */
static void test_cooperative_members_keep_what_they_have(void **state)
{
    struct rig *r = *state;
    struct keeper first = {0}, second = {.confirm = true};
    struct kafka_source_conf source = rig_source_conf(r, &topics, "g");
    struct pipeline_conf conf[2];
    static const char *const sticky[] = {"partition.assignment.strategy=cooperative-sticky"};
    enum { PARTITIONS = 4, COUNT = 50 };
    source.client.properties = (struct opt_list){sticky, 1};
    conf[0] = rig_pipeline(&connector_kafka, &source, &keeper_connector, &first, 1000);
    conf[1] = rig_pipeline(&connector_kafka, &source, &keeper_connector, &second, 1000);
    rig_topic(r, "t", PARTITIONS);
    for (int i = 0; i < PARTITIONS; i++)
        rig_write(r, "t", i, COUNT);
    struct pipeline *p1 = rig_start(r, 0, &conf[0]);
    rig_until_seen(r, &first, PARTITIONS * COUNT); /* none of them confirmed */
    struct pipeline *p2 = rig_start(r, 1, &conf[1]);
    struct keeper *both[] = {&first, &second};
    rig_until(r, both_have_some, both);
    rig_until_seen(r, &second, 2 * COUNT);
    for (int i = 0; i < PARTITIONS; i++)
        assert_from(&first, (unsigned)i, 0, COUNT); /* each once, kept or not */
    keeper_confirm_all(&first);
    rig_until_acknowledged(r, p1);
    rig_until_acknowledged(r, p2);
    rig_stop(r, 1, p2);
    rig_stop(r, 0, p1);
    for (int i = 0; i < PARTITIONS; i++)
        assert_int_equal(rig_committed(r, "g", "t", i), COUNT);
    keeper_free(&first);
    keeper_free(&second);
}

#define MOCKED(test) cmocka_unit_test_setup_teardown(test, rig_open, rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOCKED(test_a_lost_offset_stops_its_partition),
        MOCKED(test_a_lost_offset_is_reset_where_the_user_says_so),
        MOCKED(test_no_offset_is_an_error_where_the_user_says_so),
        MOCKED(test_a_new_group_begins_at_the_end),
        MOCKED(test_what_waits_longest),
        cmocka_unit_test_setup_teardown(test_leaders_move, rig_open_three, rig_close),
        MOCKED(test_cooperative_members_keep_what_they_have),
    };
    return cmocka_run_group_tests_name("kafka_offsets", tests, NULL, NULL);
}
