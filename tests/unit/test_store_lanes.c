/* A lane whose message is stuck harms only itself: what is in the store of other lanes goes on, and
 * each lane keeps its order through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "tests/unit/store_run.h"

enum { LANES = 4, TOTAL = 12000, STUCK = TOTAL / LANES }; /* more than is kept in memory */

struct jam {
    struct scripted_source_conf source;
    struct recorder sink; /* its lane 0 is stuck until the others are through */
    struct pipeline_conf conf;
};

/* And stumbles afterwards, so that it is held again and again. */
static enum action stuck_first(struct recorder *r, unsigned number)
{
    if (number % LANES) return ACT_CONFIRM;
    if (r->count < TOTAL - STUCK) return ACT_RETRY;
    return rand() % 20 ? ACT_CONFIRM : ACT_RETRY;
}

static void jam_init(struct jam *j, const struct store_folder *folder, int mode)
{
    *j = (struct jam){.source = {.total = TOTAL, .lanes = LANES, .ordered = true}};
    recorder_init(&j->sink, ORDER_STREAM);
    j->conf = stored_pipeline(folder, mode, &j->source, &j->sink);
    j->conf.max_attempts = 1000000;
    j->conf.retry_delay = 2;
}

/* In their order, each once, and those of the stuck lane last: without ever a full window that
 * nothing leaves. */
static void expect_others_first(const struct jam *j)
{
    expect_each_once(&j->sink, TOTAL);
    expect_lanes_in_order(&j->sink, LANES);
    for (size_t i = TOTAL - STUCK; i < TOTAL; i++)
        assert_int_equal(j->sink.seen[i] % LANES, 0);
}

static void jam_free(struct jam *j)
{
    recorder_free(&j->sink);
    free(j->source.verdicts);
}

static bool has_acknowledged_all(struct stored_run *run, void *arg)
{
    const struct jam *j = arg;
    (void)run;
    return j->source.acknowledged == TOTAL;
}

static void what_was_stored(const struct store_folder *folder, int mode, int64_t share)
{
    struct jam j;
    struct stored_run away = {.until = has_acknowledged_all, .arg = &j}, drain = {0};
    jam_init(&j, folder, mode);
    j.conf.max_in_flight_per_lane = share;
    j.sink.sink.starts_down = true;
    stored_run(&j.conf, FLOW_WHOLE, &away);
    j.sink.sink.starts_down = false;
    j.sink.then = stuck_first;
    stored_run(&j.conf, FLOW_DRAIN, &drain);
    expect_others_first(&j);
    assert_int_equal(drain.store_messages, 0);
    jam_free(&j);
}

static void a_backlog_flows_around_a_stuck_lane(void **state)
{
    what_was_stored(*state, STORE_ALWAYS, 0);
}

static void a_backlog_flows_around_it_with_small_shares(void **state)
{
    what_was_stored(*state, STORE_ALWAYS, 4);
}

static void what_comes(const struct store_folder *folder, int mode)
{
    struct jam j;
    struct stored_run run = {0};
    jam_init(&j, folder, mode);
    j.sink.then = stuck_first;
    j.source.finish = true;
    stored_run(&j.conf, FLOW_WHOLE, &run);
    expect_others_first(&j);
    assert_int_equal(j.source.acknowledged, TOTAL);
    assert_int_equal(run.store_messages, 0);
    jam_free(&j);
}

static void always_flows_around_a_stuck_lane(void **state)
{
    what_comes(*state, STORE_ALWAYS);
}

/* ---- every lane now and then ---- */

enum { MANY_LANES = 16 };

static enum action stuck_by_turns(struct recorder *r, unsigned number)
{
    unsigned turn = (unsigned)(r->count / 500) % MANY_LANES;
    bool stuck = number % MANY_LANES == turn && r->count < TOTAL - TOTAL / MANY_LANES;
    return stuck || rand() % 50 == 0 ? ACT_RETRY : ACT_CONFIRM;
}

static bool is_away_for_a_while(struct stored_run *run, void *arg)
{
    struct jam *j = arg;
    (void)run;
    if (j->source.acknowledged >= TOTAL / 2) pipeline_sink_state(j->sink.sink.sink, SINK_UP, NULL);
    return false;
}

/* From the disk, and past it; while rows are being written, and while none are. */
static void lanes_stuck_by_turns(const struct store_folder *folder, int mode)
{
    struct jam j;
    struct stored_run run = {.until = is_away_for_a_while, .arg = &j};
    jam_init(&j, folder, mode);
    j.source.lanes = MANY_LANES;
    j.source.finish = true;
    j.sink.then = stuck_by_turns;
    j.sink.sink.starts_down = true;
    j.conf.max_in_flight_per_lane = 10;
    stored_run(&j.conf, FLOW_WHOLE, &run);
    expect_each_once(&j.sink, TOTAL);
    expect_lanes_in_order(&j.sink, MANY_LANES);
    assert_int_equal(j.source.acknowledged, TOTAL);
    jam_free(&j);
}

static void always_keeps_order_where_lanes_are_stuck_by_turns(void **state)
{
    lanes_stuck_by_turns(*state, STORE_ALWAYS);
}

static void overflow_keeps_order_where_lanes_are_stuck_by_turns(void **state)
{
    lanes_stuck_by_turns(*state, STORE_OVERFLOW);
}

#define ON_DISK(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(a_backlog_flows_around_a_stuck_lane),
        ON_DISK(a_backlog_flows_around_it_with_small_shares),
        ON_DISK(always_flows_around_a_stuck_lane),
        ON_DISK(always_keeps_order_where_lanes_are_stuck_by_turns),
        ON_DISK(overflow_keeps_order_where_lanes_are_stuck_by_turns),
    };
    srand(1);
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
