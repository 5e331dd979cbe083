/* The two pipelines with the store between them: the rules of the core hold for the whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/log.h"
#include "tests/unit/store_run.h"

static void expect_all_acknowledged(const struct scripted_source_conf *source)
{
    assert_int_equal(source->emitted, source->total);
    assert_int_equal(source->acknowledged, source->total);
    assert_int_equal(source->confirmed, source->total);
}

static enum action one_in_twenty_again(struct recorder *r, unsigned number)
{
    (void)r;
    (void)number;
    return rand() % 20 ? ACT_CONFIRM : ACT_RETRY;
}

static void each_arrives_once_in_order(const struct store_folder *f, int mode)
{
    struct scripted_source_conf source = {.total = 10000,
                                          .lanes = 16,
                                          .chunk = 10,
                                          .ordered = true,
                                          .finish = true,
                                          .slow_ack = true};
    struct recorder sink;
    struct stored_run run = {0};
    recorder_init(&sink, ORDER_STREAM);
    sink.then = one_in_twenty_again;
    struct pipeline_conf conf = stored_pipeline(f, mode, &source, &sink);
    conf.max_attempts = 1000;
    stored_run(&conf, FLOW_WHOLE, &run);
    expect_all_acknowledged(&source);
    expect_each_once(&sink, source.total);
    expect_lanes_in_order(&sink, source.lanes);
    assert_true(source.most_in_flight <= 50); /* half of the window */
    assert_int_equal(run.counts[COUNT_RECEIVED], source.total);
    assert_int_equal(run.counts[COUNT_CONFIRMED], source.total);
    assert_int_equal(run.counts[COUNT_ACKNOWLEDGED], source.total);
    assert_true(run.counts[COUNT_RETRIED] > 0);
    assert_int_equal(run.in_flight, 0);
    assert_int_equal(run.store_messages, 0);
    recorder_free(&sink);
    free(source.verdicts);
}

static void always_delivers_each_once_in_order(void **state)
{
    each_arrives_once_in_order(*state, STORE_ALWAYS);
}

static void overflow_delivers_each_once_in_order(void **state)
{
    each_arrives_once_in_order(*state, STORE_OVERFLOW);
}

static bool has_acknowledged_all(struct stored_run *run, void *arg)
{
    const struct scripted_source_conf *source = arg;
    (void)run;
    return source->acknowledged == source->total;
}

static void what_is_stored_survives_a_restart(const struct store_folder *f, int mode)
{
    struct scripted_source_conf source = {.total = 5000, .lanes = 8, .ordered = true};
    struct recorder sink;
    struct stored_run away = {.until = has_acknowledged_all, .arg = &source}, back = {0};
    recorder_init(&sink, ORDER_STREAM);
    sink.sink.starts_down = true;
    struct pipeline_conf conf = stored_pipeline(f, mode, &source, &sink);
    stored_run(&conf, FLOW_WHOLE, &away);
    expect_all_acknowledged(&source);
    assert_int_equal(sink.count, 0);
    assert_int_equal(away.store_messages, source.total);

    sink.sink.starts_down = false;
    stored_run(&conf, FLOW_DRAIN, &back);
    expect_each_once(&sink, source.total);
    expect_lanes_in_order(&sink, source.lanes);
    assert_int_equal(back.counts[COUNT_CONFIRMED], source.total);
    assert_int_equal(back.store_messages, 0);
    recorder_free(&sink);
    free(source.verdicts);
}

static void always_survives_a_restart(void **state)
{
    what_is_stored_survives_a_restart(*state, STORE_ALWAYS);
}

static void overflow_stores_while_the_sink_is_away(void **state)
{
    what_is_stored_survives_a_restart(*state, STORE_OVERFLOW);
}

