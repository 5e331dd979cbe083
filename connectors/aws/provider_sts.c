/* Keys of a role, from AWS Security Token Service: asked for with other keys (AssumeRole), or with
 * a token of an identity provider (AssumeRoleWithWebIdentity, as in EKS). Source: AWS STS API
 * reference, query protocol of 2011-06-15. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ask.h"
#include "connectors/aws/credentials_check.h"
#include "connectors/aws/endpoint.h"
#include "connectors/aws/small_file.h"

enum { TIMEOUT_MS = 10000 };

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "SessionToken",
    [ANSWER_EXPIRATION] = "Expiration",
    [ANSWER_CODE] = "Code",
    [ANSWER_MESSAGE] = "Message",
}};

struct sts {
    struct provider base;
    struct credentials_conf *conf;
    struct provider *source; /* NULL: a token of an identity provider */
    struct fresh_keys caller;
    struct ask ask;
    struct aws_endpoint endpoint;
    char region[64];
    int64_t clock_offset_s; /* theirs - ours */
    bool clock_corrected;
};

static struct sts *sts_of(struct provider *p)
{
    return (struct sts *)p;
}

/* ---- the end of an attempt ---- */

static void end_attempt(struct sts *s)
{
    ask_end(&s->ask);
    keys_free(&s->caller);
}

static void fail(struct sts *s, struct error *e)
{
    end_attempt(s);
    error_prefix(e, "role %s", s->conf->role_arn);
    provider_failed(&s->base, e);
}

static void succeed(struct sts *s, struct fresh_keys *keys)
{
    if (s->caller.region) keys->region = mem_strdup(s->caller.region);
    end_attempt(s);
    provider_done(&s->base, keys);
}

/* ---- errors ---- */

static const struct {
    const char *code, *hint;
} hints[] = {
    {"AccessDenied", "the role's trust policy must allow it, and so must the caller's own policy; "
                     "check role_arn and external_id"},
    {"ExpiredTokenException", "is the token file still renewed?"},
    {"ExpiredToken", "the keys of the source have expired"},
    {"InvalidIdentityToken", "check the identity provider of the account, and the token file"},
    {"IDPCommunicationError", "AWS cannot reach the identity provider"},
    {"InvalidClientTokenId", "check the keys of the source"},
    {"SignatureDoesNotMatch", "check the keys of the source, region and the clock"},
    {"RegionDisabledException", "activate STS there, or set region"},
    {"MalformedPolicyDocument", "check policy"},
    {"PackedPolicyTooLarge", "shorten policy and session_tags"},
    {"Throttling", "it is tried again"},
};

static const char *hint_for(const char *code)
{
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (strcmp(hints[i].code, code) == 0) return hints[i].hint;
    return "";
}

static bool refused_the_caller(const char *code)
{
    return strcmp(code, "ExpiredToken") == 0 || strcmp(code, "InvalidClientTokenId") == 0;
}

static void describe(struct sts *s, const struct answer *a, struct error *e)
{
    const char *code = a->fields[ANSWER_CODE], *message = a->fields[ANSWER_MESSAGE];
    const char *hint = code ? hint_for(code) : "check endpoint_url, and that no proxy answers";
    char status[32];
    snprintf(status, sizeof(status), "HTTP status %d", s->ask.http.status);
    error_set(e, FAULT_DOWN, "%s%s%.200s%s%s%s", code ? code : status, message ? ": " : "",
              message ? message : "", *hint ? " (" : "", hint, *hint ? ")" : "");
    if (code && s->source && s->source->ops->refused && refused_the_caller(code))
        s->source->ops->refused(s->source);
}

/* ---- the request ---- */

static void add_field(struct buf *b, const char *name, const char *value)
{
    if (!value || !*value) return;
    buf_printf(b, "&%s=", name);
    ask_encode(b, value);
}

static void add_tags(struct buf *b, const struct opt_list *tags)
{
    for (size_t i = 0; i < tags->count; i++) {
        char member[40], *name = mem_strndup(tags->items[i], strcspn(tags->items[i], "="));
        snprintf(member, sizeof(member), "Tags.member.%zu.Key", i + 1);
        add_field(b, member, name);
        snprintf(member, sizeof(member), "Tags.member.%zu.Value", i + 1);
        buf_printf(b, "&%s=", member);
        ask_encode(b, strchr(tags->items[i], '=') + 1);
        free(name);
    }
}

