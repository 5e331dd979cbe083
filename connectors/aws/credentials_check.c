#include "connectors/aws/credentials_check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "bridge/error.h"
#include "connectors/aws/identity.h"
#include "connectors/aws/profile.h"

/* ---- what belongs to whom ---- */

#define FOR(provider) (1u << CREDENTIALS_##provider)

enum {
    ROLES = FOR(ASSUME_ROLE) | FOR(WEB_IDENTITY) | FOR(ROLES_ANYWHERE),
    CERTIFICATES = FOR(IOT) | FOR(ROLES_ANYWHERE),
    PROFILES = FOR(PROFILE) | FOR(DEFAULT),
    REMOTE = ROLES | FOR(IOT) | PROFILES,
};

struct rule {
    const char *option;
    unsigned takes, needs; /* bits of providers */
};

static const struct rule rules[] = {
    {"access_key_id", FOR(STATIC), FOR(STATIC)},
    {"secret_access_key", FOR(STATIC), FOR(STATIC)},
    {"session_token", FOR(STATIC), 0},
    {"profile", FOR(PROFILE), 0},
    {"config_file", PROFILES, 0},
    {"credentials_file", PROFILES, 0},
    {"command", FOR(PROCESS), FOR(PROCESS)},
    {"role_arn", ROLES, FOR(ASSUME_ROLE) | FOR(ROLES_ANYWHERE)},
    {"role_session_name", ROLES, 0},
    {"duration_seconds", ROLES, 0},
    {"external_id", FOR(ASSUME_ROLE), 0},
    {"session_tags", FOR(ASSUME_ROLE), 0},
    {"policy", FOR(ASSUME_ROLE) | FOR(WEB_IDENTITY), 0},
    {"source", FOR(ASSUME_ROLE), 0},
    {"token_file", FOR(WEB_IDENTITY) | FOR(CONTAINER), 0},
    {"uri", FOR(CONTAINER), 0},
    {"imds_v1_fallback", FOR(IMDS), 0},
    {"role_alias", FOR(IOT), FOR(IOT)},
    {"thing_name", FOR(IOT), 0},
    {"profile_arn", FOR(ROLES_ANYWHERE), FOR(ROLES_ANYWHERE)},
    {"trust_anchor_arn", FOR(ROLES_ANYWHERE), FOR(ROLES_ANYWHERE)},
    {"certificate", CERTIFICATES, CERTIFICATES},
    {"private_key", CERTIFICATES, 0},
    {"certificate_chain", CERTIFICATES, 0},
    {"certificate_identifier", CERTIFICATES, 0},
    {"certificate_password", CERTIFICATES, 0},
    {"region", REMOTE, 0},
    {"endpoint_url", REMOTE | FOR(IMDS), FOR(IOT)},
    {"tls_ca", REMOTE | FOR(CONTAINER), 0},
    {"proxy", REMOTE, 0},
    {"timeout", ~(FOR(STATIC) | FOR(ENVIRONMENT)), 0},
};

static bool is_given(const struct credentials_conf *conf, const struct opt *o)
{
    const void *field = (const char *)conf + o->offset;
    switch (o->type) {
    case OPT_STRING:
    case OPT_PATH:
    case OPT_TEMPLATE:
    case OPT_SECTION:
        return *(const void *const *)field != NULL;
    case OPT_BOOL:
        return *(const bool *)field;
    case OPT_INT:
    case OPT_DURATION:
    case OPT_SECONDS:
    case OPT_SIZE:
        return *(const int64_t *)field != 0;
    case OPT_LIST:
        return ((const struct opt_list *)field)->count != 0;
    case OPT_ENUM:
        return true;
    }
    return false;
}

static const struct opt *option_named(const char *name)
{
    const struct opt *o = credentials_kind.opts;
    while (strcmp(o->name, name) != 0)
        o++;
    return o;
}

