/* The registry: which credentials are open in this process, and by how many. */
#include "connectors/aws/credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/settings.h"
#include "connectors/aws/credentials_core.h"

/* Shared by all threads, which is the point: see the header. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct credentials *all;

static const struct credentials_conf chain = {.provider = CREDENTIALS_DEFAULT};

/* One thing that was asked for: a section, keys, or (neither) the chain. */
struct wanted {
    const struct credentials_conf *conf;
    struct buf section;     /* its settings; empty: none */
    struct fresh_keys keys; /* empty: they are to be got */
};

static bool is_wanted(struct credentials *c, const struct wanted *w)
{
    const struct buf *section = &credentials_entry(c)->section;
    if (section->len != w->section.len) return false;
    if (section->len) return memcmp(section->ptr, w->section.ptr, section->len) == 0;
    return w->keys.keys.access_key_id ? credentials_hold(c, &w->keys.keys)
                                      : !credentials_are_fixed(c);
}

static struct credentials *take(const struct wanted *w)
{
    struct credentials *c = all;
    while (c && !is_wanted(c, w))
        c = credentials_entry(c)->next;
    if (c) credentials_entry(c)->users++;
    return c;
}

static struct credentials *take_locked(const struct wanted *w)
{
    pthread_mutex_lock(&lock);
    struct credentials *c = take(w);
    pthread_mutex_unlock(&lock);
    return c;
}

static void describe(const struct wanted *w, char label[128])
{
    if (w->section.len)
        snprintf(label, 128, "credentials \"%s\"", w->conf->name);
    else
        snprintf(label, 128, "credentials");
}

/* Outside of the lock: a role's source is opened within. */
static struct credentials *start(const struct wanted *w, struct error *e)
{
    char label[128];
    struct fresh_keys handed_over = w->keys; /* and still compared with others */
    describe(w, label);
    if (w->keys.keys.access_key_id) return credentials_fixed(&handed_over, label);
    struct provider *provider = provider_create(w->conf, e);
    if (provider) return credentials_start(provider, label, loop_unix_ms);
    error_prefix(e, "%s", label);
    return NULL;
}

static void enlist(struct credentials *c, struct wanted *w)
{
    struct credentials_entry *entry = credentials_entry(c);
    entry->section = w->section;
    w->section = (struct buf){0};
    entry->users = 1;
    entry->next = all;
    all = c;
}

/* Two threads may have started the same; the first that comes here wins. */
static struct credentials *take_or_enlist(struct credentials *fresh, struct wanted *w)
{
    pthread_mutex_lock(&lock);
    struct credentials *c = take(w);
    if (!c) enlist(fresh, w);
    pthread_mutex_unlock(&lock);
    if (!c) return fresh;
    credentials_end(fresh);
    return c;
}

/* Keys that are at hand need no thread. */
static bool find_keys(struct wanted *w, struct error *e)
{
    struct keys_source given = {
        w->conf->access_key_id, w->conf->secret_access_key, w->conf->session_token,
        "access_key_id",        "secret_access_key",        "session_token",
    };
    bool from_environment = w->conf->provider == CREDENTIALS_ENVIRONMENT;
    if (w->conf->provider == CREDENTIALS_STATIC) return keys_from(&given, &w->keys, e);
    if (w->conf->provider != CREDENTIALS_DEFAULT && !from_environment) return true;
    if (!keys_from_environment(&w->keys, e)) return false;
    if (w->keys.keys.access_key_id || !from_environment) return true;
    return error_set(e, FAULT_CONFIG,
                     "no keys in the environment (set AWS_ACCESS_KEY_ID and "
                     "AWS_SECRET_ACCESS_KEY)");
}

static struct credentials *take_or_start(struct wanted *w, struct error *e)
{
    struct credentials *c = take_locked(w);
    if (c) {
        keys_free(&w->keys);
        return c;
    }
    c = start(w, e);
    return c ? take_or_enlist(c, w) : NULL;
}

struct credentials *credentials_open(const struct credentials_conf *conf, struct error *e)
{
    struct wanted w = {.conf = conf ? conf : &chain};
    if (conf && conf->name) settings_write(&credentials_kind, conf, &w.section);
    struct credentials *c = find_keys(&w, e) ? take_or_start(&w, e) : NULL;
    secret_buf_free(&w.section);
    return c;
}

static void strike_out(const struct credentials *c)
{
    struct credentials **slot = &all;
    while (*slot != c)
        slot = &credentials_entry(*slot)->next;
    *slot = credentials_entry(*slot)->next;
}

void credentials_close(struct credentials *c)
{
    if (!c) return;
    pthread_mutex_lock(&lock);
    bool last = --credentials_entry(c)->users == 0;
    if (last) strike_out(c);
    pthread_mutex_unlock(&lock);
    if (last) credentials_end(c);
}

bool credentials_may_tell_region(const struct credentials_conf *conf)
{
    return conf && (conf->provider == CREDENTIALS_IMDS || conf->provider == CREDENTIALS_PROFILE ||
                    conf->provider == CREDENTIALS_DEFAULT);
}
