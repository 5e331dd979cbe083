/* The rules of the core: one verdict for each message, the window, order in lanes, retries, dead
 * letters, sinks that are away, the drain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/dead_letter.h"
#include "bridge/log.h"
#include "tests/unit/scripted.h"

static bool has_emitted_all(void *arg)
{
    const struct scripted_source_conf *source = arg;
    return source->emitted == source->total && source->acknowledged == source->total;
}

static void expect_all_confirmed(const struct scripted_source_conf *source)
{
    assert_int_equal(source->emitted, source->total);
    assert_int_equal(source->confirmed, source->total);
    assert_int_equal(source->acknowledged, source->total);
    assert_int_equal(source->released, 0);
}

static void expect_order(const struct scripted_sink_conf *sink, unsigned lanes)
{
    uint64_t *last = mem_zalloc(lanes * sizeof(*last));
    for (size_t i = 0; i < sink->order_count; i++) {
        uint64_t cookie = sink->order_seen[i];
        assert_true(last[cookie % lanes] <= cookie);
        last[cookie % lanes] = cookie + 1;
    }
    free(last);
}

static void every_message_gets_one_verdict_from_two_flaky_sinks(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20000,
                                          .lanes = 64,
                                          .chunk = 10,
                                          .ordered = true,
                                          .slow_ack = true,
                                          .finish = true};
    struct scripted_sink_conf one = {
        .room = 37, .percent_retry = 5, .percent_reject = 1, .backwards = true};
    struct scripted_sink_conf two = {.room = 90, .percent_retry = 5, .percent_reject = 1};
    struct scripted_sink_conf dead = {0};
    struct pipeline_conf conf = scripted_pipeline(&source, &one);
    conf.sinks[1] = (struct sink_conf){&scripted_connector, &two};
    conf.sink_count = 2;
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_true(source.most_in_flight <= 100);
    assert_int_equal(one.confirmed + two.confirmed + dead.confirmed, 2 * source.total);
    assert_true(dead.confirmed > 0);
    free(source.verdicts);
}

static void order_run(enum sink_order order, bool required)
{
    static const char *const ordered[] = {"ordered"};
    struct scripted_source_conf source = {
        .total = 5000, .lanes = 7, .ordered = true, .finish = true};
    struct scripted_sink_conf sink = {.order = order, .percent_retry = 5, .room = 50};
    sink.order_seen = mem_zalloc(source.total * sizeof(uint64_t));
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.max_attempts = 1000;
    if (required) conf.require = (struct opt_list){ordered, 1};
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_int_equal(sink.order_count, source.total);
    expect_order(&sink, source.lanes);
    free(sink.order_seen);
    free(source.verdicts);
}

static void a_stream_ordered_sink_keeps_lanes_in_order_through_retries(void **state)
{
    (void)state;
    order_run(ORDER_STREAM, false);
}

static void a_batch_ordered_sink_keeps_lanes_in_order_through_retries(void **state)
{
    (void)state;
    order_run(ORDER_BATCH, false);
}

static void an_unordered_sink_keeps_lanes_in_order_where_required(void **state)
{
    (void)state;
    order_run(ORDER_NONE, true);
}

static enum action reject_seven(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    return l->receipt->cookie == 7 ? ACT_REJECT : ACT_CONFIRM;
}

static void check_dead_letter(const struct leg *l)
{
    const struct attr *own = msg_attr(l->msg, BYTES_LIT("n"));
    const struct attr *reason = msg_attr(l->msg, BYTES_LIT("sqsbridge.reason"));
    struct buf scratch = {0};
    struct dead_letter d;
    assert_true(dead_letter_read(l->msg, &d, &scratch));
    assert_true(bytes_eq(l->msg->body, BYTES_LIT("7")));
    assert_true(own && bytes_eq(own->value, BYTES_LIT("7")));
    assert_true(reason && bytes_eq(reason->value, BYTES_LIT("as the script says")));
    assert_true(bytes_eq(d.reason, BYTES_LIT("as the script says")));
    assert_true(bytes_eq(d.origin, BYTES_LIT("scripted-7")));
    assert_true(bytes_eq(d.pipeline, BYTES_LIT("test")));
    assert_true(bytes_eq(d.source, BYTES_LIT("scripted")));
    assert_true(bytes_eq(d.sink, BYTES_LIT("scripted")));
    assert_true(bytes_eq(d.topic, BYTES_LIT("a/b")));
    assert_int_equal(d.attempts, 1);
    assert_true(d.first_ms > 0 && d.last_ms >= d.first_ms);
    free(scratch.ptr);
}

static enum action take_dead_letter(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    check_dead_letter(l);
    return ACT_CONFIRM;
}

static void a_rejected_message_goes_alone_to_the_dead_letter_sink(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = reject_seven}, dead = {.decide = take_dead_letter};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_int_equal(sink.confirmed, 19);
    assert_int_equal(dead.confirmed, 1);
    free(source.verdicts);
}

static enum action always_retry_seven(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    return l->receipt->cookie == 7 ? ACT_RETRY : ACT_CONFIRM;
}

static void attempts_are_bounded(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = always_retry_seven}, dead = {0};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_int_equal(sink.submitted, 19 + 5);
    assert_int_equal(dead.confirmed, 1);
    free(source.verdicts);
}

static unsigned rejections;

static enum action reject_seven_at_first(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    if (l->receipt->cookie != 7 || rejections == 3) return ACT_CONFIRM;
    rejections++;
    return ACT_REJECT;
}

static void without_a_dead_letter_sink_a_rejected_message_stays_and_stops_the_source(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000, .finish = true};
    struct scripted_sink_conf sink = {.decide = reject_seven_at_first};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.max_in_flight = 20;
    rejections = 0;
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(rejections, 3);
    expect_all_confirmed(
        &source); /* it went on by itself when the sink took the message after all */
    free(source.verdicts);
}

