/* Heartbeats of a hundred thousand messages over twelve hours, by a clock of the test's own: loop,
 * pipeline and requests are replaced at link time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "connectors/sqs/sqs_source.h"

enum { MESSAGES = 100000, PER_GROUP = 7, ARRIVAL_MS = 5000 };

struct hours {
    struct sqs_source source;
    struct sqs_source_conf conf;
    uint64_t now_ms, requests, entries, late, torn;
    bool fifo;
};

static struct hours *hours; /* the wrapped functions have no other way to it */

/* ---- in the place of loop, pipeline and client ---- */

uint64_t __wrap_loop_now_ms(const struct loop *loop);
void __wrap_loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms);
void __wrap_loop_timer_stop(struct loop *loop, struct loop_timer *timer);
struct loop *__wrap_pipeline_loop(const struct pipeline *p);
const char *__wrap_pipeline_name(const struct pipeline *p);
unsigned __wrap_pipeline_window(const struct pipeline *p);
void __wrap_sqs_call_send(struct sqs_call *call);

uint64_t __wrap_loop_now_ms(const struct loop *loop)
{
    (void)loop;
    return hours->now_ms;
}

void __wrap_loop_timer_start(struct loop *loop, struct loop_timer *timer, uint64_t after_ms)
{
    (void)loop;
    timer->slot = 1;
    timer->due_ms = hours->now_ms + after_ms;
}

void __wrap_loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    (void)loop;
    timer->slot = 0;
}

struct loop *__wrap_pipeline_loop(const struct pipeline *p)
{
    (void)p;
    return NULL;
}

const char *__wrap_pipeline_name(const struct pipeline *p)
{
    (void)p;
    return "test";
}

unsigned __wrap_pipeline_window(const struct pipeline *p)
{
    (void)p;
    return MESSAGES;
}

static bool is_in(const struct sqs_batch *b, const struct sqs_held *h)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->held[i] == h) return true;
    return false;
}

/* SQS takes all of it at once. */
void __wrap_sqs_call_send(struct sqs_call *call)
{
    struct sqs_batch *b = call->arg;
    hours->requests++;
    hours->entries += b->count;
    for (size_t i = 0; i < b->count; i++) {
        hours->late += hours->now_ms >= b->held[i]->expires_ms;
        hours->torn += !is_in(b, b->held[i]->group_next) || b->seconds[i] != b->seconds[0];
        b->results[i] = (struct sqs_result){.fate = SQS_DONE};
    }
    call->class = SQS_OK;
    call->done(call);
}

/* ---- the test ---- */

static void begin(struct hours *h, bool fifo)
{
    *h = (struct hours){.conf.max_pollers = 8, .now_ms = 1, .fifo = fifo};
    struct sqs_source *s = &h->source;
    hours = h;
    s->conf = &h->conf;
    s->beats.visibility_s = 30;
    TAILQ_INIT(&s->batches);
    sqs_held_init(&s->held);
    sqs_deletes_init(s);
    sqs_beats_init(s);
    sqs_releases_init(s);
}

static void end(struct hours *h)
{
    sqs_batch_free_all(&h->source);
    sqs_held_free(&h->source.held);
    sqs_deletes_free(&h->source);
}

/* Until then, all timers that fall due. */
static void pass(struct hours *h, uint64_t until_ms)
{
    struct loop_timer *timer = &h->source.beats.timer;
    while (timer->slot && timer->due_ms <= until_ms) {
        if (timer->due_ms > h->now_ms) h->now_ms = timer->due_ms;
        timer->slot = 0;
        timer->run(timer->arg);
    }
    h->now_ms = until_ms;
}

static struct bytes id_of(unsigned i, char text[40])
{
    snprintf(text, 40, "00000000-0000-0000-0000-%012u", i);
    return bytes_str(text);
}

