/* Keys that are at hand: in the configuration, or in the environment. */
#include <stdlib.h>

#include "connectors/aws/provider.h"

struct given {
    struct provider base;
    struct fresh_keys keys; /* empty: those of the environment */
};

static void fetch_static(struct provider *p)
{
    const struct aws_keys *ours = &((struct given *)p)->keys.keys;
    struct fresh_keys copy = {.keys = {
                                  mem_strdup(ours->access_key_id),
                                  mem_strdup(ours->secret_access_key),
                                  ours->session_token ? mem_strdup(ours->session_token) : NULL,
                              }};
    provider_done(p, &copy);
}

static void fetch_environment(struct provider *p)
{
    struct fresh_keys keys = {0};
    struct error e;
    if (!keys_from_environment(&keys, &e)) {
        provider_failed(p, &e);
    } else if (!keys.keys.access_key_id) {
        error_set(&e, FAULT_CONFIG,
                  "no keys in the environment (set AWS_ACCESS_KEY_ID and "
                  "AWS_SECRET_ACCESS_KEY)");
        provider_failed(p, &e);
    } else {
        provider_done(p, &keys);
    }
}

static void destroy(struct provider *p)
{
    keys_free(&((struct given *)p)->keys);
    free(p);
}

static const struct provider_ops static_ops = {.fetch = fetch_static, .destroy = destroy};
static const struct provider_ops environment_ops = {.fetch = fetch_environment, .destroy = destroy};

struct provider *provider_static_create(const struct credentials_conf *conf, struct error *e)
{
    struct keys_source source = {
        conf->access_key_id, conf->secret_access_key, conf->session_token,
        "access_key_id",     "secret_access_key",     "session_token",
    };
    struct fresh_keys keys = {0};
    if (!keys_from(&source, &keys, e)) return NULL;
    if (!keys.keys.access_key_id) {
        error_set(e, FAULT_CONFIG, "no keys (set access_key_id and secret_access_key)");
        return NULL;
    }
    struct given *g = mem_zalloc(sizeof(*g));
    g->base.ops = &static_ops;
    g->keys = keys;
    return &g->base;
}

struct provider *provider_environment_create(const struct credentials_conf *conf, struct error *e)
{
    (void)conf, (void)e;
    struct given *g = mem_zalloc(sizeof(*g));
    g->base.ops = &environment_ops;
    return &g->base;
}