static bool stuck_for_good(void *arg)
{
    const struct scripted_source_conf *source = arg;
    return source->acknowledged > 0 && source->acknowledged == source->emitted - 1;
}

static void a_stuck_message_is_released_at_the_end(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000};
    struct scripted_sink_conf sink = {.decide = reject_seven};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.max_in_flight = 20;
    conf.drain_timeout = 20;
    scripted_run(&conf, stuck_for_good, &source);
    assert_true(source.emitted >= 20);
    assert_true(source.emitted < 100); /* far from all: the source was stopped */
    assert_int_equal(source.released, 1);
    assert_int_equal(source.verdicts[7], 2);
    assert_int_equal(source.acknowledged, source.emitted);
    free(source.verdicts);
}

struct outage {
    struct scripted_source_conf *source;
    struct scripted_sink_conf *sink;
    unsigned turns_down, emitted_when_down;
    bool down, over;
};

static bool take_sink_down_and_up(void *arg)
{
    struct outage *o = arg;
    if (!o->down && o->source->acknowledged > 100) {
        struct error e;
        error_set(&e, FAULT_DOWN, "gone");
        pipeline_sink_state(o->sink->sink, SINK_DOWN, &e);
        o->emitted_when_down = o->source->emitted;
        o->down = true;
    }
    if (o->down && !o->over && ++o->turns_down == 20) {
        assert_true(o->source->emitted <= o->emitted_when_down + 1);
        pipeline_sink_state(o->sink->sink, SINK_UP, NULL);
        o->over = true;
    }
    return has_emitted_all(o->source);
}

static struct outage *current_outage;

static enum action down_while_out(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    assert_int_equal(l->attempts, 0);
    return current_outage->down && !current_outage->over ? ACT_DOWN : ACT_CONFIRM;
}

static void a_sink_that_is_down_stops_its_source_and_blames_no_message(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 2000, .lanes = 3, .ordered = true};
    struct scripted_sink_conf sink = {.order = ORDER_STREAM, .decide = down_while_out};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct outage outage = {.source = &source, .sink = &sink};
    conf.max_attempts = 1;
    current_outage = &outage;
    sink.order_seen = mem_zalloc(source.total * sizeof(uint64_t));
    scripted_run(&conf, take_sink_down_and_up, &outage);
    assert_true(outage.over);
    expect_all_confirmed(&source);
    expect_order(&sink, 3);
    free(sink.order_seen);
    free(source.verdicts);
}

static bool enough_turns(void *arg)
{
    unsigned *turns = arg;
    return ++*turns == 20;
}

static void nothing_is_received_before_the_sink_is_up(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 10};
    struct scripted_sink_conf sink = {.starts_down = true};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    unsigned turns = 0;
    scripted_run(&conf, enough_turns, &turns);
    assert_int_equal(source.emitted, 0);
    free(source.verdicts);
}

static enum action keep(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    (void)l;
    return ACT_KEEP;
}

static void what_is_not_confirmed_at_the_deadline_is_released(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000, .lanes = 5, .ordered = true};
    struct scripted_sink_conf sink = {.order = ORDER_BATCH, .decide = keep};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    unsigned turns = 0;
    conf.drain_timeout = 10;
    scripted_run(&conf, enough_turns, &turns);
    assert_int_equal(source.emitted, 100);
    assert_int_equal(source.released, 100);
    assert_int_equal(source.acknowledged, 100);
    assert_true(sink.closed_with > 0);
    free(source.verdicts);
}

