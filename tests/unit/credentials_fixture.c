#include "tests/unit/credentials_fixture.h"

#include <unistd.h>

enum { DEADLINE_MS = 10000 };

static _Atomic int64_t clock_ms;

int64_t scripted_clock(void)
{
    return atomic_load(&clock_ms);
}

void advance_ms(struct credentials *c, int64_t ms)
{
    atomic_fetch_add(&clock_ms, ms);
    if (c) credentials_look(c);
}

/* ---- a provider by script ---- */

struct script script;

struct scripted {
    struct provider base;
    struct post post;
    enum answer then;
};

static void answer(struct provider *p, enum answer what)
{
    struct error e;
    struct fresh_keys keys = {0};
    unsigned n = atomic_load(&script.fetches);
    if (what == BAD) {
        error_set(&e, FAULT_DOWN, "the far end is away");
        provider_failed(p, &e);
        return;
    }
    int64_t lifetime = atomic_load(&script.lifetime_s);
    keys.keys.access_key_id = mem_printf("id-%u", n);
    keys.keys.secret_access_key = mem_printf("id-%u", n); /* they must always fit */
    keys.of_a_service = atomic_load(&script.of_a_service);
    keys.expires_s = lifetime ? scripted_clock() / 1000 + lifetime : 0;
    provider_done(p, &keys);
}

static void fetch(struct provider *p)
{
    atomic_fetch_add(&script.fetches, 1);
    enum answer what = (enum answer)atomic_load(&script.answer);
    if (what != LATER) answer(p, what);
}

static void destroy(struct provider *p)
{
    atomic_fetch_add(&script.destroyed, 1);
    free(p);
}

static const struct provider_ops scripted_ops = {.fetch = fetch, .destroy = destroy};

struct provider *scripted_create(void)
{
    struct scripted *s = mem_zalloc(sizeof(*s));
    s->base.ops = &scripted_ops;
    return &s->base;
}

static void run_late_answer(struct post *post)
{
    struct scripted *s = (struct scripted *)((char *)post - offsetof(struct scripted, post));
    answer(&s->base, s->then);
}

/* What a fetch under LATER waits for. */
void answer_now(struct provider *p, enum answer what)
{
    struct scripted *s = (struct scripted *)p;
    s->then = what;
    s->post.run = run_late_answer;
    loop_post(p->home->loop, &s->post);
}

/* ---- waiting with a deadline ---- */

static void until(bool (*fact)(void *arg), void *arg, const char *what)
{
    for (int ms = 0; !fact(arg); ms++) {
        if (ms > DEADLINE_MS) fail_msg("not within ten seconds: %s", what);
        usleep(1000);
    }
}

static bool has_fetched(void *arg)
{
    return atomic_load(&script.fetches) >= *(unsigned *)arg;
}

void until_fetches(unsigned n)
{
    until(has_fetched, &n, "a fetch");
}

struct count {
    struct credentials *c;
    uint64_t refreshes, failures;
};

static bool has_counted(void *arg)
{
    struct count *want = arg;
    struct credentials_state state;
    credentials_state(want->c, &state);
    return state.refreshes >= want->refreshes && state.failures >= want->failures;
}

void until_state(struct credentials *c, uint64_t refreshes, uint64_t failures)
{
    struct count want = {c, refreshes, failures};
    until(has_counted, &want, "a refresh or a failure");
}

struct barrier {
    struct post post;
    atomic_bool passed;
};

static void pass(struct post *post)
{
    struct barrier *b = (struct barrier *)((char *)post - offsetof(struct barrier, post));
    atomic_store(&b->passed, true);
    credentials_thread_leave();
}

static bool has_passed(void *arg)
{
    return atomic_load(&((struct barrier *)arg)->passed);
}

/* Posts keep their order: when this one has run, the look has, and whatever it began. */
void settle(struct credentials *c)
{
    struct barrier b = {.post.run = pass};
    credentials_look(c);
    credentials_thread_enter();
    credentials_thread_post_last(&b.post);
    until(has_passed, &b, "a note on the thread");
}

void note_ready(struct credentials_waiter *w, const struct error *why)
{
    struct waiting *t = w->arg;
    if (why) {
        t->bad++;
        snprintf(t->why, sizeof(t->why), "%s", why->text);
    } else {
        t->good++;
    }
    if (--*t->left == 0) loop_stop(w->loop);
}

static void overdue(void *arg)
{
    (void)arg;
    fail_msg("nobody was called within ten seconds");
}

void run_loop(struct loop *loop)
{
    struct loop_timer deadline = {.run = overdue};
    loop_timer_start(loop, &deadline, DEADLINE_MS);
    loop_run(loop);
    loop_timer_stop(loop, &deadline);
}

/* Waits; where p is given, its fetch number n gets its answer meanwhile. */
struct waiting await_answer(struct credentials *c, uint64_t newer_than, struct provider *p,
                            unsigned n, enum answer what)
{
    unsigned left = 1;
    struct loop *loop = loop_create();
    struct waiting t = {.left = &left};
    t.w = (struct credentials_waiter){
        .loop = loop, .newer_than = newer_than, .ready = note_ready, .arg = &t};
    credentials_wait(c, &t.w);
    if (p) {
        until_fetches(n);
        answer_now(p, what);
    }
    run_loop(loop);
    loop_destroy(loop);
    return t;
}

struct waiting await(struct credentials *c, uint64_t newer_than)
{
    return await_answer(c, newer_than, NULL, 0, GOOD);
}

void expect_id(struct credentials *c, const char *id)
{
    const struct aws_keys *keys = credentials_acquire(c);
    assert_non_null(keys);
    assert_string_equal(keys->access_key_id, id);
    credentials_release(c, keys);
}

void expect_none(struct credentials *c)
{
    assert_null(credentials_acquire(c));
}

static bool has_no_thread(void *arg)
{
    (void)arg;
    return !credentials_thread_runs();
}

void until_the_thread_ended(void)
{
    until(has_no_thread, NULL, "the end of the thread");
}

int credentials_setup(void **state)
{
    (void)state;
    atomic_store(&clock_ms, 1790000000000);
    atomic_store(&script.answer, GOOD);
    atomic_store(&script.lifetime_s, HOUR_S);
    atomic_store(&script.of_a_service, false);
    atomic_store(&script.fetches, 0);
    atomic_store(&script.destroyed, 0);
    return 0;
}

/* The last close ends the thread. */
int credentials_teardown(void **state)
{
    (void)state;
    until_the_thread_ended();
    return 0;
}

struct credentials *begin(void)
{
    return credentials_start(scripted_create(), "credentials \"test\"", scripted_clock);
}
