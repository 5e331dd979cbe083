#include "connectors/aws/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "connectors/aws/credentials_check.h"
#include "connectors/aws/ini.h"
#include "connectors/aws/small_file.h"
#include "connectors/aws/words.h"

enum { MOST_FILE_BYTES = 1 << 20 };

static const char *const setting_names[PROFILE_SETTINGS] = {
    [PROFILE_ACCESS_KEY_ID] = "aws_access_key_id",
    [PROFILE_SECRET_ACCESS_KEY] = "aws_secret_access_key",
    [PROFILE_SESSION_TOKEN] = "aws_session_token",
    [PROFILE_ROLE_ARN] = "role_arn",
    [PROFILE_SOURCE_PROFILE] = "source_profile",
    [PROFILE_CREDENTIAL_SOURCE] = "credential_source",
    [PROFILE_EXTERNAL_ID] = "external_id",
    [PROFILE_DURATION_SECONDS] = "duration_seconds",
    [PROFILE_ROLE_SESSION_NAME] = "role_session_name",
    [PROFILE_WEB_IDENTITY_TOKEN_FILE] = "web_identity_token_file",
    [PROFILE_CREDENTIAL_PROCESS] = "credential_process",
    [PROFILE_REGION] = "region",
    [PROFILE_MFA_SERIAL] = "mfa_serial",
    [PROFILE_SSO_SESSION] = "sso_session",
    [PROFILE_SSO_START_URL] = "sso_start_url",
    [PROFILE_SSO_ACCOUNT_ID] = "sso_account_id",
    [PROFILE_LOGIN_SESSION] = "login_session",
};

