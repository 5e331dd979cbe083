/* A pipeline that reads its own dead letters: what is sent again, what stays, what goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/scripted.h"

enum { LETTERS = 20, FOREIGN = 5, OTHERS = 5, ASKED_FOR = 10 };

static const char *sink_name; /* that the letters name */

/* A quarter is of another pipeline, a quarter has another reason. */
static struct msg *letter_of(const struct msg *m, unsigned number)
{
    struct dead_letter d = {
        .reason = number % 4 == 1 ? BYTES_LIT("too late") : BYTES_LIT("too large"),
        .pipeline = number % 4 == 0 ? BYTES_LIT("another") : BYTES_LIT("test"),
        .sink = bytes_str(sink_name),
        .source = BYTES_LIT("sqs orders"),
        .origin = m->position,
        .attempts = 3,
        .first_ms = 1000,
        .last_ms = 2000,
        .lane = 1 + number % 3,
    };
    return dead_letter_write(m, &d, m->position);
}

struct fixture {
    struct scripted_source_conf source;
    struct scripted_sink_conf sink, dead;
    struct pipeline_conf conf;
    struct replay_options options;
};

static void make(struct fixture *f)
{
    *f = (struct fixture){0};
    sink_name = "scripted";
    f->source = (struct scripted_source_conf){.total = LETTERS, .wrap = letter_of};
    f->conf = scripted_pipeline(&f->source, &f->sink);
    f->conf.dead_letter = (struct sink_conf){&scripted_connector, &f->dead};
    f->options = (struct replay_options){.idle_ms = 100, .match = "large", .selective = true};
}

static struct replay_counts run(struct fixture *f)
{
    struct replay_counts counts = scripted_run_replaying(&f->conf, &f->options);
    assert_int_equal(f->source.emitted, f->source.total);
    assert_int_equal(f->source.settled, f->source.total);
    free(f->source.verdicts);
    return counts;
}

static enum action expect_opened(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf;
    assert_null(msg_attr(l->msg, BYTES_LIT("sqsbridge.dead_letter")));
    assert_non_null(msg_attr(l->msg, BYTES_LIT("n")));
    assert_int_equal(l->receipt->lane_id, 1 + l->receipt->cookie % 3);
    return ACT_CONFIRM;
}

static void a_queue_keeps_what_is_not_asked_for(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    f.sink.decide = expect_opened;
    struct replay_counts counts = run(&f);
    assert_int_equal(f.sink.confirmed, ASKED_FOR);
    assert_int_equal(f.dead.submitted, 0);
    assert_int_equal(f.source.confirmed, ASKED_FOR);
    assert_int_equal(f.source.released, FOREIGN + OTHERS);
    assert_int_equal(counts.replayed, ASKED_FOR);
    assert_int_equal(counts.left, OTHERS);
    assert_int_equal(counts.foreign, FOREIGN);
}

static enum action expect_put_back(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct buf scratch = {0};
    struct dead_letter d;
    (void)conf;
    assert_true(dead_letter_read(l->msg, &d, &scratch));
    assert_true(bytes_eq(d.reason, BYTES_LIT("too late")));
    assert_int_equal(d.attempts, 3);
    assert_int_equal(d.last_ms, 2000);
    assert_true(d.run.len > 0);
    free(scratch.ptr);
    return ACT_CONFIRM;
}

/* Each pipeline has its own position in it: what is of another one is passed by. */
static void to_a_log_what_is_not_asked_for_is_written_again(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    f.options.selective = false;
    f.dead.decide = expect_put_back;
    struct replay_counts counts = run(&f);
    assert_int_equal(f.sink.confirmed, ASKED_FOR);
    assert_int_equal(f.dead.confirmed, OTHERS);
    assert_int_equal(f.source.confirmed, LETTERS);
    assert_int_equal(counts.left, OTHERS);
    assert_int_equal(counts.failed_again, 0);
}

static enum action reject(struct scripted_sink_conf *conf, const struct leg *l)
{
    (void)conf, (void)l;
    return ACT_REJECT;
}

