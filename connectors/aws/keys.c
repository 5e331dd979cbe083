#include "connectors/aws/keys.h"

#include <openssl/crypto.h>
#include <stdlib.h>

void secret_free(char *text)
{
    if (text) OPENSSL_cleanse(text, strlen(text));
    free(text);
}

void secret_buf_free(struct buf *b)
{
    if (b->ptr) OPENSSL_cleanse(b->ptr, b->cap);
    free(b->ptr);
    *b = (struct buf){0};
}

static void free_texts(struct aws_keys *keys)
{
    secret_free(keys->access_key_id);
    secret_free(keys->secret_access_key);
    secret_free(keys->session_token);
}

void keys_free(struct fresh_keys *k)
{
    free_texts(&k->keys);
    free(k->region);
    *k = (struct fresh_keys){0};
}

static bool is_set(const char *text)
{
    return text && *text;
}

bool keys_text_is_clean(const char *text, const char *name, struct error *e)
{
    for (const char *at = text; *at; at++)
        if (*at <= ' ' || *at > '~')
            return error_set(e, FAULT_CONFIG,
                             "%s: holds a space or a control character (a line break at its end?)",
                             name);
    return true;
}

static bool is_whole(const struct keys_source *s, struct error *e)
{
    if (is_set(s->id) != is_set(s->secret)) {
        const char *there = is_set(s->id) ? s->id_name : s->secret_name;
        const char *missing = is_set(s->id) ? s->secret_name : s->id_name;
        return error_set(e, FAULT_CONFIG, "%s is set, %s is not (set both)", there, missing);
    }
    if (!is_set(s->id) && is_set(s->token))
        return error_set(e, FAULT_CONFIG, "%s is set without %s and %s (set all three)",
                         s->token_name, s->id_name, s->secret_name);
    return true;
}

bool keys_from(const struct keys_source *s, struct fresh_keys *k, struct error *e)
{
    if (!is_whole(s, e)) return false;
    if (!is_set(s->id) || !is_set(s->secret)) return true;
    if (!keys_text_is_clean(s->id, s->id_name, e) ||
        !keys_text_is_clean(s->secret, s->secret_name, e) ||
        (is_set(s->token) && !keys_text_is_clean(s->token, s->token_name, e)))
        return false;
    keys_free(k);
    k->keys.access_key_id = mem_strdup(s->id);
    k->keys.secret_access_key = mem_strdup(s->secret);
    k->keys.session_token = is_set(s->token) ? mem_strdup(s->token) : NULL;
    return true;
}

bool keys_from_environment(struct fresh_keys *k, struct error *e)
{
    struct keys_source s = {
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
    return keys_from(&s, k, e);
}

struct shared_keys *keys_share(struct fresh_keys *k, uint64_t version)
{
    struct shared_keys *shared = mem_zalloc(sizeof(*shared));
    shared->keys = k->keys;
    shared->version = version;
    shared->region = k->region;
    atomic_init(&shared->users, 1);
    *k = (struct fresh_keys){0};
    return shared;
}

void keys_hold(struct shared_keys *shared)
{
    atomic_fetch_add_explicit(&shared->users, 1, memory_order_relaxed);
}

void keys_drop(struct shared_keys *shared)
{
    if (!shared || atomic_fetch_sub_explicit(&shared->users, 1, memory_order_acq_rel) > 1) return;
    free_texts(&shared->keys);
    free(shared->region);
    free(shared);
}
