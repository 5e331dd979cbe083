/* Another section's keys, as a source: those of its one object, which refreshes them by itself. */
#include <stdlib.h>

#include "connectors/aws/credentials.h"
#include "connectors/aws/provider.h"

/* Outlives the provider where an answer is on its way. */
struct errand {
    struct credentials_waiter waiter;
    struct provider *provider; /* NULL: gone */
    struct provider_home *home;
};

struct shared {
    struct provider base;
    struct credentials *credentials;
    struct errand *errand; /* NULL: nothing is asked */
    uint64_t version;      /* of the keys that were handed on last */
};

static char *copy(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static void hand_on(struct shared *s, const struct aws_keys *keys)
{
    struct fresh_keys fresh = {.keys = {copy(keys->access_key_id), copy(keys->secret_access_key),
                                        copy(keys->session_token)},
                               .region = copy(credentials_region(keys))};
    s->version = credentials_version(keys);
    credentials_release(s->credentials, keys);
    provider_done(&s->base, &fresh);
}

static void on_ready(struct credentials_waiter *w, const struct error *why)
{
    struct errand *errand = w->arg;
    struct shared *s = (struct shared *)errand->provider;
    struct error e;
    provider_home_release(errand->home);
    if (!s) {
        free(errand);
        return;
    }
    s->errand = NULL;
    const struct aws_keys *keys = why ? NULL : credentials_acquire(s->credentials);
    if (why)
        e = *why;
    else
        error_set(&e, FAULT_DOWN, "the keys expired as they came (check the clock)");
    free(errand);
    if (keys)
        hand_on(s, keys);
    else
        provider_failed(&s->base, &e);
}

static void fetch(struct provider *p)
{
    struct shared *s = (struct shared *)p;
    const struct aws_keys *keys = credentials_acquire(s->credentials);
    if (keys) {
        hand_on(s, keys);
        return;
    }
    s->errand = mem_zalloc(sizeof(*s->errand));
    *s->errand = (struct errand){
        .waiter = {.loop = p->home->loop, .ready = on_ready, .arg = s->errand},
        .provider = p,
        .home = p->home,
    };
    provider_home_hold(p->home);
    credentials_wait(s->credentials, &s->errand->waiter);
}

static void refused(struct provider *p)
{
    struct shared *s = (struct shared *)p;
    credentials_refused(s->credentials, s->version);
}

static void destroy(struct provider *p)
{
    struct shared *s = (struct shared *)p;
    if (s->errand && credentials_stop_waiting(s->credentials, &s->errand->waiter)) {
        provider_home_release(s->errand->home);
        free(s->errand);
    } else if (s->errand) {
        s->errand->provider = NULL;
    }
    credentials_close(s->credentials);
    free(s);
}

static const struct provider_ops ops = {fetch, destroy, refused};

struct provider *provider_shared_create(const struct credentials_conf *section, struct error *e)
{
    struct credentials *credentials = credentials_open(section, e);
    if (!credentials) return NULL;
    struct shared *s = mem_zalloc(sizeof(*s));
    s->base.ops = &ops;
    s->credentials = credentials;
    return &s->base;
}
