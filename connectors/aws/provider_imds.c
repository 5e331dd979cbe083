/* Keys of the role of an EC2 instance, from its metadata service, version 2: a session token first,
 * then the name of the role, then its keys; the region on the way.
 * Source: Amazon EC2 user guide, "Use the Instance Metadata Service". */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ask.h"
#include "connectors/aws/endpoint.h"

enum { TIMEOUT_MS = 2000, TOKEN_S = 300, MOST_ROLE = 128, MOST_TOKEN = 1024, MOST_REGION = 32 };

static const char roles_path[] = "latest/meta-data/iam/security-credentials/";

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "Token",
    [ANSWER_EXPIRATION] = "Expiration",
    [ANSWER_CODE] = "Code",
    [ANSWER_MESSAGE] = "Message",
}};

struct imds {
    struct provider base;
    struct credentials_conf *conf;
    struct ask ask;
    char url[512]; /* with a slash at its end */
    char *token;   /* NULL: version 1 */
    char role[MOST_ROLE + 1];
    struct fresh_keys keys;
};

static bool is_true(const char *name)
{
    const char *value = getenv(name);
    return value && strcasecmp(value, "true") == 0;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *base_url(const struct credentials_conf *conf)
{
    const char *url = conf->endpoint_url,
               *mode = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    if (!url) url = variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (url) return url;
    return mode && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]/"
                                                 : "http://169.254.169.254/";
}

static bool find_url(struct imds *i, struct error *e)
{
    struct aws_address a;
    const char *url = base_url(i->conf);
    if (is_true("AWS_EC2_METADATA_DISABLED"))
        return error_set(e, FAULT_CONFIG,
                         "AWS_EC2_METADATA_DISABLED is true (unset it, or use "
                         "another provider)");
    if (!aws_address_parse(url, &a) || strlen(url) + 2 > sizeof(i->url))
        return error_set(e, FAULT_CONFIG,
                         "not an address: \"%s\" (it looks like "
                         "http://169.254.169.254)",
                         url);
    snprintf(i->url, sizeof(i->url), "%s%s", url, url[strlen(url) - 1] == '/' ? "" : "/");
    return true;
}

static void end_attempt(struct imds *i)
{
    ask_end(&i->ask);
    secret_free(i->token);
    i->token = NULL;
    keys_free(&i->keys);
}

static void fail(struct imds *i, struct error *e)
{
    end_attempt(i);
    error_prefix(e, "instance metadata");
    provider_failed(&i->base, e);
}

static void get(struct imds *i, const char *path, const char *name,
                void (*answered)(struct ask *ask, const struct error *why))
{
    ask_url(&i->ask, "%s%s%s", i->url, path, name);
    if (i->token) ask_header(&i->ask, "x-aws-ec2-metadata-token: %s", i->token);
    ask_send(&i->ask, "GET", answered);
}

static bool expect_200(const struct imds *i, const struct error *why, struct error *e)
{
    if (why) {
        *e = *why;
        return false;
    }
    int status = i->ask.http.status;
    return status == 200 || error_set(e, FAULT_DOWN, "HTTP status %d", status);
}

/* One line of printable text; the rest is cut off. False: there is none, or it is too long. */
static bool take_line(struct imds *i, size_t most)
{
    char *text = ask_text(&i->ask);
    text[strcspn(text, "\r\n")] = 0;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~') return false;
    return *text && strlen(text) <= most;
}

/* ---- region: nice to have ---- */

static void on_region(struct ask *ask, const struct error *why)
{
    struct imds *i = ask->arg;
    struct error e;
    struct fresh_keys keys = i->keys;
    i->keys = (struct fresh_keys){0};
    if (expect_200(i, why, &e) && take_line(i, MOST_REGION))
        keys.region = mem_strdup(ask_text(ask));
    end_attempt(i);
    provider_done(&i->base, &keys);
}

/* ---- keys ---- */