/* The source may not have been told before the end: it hears at the next start what was written. */
static void what_was_written_is_recalled(const struct store_folder *f, int mode)
{
    enum { REMEMBERED = 4 * 50, GROUP = 100 };
    struct scripted_source_conf source = {.total = 5000},
                                again = {.total = 5000, .emitted = 5000, .finish = true};
    struct recorder sink;
    struct stored_run away = {.until = has_acknowledged_all, .arg = &source}, back = {0};
    recorder_init(&sink, ORDER_STREAM);
    sink.sink.starts_down = true;
    struct pipeline_conf conf = stored_pipeline(f, mode, &source, &sink);
    stored_run(&conf, FLOW_WHOLE, &away);
    assert_int_equal(source.recalled, 0);
    sink.sink.starts_down = false;
    conf.source.conf = &again;
    stored_run(&conf, FLOW_WHOLE, &back);
    assert_int_equal(again.last_recalled, source.total - 1);
    assert_true(again.recalled >= REMEMBERED && again.recalled < REMEMBERED + GROUP);
    expect_each_once(&sink, source.total);
    recorder_free(&sink);
    free(source.verdicts);
    free(again.verdicts);
}

static void always_recalls(void **state)
{
    what_was_written_is_recalled(*state, STORE_ALWAYS);
}

static void overflow_recalls_what_was_written(void **state)
{
    what_was_written_is_recalled(*state, STORE_OVERFLOW);
}

static void an_export_deletes_nothing(void **state)
{
    struct scripted_source_conf source = {.total = 500};
    struct recorder sink, copy;
    struct stored_run away = {.until = has_acknowledged_all, .arg = &source}, export = {0},
                      again = {0};
    recorder_init(&sink, ORDER_STREAM);
    recorder_init(&copy, ORDER_STREAM);
    sink.sink.starts_down = true;
    struct pipeline_conf conf = stored_pipeline(*state, STORE_ALWAYS, &source, &sink);
    stored_run(&conf, FLOW_WHOLE, &away);
    conf.sinks[0].conf = &copy;
    stored_run(&conf, FLOW_EXPORT, &export);
    expect_each_once(&copy, source.total);
    copy.count = 0;
    stored_run(&conf, FLOW_EXPORT, &again);
    expect_each_once(&copy, source.total);
    recorder_free(&sink);
    recorder_free(&copy);
    free(source.verdicts);
}

/* ---- overflow ---- */

struct outage {
    struct recorder *sink;
    const struct scripted_source_conf *source;
    uint64_t most_stored;
    bool away, over;
};

/* Away after 1,000, back when 3,000 were acknowledged. */
static bool play_outage(struct stored_run *run, void *arg)
{
    struct outage *o = arg;
    struct error e;
    uint64_t stored = stored_messages(run);
    if (stored > o->most_stored) o->most_stored = stored;
    if (!o->away && o->source->acknowledged >= 1000) {
        o->away = true;
        error_set(&e, FAULT_DOWN, "as the test says");
        pipeline_sink_state(o->sink->sink.sink, SINK_DOWN, &e);
    }
    if (o->away && !o->over && o->source->acknowledged >= 3000) {
        o->over = true;
        pipeline_sink_state(o->sink->sink.sink, SINK_UP, NULL);
    }
    return o->source->acknowledged == o->source->total && o->sink->count == o->source->total;
}

static void overflow_keeps_order_through_an_outage(void **state)
{
    struct scripted_source_conf source = {.total = 20000, .lanes = 8, .ordered = true};
    struct recorder sink;
    struct outage o = {.sink = &sink, .source = &source};
    struct stored_run run = {.until = play_outage, .arg = &o};
    recorder_init(&sink, ORDER_STREAM);
    struct pipeline_conf conf = stored_pipeline(*state, STORE_OVERFLOW, &source, &sink);
    stored_run(&conf, FLOW_WHOLE, &run);
    assert_true(o.over);
    assert_true(o.most_stored >= 1500);
    expect_all_acknowledged(&source);
    expect_each_once(&sink, source.total);
    expect_lanes_in_order(&sink, source.lanes);
    recorder_free(&sink);
    free(source.verdicts);
}

static bool never_stores(struct stored_run *run, void *arg)
{
    (void)arg;
    assert_int_equal(stored_messages(run), 0);
    return false;
}

