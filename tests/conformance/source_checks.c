/* What every source keeps to. The probe at the other end confirms, holds or fails as told. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/checks.h"
#include "tests/conformance/run.h"
#include "tests/conformance/wait.h"

enum { BATCH = 10 }; /* messages that a source may reserve at once */

/* One source under test, and what was put at its far end. */
struct scene {
    struct rig *rig;
    struct parcels put;
    struct probe_sink_script sink;
    struct run run;
    size_t expected;
};

static struct scene scene_of(struct rig *rig)
{
    return (struct scene){.rig = rig};
}

static void start(struct scene *s, const char *settings)
{
    run_load_source(&s->run, s->rig, &s->sink, settings);
    run_begin(&s->run);
}

static void start_without_far_end(struct scene *s, const char *settings)
{
    run_load_source(&s->run, s->rig, &s->sink, settings);
    s->rig->ops->down(s->rig);
    run_begin(&s->run);
}

static void leave(struct scene *s)
{
    probe_sink_release(&s->sink);
    parcels_release(&s->put);
}

static void put_plain(struct scene *s, size_t n, unsigned lanes)
{
    size_t before = s->put.count;
    parcels_make_plain(&s->put, n, lanes);
    s->rig->ops->put(s->rig, &s->put, before, n);
}

static size_t look(struct scene *s, const size_t *field)
{
    pthread_mutex_lock(&s->sink.lock);
    size_t value = *field;
    pthread_mutex_unlock(&s->sink.lock);
    return value;
}

static void set_hold(struct scene *s, bool hold)
{
    pthread_mutex_lock(&s->sink.lock);
    s->sink.hold = hold;
    pthread_mutex_unlock(&s->sink.lock);
}

static bool all_confirmed(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->sink.confirmed.count) >= s->expected;
}

static bool all_arrived(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->sink.arrived.count) >= s->expected;
}

static bool all_held(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->sink.held) == s->expected;
}

/* To the last place, or to where a reservation for a whole batch no longer fits. */
static bool window_is_full(void *arg)
{
    struct scene *s = arg;
    size_t held = look(s, &s->sink.held);
    return held <= s->expected && held + BATCH > s->expected;
}

static bool all_put_confirmed(void *arg)
{
    struct scene *s = arg;
    pthread_mutex_lock(&s->sink.lock);
    bool all = s->sink.confirmed.count >= s->put.count &&
               parcels_include(&s->sink.confirmed, &s->put, s->rig->ops->source_traits);
    pthread_mutex_unlock(&s->sink.lock);
    return all;
}

static bool all_acked(void *arg)
{
    struct scene *s = arg;
    return s->rig->ops->acked(s->rig) >= s->put.count;
}

static bool nothing_acked(void *arg)
{
    struct scene *s = arg;
    return s->rig->ops->acked(s->rig) == 0;
}

static bool nothing_in_flight(void *arg)
{
    struct scene *s = arg;
    return run_in_flight(&s->run) == 0;
}

static void expect(struct scene *s, bool (*is_so)(void *arg), size_t n, const char *what)
{
    s->expected = n;
    wait_until(is_so, s, what);
}

/* All that was put has arrived once, and the far end knows it. */
static void finish(struct scene *s, size_t repeats)
{
    if (!comes_true(all_put_confirmed, s))
        parcels_expect(&s->put, &s->sink.confirmed, s->rig->ops->source_traits, repeats);
    wait_until(nothing_in_flight, s, "the source has acknowledged everything");
    if (s->rig->ops->acked) wait_until(all_acked, s, "the far end has every acknowledgement");
    run_stop(&s->run);
    parcels_expect(&s->put, &s->sink.confirmed, s->rig->ops->source_traits, repeats);
    leave(s);
}

static void carries_everything(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    parcels_make_special(&s.put, rig->ops->source_traits);
    rig->ops->put(rig, &s.put, 0, s.put.count);
    start(&s, "");
    finish(&s, 0);
}

static void carries_many(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    start(&s, "max_in_flight = 100;");
    put_plain(&s, 1000, 7);
    finish(&s, 0);
}

/* The window fills up to the last place and no further. */
static void keeps_to_the_window(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.hold = true;
    put_plain(&s, 90, 30);
    start(&s, "max_in_flight = 30; max_in_flight_per_lane = 30;");
    expect(&s, window_is_full, 30, "the window is full");
    stays_so(window_is_full, &s, "the window is full, and not more than full");
    set_hold(&s, false);
    finish(&s, 0);
}