static void check_options(const struct credentials_conf *conf, struct opt_report *r)
{
    const char *provider = credentials_provider_name((enum credentials_provider)conf->provider);
    unsigned us = 1u << conf->provider;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct opt *o = option_named(rules[i].option);
        bool given = is_given(conf, o);
        if (given && !(rules[i].takes & us))
            opt_complain(r, o->name,
                         "%s means nothing to provider \"%s\" (remove it, or check provider)",
                         o->name, provider);
        if (!given && (rules[i].needs & us))
            opt_complain(r, NULL, "provider \"%s\" needs %s (%s)", provider, o->name, o->help);
    }
}

/* ---- ARNs: arn:partition:service:region:account:resource ---- */

bool arn_part(const char *text, unsigned part, char *out, size_t size)
{
    for (; part && text; part--) {
        text = strchr(text, ':');
        if (text) text++;
    }
    size_t len = text ? strcspn(text, ":") : 0;
    if (len >= size) len = 0;
    if (size) snprintf(out, size, "%.*s", (int)len, text ? text : "");
    return len > 0;
}

static bool is_account(const char *text)
{
    return strlen(text) == 12 && strspn(text, "0123456789") == 12;
}

bool arn_is(const char *text, const char *service, const char *resource)
{
    char partition[32], found[32], account[32];
    const char *at = text;
    for (int colons = 0; colons < 5 && at; colons++) {
        at = strchr(at, ':');
        if (at) at++;
    }
    return at && strncmp(text, "arn:", 4) == 0 &&
           arn_part(text, ARN_PARTITION, partition, sizeof(partition)) &&
           strncmp(partition, "aws", 3) == 0 && arn_part(text, 2, found, sizeof(found)) &&
           strcmp(found, service) == 0 && arn_part(text, 4, account, sizeof(account)) &&
           is_account(account) && strncmp(at, resource, strlen(resource)) == 0 &&
           strlen(at) > strlen(resource);
}

static void check_arn(const char *value, const char *option, const char *service,
                      const char *resource, struct opt_report *r)
{
    if (!value || arn_is(value, service, resource)) return;
    bool regional = strcmp(service, "iam") != 0;
    opt_complain(r, option,
                 "%s: not such an ARN: \"%s\" (it looks like arn:aws:%s:%s:123456789012:%sNAME)",
                 option, value, service, regional ? "eu-west-1" : "", resource);
}

/* Roles Anywhere wants both in one region, which is where it is asked. */
static void check_same_region(const struct credentials_conf *conf, struct opt_report *r)
{
    char anchor[64], profile[64];
    if (!conf->trust_anchor_arn || !conf->profile_arn) return;
    arn_part(conf->trust_anchor_arn, ARN_REGION, anchor, sizeof(anchor));
    arn_part(conf->profile_arn, ARN_REGION, profile, sizeof(profile));
    if (strcmp(anchor, profile) != 0)
        opt_complain(
            r, "profile_arn",
            "profile_arn: is in region \"%s\", trust_anchor_arn in \"%s\" (use those of one "
            "region)",
            profile, anchor);
}

/* ---- texts ---- */

static bool has_only(const char *text, const char *others, size_t min, size_t max)
{
    size_t len = strlen(text);
    for (const char *at = text; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr(others, *at)) return false;
    return len >= min && len <= max;
}

static void check_texts(const struct credentials_conf *conf, struct opt_report *r)
{
    if (conf->role_session_name && !has_only(conf->role_session_name, "_=,.@-", 2, 64))
        opt_complain(r, "role_session_name",
                     "role_session_name: 2 to 64 letters, digits or any of _=,.@- are expected: "
                     "\"%s\"",
                     conf->role_session_name);
    if (conf->external_id && !has_only(conf->external_id, "_=,.@:/-", 2, 1224))
        opt_complain(r, "external_id",
                     "external_id: 2 to 1224 letters, digits or any of _=,.@:/- are expected");
    if (conf->duration_seconds && conf->duration_seconds < 900)
        opt_complain(r, "duration_seconds",
                     "duration_seconds: %lld is out of bounds (900 to 43200)",
                     (long long)conf->duration_seconds);
}

