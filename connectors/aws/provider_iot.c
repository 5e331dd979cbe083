/* Keys of a role for a device of AWS IoT, which shows its certificate in the TLS handshake.
 * Source: AWS IoT Core developer guide, "Authorizing direct calls to AWS services". */
#include <stdio.h>
#include <stdlib.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ask.h"
#include "connectors/aws/identity.h"

enum { TIMEOUT_MS = 10000 };

struct iot {
    struct provider base;
    struct credentials_conf *conf;
    struct identity *identity; /* during an attempt: files are replaced before they expire */
    struct ask ask;
};

static void end_attempt(struct iot *i)
{
    ask_end(&i->ask);
    identity_destroy(i->identity);
    i->identity = NULL;
}

static void fail(struct iot *i, struct error *e)
{
    end_attempt(i);
    error_prefix(e, "iot, role alias \"%s\"", i->conf->role_alias);
    provider_failed(&i->base, e);
}

static void describe(const struct iot *i, const struct answer *a, struct error *e)
{
    const char *message = a->fields[ANSWER_MESSAGE];
    int status = i->ask.http.status;
    const char *hint = status == 403
                           ? " (check the certificate and its policy, thing_name, and that "
                             "iot:AssumeRoleWithCertificate is allowed)"
                       : status == 404 ? " (check role_alias and endpoint_url)"
                                       : "";
    error_set(e, FAULT_DOWN, "HTTP status %d%s%.200s%s", status, message ? ": " : "",
              message ? message : "", hint);
}

static void on_answer(struct ask *ask, const struct error *why)
{
    struct iot *i = ask->arg;
    struct answer a = {{NULL}};
    struct fresh_keys keys = {0};
    struct error e;
    if (why) {
        e = *why;
        fail(i, &e);
        return;
    }
    bool read =
        answer_read_json(ask_text(ask), ask->http.response.len, &answer_names_camel, &a, &e);
    bool good = read && ask->http.status == 200 &&
                answer_keys_of_service(&a, &answer_names_camel, &keys, &e);
    if (ask->http.status != 200) describe(i, &a, &e);
    answer_free(&a);
    if (!good) {
        fail(i, &e);
        return;
    }
    end_attempt(i);
    provider_done(&i->base, &keys);
}

/* The console shows the endpoint as a host; people paste it as it is. */
static void write_url(struct iot *i)
{
    const char *url = i->conf->endpoint_url;
    size_t len = strlen(url);
    struct buf alias = {0};
    while (len && url[len - 1] == '/')
        len--;
    ask_encode(&alias, i->conf->role_alias);
    ask_url(&i->ask, "%s%.*s/role-aliases/%.*s/credentials", strstr(url, "://") ? "" : "https://",
            (int)len, url, (int)alias.len, alias.ptr);
    free(alias.ptr);
}

static void fetch(struct provider *p)
{
    struct iot *i = (struct iot *)p;
    struct error e;
    i->identity = provider_identity(i->conf, &e);
    if (!i->identity) {
        fail(i, &e);
        return;
    }
    struct ask_way way = {.conf = i->conf,
                          .timeout_ms = TIMEOUT_MS,
                          .address_option = "endpoint_url",
                          .identity = i->identity};
    ask_begin(&i->ask, p->home, &way);
    i->ask.arg = i;
    write_url(i);
    ask_header(&i->ask, "Accept: application/json");
    if (i->conf->thing_name) ask_header(&i->ask, "x-amzn-iot-thingname: %s", i->conf->thing_name);
    ask_send(&i->ask, "GET", on_answer);
}

static void destroy(struct provider *p)
{
    struct iot *i = (struct iot *)p;
    end_attempt(i);
    credentials_conf_free(i->conf);
    free(i);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

struct provider *provider_iot_create(const struct credentials_conf *conf, struct error *e)
{
    (void)e;
    struct iot *i = mem_zalloc(sizeof(*i));
    i->base.ops = &ops;
    i->conf = credentials_conf_copy(conf);
    return &i->base;
}
