#include "connectors/aws/credentials_core.h"

#include <pthread.h>
#include <stdlib.h>
#include <uv.h>

#include "bridge/log.h"
#include "connectors/aws/credentials_thread.h"

enum {
    LOOK_MS = 60000,
    FORCED_PAUSE_MS = 30000, /* between refreshes that AWS's refusals asked for */
    MARGIN_MS = 15 * 60000,
    RETRY_MIN_MS = 1000,
    RETRY_MAX_MS = 60000,
};

/* What people were told last. */
enum told { TOLD_NOTHING, TOLD_GOOD, TOLD_FAILING, TOLD_NONE };

struct credentials {
    struct credentials_entry entry; /* under the registry's lock */
    char *label;
    int64_t (*now_ms)(void);
    bool fixed;

    pthread_mutex_t lock; /* of what follows: taken for a few assignments */
    struct shared_keys *current;
    int64_t expires_ms; /* INT64_MAX: never */
    TAILQ_HEAD(, credentials_waiter) waiting;
    struct error last; /* why the last attempt failed */
    uint64_t versions, failures;
    bool forced; /* a refresh is due whatever the clock says */
    int64_t forced_ms;
    bool look_posted;

    struct provider_home *home; /* from here on the credentials thread's */
    struct provider *provider;
    bool fetching;
    struct loop_timer timer;
    struct post look, end;
    int64_t due_ms; /* of the next attempt */
    unsigned failed_in_row;
    enum told told;
};

struct credentials_entry *credentials_entry(struct credentials *c)
{
    return &c->entry;
}

/* ---- when ---- */

int64_t credentials_refresh_at(int64_t got_ms, int64_t expires_ms, uint64_t random)
{
    if (expires_ms == INT64_MAX) return INT64_MAX;
    int64_t margin = (expires_ms - got_ms) / 2;
    if (margin > MARGIN_MS) margin = MARGIN_MS;
    if (margin < 0) margin = 0;
    /* Spread, so that a fleet that was started at once does not ask at once. */
    return expires_ms - margin - (int64_t)(random % (uint64_t)(margin / 5 + 1));
}

int64_t credentials_retry_after_ms(unsigned failures, uint64_t random)
{
    int64_t most = RETRY_MIN_MS;
    for (unsigned i = 1; i < failures && most < RETRY_MAX_MS; i++)
        most *= 2;
    if (most > RETRY_MAX_MS) most = RETRY_MAX_MS;
    return most / 2 + (int64_t)(random % (uint64_t)(most / 2 + 1));
}

/* ---- what everybody sees; the lock is held ---- */

static bool are_valid(const struct credentials *c, uint64_t newer_than)
{
    return c->current && c->current->version > newer_than &&
           (c->expires_ms == INT64_MAX || c->now_ms() < c->expires_ms);
}

static void run_waiter(struct post *post)
{
    struct credentials_waiter *w =
        (struct credentials_waiter *)((char *)post - offsetof(struct credentials_waiter, post));
    w->ready(w, w->failed ? &w->error : NULL);
}

/* why NULL: there are keys. */
static void answer_waiter(struct credentials_waiter *w, const struct error *why)
{
    w->failed = why != NULL;
    if (why) w->error = *why;
    w->post.run = run_waiter;
    loop_post(w->loop, &w->post);
}

static void answer_all(struct credentials *c, const struct error *why)
{
    struct credentials_waiter *w;
    while ((w = TAILQ_FIRST(&c->waiting))) {
        TAILQ_REMOVE(&c->waiting, w, entry);
        answer_waiter(w, why);
    }
}

static void kick(struct credentials *c)
{
    if (c->look_posted) return;
    c->look_posted = true;
    loop_post(c->home->loop, &c->look);
}

const struct aws_keys *credentials_acquire(struct credentials *c)
{
    struct shared_keys *shared = NULL;
    pthread_mutex_lock(&c->lock);
    if (are_valid(c, 0)) {
        shared = c->current;
        keys_hold(shared);
    }
    pthread_mutex_unlock(&c->lock);
    return shared ? &shared->keys : NULL;
}

static struct shared_keys *shared_of(const struct aws_keys *keys)
{
    return (struct shared_keys *)(uintptr_t)keys;
}

void credentials_release(struct credentials *c, const struct aws_keys *keys)
{
    (void)c;
    keys_drop(shared_of(keys));
}

uint64_t credentials_version(const struct aws_keys *keys)
{
    return shared_of(keys)->version;
}

const char *credentials_region(const struct aws_keys *keys)
{
    return shared_of(keys)->region;
}

