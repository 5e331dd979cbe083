/* Keys of a container: ECS, EKS Pod Identity, Greengrass. A service nearby hands them out to
 * whoever knows the address and, mostly, a token. Source: AWS SDKs and Tools reference, "Container
 * credential provider". */
#include <stdio.h>
#include <stdlib.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ask.h"
#include "connectors/aws/endpoint.h"
#include "connectors/aws/small_file.h"

enum { TIMEOUT_MS = 2000 };

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "Token",
    [ANSWER_EXPIRATION] = "Expiration",
    [ANSWER_CODE] = "code",
    [ANSWER_MESSAGE] = "message",
}};

struct container {
    struct provider base;
    struct credentials_conf *conf;
    struct ask ask;
};

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Keys and token travel in the clear, so only this machine and the well-known neighbours may be
 * asked without TLS. */
static bool may_be_plain(struct bytes host)
{
    static const char *const neighbours[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
    for (size_t i = 0; i < sizeof(neighbours) / sizeof(neighbours[0]); i++)
        if (bytes_eq(host, bytes_str(neighbours[i]))) return true;
    return aws_address_is_loopback(host);
}

static bool check_url(const char *url, struct error *e)
{
    struct aws_address a;
    if (!aws_address_parse(url, &a))
        return error_set(e, FAULT_CONFIG,
                         "not an address: \"%s\" (it looks like "
                         "http://169.254.170.23/v1/credentials)",
                         url);
    if (a.https || may_be_plain(a.host)) return true;
    return error_set(e, FAULT_CONFIG,
                     "\"%s\" may not be asked without TLS (use https, a loopback address, "
                     "169.254.170.2, 169.254.170.23 or [fd00:ec2::23])",
                     url);
}

bool provider_container_url(const struct credentials_conf *conf, char *url, size_t size,
                            struct error *e)
{
    const char *uri = conf->uri;
    if (!uri) uri = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    if (!uri) uri = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!uri)
        return error_set(e, FAULT_CONFIG,
                         "no address (set uri, or "
                         "AWS_CONTAINER_CREDENTIALS_FULL_URI)");
    int len = snprintf(url, size, "%s%s", *uri == '/' ? "http://169.254.170.2" : "", uri);
    if (len < 0 || (size_t)len >= size) return error_set(e, FAULT_CONFIG, "uri is too long");
    return check_url(url, e);
}

static void end_attempt(struct container *c)
{
    ask_end(&c->ask);
}

static void fail(struct container *c, struct error *e)
{
    end_attempt(c);
    error_prefix(e, "container credentials");
    provider_failed(&c->base, e);
}

static void describe(const struct ask *ask, const struct answer *a, struct error *e)
{
    const char *code = a->fields[ANSWER_CODE], *message = a->fields[ANSWER_MESSAGE];
    const char *hint = ask->http.status == 401 || ask->http.status == 403 ? "the token" : "uri";
    error_set(e, FAULT_DOWN,
              "HTTP status %d%s%s%s%.200s (check %s, and the role of the task or pod)",
              ask->http.status, code ? ": " : "", code ? code : "", message ? ": " : "",
              message ? message : "", hint);
}

static void on_answer(struct ask *ask, const struct error *why)
{
    struct container *c = ask->arg;
    struct answer a = {{NULL}};
    struct fresh_keys keys = {0};
    struct error e;
    if (why) {
        e = *why;
        fail(c, &e);
        return;
    }
    bool read = answer_read_json(ask_text(ask), ask->http.response.len, &names, &a, &e);
    bool good = read && ask->http.status == 200 && answer_keys_of_service(&a, &names, &keys, &e);
    if (ask->http.status != 200) describe(ask, &a, &e);
    answer_free(&a);
    if (!good) {
        fail(c, &e);
        return;
    }
    end_attempt(c);
    provider_done(&c->base, &keys);
}

/* A file is read for each attempt, as it is renewed by others; it goes before the variable. */
static bool add_token(struct container *c, struct error *e)
{
    const char *path = c->conf->token_file, *given = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct buf token;
    if (!path) path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (path) {
        if (!small_file_read_token(path, &token, e)) return false;
        ask_header(&c->ask, "Authorization: %s", token.ptr);
        secret_buf_free(&token);
    } else if (given) {
        if (strpbrk(given, "\r\n"))
            return error_set(e, FAULT_CONFIG,
                             "AWS_CONTAINER_AUTHORIZATION_TOKEN: holds a line "
                             "break");
        ask_header(&c->ask, "Authorization: %s", given);
    }
    return true;
}

static void fetch(struct provider *p)
{
    struct container *c = (struct container *)p;
    struct ask_way way = {
        .conf = c->conf, .timeout_ms = TIMEOUT_MS, .metadata = true, .address_option = "uri"};
    char url[1024];
    struct error e;
    if (!provider_container_url(c->conf, url, sizeof(url), &e)) {
        fail(c, &e);
        return;
    }
    ask_begin(&c->ask, p->home, &way);
    c->ask.arg = c;
    ask_url(&c->ask, "%s", url);
    ask_header(&c->ask, "Accept: application/json");
    if (add_token(c, &e))
        ask_send(&c->ask, "GET", on_answer);
    else
        fail(c, &e);
}

static void destroy(struct provider *p)
{
    struct container *c = (struct container *)p;
    end_attempt(c);
    credentials_conf_free(c->conf);
    free(c);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

struct provider *provider_container_create(const struct credentials_conf *conf, struct error *e)
{
    char url[1024];
    if (!provider_container_url(conf, url, sizeof(url), e)) return NULL;
    struct container *c = mem_zalloc(sizeof(*c));
    c->base.ops = &ops;
    c->conf = credentials_conf_copy(conf);
    return &c->base;
}
