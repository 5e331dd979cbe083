/* The section credentials = { plant = { provider = "..."; ... }; }: one way to sign in, as
 * configured. Thread: any; constant once loaded. Owner: the configuration; who works with it longer
 * has a copy. */
#ifndef CONNECTORS_AWS_CREDENTIALS_CONF_H
#define CONNECTORS_AWS_CREDENTIALS_CONF_H

#include "bridge/opt.h"

enum credentials_provider {
    CREDENTIALS_DEFAULT, /* the SDKs' chain */
    CREDENTIALS_STATIC,
    CREDENTIALS_ENVIRONMENT,
    CREDENTIALS_PROFILE,
    CREDENTIALS_PROCESS,
    CREDENTIALS_WEB_IDENTITY,
    CREDENTIALS_CONTAINER,
    CREDENTIALS_IMDS,
    CREDENTIALS_ASSUME_ROLE,
    CREDENTIALS_IOT,
    CREDENTIALS_ROLES_ANYWHERE,
};

/* Strings NULL, numbers 0: not given. Which provider takes what: credentials_options.c. */
struct credentials_conf {
    const char *name; /* of the section; NULL: none, keys given elsewhere */
    int provider;     /* enum credentials_provider */

    const char *access_key_id, *secret_access_key, *session_token;
    const char *profile, *config_file, *credentials_file;
    struct opt_list command; /* program and arguments */
    const char *role_arn, *role_session_name, *external_id, *policy;
    struct opt_list session_tags; /* "name=value" */
    int64_t duration_seconds;
    const struct credentials_conf *source; /* who assumes the role; NULL: the chain */
    const char *token_file, *uri;
    bool imds_v1_fallback;
    const char *role_alias, *thing_name;
    const char *profile_arn, *trust_anchor_arn;
    const char *certificate, *private_key, *certificate_chain;
    const char *certificate_identifier, *certificate_password;

    const char *region, *endpoint_url, *tls_ca, *proxy;
    int64_t timeout; /* ms, of one attempt */
};

extern const struct section_kind credentials_kind;

/* As configured, "static" and so on. */
const char *credentials_provider_name(enum credentials_provider provider);

/* A copy with all its strings, and without source, which is opened at once where it is needed. */
struct credentials_conf *credentials_conf_copy(const struct credentials_conf *conf);
void credentials_conf_free(struct credentials_conf *conf); /* cleanses; NULL: nothing happens */

#endif