void credentials_wait(struct credentials *c, struct credentials_waiter *w)
{
    struct error constant;
    pthread_mutex_lock(&c->lock);
    if (are_valid(c, w->newer_than)) {
        answer_waiter(w, NULL);
    } else if (c->fixed) {
        error_set(&constant, FAULT_CONFIG, "%s: these keys never change (set others)", c->label);
        answer_waiter(w, &constant);
    } else {
        TAILQ_INSERT_TAIL(&c->waiting, w, entry);
        kick(c);
    }
    pthread_mutex_unlock(&c->lock);
}

bool credentials_stop_waiting(struct credentials *c, struct credentials_waiter *w)
{
    const struct credentials_waiter *each;
    pthread_mutex_lock(&c->lock);
    TAILQ_FOREACH(each, &c->waiting, entry)
    if (each == w) break;
    if (each) TAILQ_REMOVE(&c->waiting, w, entry);
    pthread_mutex_unlock(&c->lock);
    return each != NULL;
}

/* A key that AWS does not know although it was just got is not asked for again and again. */
static bool force(struct credentials *c)
{
    int64_t now = c->now_ms();
    if (c->forced) return true;
    if (c->forced_ms && now - c->forced_ms < FORCED_PAUSE_MS && now >= c->forced_ms) return false;
    log_info("sqsbridge", "%s: AWS refuses the keys: getting new ones", c->label);
    c->forced = true;
    c->forced_ms = now;
    kick(c);
    return true;
}

bool credentials_refused(struct credentials *c, uint64_t version)
{
    pthread_mutex_lock(&c->lock);
    bool newer = are_valid(c, version);
    bool coming = newer || (!c->fixed && force(c));
    pthread_mutex_unlock(&c->lock);
    return coming;
}

static int64_t expires_in_s(const struct credentials *c)
{
    if (!are_valid(c, 0)) return 0;
    return c->expires_ms == INT64_MAX ? INT64_MAX : (c->expires_ms - c->now_ms()) / 1000;
}

void credentials_state(struct credentials *c, struct credentials_state *state)
{
    pthread_mutex_lock(&c->lock);
    state->expires_in_s = expires_in_s(c);
    state->refreshes = c->versions;
    state->failures = c->failures;
    state->last = c->last;
    pthread_mutex_unlock(&c->lock);
}

/* ---- the refresh; on the credentials thread ---- */

static void tell(struct credentials *c, enum told what, const struct error *why)
{
    enum told before = c->told;
    struct credentials_state now;
    credentials_state(c, &now);
    c->told = what;
    if (what == TOLD_GOOD && now.expires_in_s == INT64_MAX && before != TOLD_GOOD)
        log_info("sqsbridge", "%s: got keys", c->label);
    else if (what == TOLD_GOOD && now.expires_in_s != INT64_MAX)
        log_info("sqsbridge", "%s: got keys that expire in %lld s", c->label,
                 (long long)now.expires_in_s);
    if (what == before) return;
    if (what == TOLD_FAILING)
        log_warn("sqsbridge",
                 "%s; the keys at hand are used for the %lld s that they last, and it "
                 "is tried again",
                 why->text, (long long)now.expires_in_s);
    if (what == TOLD_NONE) log_error("sqsbridge", "%s", why->text);
}

static void arm(struct credentials *c)
{
    int64_t wait = c->due_ms - c->now_ms();
    if (wait > LOOK_MS) wait = LOOK_MS;
    loop_timer_start(c->home->loop, &c->timer, wait > 0 ? (uint64_t)wait : 0);
}

/* A service's clock may differ from ours: its keys are good for a while, and AWS has the last word.
 */
static int64_t expiry_of(const struct fresh_keys *keys, int64_t now)
{
    if (!keys->expires_s) return INT64_MAX;
    int64_t expires = keys->expires_s * 1000;
    return expires > now || !keys->of_a_service ? expires : now + MARGIN_MS;
}

static void publish(struct credentials *c, struct fresh_keys *keys, int64_t expires_ms)
{
    pthread_mutex_lock(&c->lock);
    struct shared_keys *old = c->current;
    c->current = keys_share(keys, ++c->versions);
    c->expires_ms = expires_ms;
    c->forced = false;
    c->last.fault = FAULT_NONE;
    answer_all(c, NULL);
    pthread_mutex_unlock(&c->lock);
    keys_drop(old);
}

static void succeeded(struct credentials *c, struct fresh_keys *keys)
{
    int64_t now = c->now_ms(), expires = expiry_of(keys, now);
    c->failed_in_row = 0;
    c->due_ms = credentials_refresh_at(now, expires, loop_random());
    publish(c, keys, expires);
    tell(c, TOLD_GOOD, NULL);
}

