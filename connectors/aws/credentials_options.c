/* The option table of credentials sections, and what it can't say. */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/aws/credentials_check.h"
#include "connectors/aws/keys.h"

static const char *const provider_names[] = {
    [CREDENTIALS_DEFAULT] = "default",
    [CREDENTIALS_STATIC] = "static",
    [CREDENTIALS_ENVIRONMENT] = "environment",
    [CREDENTIALS_PROFILE] = "profile",
    [CREDENTIALS_PROCESS] = "process",
    [CREDENTIALS_WEB_IDENTITY] = "web-identity",
    [CREDENTIALS_CONTAINER] = "container",
    [CREDENTIALS_IMDS] = "imds",
    [CREDENTIALS_ASSUME_ROLE] = "assume-role",
    [CREDENTIALS_IOT] = "iot",
    [CREDENTIALS_ROLES_ANYWHERE] = "roles-anywhere",
    NULL,
};

#define CONF(field) OPT_FIELD(struct credentials_conf, field)

static const struct opt opts[] = {
    {CONF(provider), .type = OPT_ENUM, .fallback = "default", .choices = provider_names,
     .help = "how to sign in; default: the first that is there of environment, web identity, "
             "profile, container, instance metadata, as in the SDKs"},
    {CONF(access_key_id), .type = OPT_STRING, .help = "static: access key"},
    {CONF(secret_access_key), .type = OPT_STRING, .flags = OPT_SECRET,
     .help = "static: its secret"},
    {CONF(session_token), .type = OPT_STRING, .flags = OPT_SECRET,
     .help = "static: session token of temporary keys"},
    {CONF(profile), .type = OPT_STRING,
     .help = "profile: its name; default: AWS_PROFILE, or else \"default\""},
    {CONF(config_file), .type = OPT_PATH,
     .help = "profile: where profiles are; default: AWS_CONFIG_FILE, ~/.aws/config"},
    {CONF(credentials_file), .type = OPT_PATH,
     .help = "profile: where their keys are; default: AWS_SHARED_CREDENTIALS_FILE, "
             "~/.aws/credentials"},
    {CONF(command), .type = OPT_LIST,
     .help = "process: program and arguments, run without a shell; prints JSON as SDKs' "
             "credential_process does"},
    {CONF(role_arn), .type = OPT_STRING,
     .help = "assume-role, web-identity, roles-anywhere: the role to take on"},
    {CONF(role_session_name), .type = OPT_STRING,
     .help = "assume-role, web-identity, roles-anywhere: who we are in audit logs; default: "
             "sqsbridge-HOST (roles-anywhere: the certificate's serial number)"},
    {CONF(duration_seconds), .type = OPT_SECONDS, .max = 43200,
     .help = "assume-role, web-identity, roles-anywhere: how long keys last, 900 to 43200; "
             "default: an hour, or as AWS says"},
    {CONF(external_id), .type = OPT_STRING,
     .help = "assume-role: as the role's trust policy wants it"},
    {CONF(session_tags), .type = OPT_LIST,
     .help = "assume-role: tags of the session, [\"name=value\"]"},
    {CONF(policy), .type = OPT_STRING,
     .help = "assume-role, web-identity: JSON policy that narrows what the session may do"},
    {CONF(source), .type = OPT_SECTION, .kind = &credentials_kind,
     .help = "assume-role: the credentials section that asks for the role; default: as provider "
             "\"default\""},
    {CONF(token_file), .type = OPT_PATH,
     .help = "web-identity, container: file with the token, read anew at each refresh"},
    {CONF(uri), .type = OPT_STRING,
     .help = "container: where keys are; default: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, "
             "AWS_CONTAINER_CREDENTIALS_FULL_URI"},
    {CONF(imds_v1_fallback), .type = OPT_BOOL, .fallback = "false",
     .help = "imds: go on without a session token where version 2 does not answer (weaker)"},
    {CONF(role_alias), .type = OPT_STRING, .help = "iot: role alias"},
    {CONF(thing_name), .type = OPT_STRING, .help = "iot: the thing, where its policy wants it"},
    {CONF(profile_arn), .type = OPT_STRING, .help = "roles-anywhere: profile"},
    {CONF(trust_anchor_arn), .type = OPT_STRING, .help = "roles-anywhere: trust anchor"},
    {CONF(certificate), .type = OPT_STRING,
     .help = "iot, roles-anywhere: PEM or PKCS#12 file, pkcs11: address, or a folder of PEM files"},
    {CONF(private_key), .type = OPT_STRING,
     .help = "iot, roles-anywhere: PEM file or pkcs11: address; default: with the certificate"},
    {CONF(certificate_chain), .type = OPT_PATH,
     .help = "iot, roles-anywhere: PEM file of the authorities in between"},
    {CONF(certificate_identifier), .type = OPT_STRING,
     .help = "iot, roles-anywhere: which of a folder's certificates, as \"subject:CN=bridge-01\", "
             "\"serial:3f:9a\""},
    {CONF(certificate_password), .type = OPT_STRING, .flags = OPT_SECRET,
     .help = "iot, roles-anywhere: password of key or PKCS#12 file, PIN of the token"},
    {CONF(region), .type = OPT_STRING,
     .help =
         "AWS region; default: AWS_REGION, AWS_DEFAULT_REGION, the profile's or trust anchor's"},
    {CONF(endpoint_url), .type = OPT_STRING,
     .help = "where requests go; default: AWS's own address, or AWS_ENDPOINT_URL_STS and its like; "
             "iot: https://ID.credentials.iot.REGION.amazonaws.com"},
    {CONF(tls_ca), .type = OPT_PATH,
     .help = "PEM file of the certificate authorities to trust; default: AWS_CA_BUNDLE, or the "
             "system's"},
    {CONF(proxy), .type = OPT_STRING,
     .help = "HTTP proxy, not for metadata services; default: HTTPS_PROXY, NO_PROXY"},
    {CONF(timeout), .type = OPT_DURATION, .max = 600000,
     .help = "how long one attempt may take; default: 2s of metadata services, 60s of a process, "
             "else 10s"},
    OPT_END,
};