/* "sqsbridge-HOST", of what a session's name may hold. */
static void default_session_name(char name[65])
{
    char host[64] = "";
    gethostname(host, sizeof(host) - 1);
    for (char *c = host; *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_=,.@-", *c))
            *c = '-';
    snprintf(name, 65, "sqsbridge%s%.54s", *host ? "-" : "", host);
}

static void write_form(struct sts *s, const char *action, const char *token)
{
    const struct credentials_conf *conf = s->conf;
    struct buf *b = &s->ask.body;
    char name[65], seconds[24];
    default_session_name(name);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)conf->duration_seconds);
    buf_printf(b, "Action=%s&Version=2011-06-15", action);
    add_field(b, "RoleArn", conf->role_arn);
    add_field(b, "RoleSessionName", conf->role_session_name ? conf->role_session_name : name);
    add_field(b, "ExternalId", conf->external_id);
    add_field(b, "DurationSeconds", conf->duration_seconds ? seconds : NULL);
    add_field(b, "Policy", conf->policy);
    add_tags(b, &conf->session_tags);
    add_field(b, "WebIdentityToken", token);
}

static const char *environment_region(void)
{
    const char *region = getenv("AWS_REGION");
    if (!region || !*region) region = getenv("AWS_DEFAULT_REGION");
    return region && *region ? region : NULL;
}

/* STS answers for all accounts of a partition in any of its regions. */
static bool find_region(struct sts *s, struct error *e)
{
    char partition[32] = "";
    const char *region = s->conf->region ? s->conf->region : environment_region();
    if (!region) region = s->caller.region;
    arn_part(s->conf->role_arn, ARN_PARTITION, partition, sizeof(partition));
    if (!region && strcmp(partition, "aws") == 0) region = "us-east-1";
    snprintf(s->region, sizeof(s->region), "%s", region ? region : "");
    return region || error_set(e, FAULT_CONFIG,
                               "the region of STS is not known (set region, or the "
                               "variable AWS_REGION)");
}

static bool find_endpoint(struct sts *s, struct error *e)
{
    struct aws_endpoint_wish wish = {
        .service = "sts", .region = s->region, .url = s->conf->endpoint_url};
    return find_region(s, e) && aws_endpoint_find(&wish, &s->endpoint, e);
}

static bool begin(struct sts *s, struct error *e)
{
    struct ask_way way = {
        .conf = s->conf, .timeout_ms = TIMEOUT_MS, .address_option = "endpoint_url"};
    if (!find_endpoint(s, e)) return false;
    ask_begin(&s->ask, s->base.home, &way);
    s->ask.arg = s;
    ask_url(&s->ask, "%s", s->endpoint.url);
    return true;
}

static const char content_type[] = "application/x-www-form-urlencoded; charset=utf-8";

static void sign(struct sts *s)
{
    struct sigv4_signer *signer = sigv4_signer_create();
    struct sigv4_signature signature = {0};
    const struct sigv4_header headers[] = {
        {BYTES_LIT("content-type"), bytes_str(content_type)},
        {BYTES_LIT("host"), bytes_str(s->endpoint.host)},
    };
    struct sigv4_request request = {
        .method = "POST",
        .region = s->region,
        .service = "sts",
        .path = bytes_str(s->endpoint.path),
        .headers = headers,
        .header_count = 2,
        .body = bytes_of(s->ask.body.ptr, s->ask.body.len),
        .now_s = time(NULL) + s->clock_offset_s,
    };
    sigv4_sign(signer, &s->caller.keys, &request, &signature);
    ask_header(&s->ask, "%s", signature.date);
    ask_header(&s->ask, "%s", signature.authorization.ptr);
    if (s->caller.keys.session_token)
        ask_header(&s->ask, "X-Amz-Security-Token: %s", s->caller.keys.session_token);
    free(signature.authorization.ptr);
    sigv4_signer_destroy(signer);
}

static void on_answer(struct ask *a, const struct error *why);

static void send_with_keys(struct sts *s)
{
    ask_url(&s->ask, "%s", s->endpoint.url);
    write_form(s, "AssumeRole", NULL);
    ask_header(&s->ask, "Content-Type: %s", content_type);
    sign(s);
    ask_send(&s->ask, "POST", on_answer);
}

/* ---- the answer ---- */

