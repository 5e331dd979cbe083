/* Providers that are chosen anew at each attempt: what a profile says now, and the SDKs' default
 * chain, of which the first that is there is taken. */
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/profile.h"

struct chosen {
    struct provider base;
    struct credentials_conf *conf;
    struct provider *(*choose)(struct chosen *c, struct error *e);
    struct provider *inner;
    char *region;        /* that the choice goes with; NULL: none */
    const char *context; /* put before what it says where it fails; NULL: nothing */
};

static void on_answer(struct provider *inner, struct fresh_keys *keys, const struct error *why)
{
    struct chosen *c = inner->arg;
    struct fresh_keys fresh = {0};
    struct error e;
    if (why) {
        e = *why;
        if (c->context) error_prefix(&e, "%s", c->context);
    } else {
        fresh = *keys;
        *keys = (struct fresh_keys){0};
        if (!fresh.region && c->region) fresh.region = mem_strdup(c->region);
    }
    c->inner = NULL;
    provider_destroy(inner);
    if (why)
        provider_failed(&c->base, &e);
    else
        provider_done(&c->base, &fresh);
}

static void fetch(struct provider *p)
{
    struct chosen *c = (struct chosen *)p;
    struct error e;
    c->context = NULL;
    c->inner = c->choose(c, &e);
    if (c->inner)
        provider_fetch(c->inner, p->home, on_answer, c);
    else
        provider_failed(p, &e);
}

static void destroy(struct provider *p)
{
    struct chosen *c = (struct chosen *)p;
    provider_destroy(c->inner);
    credentials_conf_free(c->conf);
    free(c->region);
    free(c);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

static struct provider *create(const struct credentials_conf *conf,
                               struct provider *(*choose)(struct chosen *c, struct error *e))
{
    struct chosen *c = mem_zalloc(sizeof(*c));
    c->base.ops = &ops;
    c->conf = credentials_conf_copy(conf);
    c->choose = choose;
    return &c->base;
}

/* ---- a profile ---- */

/* The region of the profile itself, not of those that it builds upon. */
static void note_region(struct chosen *c)
{
    struct profile p;
    struct error e;
    free(c->region);
    c->region = NULL;
    if (!profile_load(c->conf, profile_name(c->conf), &p, &e)) return;
    if (p.settings[PROFILE_REGION]) c->region = mem_strdup(p.settings[PROFILE_REGION]);
    profile_free(&p);
}

static struct provider *choose_profile(struct chosen *c, struct error *e)
{
    note_region(c);
    return profile_provider(c->conf, e);
}

struct provider *provider_profile_create(const struct credentials_conf *conf, struct error *e)
{
    (void)e;
    return create(conf, choose_profile);
}

/* ---- the chain ---- */

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static struct provider *of_kind(const struct chosen *c, enum credentials_provider provider,
                                struct error *e)
{
    struct credentials_conf conf = *c->conf;
    conf.provider = (int)provider;
    return provider_create(&conf, e);
}

/* A profile that somebody named must be there; [default] may be missing, or be about other things.
 */
static bool wants_profile(const struct chosen *c, bool *wanted, struct error *e)
{
    struct profile p;
    *wanted = is_set("AWS_PROFILE");
    if (*wanted) return true;
    if (!profile_load(c->conf, "default", &p, e)) return false;
    *wanted = profile_signs_in(&p);
    profile_free(&p);
    return true;
}

static bool metadata_is_disabled(void)
{
    const char *value = getenv("AWS_EC2_METADATA_DISABLED");
    return value && strcasecmp(value, "true") == 0;
}

static struct provider *nothing(struct error *e)
{
    error_set(e, FAULT_CONFIG,
              "no AWS credentials: none in the environment, in profile \"default\" or a "
              "container's, and AWS_EC2_METADATA_DISABLED is true (set access_key_id and "
              "secret_access_key, or credentials)");
    return NULL;
}

static struct provider *choose_of_chain(struct chosen *c, struct error *e)
{
    bool profile;
    if (is_set("AWS_ACCESS_KEY_ID") || is_set("AWS_SECRET_ACCESS_KEY"))
        return of_kind(c, CREDENTIALS_ENVIRONMENT, e);
    if (is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN"))
        return of_kind(c, CREDENTIALS_WEB_IDENTITY, e);
    if (!wants_profile(c, &profile, e)) return NULL;
    if (profile) return of_kind(c, CREDENTIALS_PROFILE, e);
    if (is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ||
        is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
        return of_kind(c, CREDENTIALS_CONTAINER, e);
    if (metadata_is_disabled()) return nothing(e);
    c->context = "no AWS credentials in the environment, in profile \"default\" or a container's, "
                 "nor of this machine";
    return of_kind(c, CREDENTIALS_IMDS, e);
}

struct provider *provider_chain_create(const struct credentials_conf *conf, struct error *e)
{
    (void)e;
    return create(conf, choose_of_chain);
}