static bool bytes_are_used_up(void *arg)
{
    struct scene *s = arg;
    size_t held = look(s, &s->sink.held);
    return held >= 4 && held < 4 + BATCH;
}

/* Twenty messages of 20 kB, room for less than four: the watcher counts. */
static void keeps_to_the_window_in_bytes(struct rig *rig)
{
    struct scene s = scene_of(rig);
    static char body[20000];
    probe_sink_init(&s.sink);
    s.sink.hold = true;
    memset(body, 'b', sizeof(body));
    for (size_t i = 0; i < 20; i++) {
        snprintf(body, sizeof(body), "body %zu", i);
        body[6 + (i > 9)] = 'b';
        parcels_add(&s.put, &(struct msg_draft){.body = bytes_of(body, sizeof(body)),
                                                .key = bytes_of(body + 5, 1 + (i > 9))});
    }
    rig->ops->put(rig, &s.put, 0, s.put.count);
    start(&s, "max_in_flight = 100; max_in_flight_bytes = \"70KiB\";");
    wait_until(bytes_are_used_up, &s, "the window is full, in bytes");
    stays_so(bytes_are_used_up, &s, "the window is full, in bytes");
    set_hold(&s, false);
    finish(&s, 0);
}

static void acknowledges_nothing_unconfirmed(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.hold = true;
    put_plain(&s, 40, 8);
    start(&s, "max_in_flight = 100;");
    expect(&s, all_held, 40, "all are held");
    stays_so(nothing_acked, &s, "nothing is acknowledged before the sink has confirmed");
    set_hold(&s, false);
    finish(&s, 0);
}

/* Those of the first run that were not confirmed, in the order of their arrival. */
static void list_unconfirmed(const struct probe_sink_script *sink, struct parcels *list)
{
    for (size_t i = 0; i < sink->arrived.count; i++) {
        bool confirmed = false;
        for (size_t j = 0; j < sink->confirmed.count && !confirmed; j++)
            confirmed = bytes_eq(sink->confirmed.items[j]->body, sink->arrived.items[i]->body);
        if (!confirmed) parcels_add_copy(list, sink->arrived.items[i]);
    }
}

/* The second run gets every message that the first one did not confirm; and others only where the
 * far end can't acknowledge out of order. */
static void second_run(struct scene *s)
{
    struct parcels left = {0};
    unsigned traits = s->rig->ops->source_traits;
    size_t most =
        s->rig->ops->acks_in_order ? s->put.count : s->put.count - s->sink.confirmed.count;
    list_unconfirmed(&s->sink, &left);
    probe_sink_release(&s->sink);
    probe_sink_init(&s->sink);
    start(s, "");
    wait_until(all_acked, s, "the far end has every acknowledgement");
    run_stop(&s->run);
    if (!parcels_include(&s->sink.confirmed, &left, traits))
        check_failed("what was not confirmed did not all come again");
    if (!parcels_include(&s->put, &s->sink.confirmed, traits) || s->sink.confirmed.count > most)
        check_failed("%zu came again, %zu were not confirmed", s->sink.confirmed.count, left.count);
    parcels_release(&left);
    leave(s);
}

static void confirms_in_any_order(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.hold_every = 5;
    put_plain(&s, 60, 60);
    start(&s, "max_in_flight = 100; drain_timeout = \"200ms\";");
    expect(&s, all_arrived, 60, "all have arrived");
    expect(&s, all_held, 12, "every fifth is held");
    run_stop(&s.run);
    second_run(&s);
}

static void stop_releases_what_is_unconfirmed(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.hold = true;
    put_plain(&s, 40, 8);
    start(&s, "max_in_flight = 100; drain_timeout = \"100ms\";");
    expect(&s, all_held, 40, "all are held");
    run_stop(&s.run);
    if (rig->ops->acked && !nothing_acked(&s))
        check_failed("%zu were acknowledged, none was confirmed", rig->ops->acked(rig));
    if (rig->ops->acked)
        second_run(&s);
    else
        leave(&s);
}

static void *let_go(void *arg)
{
    struct scene *s = arg;
    set_hold(s, false);
    return NULL;
}