static void check_tags(const struct opt_list *tags, struct opt_report *r)
{
    if (tags->count > 50)
        opt_complain(r, "session_tags", "session_tags: 50 at most, not %zu", tags->count);
    for (size_t i = 0; i < tags->count; i++) {
        const char *equals = strchr(tags->items[i], '=');
        size_t name = equals ? (size_t)(equals - tags->items[i]) : 0;
        if (!name || name > 128 || strlen(equals + 1) > 256)
            opt_complain(r, "session_tags",
                         "session_tags: \"%s\" is not name=value, 128 and 256 characters at most",
                         tags->items[i]);
    }
}

/* A name without a slash is looked up in PATH when it runs. */
static void check_command(const struct opt_list *command, struct opt_report *r)
{
    if (!command->count || !strchr(command->items[0], '/')) return;
    if (access(command->items[0], X_OK) != 0)
        opt_complain(r, "command", "command: cannot run \"%s\": %s", command->items[0],
                     uv_strerror(-errno));
}

static void check_url(const char *option, const char *url, struct opt_report *r)
{
    if (!url || strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0) return;
    opt_complain(r, option, "%s: not an address: \"%s\" (it looks like https://host)", option, url);
}

/* Files are read here as they will be when it runs: a profile that is missing is no surprise. */
static void check_profile(const struct credentials_conf *conf, struct opt_report *r)
{
    struct error e;
    if (conf->provider != CREDENTIALS_PROFILE) return;
    struct provider *provider = profile_provider(conf, &e);
    if (!provider) opt_complain(r, conf->profile ? "profile" : NULL, "%s", e.text);
    provider_destroy(provider);
}

/* Where both come from the environment, that may be another one now. */
static void check_container(const struct credentials_conf *conf, struct opt_report *r)
{
    char url[1024];
    struct error e;
    if (conf->provider == CREDENTIALS_CONTAINER && conf->uri &&
        !provider_container_url(conf, url, sizeof(url), &e))
        opt_complain(r, "uri", "uri: %s", e.text);
}

static void check_certificate(const struct credentials_conf *conf, struct opt_report *r)
{
    struct error e;
    if (!conf->certificate) return;
    if (conf->provider != CREDENTIALS_IOT && conf->provider != CREDENTIALS_ROLES_ANYWHERE) return;
    struct identity *identity = provider_identity(conf, &e);
    if (!identity) opt_complain(r, "certificate", "certificate: %s", e.text);
    identity_destroy(identity);
}

/* ---- sections that refer to each other ---- */

static void check_cycle(const struct credentials_conf *conf, struct opt_report *r)
{
    const struct credentials_conf *at = conf->source;
    for (int steps = 0; at && at != conf && steps < 1000; steps++)
        at = at->source;
    if (at == conf)
        opt_complain(r, "source", "source = \"%s\": the sections refer to each other in a circle",
                     conf->source->name);
}

void credentials_check(const void *section, struct opt_report *r)
{
    const struct credentials_conf *conf = section;
    check_options(conf, r);
    check_arn(conf->role_arn, "role_arn", "iam", "role/", r);
    check_arn(conf->trust_anchor_arn, "trust_anchor_arn", "rolesanywhere", "trust-anchor/", r);
    check_arn(conf->profile_arn, "profile_arn", "rolesanywhere", "profile/", r);
    check_same_region(conf, r);
    check_texts(conf, r);
    check_tags(&conf->session_tags, r);
    check_command(&conf->command, r);
    if (conf->provider != CREDENTIALS_IOT) check_url("endpoint_url", conf->endpoint_url, r);
    check_container(conf, r);
    check_profile(conf, r);
    check_certificate(conf, r);
    check_cycle(conf, r);
}