/* A refused signature while our clock and theirs differ: once more, by theirs. */
static bool correct_clock(struct sts *s)
{
    if (!s->source || s->clock_corrected) return false;
    return s->clock_corrected = ask_corrects_clock(&s->ask, &s->clock_offset_s);
}

static void on_answer(struct ask *ask, const struct error *why)
{
    struct sts *s = ask->arg;
    struct error e;
    struct answer a;
    struct fresh_keys keys = {0};
    if (!why && correct_clock(s)) {
        send_with_keys(s);
        return;
    }
    if (why) {
        e = *why;
        fail(s, &e);
        return;
    }
    bool read = answer_read_xml(ask_text(ask), ask->http.response.len, &names, &a, &e);
    bool good = read && ask->http.status == 200 && answer_keys_of_service(&a, &names, &keys, &e);
    if (ask->http.status != 200) describe(s, &a, &e);
    answer_free(&a);
    if (good)
        succeed(s, &keys);
    else
        fail(s, &e);
}

/* ---- AssumeRole ---- */

static void on_caller(struct provider *source, struct fresh_keys *keys, const struct error *why)
{
    struct sts *s = source->arg;
    struct error e;
    if (why) {
        e = *why;
        error_prefix(&e, "keys to ask for it");
        fail(s, &e);
        return;
    }
    s->caller = *keys;
    *keys = (struct fresh_keys){0};
    if (begin(s, &e))
        send_with_keys(s);
    else
        fail(s, &e);
}

static void fetch_role(struct provider *p)
{
    struct sts *s = sts_of(p);
    s->clock_corrected = false;
    provider_fetch(s->source, p->home, on_caller, s);
}

static void destroy(struct provider *p)
{
    struct sts *s = sts_of(p);
    end_attempt(s);
    provider_destroy(s->source);
    credentials_conf_free(s->conf);
    free(s);
}

static const struct provider_ops role_ops = {.fetch = fetch_role, .destroy = destroy};

struct provider *provider_assume_role_from(const struct credentials_conf *conf,
                                           struct provider *source)
{
    struct sts *s = mem_zalloc(sizeof(*s));
    s->base.ops = &role_ops;
    s->conf = credentials_conf_copy(conf);
    s->source = source;
    return &s->base;
}

struct provider *provider_assume_role_create(const struct credentials_conf *conf, struct error *e)
{
    static const struct credentials_conf chain = {.provider = CREDENTIALS_DEFAULT};
    struct provider *source =
        conf->source ? provider_shared_create(conf->source, e) : provider_create(&chain, e);
    return source ? provider_assume_role_from(conf, source) : NULL;
}

/* ---- AssumeRoleWithWebIdentity ---- */

/* The file is renewed by others: it is read for each attempt. */
static void fetch_web_identity(struct provider *p)
{
    struct sts *s = sts_of(p);
    struct buf token = {0};
    struct error e;
    if (!small_file_read_token(s->conf->token_file, &token, &e) || !begin(s, &e)) {
        secret_buf_free(&token);
        fail(s, &e);
        return;
    }
    write_form(s, "AssumeRoleWithWebIdentity", token.ptr);
    secret_buf_free(&token);
    ask_header(&s->ask, "Content-Type: %s", content_type);
    ask_send(&s->ask, "POST", on_answer);
}

static const struct provider_ops web_identity_ops = {.fetch = fetch_web_identity,
                                                     .destroy = destroy};

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

struct provider *provider_web_identity_create(const struct credentials_conf *conf, struct error *e)
{
    struct credentials_conf full = *conf;
    if (!full.token_file) full.token_file = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    if (!full.role_arn) full.role_arn = variable("AWS_ROLE_ARN");
    if (!full.role_session_name) full.role_session_name = variable("AWS_ROLE_SESSION_NAME");
    if (!full.token_file || !full.role_arn) {
        error_set(e, FAULT_CONFIG, "no %s (set %s)", full.role_arn ? "token file" : "role",
                  full.role_arn ? "token_file, or AWS_WEB_IDENTITY_TOKEN_FILE"
                                : "role_arn, or AWS_ROLE_ARN");
        return NULL;
    }
    struct sts *s = mem_zalloc(sizeof(*s));
    s->base.ops = &web_identity_ops;
    s->conf = credentials_conf_copy(&full);
    return &s->base;
}
