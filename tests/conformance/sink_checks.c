/* What every sink keeps to. The probe at the other end emits, and notes the verdicts. */
#include <stdlib.h>

#include "tests/conformance/checks.h"
#include "tests/conformance/run.h"
#include "tests/conformance/wait.h"

/* One sink under test, and what is sent to it. */
struct scene {
    struct rig *rig;
    struct parcels sent;
    struct probe_source_script source;
    struct run run;
    size_t expected;
};

static void start(struct scene *s, const char *settings)
{
    run_load_sink(&s->run, s->rig, &s->source, settings);
    run_begin(&s->run);
}

static void start_without_far_end(struct scene *s, const char *settings)
{
    run_load_sink(&s->run, s->rig, &s->source, settings);
    s->rig->ops->down(s->rig);
    run_begin(&s->run);
}

/* n plain parcels over so many lanes, of which the first `limit` go for now. */
static struct scene scene_of(struct rig *rig, size_t n, unsigned lanes)
{
    struct scene s = {.rig = rig};
    parcels_make_plain(&s.sent, n, lanes);
    return s;
}

static void script(struct scene *s, size_t limit)
{
    probe_source_init(&s->source, &s->sent);
    s->source.limit = limit;
}

static void leave(struct scene *s)
{
    probe_source_release(&s->source);
    parcels_release(&s->sent);
}

static size_t look(struct scene *s, const size_t *field)
{
    pthread_mutex_lock(&s->source.lock);
    size_t value = *field;
    pthread_mutex_unlock(&s->source.lock);
    return value;
}

static void set_limit(struct scene *s, size_t limit)
{
    pthread_mutex_lock(&s->source.lock);
    s->source.limit = limit;
    pthread_mutex_unlock(&s->source.lock);
}

static bool confirmed(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->source.confirmed) >= s->expected;
}

static bool emitted(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->source.emitted) >= s->expected;
}

static bool only_so_many_confirmed(void *arg)
{
    struct scene *s = arg;
    return look(s, &s->source.confirmed) == s->expected;
}

static void expect(struct scene *s, bool (*is_so)(void *arg), size_t n, const char *what)
{
    s->expected = n;
    wait_until(is_so, s, what);
}

static const struct parcels *arrived(struct scene *s)
{
    return s->rig->ops->arrived(s->rig);
}

static bool all_confirmed_are_there(void *arg)
{
    struct scene *s = arg;
    pthread_mutex_lock(&s->source.lock);
    struct parcels *said = &s->source.confirmed_parcels;
    const struct parcels *there = arrived(s);
    bool all =
        there->count >= said->count && parcels_include(there, said, s->rig->ops->sink_traits);
    pthread_mutex_unlock(&s->source.lock);
    return all;
}

/* Nothing was the fault of a message. */
static void expect_no_blame(const struct scene *s)
{
    uint64_t retried = run_count(&s->run, COUNT_RETRIED);
    uint64_t rejected = run_count(&s->run, COUNT_REJECTED);
    if (retried || rejected)
        check_failed("%llu retried and %llu rejected, while the far end was away",
                     (unsigned long long)retried, (unsigned long long)rejected);
}

/* All that was sent is confirmed, and at the far end. */
static void finish(struct scene *s, size_t repeats)
{
    expect(s, confirmed, s->sent.count, "everything is confirmed");
    run_stop(&s->run);
    comes_true(all_confirmed_are_there, s); /* or the next line says what is missing */
    parcels_expect(&s->sent, arrived(s), s->rig->ops->sink_traits, repeats);
    leave(s);
}

static void carries_everything(struct rig *rig)
{
    struct scene s = scene_of(rig, 0, 1);
    parcels_make_special(&s.sent, rig->ops->sink_traits);
    script(&s, s.sent.count);
    start(&s, "");
    finish(&s, 0);
}

static void carries_many(struct rig *rig)
{
    struct scene s = scene_of(rig, 1000, 7);
    script(&s, 1000);
    start(&s, "max_in_flight = 100;");
    finish(&s, 0);
}

static void keeps_order(struct rig *rig)
{
    struct scene s = scene_of(rig, 300, 6);
    script(&s, 300);
    s.source.ordered = true;
    start(&s, "max_in_flight = 100;");
    expect(&s, confirmed, 300, "everything is confirmed");
    wait_until(all_confirmed_are_there, &s, "all that was confirmed is at the far end");
    parcels_expect_order(&s.sent, arrived(&s), rig->ops->sink_traits);
    finish(&s, 0);
}

