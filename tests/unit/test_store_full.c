/* A store that is full, and messages that are too old: each policy does what it says and counts it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "tests/unit/store_run.h"

enum { MOST = 500, TOTAL = 2000 };

struct full {
    struct scripted_source_conf source;
    struct recorder sink, letters;
    struct pipeline_conf conf;
    uint64_t most_stored;
};

/* The sink is away; the store takes MOST messages. */
static void full_init(struct full *f, const struct store_folder *folder, int policy)
{
    *f = (struct full){.source = {.total = TOTAL, .lanes = 1, .ordered = true}};
    recorder_init(&f->sink, ORDER_STREAM);
    recorder_init(&f->letters, ORDER_NONE);
    f->sink.sink.starts_down = true;
    f->conf = stored_pipeline(folder, STORE_ALWAYS, &f->source, &f->sink);
    f->conf.store_full = policy;
    f->conf.store_max_messages = MOST;
    f->conf.drain_timeout = 200;
}

static void full_free(struct full *f)
{
    recorder_free(&f->sink);
    recorder_free(&f->letters);
    free(f->source.verdicts);
}

/* What the store has, to the sink that is back. */
static void deliver(struct full *f)
{
    struct stored_run run = {0};
    f->sink.sink.starts_down = false;
    stored_run(&f->conf, FLOW_DRAIN, &run);
    assert_int_equal(run.store_messages, 0);
    expect_lanes_in_order(&f->sink, f->source.lanes);
}

static bool is_full(struct stored_run *run, void *arg)
{
    struct full *f = arg;
    f->most_stored = stored_messages(run);
    assert_true(f->most_stored <= MOST);
    return f->most_stored == MOST && f->source.emitted >= MOST + 20;
}

static void block_lets_the_source_wait(void **state)
{
    struct full f;
    struct stored_run run = {.until = is_full, .arg = &f};
    full_init(&f, *state, STORE_BLOCK);
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_int_equal(run.counts[COUNT_ACKNOWLEDGED], MOST);
    assert_int_equal(run.counts[COUNT_DROPPED], 0);
    assert_true(f.source.emitted < TOTAL);
    deliver(&f);
    expect_each_once(&f.sink, MOST);
    full_free(&f);
}

static bool all_are_acknowledged(struct stored_run *run, void *arg)
{
    const struct full *f = arg;
    assert_true(stored_messages(run) <= MOST);
    return f->source.acknowledged == TOTAL;
}

static void drop_newest_keeps_the_first(void **state)
{
    struct full f;
    struct stored_run run = {.until = all_are_acknowledged, .arg = &f};
    full_init(&f, *state, STORE_DROP_NEWEST);
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_int_equal(run.counts[COUNT_DROPPED], TOTAL - MOST);
    assert_int_equal(run.counts[COUNT_DROPPED_FULL], TOTAL - MOST);
    deliver(&f);
    expect_each_once(&f.sink, MOST);
    full_free(&f);
}

static void drop_oldest_keeps_the_last(void **state)
{
    struct full f;
    struct stored_run run = {.until = all_are_acknowledged, .arg = &f};
    full_init(&f, *state, STORE_DROP_OLDEST);
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_int_equal(run.counts[COUNT_DROPPED_FULL], TOTAL - MOST);
    assert_int_equal(run.store_messages, MOST);
    deliver(&f);
    assert_int_equal(f.sink.count, MOST);
    for (size_t i = 0; i < f.sink.count; i++)
        assert_true(f.sink.seen[i] >= TOTAL - MOST);
    full_free(&f);
}

static bool all_are_somewhere(struct stored_run *run, void *arg)
{
    const struct full *f = arg;
    (void)run;
    return f->source.acknowledged == TOTAL;
}

static void reject_sends_to_the_dead_letters(void **state)
{
    struct full f;
    struct stored_run run = {.until = all_are_somewhere, .arg = &f};
    full_init(&f, *state, STORE_REJECT);
    f.conf.dead_letter = (struct sink_conf){&scripted_connector, &f.letters};
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_int_equal(f.letters.count, TOTAL - MOST);
    assert_int_equal(run.counts[COUNT_REJECTED], TOTAL - MOST);
    assert_int_equal(run.counts[COUNT_DEAD_LETTERED], TOTAL - MOST);
    assert_int_equal(run.counts[COUNT_DROPPED], 0);
    deliver(&f);
    expect_each_once(&f.sink, MOST);
    full_free(&f);
}

static bool bytes_are_full(struct stored_run *run, void *arg)
{
    struct full *f = arg;
    uint64_t now = stored_messages(run);
    bool still = now == f->most_stored && now > 100 && f->source.emitted > now + 40;
    f->most_stored = now;
    return still;
}

static void bytes_are_a_limit_too(void **state)
{
    struct full f;
    struct stored_run run = {.until = bytes_are_full, .arg = &f};
    full_init(&f, *state, STORE_BLOCK);
    f.source.body_bytes = 2000;
    f.conf.store_max_messages = 0;
    f.conf.store_max_bytes = 1 << 20;
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_true(run.store_messages > 100 && run.store_messages < 500);
    deliver(&f);
    expect_each_once(&f.sink, (unsigned)run.store_messages);
    full_free(&f);
}

static bool the_old_are_gone(struct stored_run *run, void *arg)
{
    (void)arg;
    return stored_count(run, COUNT_DROPPED_AGE) == TOTAL;
}

static void what_is_too_old_is_dropped_and_counted(void **state)
{
    struct full f;
    struct stored_run run = {.until = the_old_are_gone, .arg = &f};
    full_init(&f, *state, STORE_BLOCK);
    f.conf.store_max_messages = 0;
    f.conf.store_max_age = 50;
    f.conf.max_in_flight = 2; /* what the back has is not dropped any more */
    stored_run(&f.conf, FLOW_WHOLE, &run);
    assert_int_equal(run.counts[COUNT_ACKNOWLEDGED], TOTAL);
    assert_int_equal(run.counts[COUNT_DROPPED], TOTAL);
    assert_int_equal(run.store_messages, 0);
    full_free(&f);
}

#define ON_DISK(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(block_lets_the_source_wait), ON_DISK(drop_newest_keeps_the_first),
        ON_DISK(drop_oldest_keeps_the_last), ON_DISK(reject_sends_to_the_dead_letters),
        ON_DISK(bytes_are_a_limit_too),      ON_DISK(what_is_too_old_is_dropped_and_counted),
    };
    srand(1);
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
