/* A way to get keys: the environment, a metadata service, STS and so on, behind one small
 * interface. Thread: create and check from any; once fetch() was called, only the loop's. Owner:
 * who created it; destroying it cancels what is on its way. */
#ifndef CONNECTORS_AWS_PROVIDER_H
#define CONNECTORS_AWS_PROVIDER_H

#include "bridge/loop.h"
#include "connectors/aws/credentials_conf.h"
#include "connectors/aws/keys.h"

/* The loop that providers work on, and what of theirs is not closed yet: handles outlive their
 * provider by a turn or two. The loop may end when open is 0. */
struct provider_home {
    struct loop *loop;
    unsigned open;
    void (*idle)(struct provider_home *home); /* open has become 0; NULL: nobody asks */
};
void provider_home_hold(struct provider_home *home);
void provider_home_release(struct provider_home *home);

struct provider;

struct provider_ops {
    /* Begins to get keys; exactly one provider_done() or provider_failed() follows, maybe from
     * within. Not called again before. */
    void (*fetch)(struct provider *p);
    void (*destroy)(struct provider *p); /* frees it; no answer follows */
    void (*refused)(struct provider *p); /* optional: its keys are not accepted any more */
};

/* The first member of each provider's own struct. */
struct provider {
    const struct provider_ops *ops;
    struct provider_home *home; /* set by whoever asks, before the first fetch() */
    void (*answer)(struct provider *p, struct fresh_keys *keys, const struct error *why);
    void *arg;
};

/* Copies what it needs of the conf. NULL: e says why, FAULT_CONFIG. */
struct provider *provider_create(const struct credentials_conf *conf, struct error *e);
void provider_destroy(struct provider *p); /* NULL: nothing happens */

void provider_fetch(struct provider *p, struct provider_home *home,
                    void (*answer)(struct provider *p, struct fresh_keys *keys,
                                   const struct error *why),
                    void *arg);

/* The answer, the last thing that a provider does in a turn: it may be gone afterwards. done()
 * takes what keys hold. */
void provider_done(struct provider *p, struct fresh_keys *keys);
void provider_failed(struct provider *p, const struct error *why);

/* provider_*.c: each takes its own copies. */
struct provider *provider_static_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_environment_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_profile_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_process_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_web_identity_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_container_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_imds_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_assume_role_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_chain_create(const struct credentials_conf *conf, struct error *e);

struct provider *provider_iot_create(const struct credentials_conf *conf, struct error *e);
struct provider *provider_roles_anywhere_create(const struct credentials_conf *conf,
                                                struct error *e);

/* The certificate of a section; the caller's. */
struct identity;
struct identity *provider_identity(const struct credentials_conf *conf, struct error *e);

/* The role is asked for with the source's keys; takes the source. */
struct provider *provider_assume_role_from(const struct credentials_conf *conf,
                                           struct provider *source);

/* What others use too: the keys of a section's one object. */
struct provider *provider_shared_create(const struct credentials_conf *section, struct error *e);

/* Where a container's keys are; false: the address is missing or not allowed. */
bool provider_container_url(const struct credentials_conf *conf, char *url, size_t size,
                            struct error *e) MUST_USE;

#endif