static bool read_keys(struct imds *i, struct error *e)
{
    struct answer a;
    if (!answer_read_json(ask_text(&i->ask), i->ask.http.response.len, &names, &a, e)) return false;
    const char *code = a.fields[ANSWER_CODE], *message = a.fields[ANSWER_MESSAGE];
    bool fine = !code || strcmp(code, "Success") == 0;
    if (fine)
        fine = answer_keys_of_service(&a, &names, &i->keys, e);
    else
        error_set(e, FAULT_DOWN, "%s%s%.200s (check the instance profile's role)", code,
                  message ? ": " : "", message ? message : "");
    answer_free(&a);
    return fine;
}

static void on_keys(struct ask *ask, const struct error *why)
{
    struct imds *i = ask->arg;
    struct error e;
    if (!expect_200(i, why, &e) || !read_keys(i, &e)) {
        error_prefix(&e, "keys of role \"%s\"", i->role);
        fail(i, &e);
        return;
    }
    get(i, "latest/meta-data/placement/region", "", on_region);
}

/* ---- role ---- */

static void on_role(struct ask *ask, const struct error *why)
{
    struct imds *i = ask->arg;
    struct error e;
    bool none =
        !why && (ask->http.status == 404 || (ask->http.status == 200 && !ask->http.response.len));
    if (none)
        error_set(&e, FAULT_DOWN, "this instance has no role (attach an instance profile to it)");
    else if (expect_200(i, why, &e) && !take_line(i, MOST_ROLE))
        error_set(&e, FAULT_DOWN, "the role's name is not one line of text (what answers there?)");
    else if (!why && ask->http.status == 200) {
        snprintf(i->role, sizeof(i->role), "%s", ask_text(ask));
        get(i, roles_path, i->role, on_keys);
        return;
    }
    fail(i, &e);
}

/* ---- token ---- */

static bool may_fall_back(const struct imds *i, const struct error *why)
{
    int status = i->ask.http.status;
    bool old = why || status == 403 || status == 404 || status == 405;
    return old && i->conf->imds_v1_fallback && !is_true("AWS_EC2_METADATA_V1_DISABLED");
}

/* The answer to a PUT goes no further than the hop limit of the instance lets it. */
static void describe_no_token(const struct imds *i, const struct error *why, struct error *e)
{
    if (why)
        error_set(e, FAULT_DOWN,
                  "no session token: %s (is this an EC2 instance? In a container, the instance's "
                  "metadata options need a hop limit of 2)",
                  why->text);
    else
        error_set(e, FAULT_DOWN, "no session token: HTTP status %d%s", i->ask.http.status,
                  i->ask.http.status == 403 ? " (turn the instance's metadata service on)" : "");
}

static void on_token(struct ask *ask, const struct error *why)
{
    struct imds *i = ask->arg;
    struct error e;
    bool good = !why && ask->http.status == 200 && take_line(i, MOST_TOKEN);
    if (good) i->token = mem_strdup(ask_text(ask));
    if (good || may_fall_back(i, why)) {
        get(i, roles_path, "", on_role);
        return;
    }
    describe_no_token(i, why, &e);
    fail(i, &e);
}

static void fetch(struct provider *p)
{
    struct imds *i = (struct imds *)p;
    struct ask_way way = {.conf = i->conf,
                          .timeout_ms = TIMEOUT_MS,
                          .metadata = true,
                          .address_option = "endpoint_url"};
    struct error e;
    if (!find_url(i, &e)) {
        fail(i, &e);
        return;
    }
    ask_begin(&i->ask, p->home, &way);
    i->ask.arg = i;
    ask_url(&i->ask, "%slatest/api/token", i->url);
    ask_header(&i->ask, "x-aws-ec2-metadata-token-ttl-seconds: %d", TOKEN_S);
    ask_send(&i->ask, "PUT", on_token);
}

static void destroy(struct provider *p)
{
    struct imds *i = (struct imds *)p;
    end_attempt(i);
    credentials_conf_free(i->conf);
    free(i);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

struct provider *provider_imds_create(const struct credentials_conf *conf, struct error *e)
{
    (void)e;
    struct imds *i = mem_zalloc(sizeof(*i));
    i->base.ops = &ops;
    i->conf = credentials_conf_copy(conf);
    return &i->base;
}