void profile_free(struct profile *p)
{
    for (size_t i = 0; i < PROFILE_SETTINGS; i++)
        secret_free(p->settings[i]);
    *p = (struct profile){0};
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

const char *profile_name(const struct credentials_conf *where)
{
    const char *name = where->profile ? where->profile : variable("AWS_PROFILE");
    return name ? name : "default";
}

/* ---- one file ---- */

/* "profile x", "default" in the config file; "x" in the credentials file. */
static bool is_section(struct bytes section, const char *name, bool config)
{
    struct bytes wanted = bytes_str(name), word = BYTES_LIT("profile");
    if (!config) return bytes_eq(section, wanted);
    if (strcmp(name, "default") == 0 && bytes_eq(section, wanted)) return true;
    if (!bytes_starts_with(section, word)) return false;
    const char *at = (const char *)section.ptr + word.len, *end = at + (section.len - word.len);
    if (at == end || (*at != ' ' && *at != '\t')) return false;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    return bytes_eq(bytes_of(at, (size_t)(end - at)), wanted);
}

/* The credentials file is read first, and what it says goes before the config file. */
static void keep_setting(struct profile *p, const struct ini_reader *r)
{
    for (size_t i = 0; i < PROFILE_SETTINGS; i++) {
        size_t len = strlen(setting_names[i]);
        if (len != r->name.len || strncasecmp(setting_names[i], r->name.ptr, len) != 0) continue;
        if (!p->settings[i] && r->value.len)
            p->settings[i] = mem_strndup(r->value.ptr, r->value.len);
    }
}

static bool read_profile(const char *path, struct bytes text, const char *name, bool config,
                         struct profile *p, struct error *e)
{
    struct ini_reader r;
    bool ours = false;
    ini_read(&r, text.ptr, text.len);
    for (;;) {
        switch (ini_next(&r)) {
        case INI_END:
            return true;
        case INI_ERROR:
            return error_set(e, FAULT_CONFIG, "\"%s\", line %u: neither [section] nor name = value",
                             path, r.line);
        case INI_SECTION:
            ours = is_section(r.name, name, config);
            p->found = p->found || ours;
            break;
        case INI_SETTING:
            if (ours) keep_setting(p, &r);
            break;
        }
    }
}

/* ---- both files ---- */

struct place {
    char path[1024];
    bool named; /* by somebody, and so it must be there */
};

static void find_file(const char *configured, const char *in_environment, const char *usual,
                      struct place *place)
{
    const char *path = configured ? configured : variable(in_environment), *home = variable("HOME");
    place->named = configured != NULL;
    if (path)
        snprintf(place->path, sizeof(place->path), "%s", path);
    else
        snprintf(place->path, sizeof(place->path), "%s/.aws/%s", home ? home : "", usual);
}

static bool load_file(const struct place *place, const char *name, bool config, struct profile *p,
                      struct error *e)
{
    struct buf text;
    if (!place->named && access(place->path, F_OK) != 0) return true;
    if (!small_file_read(place->path, MOST_FILE_BYTES, &text, e)) return false;
    bool fine = read_profile(place->path, bytes_of(text.ptr, text.len), name, config, p, e);
    secret_buf_free(&text);
    return fine;
}

static void find_files(const struct credentials_conf *where, struct place *config,
                       struct place *credentials)
{
    find_file(where->config_file, "AWS_CONFIG_FILE", "config", config);
    find_file(where->credentials_file, "AWS_SHARED_CREDENTIALS_FILE", "credentials", credentials);
}

bool profile_load(const struct credentials_conf *where, const char *name, struct profile *p,
                  struct error *e)
{
    struct place config, credentials;
    *p = (struct profile){0};
    find_files(where, &config, &credentials);
    if (load_file(&credentials, name, false, p, e) && load_file(&config, name, true, p, e))
        return true;
    profile_free(p);
    return false;
}

bool profile_signs_in(const struct profile *p)
{
    static const enum profile_setting ways[] = {
        PROFILE_ACCESS_KEY_ID,     PROFILE_ROLE_ARN,      PROFILE_CREDENTIAL_PROCESS,
        PROFILE_SSO_SESSION,       PROFILE_SSO_START_URL, PROFILE_LOGIN_SESSION,
        PROFILE_SECRET_ACCESS_KEY,
    };
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (p->settings[ways[i]]) return true;
    return false;
}

/* ---- as a provider ---- */

enum { MOST_PROFILES = 16 }; /* that build upon each other */

struct chain {
    const struct credentials_conf *where;
    const char *names[MOST_PROFILES];
    size_t count;
};

static struct provider *of_profile(struct chain *chain, const char *name, struct error *e);

/* What every provider that a profile leads to takes over from the section. */
static struct credentials_conf conf_for(const struct chain *chain, const struct profile *p,
                                        enum credentials_provider provider)
{
    const struct credentials_conf *where = chain->where;
    return (struct credentials_conf){
        .provider = (int)provider,
        .region = where->region ? where->region : p->settings[PROFILE_REGION],
        .endpoint_url = where->endpoint_url,
        .tls_ca = where->tls_ca,
        .proxy = where->proxy,
        .timeout = where->timeout,
    };
}

static struct provider *of_keys(const struct chain *chain, const struct profile *p, struct error *e)
{
    struct credentials_conf conf = conf_for(chain, p, CREDENTIALS_STATIC);
    struct keys_source source = {
        p->settings[PROFILE_ACCESS_KEY_ID],       p->settings[PROFILE_SECRET_ACCESS_KEY],
        p->settings[PROFILE_SESSION_TOKEN],       setting_names[PROFILE_ACCESS_KEY_ID],
        setting_names[PROFILE_SECRET_ACCESS_KEY], setting_names[PROFILE_SESSION_TOKEN],
    };
    struct fresh_keys keys = {0};
    if (!keys_from(&source, &keys, e)) return NULL;
    keys_free(&keys);
    conf.access_key_id = source.id;
    conf.secret_access_key = source.secret;
    conf.session_token = source.token;
    return provider_static_create(&conf, e);
}

static struct provider *of_process(const struct chain *chain, const struct profile *p,
                                   struct error *e)
{
    struct credentials_conf conf = conf_for(chain, p, CREDENTIALS_PROCESS);
    if (!words_split(p->settings[PROFILE_CREDENTIAL_PROCESS], &conf.command, e)) {
        error_prefix(e, "credential_process");
        return NULL;
    }
    struct provider *provider = provider_process_create(&conf, e);
    words_free(&conf.command);
    return provider;
}

static bool fill_role(const struct profile *p, struct credentials_conf *conf, struct error *e)
{
    const char *seconds = p->settings[PROFILE_DURATION_SECONDS];
    conf->role_arn = p->settings[PROFILE_ROLE_ARN];
    conf->external_id = p->settings[PROFILE_EXTERNAL_ID];
    conf->role_session_name = p->settings[PROFILE_ROLE_SESSION_NAME];
    if (!arn_is(conf->role_arn, "iam", "role/"))
        return error_set(e, FAULT_CONFIG, "role_arn: not the ARN of a role: \"%s\"",
                         conf->role_arn);
    if (!seconds) return true;
    char *end;
    conf->duration_seconds = strtoll(seconds, &end, 10);
    bool fine = !*end && conf->duration_seconds >= 900 && conf->duration_seconds <= 43200;
    return fine || error_set(e, FAULT_CONFIG,
                             "duration_seconds: \"%s\" is out of bounds (900 to "
                             "43200)",
                             seconds);
}

/* "Environment", "Ec2InstanceMetadata", "EcsContainer". */
static struct provider *of_credential_source(const struct chain *chain, const struct profile *p,
                                             struct error *e)
{
    static const struct {
        const char *name;
        enum credentials_provider provider;
    } sources[] = {
        {"Environment", CREDENTIALS_ENVIRONMENT},
        {"Ec2InstanceMetadata", CREDENTIALS_IMDS},
        {"EcsContainer", CREDENTIALS_CONTAINER},
    };
    const char *name = p->settings[PROFILE_CREDENTIAL_SOURCE];
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct credentials_conf conf = {.provider = (int)sources[i].provider,
                                        .tls_ca = chain->where->tls_ca,
                                        .timeout = chain->where->timeout};
        if (strcasecmp(name, sources[i].name) == 0) return provider_create(&conf, e);
    }
    error_set(e, FAULT_CONFIG,
              "credential_source = \"%s\": not known (Environment, "
              "Ec2InstanceMetadata or EcsContainer)",
              name);
    return NULL;
}