static void a_clean_stop_loses_and_releases_nothing(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 100000, .slow_ack = true};
    struct scripted_sink_conf sink = {.percent_retry = 20, .room = 11};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    unsigned turns = 0;
    conf.max_attempts = 1000;
    scripted_run(&conf, enough_turns, &turns);
    assert_true(source.emitted > 0 && source.emitted < source.total);
    assert_int_equal(source.confirmed, source.emitted);
    assert_int_equal(source.stops, 1);
    free(source.verdicts);
}

static void the_window_counts_bytes_too(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000, .body_bytes = 10000, .finish = true};
    struct scripted_sink_conf sink = {.room = 64};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.max_in_flight_bytes = 100000;
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_in_range(source.most_in_flight, 5, 11);
    free(source.verdicts);
}

static struct scripted_source_conf *watched;

static enum action watch_from_the_middle(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    if (l->receipt->cookie == 500) watched->most_in_flight = 0;
    return ACT_CONFIRM;
}

static void what_is_on_its_way_counts_as_large_as_what_came(void **state)
{
    (void)state;
    struct scripted_source_conf source = {
        .total = 1000, .body_bytes = 10000, .finish = true, .greedy = true};
    struct scripted_sink_conf sink = {.room = 64, .decide = watch_from_the_middle};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    watched = &source;
    conf.max_in_flight_bytes = 100000;
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    assert_in_range(source.most_in_flight, 5, 11);
    free(source.verdicts);
}

static enum action keep_lane_one(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    return l->receipt->lane_id == 1 ? ACT_KEEP : ACT_CONFIRM;
}

static bool lane_one_is_held(void *arg)
{
    const struct scripted_source_conf *source = arg;
    return source->held[1];
}

static void a_lane_that_holds_its_share_is_held(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 100000, .lanes = 4, .ordered = true};
    struct scripted_sink_conf sink = {.order = ORDER_STREAM, .decide = keep_lane_one};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.max_in_flight_per_lane = 10;
    conf.drain_timeout = 10;
    scripted_run(&conf, lane_one_is_held, &source);
    assert_true(source.holds >= 1);
    assert_false(source.held[1]); /* let go when its messages were gone */
    free(source.verdicts);
}

static enum action check_attributes(struct scripted_sink_conf *conf, const struct leg *l)
{
    const struct attr *level = msg_attr(l->msg, BYTES_LIT("level"));
    const struct attr *n = msg_attr(l->msg, BYTES_LIT("n"));
    (void)conf;
    assert_true(level && bytes_eq(level->value, BYTES_LIT("b")));
    assert_true(n && bytes_eq(n->value, BYTES_LIT("site-x")));
    assert_null(msg_attr(l->msg, BYTES_LIT("absent")));
    assert_int_equal(l->msg->attr_count, 2);
    return ACT_CONFIRM;
}

static void attributes_can_be_set_on_the_way(void **state)
{
    (void)state;
    static const char *const settings[] = {"level=${topic:2}", "n=site-x",
                                           "absent=${attr:nothing}"};
    struct scripted_source_conf source = {.total = 50, .finish = true};
    struct scripted_sink_conf sink = {.decide = check_attributes};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.set_attributes = (struct opt_list){settings, 3};
    scripted_run(&conf, NULL, NULL);
    expect_all_confirmed(&source);
    free(source.verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_gets_one_verdict_from_two_flaky_sinks),
        cmocka_unit_test(a_stream_ordered_sink_keeps_lanes_in_order_through_retries),
        cmocka_unit_test(a_batch_ordered_sink_keeps_lanes_in_order_through_retries),
        cmocka_unit_test(an_unordered_sink_keeps_lanes_in_order_where_required),
        cmocka_unit_test(a_rejected_message_goes_alone_to_the_dead_letter_sink),
        cmocka_unit_test(attempts_are_bounded),
        cmocka_unit_test(without_a_dead_letter_sink_a_rejected_message_stays_and_stops_the_source),
        cmocka_unit_test(a_stuck_message_is_released_at_the_end),
        cmocka_unit_test(a_sink_that_is_down_stops_its_source_and_blames_no_message),
        cmocka_unit_test(nothing_is_received_before_the_sink_is_up),
        cmocka_unit_test(what_is_not_confirmed_at_the_deadline_is_released),
        cmocka_unit_test(a_clean_stop_loses_and_releases_nothing),
        cmocka_unit_test(the_window_counts_bytes_too),
        cmocka_unit_test(what_is_on_its_way_counts_as_large_as_what_came),
        cmocka_unit_test(a_lane_that_holds_its_share_is_held),
        cmocka_unit_test(attributes_can_be_set_on_the_way),
    };
    srand(1);
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
