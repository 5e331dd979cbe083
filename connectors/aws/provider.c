#include "connectors/aws/provider.h"

#include <stdlib.h>

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
    [CREDENTIALS_ROLES_ANYWHERE] = NULL,
};

struct provider *provider_create(const struct credentials_conf *conf, struct error *e)
{
    if (creators[conf->provider]) return creators[conf->provider](conf, e);
    error_set(e, FAULT_CONFIG, "provider \"%s\" is not in this build",
              credentials_provider_name((enum credentials_provider)conf->provider));
    return NULL;
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