/* A profile may name itself where it has keys of its own, as the SDKs allow. */
static struct provider *source_of(struct chain *chain, const struct profile *p, struct error *e)
{
    const char *source = p->settings[PROFILE_SOURCE_PROFILE];
    const char *self = chain->names[chain->count - 1];
    if (!source) return of_credential_source(chain, p, e);
    if (strcmp(source, self) == 0 && p->settings[PROFILE_ACCESS_KEY_ID])
        return of_keys(chain, p, e);
    return of_profile(chain, source, e);
}

static struct provider *of_role(struct chain *chain, const struct profile *p, struct error *e)
{
    struct credentials_conf conf = conf_for(chain, p, CREDENTIALS_ASSUME_ROLE);
    if (p->settings[PROFILE_SOURCE_PROFILE] && p->settings[PROFILE_CREDENTIAL_SOURCE]) {
        error_set(e, FAULT_CONFIG,
                  "both source_profile and credential_source are set (remove one)");
        return NULL;
    }
    if (!fill_role(p, &conf, e)) return NULL;
    struct provider *source = source_of(chain, p, e);
    return source ? provider_assume_role_from(&conf, source) : NULL;
}

static struct provider *of_web_identity(const struct chain *chain, const struct profile *p,
                                        struct error *e)
{
    struct credentials_conf conf = conf_for(chain, p, CREDENTIALS_WEB_IDENTITY);
    conf.token_file = p->settings[PROFILE_WEB_IDENTITY_TOKEN_FILE];
    return fill_role(p, &conf, e) ? provider_web_identity_create(&conf, e) : NULL;
}

/* ---- what needs a person ---- */

static const char browser[] = "a person who signs in at a browser";
static const char device[] = "a code from a person's device";