const struct section_kind credentials_kind = {
    .name = "credentials",
    .opts = opts,
    .conf_size = sizeof(struct credentials_conf),
    .check = credentials_check,
    .help = "ways to sign in at AWS, shared by all that name them",
};

const char *credentials_provider_name(enum credentials_provider provider)
{
    return provider_names[provider];
}

/* ---- copies ---- */

static struct opt_list copy_list(const struct opt_list *list)
{
    const char **items = mem_alloc((list->count + 1) * sizeof(items[0]));
    for (size_t i = 0; i < list->count; i++)
        items[i] = mem_strdup(list->items[i]);
    return (struct opt_list){items, list->count};
}

static void free_list(struct opt_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        secret_free((char *)(uintptr_t)list->items[i]);
    free((void *)(uintptr_t)list->items);
}

static bool is_text(const struct opt *o)
{
    return o->type == OPT_STRING || o->type == OPT_PATH;
}

struct credentials_conf *credentials_conf_copy(const struct credentials_conf *conf)
{
    struct credentials_conf *copy = mem_alloc(sizeof(*copy));
    *copy = *conf;
    copy->source = NULL;
    if (conf->name) copy->name = mem_strdup(conf->name);
    for (const struct opt *o = opts; o->name; o++) {
        const char **text = (const char **)((char *)copy + o->offset);
        struct opt_list *list = (struct opt_list *)((char *)copy + o->offset);
        if (is_text(o) && *text) *text = mem_strdup(*text);
        if (o->type == OPT_LIST) *list = copy_list(list);
    }
    return copy;
}

void credentials_conf_free(struct credentials_conf *conf)
{
    if (!conf) return;
    for (const struct opt *o = opts; o->name; o++) {
        if (is_text(o)) secret_free(*(char **)((char *)conf + o->offset));
        if (o->type == OPT_LIST) free_list((struct opt_list *)((char *)conf + o->offset));
    }
    free((char *)(uintptr_t)conf->name);
    free(conf);
}