static void receive_all(struct hours *h)
{
    struct sqs_held *mate = NULL;
    char id[40], handle[345];
    memset(handle, 'h', sizeof(handle));
    for (unsigned i = 0; i < MESSAGES; i++) {
        pass(h, 1 + (uint64_t)i * ARRIVAL_MS / MESSAGES);
        struct sqs_held *held =
            sqs_held_add(&h->source.held, id_of(i, id), bytes_of(handle, sizeof(handle)));
        if (h->fifo && i % PER_GROUP) sqs_held_join(held, mate);
        mate = held;
        sqs_beats_received(&h->source, held);
    }
}

static void delete_all(struct hours *h)
{
    for (unsigned i = 0; i < MESSAGES; i++) {
        char id[40];
        sqs_delete(&h->source, sqs_held_find(&h->source.held, id_of(i, id)));
    }
    sqs_deletes_pump(&h->source);
}

static double cpu_ms(void)
{
    return (double)clock() * 1000 / CLOCKS_PER_SEC;
}

static void expect_an_hour(struct hours *h, unsigned per_request)
{
    double before = cpu_ms();
    receive_all(h);
    pass(h, 3600 * 1000);
    printf("%u messages held for an hour: %llu requests of %.1f, %.0f ms of processor time\n",
           MESSAGES, (unsigned long long)h->requests, (double)h->entries / (double)h->requests,
           cpu_ms() - before);
    assert_int_equal(h->late, 0);
    /* at 15, 45, 105, 225 and 465 seconds, then every 450 */
    assert_true(h->entries >= UINT64_C(11) * MESSAGES && h->entries <= UINT64_C(13) * MESSAGES);
    assert_true(h->requests <= h->entries / per_request + h->entries / 50);
}

static void a_hundred_thousand_take_few_requests(void **state)
{
    struct hours h;
    (void)state;
    begin(&h, false);
    expect_an_hour(&h, 10);
    end(&h);
}

/* Seven in each group: one group in each request, and never a part of one. */
static void groups_stay_together_for_all_that_time(void **state)
{
    struct hours h;
    (void)state;
    begin(&h, true);
    expect_an_hour(&h, PER_GROUP);
    assert_int_equal(h.torn, 0);
    end(&h);
}

static size_t ours(const struct hours *h)
{
    size_t n = 0;
    for (size_t i = 0; i <= h->source.held.mask; i++)
        for (const struct sqs_held *m = h->source.held.buckets[i]; m; m = m->bucket_next)
            n += sqs_beats_keep(&h->source, m);
    return n;
}

/* The last extension ends with the twelve hours from the receive; then all is SQS's again. */
static void after_twelve_hours_nothing_is_ours(void **state)
{
    struct hours h;
    (void)state;
    begin(&h, false);
    receive_all(&h);
    pass(&h, UINT64_C(43000) * 1000);
    assert_int_equal(ours(&h), MESSAGES);
    pass(&h, UINT64_C(43201) * 1000);
    assert_int_equal(ours(&h), 0);
    assert_int_equal(h.late, 0);
    uint64_t requests = h.requests;
    pass(&h, UINT64_C(50000) * 1000);
    assert_int_equal(h.requests, requests);
    end(&h);
}

/* After an outage beyond the timeout none of them is ours to delete, and all come again. */
static void a_whole_window_is_remembered(void **state)
{
    struct hours h;
    (void)state;
    begin(&h, false);
    receive_all(&h);
    h.now_ms += UINT64_C(60) * 1000; /* and no heartbeat meanwhile */
    delete_all(&h);
    assert_int_equal(h.source.held.count, 0);
    for (unsigned i = 0; i < MESSAGES; i++) {
        char id[40];
        assert_true(sqs_deletes_forget(&h.source, id_of(i, id)));
        assert_false(sqs_deletes_forget(&h.source, id_of(i, id)));
    }
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_take_few_requests),
        cmocka_unit_test(groups_stay_together_for_all_that_time),
        cmocka_unit_test(after_twelve_hours_nothing_is_ours),
        cmocka_unit_test(a_whole_window_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