static const struct {
    enum profile_setting setting;
    const char *what;
} interactive[] = {
    {PROFILE_SSO_SESSION, browser},
    {PROFILE_SSO_START_URL, browser},
    {PROFILE_LOGIN_SESSION, browser},
};

static bool refuse(enum profile_setting setting, const char *what, struct error *e)
{
    return error_set(
        e, FAULT_CONFIG,
        "%s needs %s, and a bridge runs unattended (use provider \"roles-anywhere\" or "
        "\"web-identity\", the role of the machine, or keys)",
        setting_names[setting], what);
}

static bool is_unattended(const struct profile *p, struct error *e)
{
    for (size_t i = 0; i < sizeof(interactive) / sizeof(interactive[0]); i++)
        if (p->settings[interactive[i].setting])
            return refuse(interactive[i].setting, interactive[i].what, e);
    return true;
}

/* ---- which way ---- */

static struct provider *choose_role(struct chain *chain, const struct profile *p, struct error *e)
{
    if (p->settings[PROFILE_MFA_SERIAL]) {
        refuse(PROFILE_MFA_SERIAL, device, e);
        return NULL;
    }
    if (p->settings[PROFILE_SOURCE_PROFILE] || p->settings[PROFILE_CREDENTIAL_SOURCE])
        return of_role(chain, p, e);
    if (p->settings[PROFILE_WEB_IDENTITY_TOKEN_FILE]) return of_web_identity(chain, p, e);
    error_set(e, FAULT_CONFIG,
              "role_arn without source_profile, credential_source or "
              "web_identity_token_file (set one)");
    return NULL;
}

static struct provider *choose(struct chain *chain, const struct profile *p, struct error *e)
{
    if (p->settings[PROFILE_ROLE_ARN]) return choose_role(chain, p, e);
    if (!is_unattended(p, e)) return NULL;
    if (p->settings[PROFILE_ACCESS_KEY_ID] || p->settings[PROFILE_SECRET_ACCESS_KEY])
        return of_keys(chain, p, e);
    if (p->settings[PROFILE_CREDENTIAL_PROCESS]) return of_process(chain, p, e);
    error_set(e, FAULT_CONFIG,
              "it does not say how to sign in (set aws_access_key_id, role_arn or "
              "credential_process)");
    return NULL;
}

static bool enter(struct chain *chain, const char *name, struct error *e)
{
    if (chain->count && strcmp(chain->names[chain->count - 1], name) == 0)
        return error_set(e, FAULT_CONFIG,
                         "source_profile names the profile itself, which has no keys "
                         "(name another, or set aws_access_key_id)");
    for (size_t i = 0; i < chain->count; i++)
        if (strcmp(chain->names[i], name) == 0)
            return error_set(e, FAULT_CONFIG,
                             "source_profile leads back to \"%s\" (break the circle)", name);
    if (chain->count == MOST_PROFILES)
        return error_set(e, FAULT_CONFIG, "more than %d profiles build upon each other",
                         MOST_PROFILES);
    chain->names[chain->count++] = name;
    return true;
}

static bool load(const struct chain *chain, const char *name, struct profile *p, struct error *e)
{
    struct place config, credentials;
    if (!profile_load(chain->where, name, p, e)) return false;
    if (p->found) return true;
    find_files(chain->where, &config, &credentials);
    return error_set(
        e, FAULT_CONFIG,
        "it is neither in \"%.150s\" nor in \"%.150s\" (check its name, and AWS_PROFILE)",
        config.path, credentials.path);
}

static struct provider *of_profile(struct chain *chain, const char *name, struct error *e)
{
    struct profile p;
    struct provider *provider = NULL;
    if (!enter(chain, name, e)) return NULL;
    if (load(chain, name, &p, e)) provider = choose(chain, &p, e);
    if (!provider) error_prefix(e, "profile \"%s\"", name);
    profile_free(&p);
    chain->count--;
    return provider;
}

struct provider *profile_provider(const struct credentials_conf *where, struct error *e)
{
    struct chain chain = {.where = where};
    return of_profile(&chain, profile_name(where), e);
}
