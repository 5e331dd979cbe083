/* What becomes of a message that a sink refuses for good, and of a pipeline whose source or sink
 * gives up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bridge/dead_letter.h"
#include "tests/unit/scripted.h"

static enum action reject_seven(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    return l->receipt->cookie == 7 ? ACT_REJECT : ACT_CONFIRM;
}

static enum action retry_seven(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    return l->receipt->cookie == 7 ? ACT_RETRY : ACT_CONFIRM;
}

static enum action reject_all(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf, (void)l;
    return ACT_REJECT;
}

static void expect_all(const struct scripted_source_conf *source)
{
    assert_int_equal(source->confirmed, source->total);
    assert_int_equal(source->acknowledged, source->total);
}

static void drop_run(enum action (*decide)(struct scripted_sink_conf *, const struct leg *),
                     enum counter reason)
{
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = decide};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct stats stats;
    conf.on_reject = ON_REJECT_DROP;
    scripted_run_counting(&conf, &stats);
    expect_all(&source);
    assert_int_equal(sink.confirmed, 19);
    assert_int_equal(stats_get(&stats, COUNT_DROPPED), 1);
    assert_int_equal(stats_get(&stats, reason), 1);
    free(source.verdicts);
}

static void what_is_dropped_is_counted_by_its_reason(void **state)
{
    (void)state;
    drop_run(reject_seven, COUNT_DROPPED_REJECTED);
    drop_run(retry_seven, COUNT_DROPPED_ATTEMPTS);
}

/* The letter of the dead-letter sink goes on, not one about it. */
static enum action check_letter(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct buf scratch = {0};
    struct dead_letter d;
    (void)conf;
    assert_true(dead_letter_read(l->msg, &d, &scratch));
    assert_true(bytes_eq(d.origin, BYTES_LIT("scripted-7")));
    assert_true(bytes_eq(l->msg->body, BYTES_LIT("7")));
    free(scratch.ptr);
    return ACT_CONFIRM;
}

static void what_the_dead_letter_sink_refuses_goes_to_the_file(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = reject_seven}, dead = {.decide = reject_all},
                              file = {.decide = check_letter};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct stats stats;
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    conf.last_resort = (struct sink_conf){&scripted_connector, &file};
    scripted_run_counting(&conf, &stats);
    expect_all(&source);
    assert_int_equal(dead.submitted, 1);
    assert_int_equal(file.confirmed, 1);
    assert_int_equal(stats_get(&stats, COUNT_DEAD_LETTERED), 1);
    free(source.verdicts);
}

static void a_file_alone_is_the_dead_letter_sink(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = reject_seven}, file = {.decide = check_letter};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.last_resort = (struct sink_conf){&scripted_connector, &file};
    scripted_run(&conf, NULL, NULL);
    expect_all(&source);
    assert_int_equal(file.confirmed, 1);
    free(source.verdicts);
}

static void what_even_the_file_refuses_is_dropped_where_asked_for(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 20, .finish = true};
    struct scripted_sink_conf sink = {.decide = reject_seven}, dead = {.decide = reject_all},
                              file = {.decide = reject_all};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct stats stats;
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    conf.last_resort = (struct sink_conf){&scripted_connector, &file};
    conf.on_reject = ON_REJECT_DROP;
    scripted_run_counting(&conf, &stats);
    expect_all(&source);
    assert_int_equal(stats_get(&stats, COUNT_DROPPED), 1);
    free(source.verdicts);
}

static bool stuck(void *arg)
{
    const struct scripted_source_conf *source = arg;
    return source->acknowledged > 0 && source->acknowledged == source->emitted - 1;
}

static void what_the_dead_letter_sink_refuses_is_held_else(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000};
    struct scripted_sink_conf sink = {.decide = reject_seven}, dead = {.decide = reject_all};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    conf.max_in_flight = 20;
    conf.drain_timeout = 20;
    scripted_run(&conf, stuck, &source);
    assert_true(source.emitted < 100); /* the source was stopped */
    assert_int_equal(source.released, 1);
    assert_int_equal(source.verdicts[7], 2);
    free(source.verdicts);
}

/* Two sinks refuse the same message: two letters, which no FIFO queue may take for one. */
static struct bytes letters[2];
static unsigned letter_count;

static enum action keep_position(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct bytes p = l->msg->position;
    (void)conf;
    assert_in_range(letter_count, 0, 1);
    letters[letter_count++] = bytes_of(mem_strndup(p.ptr, p.len), p.len);
    return ACT_CONFIRM;
}

static void letters_of_one_message_differ(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 8, .finish = true};
    struct scripted_sink_conf one = {.decide = reject_seven}, two = {.decide = reject_seven},
                              dead = {.decide = keep_position};
    struct pipeline_conf conf = scripted_pipeline(&source, &one);
    conf.sinks[1] = (struct sink_conf){&scripted_connector, &two};
    conf.sink_count = 2;
    conf.dead_letter = (struct sink_conf){&scripted_connector, &dead};
    letter_count = 0;
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(letter_count, 2);
    assert_false(bytes_eq(letters[0], letters[1]));
    for (size_t i = 0; i < 2; i++)
        free((void *)(uintptr_t)letters[i].ptr);
    free(source.verdicts);
}

/* ---- back to the source ---- */

struct release {
    struct scripted_source_conf source;
    struct scripted_sink_conf sink, other;
    struct pipeline_conf conf;
    struct stats stats;
    uint64_t seen[20];
};

static void prepare_release(struct release *r)
{
    *r = (struct release){.source = {.total = 20, .finish = true, .ordered = true, .lanes = 2},
                          .sink = {.order = ORDER_STREAM, .decide = reject_seven}};
    r->sink.order_seen = r->seen;
}

