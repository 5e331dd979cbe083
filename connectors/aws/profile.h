/* Profiles of AWS's shared files: ~/.aws/config and ~/.aws/credentials.
 * Thread: any; reads files, so not a pipeline's. Owner: the caller, profile_free().
 * Source: AWS SDKs and Tools reference, "Shared config and credentials files". */
#ifndef CONNECTORS_AWS_PROFILE_H
#define CONNECTORS_AWS_PROFILE_H

#include "connectors/aws/credentials_conf.h"
#include "connectors/aws/provider.h"

enum profile_setting {
    PROFILE_ACCESS_KEY_ID,
    PROFILE_SECRET_ACCESS_KEY,
    PROFILE_SESSION_TOKEN,
    PROFILE_ROLE_ARN,
    PROFILE_SOURCE_PROFILE,
    PROFILE_CREDENTIAL_SOURCE,
    PROFILE_EXTERNAL_ID,
    PROFILE_DURATION_SECONDS,
    PROFILE_ROLE_SESSION_NAME,
    PROFILE_WEB_IDENTITY_TOKEN_FILE,
    PROFILE_CREDENTIAL_PROCESS,
    PROFILE_REGION,
    PROFILE_MFA_SERIAL,
    PROFILE_SSO_SESSION,
    PROFILE_SSO_START_URL,
    PROFILE_SSO_ACCOUNT_ID,
    PROFILE_LOGIN_SESSION,
    PROFILE_SETTINGS
};

struct profile {
    char *settings[PROFILE_SETTINGS]; /* NULL where not given; secrets among them */
    bool found;
};

/* The name that counts: configured, AWS_PROFILE, "default". */
const char *profile_name(const struct credentials_conf *where);

/* where: which files, config_file and credentials_file; NULL: as the environment says, or those of
 * the home directory, which may be missing. False: a file cannot be read. */
bool profile_load(const struct credentials_conf *where, const char *name, struct profile *p,
                  struct error *e) MUST_USE;
void profile_free(struct profile *p);

/* Whether it says how to sign in at all. */
bool profile_signs_in(const struct profile *p);

/* What the profile says, as a provider, with those that it builds upon. */
struct provider *profile_provider(const struct credentials_conf *where, struct error *e);

#endif