static void starts_before_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig, 40, 4);
    script(&s, 40);
    start_without_far_end(&s, "max_attempts = 1;");
    s.expected = 0;
    stays_so(only_so_many_confirmed, &s, "nothing is confirmed");
    rig->ops->up(rig);
    expect(&s, confirmed, 40, "everything is confirmed");
    expect_no_blame(&s);
    finish(&s, 0);
}

static void stops_without_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig, 40, 4);
    script(&s, 40);
    start_without_far_end(&s, "drain_timeout = \"100ms\";");
    s.expected = 0;
    stays_so(only_so_many_confirmed, &s, "nothing is confirmed");
    run_stop(&s.run);
    leave(&s);
    rig->ops->up(rig);
}

/* What was confirmed before the cut is there after it; what was in flight may come twice. */
static void survives_a_restart_of_the_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig, 2000, 10);
    script(&s, 2000);
    start(&s, "max_in_flight = 50; max_attempts = 1;");
    expect(&s, confirmed, 20, "the first are confirmed");
    rig->ops->down(rig);
    size_t before = look(&s, &s.source.confirmed);
    rig->ops->up(rig);
    expect(&s, confirmed, before + 20, "it goes on");
    wait_until(all_confirmed_are_there, &s, "all that was confirmed is at the far end");
    expect(&s, confirmed, 2000, "everything is confirmed");
    expect_no_blame(&s);
    finish(&s, 50);
}

static void stop_drains(struct rig *rig)
{
    struct scene s = scene_of(rig, 2000, 10);
    script(&s, 2000);
    start(&s, "max_in_flight = 50; drain_timeout = \"15s\";");
    expect(&s, emitted, 60, "the first are emitted");
    run_stop(&s.run);
    if (s.source.released || s.source.confirmed != s.source.emitted)
        check_failed("%zu emitted, %zu confirmed, %zu released", s.source.emitted,
                     s.source.confirmed, s.source.released);
    wait_until(all_confirmed_are_there, &s, "all that was confirmed is at the far end");
    parcels_expect(&s.source.confirmed_parcels, arrived(&s), rig->ops->sink_traits, 0);
    leave(&s);
}

static void stop_ends_every_leg(struct rig *rig)
{
    struct scene s = scene_of(rig, 45, 5);
    script(&s, 5);
    start(&s, "drain_timeout = \"100ms\";");
    expect(&s, confirmed, 5, "the first are confirmed");
    rig->ops->stall(rig);
    set_limit(&s, 45);
    expect(&s, emitted, 45, "all are emitted");
    s.expected = 5;
    stays_so(only_so_many_confirmed, &s, "nothing is confirmed");
    run_stop(&s.run);
    if (s.source.released != 40) check_failed("%zu of 40 were released", s.source.released);
    rig->ops->resume(rig);
    wait_until(all_confirmed_are_there, &s, "all that was confirmed is at the far end");
    leave(&s);
}

/* A window much larger than what any sink should keep: it must take less than it is offered. */
static void bears_a_slow_far_end(struct rig *rig)
{
    struct scene s = scene_of(rig, 3000, 10);
    script(&s, 5);
    start(&s, "max_in_flight = 3000; max_attempts = 1;");
    expect(&s, confirmed, 5, "the first are confirmed");
    rig->ops->stall(rig);
    set_limit(&s, 3000);
    expect(&s, emitted, 3000, "all are emitted");
    s.expected = 5;
    stays_so(only_so_many_confirmed, &s, "nothing is confirmed");
    rig->ops->resume(rig);
    expect(&s, confirmed, 3000, "everything is confirmed");
    expect_no_blame(&s);
    finish(&s, 0);
}

const struct check sink_checks[] = {
    {"sink.carries_everything", carries_everything},
    {"sink.carries_many", carries_many},
    {"sink.keeps_order", keeps_order},
    {"sink.starts_before_the_far_end", starts_before_the_far_end},
    {"sink.stops_without_the_far_end", stops_without_the_far_end},
    {"sink.survives_a_restart_of_the_far_end", survives_a_restart_of_the_far_end},
    {"sink.stop_drains", stop_drains},
    {"sink.stop_ends_every_leg", stop_ends_every_leg},
    {"sink.bears_a_slow_far_end", bears_a_slow_far_end},
    {NULL, NULL},
};