static void overflow_writes_nothing_while_the_sink_is_there(void **state)
{
    struct scripted_source_conf source = {
        .total = 20000, .lanes = 8, .ordered = true, .finish = true};
    struct recorder sink;
    struct stored_run run = {.until = never_stores};
    recorder_init(&sink, ORDER_STREAM);
    struct pipeline_conf conf = stored_pipeline(*state, STORE_OVERFLOW, &source, &sink);
    conf.store_overflow_after = 10000;
    stored_run(&conf, FLOW_WHOLE, &run);
    expect_all_acknowledged(&source);
    expect_each_once(&sink, source.total);
    recorder_free(&sink);
    free(source.verdicts);
}

static enum action keep_all(struct recorder *r, unsigned number)
{
    (void)r;
    (void)number;
    return ACT_KEEP;
}

struct stop_when_full {
    const struct scripted_source_conf *source;
    bool all; /* of them are to be acknowledged; else the window is to fill, and to stay so */
    unsigned looks;
};

static bool has_taken_what_it_will(struct stored_run *run, void *arg)
{
    enum { HALF_WINDOW = 50, LOOKS = 100 };
    struct stop_when_full *stop = arg;
    (void)run;
    if (stop->all) return stop->source->acknowledged == stop->source->total;
    return stop->source->emitted == HALF_WINDOW && ++stop->looks == LOOKS;
}

/* The sink takes and does not answer: no outage, and yet the source may not be kept waiting. */
static void a_slow_sink(const struct store_folder *f, bool forgetful)
{
    struct scripted_source_conf source = {.total = 1000, .lanes = 4, .forgetful = forgetful};
    struct recorder sink;
    struct stored_run run = {.arg = &source};
    recorder_init(&sink, ORDER_STREAM);
    sink.then = keep_all;
    struct pipeline_conf conf = stored_pipeline(f, STORE_OVERFLOW, &source, &sink);
    struct stop_when_full stop = {.source = &source, .all = forgetful};
    run.until = has_taken_what_it_will;
    run.arg = &stop;
    conf.drain_timeout = 50;
    stored_run(&conf, FLOW_WHOLE, &run);
    assert_int_equal(sink.count, 0);
    assert_int_equal(source.confirmed, forgetful ? source.total : 0);
    assert_int_equal(run.store_messages, source.confirmed);
    recorder_free(&sink);
    free(source.verdicts);
}

static void overflow_spills_for_a_source_that_can_t_wait(void **state)
{
    a_slow_sink(*state, true);
}

static void overflow_lets_a_source_wait_that_can(void **state)
{
    a_slow_sink(*state, false);
}

/* ---- stops ---- */

struct stop_at {
    const struct recorder *sink;
    size_t count;
};

static bool has_seen(struct stored_run *run, void *arg)
{
    const struct stop_at *at = arg;
    (void)run;
    return at->sink->count >= at->count;
}

/* The source's next number goes on from run to run: what was acknowledged does not come again. */
static void clean_stops_repeat_nothing(const struct store_folder *f, int mode)
{
    enum { RUNS = 10, TOTAL = 20000 };
    struct recorder sink;
    recorder_init(&sink, ORDER_STREAM);
    unsigned emitted = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        struct scripted_source_conf source = {
            .total = TOTAL, .lanes = 8, .ordered = true, .emitted = emitted};
        struct stop_at at = {&sink, sink.count + 500 + (size_t)rand() % 500};
        struct stored_run run = {.until = has_seen, .arg = &at};
        struct pipeline_conf conf = stored_pipeline(f, mode, &source, &sink);
        stored_run(&conf, FLOW_WHOLE, &run);
        assert_int_equal(source.released, 0);
        assert_int_equal(run.in_flight, 0);
        assert_true(source.emitted > emitted);
        emitted = source.emitted;
        free(source.verdicts);
        expect_lanes_in_order(&sink, 8);
    }
    struct scripted_source_conf none = {.total = emitted, .emitted = emitted};
    struct stored_run rest = {0};
    struct pipeline_conf conf = stored_pipeline(f, mode, &none, &sink);
    stored_run(&conf, FLOW_DRAIN, &rest);
    expect_each_once(&sink, emitted);
    expect_lanes_in_order(&sink, 8);
    recorder_free(&sink);
}

