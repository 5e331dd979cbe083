#include "connectors/aws/provider.h"

#include <stdlib.h>

#include "connectors/aws/identity.h"

void provider_home_hold(struct provider_home *home)
{
    home->open++;
}

void provider_home_release(struct provider_home *home)
{
    if (--home->open == 0 && home->idle) home->idle(home);
}

static struct provider *(*const creators[])(const struct credentials_conf *, struct error *) = {
    [CREDENTIALS_DEFAULT] = provider_chain_create,
    [CREDENTIALS_STATIC] = provider_static_create,
    [CREDENTIALS_ENVIRONMENT] = provider_environment_create,
    [CREDENTIALS_PROFILE] = provider_profile_create,
    [CREDENTIALS_PROCESS] = provider_process_create,
    [CREDENTIALS_WEB_IDENTITY] = provider_web_identity_create,
    [CREDENTIALS_CONTAINER] = provider_container_create,
    [CREDENTIALS_IMDS] = provider_imds_create,
    [CREDENTIALS_ASSUME_ROLE] = provider_assume_role_create,
    [CREDENTIALS_IOT] = provider_iot_create,
    [CREDENTIALS_ROLES_ANYWHERE] = provider_roles_anywhere_create,
};

struct provider *provider_create(const struct credentials_conf *conf, struct error *e)
{
    return creators[conf->provider](conf, e);
}

struct identity *provider_identity(const struct credentials_conf *conf, struct error *e)
{
    struct identity_options options = {
        .certificate = conf->certificate,
        .key = conf->private_key,
        .chain = conf->certificate_chain,
        .identifier = conf->certificate_identifier,
        .password = conf->certificate_password,
    };
    return identity_load(&options, e);
}

void provider_destroy(struct provider *p)
{
    if (p) p->ops->destroy(p);
}

void provider_fetch(struct provider *p, struct provider_home *home,
                    void (*answer)(struct provider *p, struct fresh_keys *keys,
                                   const struct error *why),
                    void *arg)
{
    p->home = home;
    p->answer = answer;
    p->arg = arg;
    p->ops->fetch(p);
}

void provider_done(struct provider *p, struct fresh_keys *keys)
{
    p->answer(p, keys, NULL);
}

void provider_failed(struct provider *p, const struct error *why)
{
    p->answer(p, NULL, why);
}