static enum action expect_added_up(struct scripted_sink_conf *conf, const struct leg *l)
{
    struct buf scratch = {0};
    struct dead_letter d;
    (void)conf;
    assert_true(dead_letter_read(l->msg, &d, &scratch));
    assert_true(bytes_eq(d.reason, BYTES_LIT("as the script says")));
    assert_true(bytes_eq(d.source, BYTES_LIT("sqs orders")));
    assert_int_equal(d.attempts, 4);
    assert_int_equal(d.first_ms, 1000);
    assert_true(d.last_ms > 2000);
    assert_true(d.run.len > 0);
    free(scratch.ptr);
    return ACT_CONFIRM;
}

static void what_fails_again_is_a_letter_again(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    f.sink.decide = reject;
    f.dead.decide = expect_added_up;
    struct replay_counts counts = run(&f);
    assert_int_equal(f.dead.confirmed, ASKED_FOR);
    assert_int_equal(f.source.confirmed, ASKED_FOR);
    assert_int_equal(counts.failed_again, ASKED_FOR);
    assert_int_equal(counts.replayed, 0);
}

/* Sink and dead-letter sink refuse: the letters stay, and the replay ends all the same. */
static void what_can_go_nowhere_stays(void **state)
{
    struct fixture f;
    (void)state;
    make(&f);
    f.sink.decide = f.dead.decide = reject;
    f.conf.drain_timeout = 20;
    struct replay_counts counts = scripted_run_replaying(&f.conf, &f.options);
    assert_int_equal(f.source.confirmed, 0);
    assert_int_equal(f.source.released, f.source.emitted);
    assert_int_equal(counts.replayed + counts.failed_again, 0);
    assert_int_equal(counts.sent, ASKED_FOR);
    free(f.source.verdicts);
}

static void a_limit_is_kept(void **state)
{
    for (int selective = 0; selective < 2; selective++) {
        struct fixture f;
        (void)state;
        make(&f);
        f.options.match = NULL;
        f.options.limit = 3;
        f.options.selective = selective;
        struct replay_counts counts = scripted_run_replaying(&f.conf, &f.options);
        assert_int_equal(f.sink.confirmed, 3);
        assert_int_equal(f.dead.submitted, 0);
        assert_int_equal(counts.replayed, 3);
        assert_int_equal(f.source.acknowledged, f.source.emitted);
        free(f.source.verdicts);
    }
}

static void looked_at(void *arg, const struct dead_letter *d, const struct msg *letter)
{
    unsigned *count = arg;
    assert_true(bytes_eq(d->reason, BYTES_LIT("too large")));
    assert_non_null(msg_attr(letter, BYTES_LIT("sqsbridge.dead_letter")));
    ++*count;
}

static void looking_takes_nothing_away(void **state)
{
    for (int selective = 0; selective < 2; selective++) {
        struct fixture f;
        unsigned count = 0;
        (void)state;
        make(&f);
        f.options.selective = selective;
        f.options.look = looked_at;
        f.options.arg = &count;
        run(&f);
        assert_int_equal(count, ASKED_FOR);
        assert_int_equal(f.source.released, LETTERS);
        assert_int_equal(f.sink.submitted + f.dead.submitted, 0);
    }
}

static void only_the_sink_that_refused_gets_it_again(void **state)
{
    static const char *const names[] = {"scripted", "one that is gone"};
    for (int gone = 0; gone < 2; gone++) {
        struct fixture f;
        struct scripted_sink_conf two = {0};
        (void)state;
        make(&f);
        sink_name = names[gone];
        f.conf.sinks[1] = (struct sink_conf){&scripted_connector, &two};
        f.conf.sink_count = 2;
        struct replay_counts counts = run(&f);
        assert_int_equal(f.sink.confirmed, ASKED_FOR);
        assert_int_equal(two.confirmed, gone ? ASKED_FOR : 0); /* else to all that there are */
        assert_int_equal(counts.replayed, ASKED_FOR);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_keeps_what_is_not_asked_for),
        cmocka_unit_test(to_a_log_what_is_not_asked_for_is_written_again),
        cmocka_unit_test(what_fails_again_is_a_letter_again),
        cmocka_unit_test(what_can_go_nowhere_stays),
        cmocka_unit_test(a_limit_is_kept),
        cmocka_unit_test(looking_takes_nothing_away),
        cmocka_unit_test(only_the_sink_that_refused_gets_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