/* What is in flight at the stop is confirmed and acknowledged; what was not received stays. */
static void stop_drains(struct rig *rig)
{
    struct scene s = scene_of(rig);
    pthread_t releaser;
    probe_sink_init(&s.sink);
    s.sink.hold = true;
    put_plain(&s, 50, 50);
    start(&s, "max_in_flight = 20; max_in_flight_per_lane = 20; drain_timeout = \"15s\";");
    expect(&s, window_is_full, 20, "the window is full");
    pthread_create(&releaser, NULL, let_go, &s);
    run_stop(&s.run);
    pthread_join(releaser, NULL);
    size_t confirmed = s.sink.confirmed.count;
    if (confirmed + BATCH <= 20) check_failed("only %zu in flight were confirmed", confirmed);
    if (rig->ops->acked && rig->ops->acked(rig) != confirmed)
        check_failed("%zu were confirmed, %zu acknowledged", confirmed, rig->ops->acked(rig));
    if (!rig->ops->acked) {
        leave(&s);
        return;
    }
    start(&s, "");
    finish(&s, 0);
}

static void starts_before_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    start_without_far_end(&s, "");
    stays_so(nothing_in_flight, &s, "nothing is in flight");
    rig->ops->up(rig);
    put_plain(&s, 20, 4);
    finish(&s, 0);
}

static void stops_without_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    start_without_far_end(&s, "");
    stays_so(nothing_in_flight, &s, "nothing is in flight");
    run_stop(&s.run);
    leave(&s);
    rig->ops->up(rig);
}

/* In flight at the cut: they may come again, and nothing else. */
static void survives_a_restart_of_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    start(&s, "max_in_flight = 30; max_in_flight_per_lane = 30;");
    put_plain(&s, 100, 100);
    expect(&s, all_arrived, 20, "the first have arrived");
    set_hold(&s, true);
    put_plain(&s, 100, 100);
    expect(&s, window_is_full, 30, "the window is full");
    rig->ops->down(rig);
    set_hold(&s, false);
    expect(&s, all_held, 0, "what was in flight is confirmed");
    rig->ops->up(rig);
    put_plain(&s, 20, 10);
    finish(&s, 30);
}

static void bears_a_sink_that_fails(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.percent_fail = 20;
    s.sink.most_at_once = 7;
    put_plain(&s, 200, 10);
    start(&s, "max_in_flight = 50; max_attempts = 1000;");
    finish(&s, 0);
}

static void waits_for_a_sink_that_is_away(struct rig *rig)
{
    struct scene s = scene_of(rig);
    probe_sink_init(&s.sink);
    s.sink.away = true;
    put_plain(&s, 50, 5);
    start(&s, "");
    stays_so(nothing_in_flight, &s, "nothing is in flight");
    pthread_mutex_lock(&s.sink.lock);
    s.sink.away = false;
    pthread_mutex_unlock(&s.sink.lock);
    finish(&s, 0);
}

static void keeps_order(struct rig *rig)
{
    struct scene s = scene_of(rig);
    struct parcels arrived = {0};
    probe_sink_init(&s.sink);
    s.sink.percent_fail = 5;
    start(&s, "max_in_flight = 50; max_attempts = 1000;");
    put_plain(&s, 300, 6);
    expect(&s, all_confirmed, 300, "everything has arrived");
    pthread_mutex_lock(&s.sink.lock);
    for (size_t i = 0; i < s.sink.arrived.count; i++)
        parcels_add_copy(&arrived, s.sink.arrived.items[i]);
    pthread_mutex_unlock(&s.sink.lock);
    parcels_expect_order(&s.put, &arrived, rig->ops->source_traits);
    parcels_release(&arrived);
    finish(&s, 0);
}

const struct check source_checks[] = {
    {"source.carries_everything", carries_everything},
    {"source.carries_many", carries_many},
    {"source.keeps_to_the_window", keeps_to_the_window},
    {"source.keeps_to_the_window_in_bytes", keeps_to_the_window_in_bytes},
    {"source.acknowledges_nothing_unconfirmed", acknowledges_nothing_unconfirmed},
    {"source.confirms_in_any_order", confirms_in_any_order},
    {"source.stop_releases_what_is_unconfirmed", stop_releases_what_is_unconfirmed},
    {"source.stop_drains", stop_drains},
    {"source.starts_before_the_far_end", starts_before_the_far_end},
    {"source.stops_without_the_far_end", stops_without_the_far_end},
    {"source.survives_a_restart_of_the_far_end", survives_a_restart_of_the_far_end},
    {"source.bears_a_sink_that_fails", bears_a_sink_that_fails},
    {"source.waits_for_a_sink_that_is_away", waits_for_a_sink_that_is_away},
    {"source.keeps_order", keeps_order},
    {NULL, NULL},
};