static void always_repeats_nothing_after_clean_stops(void **state)
{
    clean_stops_repeat_nothing(*state, STORE_ALWAYS);
}

static void overflow_repeats_nothing_after_clean_stops(void **state)
{
    clean_stops_repeat_nothing(*state, STORE_OVERFLOW);
}

static bool some_are_in_the_sink(struct stored_run *run, void *arg)
{
    const struct recorder *sink = arg;
    (void)run;
    return sink->sink.submitted >= 20;
}

/* The drain ends at its deadline: in the store, or released to the source; nowhere both or neither.
 */
static void a_sink_that_hangs_loses_nothing(const struct store_folder *f, int mode)
{
    struct scripted_source_conf source = {.total = 1000, .lanes = 4, .ordered = true};
    struct recorder sink;
    struct stored_run run = {.until = some_are_in_the_sink, .arg = &sink};
    recorder_init(&sink, ORDER_STREAM);
    sink.then = keep_all;
    struct pipeline_conf conf = stored_pipeline(f, mode, &source, &sink);
    conf.drain_timeout = 100;
    stored_run(&conf, FLOW_WHOLE, &run);
    assert_int_equal(sink.count, 0);
    assert_int_equal(source.confirmed + source.released, source.emitted);
    assert_int_equal(run.store_messages, source.confirmed);
    recorder_free(&sink);
    free(source.verdicts);
}

static void always_survives_a_sink_that_hangs(void **state)
{
    a_sink_that_hangs_loses_nothing(*state, STORE_ALWAYS);
}

static void overflow_survives_a_sink_that_hangs(void **state)
{
    a_sink_that_hangs_loses_nothing(*state, STORE_OVERFLOW);
}

/* ---- what is refused ---- */

static enum action reject_tens(struct recorder *r, unsigned number)
{
    (void)r;
    return number % 10 ? ACT_CONFIRM : ACT_REJECT;
}

static void what_a_sink_rejects_goes_to_the_dead_letters(void **state)
{
    struct scripted_source_conf source = {
        .total = 2000, .lanes = 4, .ordered = true, .finish = true};
    struct recorder sink, letters;
    struct stored_run run = {0};
    recorder_init(&sink, ORDER_STREAM);
    recorder_init(&letters, ORDER_NONE);
    sink.then = reject_tens;
    struct pipeline_conf conf = stored_pipeline(*state, STORE_ALWAYS, &source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &letters};
    stored_run(&conf, FLOW_WHOLE, &run);
    expect_all_acknowledged(&source);
    assert_int_equal(letters.count, 200);
    assert_int_equal(sink.count, 1800);
    assert_int_equal(run.counts[COUNT_REJECTED], 200);
    assert_int_equal(run.counts[COUNT_DEAD_LETTERED], 200);
    recorder_free(&sink);
    recorder_free(&letters);
    free(source.verdicts);
}

#define ON_DISK(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, store_folder_setup, store_folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DISK(always_delivers_each_once_in_order),
        ON_DISK(overflow_delivers_each_once_in_order),
        ON_DISK(always_survives_a_restart),
        ON_DISK(overflow_stores_while_the_sink_is_away),
        ON_DISK(always_recalls),
        ON_DISK(overflow_recalls_what_was_written),
        ON_DISK(an_export_deletes_nothing),
        ON_DISK(overflow_keeps_order_through_an_outage),
        ON_DISK(overflow_writes_nothing_while_the_sink_is_there),
        ON_DISK(overflow_spills_for_a_source_that_can_t_wait),
        ON_DISK(overflow_lets_a_source_wait_that_can),
        ON_DISK(always_repeats_nothing_after_clean_stops),
        ON_DISK(overflow_repeats_nothing_after_clean_stops),
        ON_DISK(always_survives_a_sink_that_hangs),
        ON_DISK(overflow_survives_a_sink_that_hangs),
        ON_DISK(what_a_sink_rejects_goes_to_the_dead_letters),
    };
    srand(1);
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