static void go_and_release(struct release *r, unsigned released)
{
    r->conf = scripted_pipeline(&r->source, &r->sink);
    r->conf.on_reject = ON_REJECT_RELEASE;
    if (r->other.order != ORDER_NONE || r->other.decide) {
        r->conf.sinks[1] = (struct sink_conf){&scripted_connector, &r->other};
        r->conf.sink_count = 2;
    }
    scripted_run_counting(&r->conf, &r->stats);
    assert_int_equal(r->source.acknowledged, 20);
    assert_int_equal(r->source.confirmed, 20 - released);
    assert_int_equal(r->source.released, released);
    assert_int_equal(r->source.verdicts[7], 3);
    assert_int_equal(stats_get(&r->stats, COUNT_RELEASED), released);
    assert_int_equal(stats_get(&r->stats, COUNT_RELEASED_REJECTED), 1);
    free(r->source.verdicts);
}

static void what_is_refused_goes_back_and_its_neighbours_flow_on(void **state)
{
    struct release r;
    (void)state;
    prepare_release(&r);
    r.source.lanes = 0;
    go_and_release(&r, 1);
    assert_int_equal(stats_get(&r.stats, COUNT_REJECTED), 1);
    prepare_release(&r);
    r.source.lanes = 0;
    r.sink.decide = retry_seven;
    go_and_release(&r, 1);
}

/* 9, 11, ... are behind 7 in their lane; the other lane goes on. */
static void what_is_behind_it_in_its_lane_goes_back_unseen(void **state)
{
    static const enum sink_order orders[] = {ORDER_STREAM, ORDER_BATCH};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct release r;
        prepare_release(&r);
        r.sink.order = orders[i];
        go_and_release(&r, 7);
        assert_int_equal(r.sink.submitted, 14);
        for (size_t k = 0; k < r.sink.order_count; k++)
            assert_true(r.seen[k] % 2 == 0 || r.seen[k] < 7);
    }
}

static void a_lane_goes_on_behind_what_will_not_come_again(void **state)
{
    struct release r;
    (void)state;
    prepare_release(&r);
    r.source.last_time = true;
    go_and_release(&r, 1);
    assert_int_equal(r.sink.order_count, 19);
}

/* What was refused goes to the other sink all the same: it may never come again. */
static void one_of_two_sinks_refuses(void **state)
{
    struct release r;
    uint64_t seen[20];
    (void)state;
    prepare_release(&r);
    r.other = (struct scripted_sink_conf){.order = ORDER_STREAM, .order_seen = seen, .room = 1};
    go_and_release(&r, 7);
    unsigned sevens = 0;
    for (size_t i = 0; i < r.other.order_count; i++)
        sevens += seen[i] == 7;
    assert_int_equal(sevens, 1);
}

/* A sink without order has the others already; those who keep order are not held up. */
static void a_sink_without_order_stops_no_lane(void **state)
{
    struct release r;
    uint64_t seen[20];
    (void)state;
    prepare_release(&r);
    r.sink.order = ORDER_NONE;
    r.other = (struct scripted_sink_conf){.order = ORDER_STREAM, .order_seen = seen};
    go_and_release(&r, 1);
    assert_int_equal(r.other.order_count, 20);
}

/* ---- the end ---- */

static void a_source_that_fails_for_good_ends_the_pipeline_after_what_is_in_flight(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 50, .fail = true};
    struct scripted_sink_conf sink = {0};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct error failure = scripted_run_failing(&conf);
    expect_all(&source);
    assert_int_equal(failure.fault, FAULT_CONFIG);
    assert_string_equal(failure.text, "source scripted: as the script says");
    free(source.verdicts);
}

static enum action fail_at_seven(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct error e;
    if (l->receipt->cookie != 7) return ACT_CONFIRM;
    error_set(&e, FAULT_DOWN, "its reader is gone");
    pipeline_sink_failed(conf->sink, &e);
    return ACT_DOWN;
}

static void a_sink_that_fails_for_good_ends_the_pipeline_and_acknowledges_nothing_more(void **state)
{
    (void)state;
    struct scripted_source_conf source = {.total = 1000};
    struct scripted_sink_conf sink = {.order = ORDER_STREAM, .decide = fail_at_seven};
    struct pipeline_conf conf = scripted_pipeline(&source, &sink);
    struct error failure = scripted_run_failing(&conf);
    assert_int_equal(failure.fault, FAULT_DOWN);
    assert_true(source.released > 0);
    assert_int_equal(source.verdicts[7], 2);
    assert_int_equal(source.acknowledged, source.emitted);
    free(source.verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_dropped_is_counted_by_its_reason),
        cmocka_unit_test(what_the_dead_letter_sink_refuses_goes_to_the_file),
        cmocka_unit_test(a_file_alone_is_the_dead_letter_sink),
        cmocka_unit_test(what_even_the_file_refuses_is_dropped_where_asked_for),
        cmocka_unit_test(what_the_dead_letter_sink_refuses_is_held_else),
        cmocka_unit_test(letters_of_one_message_differ),
        cmocka_unit_test(what_is_refused_goes_back_and_its_neighbours_flow_on),
        cmocka_unit_test(what_is_behind_it_in_its_lane_goes_back_unseen),
        cmocka_unit_test(a_lane_goes_on_behind_what_will_not_come_again),
        cmocka_unit_test(one_of_two_sinks_refuses),
        cmocka_unit_test(a_sink_without_order_stops_no_lane),
        cmocka_unit_test(a_source_that_fails_for_good_ends_the_pipeline_after_what_is_in_flight),
        cmocka_unit_test(
            a_sink_that_fails_for_good_ends_the_pipeline_and_acknowledges_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
