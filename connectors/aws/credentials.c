#include "connectors/aws/credentials.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct shared_keys {
    struct aws_keys keys; /* first: what callers hold is a pointer to this */
    atomic_uint users;
};

struct credentials {
    pthread_mutex_t lock; /* of current only: taken for a pointer and a count */
    struct shared_keys *current;
};

static void free_secret(char *text)
{
    if (text) OPENSSL_cleanse(text, strlen(text));
    free(text);
}

static struct shared_keys *copy_keys(const char *id, const char *secret, const char *token)
{
    struct shared_keys *copy = mem_zalloc(sizeof(*copy));
    copy->keys.access_key_id = mem_strdup(id);
    copy->keys.secret_access_key = mem_strdup(secret);
    copy->keys.session_token = token ? mem_strdup(token) : NULL;
    atomic_init(&copy->users, 1);
    return copy;
}

static void drop(struct shared_keys *shared)
{
    if (atomic_fetch_sub_explicit(&shared->users, 1, memory_order_acq_rel) > 1) return;
    free_secret(shared->keys.access_key_id);
    free_secret(shared->keys.secret_access_key);
    free_secret(shared->keys.session_token);
    free(shared);
}

/* The three texts of one place, and what people call them there. */
struct source {
    const char *id, *secret, *token;
    const char *id_name, *secret_name, *token_name;
};

static bool is_set(const char *text)
{
    return text && *text;
}

/* What can't be sent in a header; a newline at the end of a file is the usual case. */
static bool is_clean(const char *text, const char *name, struct error *e)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return error_set(e, FAULT_CONFIG,
                             "%s: holds a space or a control character (a line break at its end?)",
                             name);
    return true;
}

/* False: unusable, and e says why. Nothing set at all is fine here. */
static bool check_source(const struct source *s, struct error *e)
{
    if (is_set(s->id) != is_set(s->secret)) {
        const char *there = is_set(s->id) ? s->id_name : s->secret_name;
        const char *missing = is_set(s->id) ? s->secret_name : s->id_name;
        return error_set(e, FAULT_CONFIG, "%s is set, %s is not (set both)", there, missing);
    }
    if (!is_set(s->id)) {
        if (!is_set(s->token)) return true;
        return error_set(e, FAULT_CONFIG, "%s is set without %s and %s (set all three)",
                         s->token_name, s->id_name, s->secret_name);
    }
    return is_clean(s->id, s->id_name, e) && is_clean(s->secret, s->secret_name, e) &&
           (!is_set(s->token) || is_clean(s->token, s->token_name, e));
}

static struct source from_environment(void)
{
    struct source s = {
        .id = getenv("AWS_ACCESS_KEY_ID"),
        .secret = getenv("AWS_SECRET_ACCESS_KEY"),
        .token = getenv("AWS_SESSION_TOKEN"),
        .id_name = "AWS_ACCESS_KEY_ID",
        .secret_name = "AWS_SECRET_ACCESS_KEY",
        .token_name = "AWS_SESSION_TOKEN",
    };
    if (!is_set(s.token)) { /* its name of before 2013, still set by some tools */
        s.token = getenv("AWS_SECURITY_TOKEN");
        s.token_name = "AWS_SECURITY_TOKEN";
    }
    return s;
}

static bool find_keys(const struct credentials_options *options, struct source *s, struct error *e)
{
    *s = (struct source){options->access_key_id, options->secret_access_key, options->session_token,
                         "access_key_id",        "secret_access_key",        "session_token"};
    if (!check_source(s, e)) return false;
    if (is_set(s->id)) return true;
    *s = from_environment();
    if (!check_source(s, e)) return false;
    if (is_set(s->id)) return true;
    return error_set(e, FAULT_CONFIG,
                     "no AWS credentials (set access_key_id and secret_access_key, or "
                     "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment)");
}

struct credentials *credentials_create(const struct credentials_options *options, struct error *e)
{
    struct source s;
    if (!find_keys(options, &s, e)) return NULL;
    struct credentials *c = mem_zalloc(sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    c->current = copy_keys(s.id, s.secret, is_set(s.token) ? s.token : NULL);
    return c;
}

void credentials_destroy(struct credentials *c)
{
    if (!c) return;
    drop(c->current);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

const struct aws_keys *credentials_acquire(struct credentials *c)
{
    pthread_mutex_lock(&c->lock);
    struct shared_keys *shared = c->current;
    atomic_fetch_add_explicit(&shared->users, 1, memory_order_relaxed);
    pthread_mutex_unlock(&c->lock);
    return &shared->keys;
}

void credentials_release(struct credentials *c, const struct aws_keys *keys)
{
    (void)c;
    drop((struct shared_keys *)(uintptr_t)keys);
}

void credentials_replace(struct credentials *c, const struct aws_keys *keys)
{
    struct shared_keys *fresh =
        copy_keys(keys->access_key_id, keys->secret_access_key, keys->session_token);
    pthread_mutex_lock(&c->lock);
    struct shared_keys *old = c->current;
    c->current = fresh;
    pthread_mutex_unlock(&c->lock);
    drop(old);
}