static void failed(struct credentials *c, const struct error *why)
{
    struct error said = *why;
    error_prefix(&said, "%s", c->label);
    c->due_ms = c->now_ms() + credentials_retry_after_ms(++c->failed_in_row, loop_random());
    pthread_mutex_lock(&c->lock);
    c->failures++;
    c->forced = false;
    c->last = said;
    bool valid = are_valid(c, 0);
    answer_all(c, &said);
    pthread_mutex_unlock(&c->lock);
    tell(c, valid ? TOLD_FAILING : TOLD_NONE, &said);
}

static void take(struct credentials *c, struct fresh_keys *keys)
{
    struct error e;
    int64_t now = c->now_ms(), late_ms = now - expiry_of(keys, now);
    if (late_ms < 0) {
        succeeded(c, keys);
        return;
    }
    keys_free(keys);
    error_set(&e, FAULT_DOWN,
              "the keys that it got expired %lld s ago (renew them where they come "
              "from, or check this machine's clock)",
              (long long)late_ms / 1000);
    failed(c, &e);
}

static void answered(struct provider *p, struct fresh_keys *keys, const struct error *why)
{
    struct credentials *c = p->arg;
    c->fetching = false;
    if (why)
        failed(c, why);
    else
        take(c, keys);
    arm(c);
}

static void note_expiry(struct credentials *c)
{
    struct error last;
    pthread_mutex_lock(&c->lock);
    bool valid = are_valid(c, 0);
    last = c->last;
    pthread_mutex_unlock(&c->lock);
    if (c->told == TOLD_FAILING && !valid) tell(c, TOLD_NONE, &last);
}

static bool is_forced(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    bool forced = c->forced;
    pthread_mutex_unlock(&c->lock);
    return forced;
}

static void look(struct credentials *c)
{
    note_expiry(c);
    if (c->fetching) return;
    if (c->now_ms() < c->due_ms && !is_forced(c)) {
        arm(c);
        return;
    }
    c->fetching = true;
    loop_timer_stop(c->home->loop, &c->timer);
    provider_fetch(c->provider, c->home, answered, c);
}

static void on_timer(void *arg)
{
    look(arg);
}

static void on_look(struct post *post)
{
    struct credentials *c =
        (struct credentials *)((char *)post - offsetof(struct credentials, look));
    pthread_mutex_lock(&c->lock);
    c->look_posted = false;
    pthread_mutex_unlock(&c->lock);
    look(c);
}

void credentials_look(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    kick(c);
    pthread_mutex_unlock(&c->lock);
}

/* ---- begin and end ---- */

static struct credentials *create(const char *label)
{
    struct credentials *c = mem_zalloc(sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    TAILQ_INIT(&c->waiting);
    c->label = mem_strdup(label);
    c->expires_ms = INT64_MAX;
    return c;
}

static void destroy(struct credentials *c)
{
    keys_drop(c->current);
    secret_buf_free(&c->entry.section);
    pthread_mutex_destroy(&c->lock);
    free(c->label);
    free(c);
}

struct credentials *credentials_fixed(struct fresh_keys *keys, const char *label)
{
    struct credentials *c = create(label);
    c->fixed = true;
    c->current = keys_share(keys, ++c->versions);
    return c;
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

bool credentials_are_fixed(const struct credentials *c)
{
    return c->fixed;
}

bool credentials_hold(const struct credentials *c, const struct aws_keys *keys)
{
    const struct aws_keys *ours = &c->current->keys;
    return c->fixed && strcmp(ours->access_key_id, keys->access_key_id) == 0 &&
           same(ours->secret_access_key, keys->secret_access_key) &&
           same(ours->session_token, keys->session_token);
}

struct credentials *credentials_start(struct provider *provider, const char *label,
                                      int64_t (*now_ms)(void))
{
    struct credentials *c = create(label);
    c->now_ms = now_ms;
    c->provider = provider;
    c->timer = (struct loop_timer){.run = on_timer, .arg = c};
    c->look.run = on_look;
    c->home = credentials_thread_enter();
    credentials_look(c);
    return c;
}

/* The looks that were asked for came before: posts keep their order. */
static void on_end(struct post *post)
{
    struct credentials *c =
        (struct credentials *)((char *)post - offsetof(struct credentials, end));
    loop_timer_stop(c->home->loop, &c->timer);
    provider_destroy(c->provider);
    destroy(c);
    credentials_thread_leave();
}

void credentials_end(struct credentials *c)
{
    if (c->fixed) {
        destroy(c);
        return;
    }
    c->end.run = on_end;
    credentials_thread_post_last(&c->end);
}
