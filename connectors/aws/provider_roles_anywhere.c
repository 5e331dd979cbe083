/* Keys of a role for whoever holds a certificate that a trust anchor vouches for: IAM Roles
 * Anywhere. Source: AWS documentation, "Authentication and CreateSession operation in IAM Roles
 * Anywhere". */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/json.h"
#include "connectors/aws/answer.h"
#include "connectors/aws/ask.h"
#include "connectors/aws/credentials_check.h"
#include "connectors/aws/endpoint.h"
#include "connectors/aws/identity.h"
#include "connectors/aws/sigv4_x509.h"

enum { TIMEOUT_MS = 10000 };

struct anywhere {
    struct provider base;
    struct credentials_conf *conf;
    struct identity *identity; /* during an attempt: files are replaced before they expire */
    struct ask ask;
    struct aws_endpoint endpoint;
    char region[64], path[300];
    struct buf query;
    int64_t clock_offset_s; /* theirs - ours */
    bool clock_corrected;
};

static void end_attempt(struct anywhere *a)
{
    ask_end(&a->ask);
    identity_destroy(a->identity);
    a->identity = NULL;
}

static void fail(struct anywhere *a, struct error *e)
{
    end_attempt(a);
    error_prefix(e, "roles anywhere, role %s", a->conf->role_arn);
    provider_failed(&a->base, e);
}

/* ---- the request ---- */

static bool find_endpoint(struct anywhere *a, struct error *e)
{
    struct aws_endpoint_wish wish = {
        .service = "rolesanywhere", .region = a->region, .url = a->conf->endpoint_url};
    if (a->conf->region)
        snprintf(a->region, sizeof(a->region), "%s", a->conf->region);
    else if (!arn_part(a->conf->trust_anchor_arn, ARN_REGION, a->region, sizeof(a->region)))
        return error_set(e, FAULT_CONFIG, "trust_anchor_arn names no region (check it)");
    if (!aws_endpoint_find(&wish, &a->endpoint, e)) return false;
    size_t len = strlen(a->endpoint.path);
    bool slash = len && a->endpoint.path[len - 1] == '/';
    snprintf(a->path, sizeof(a->path), "%s%ssessions", a->endpoint.path, slash ? "" : "/");
    return true;
}

static void write_query(struct anywhere *a)
{
    a->query.len = 0;
    buf_add(&a->query, "profileArn=", 11);
    ask_encode(&a->query, a->conf->profile_arn);
    buf_add(&a->query, "&roleArn=", 9);
    ask_encode(&a->query, a->conf->role_arn);
    buf_add(&a->query, "&trustAnchorArn=", 16);
    ask_encode(&a->query, a->conf->trust_anchor_arn);
}

static void write_body(struct anywhere *a)
{
    struct json_writer w = {.out = &a->ask.body};
    json_object(&w);
    if (a->conf->duration_seconds) {
        json_key(&w, "durationSeconds");
        json_number(&w, a->conf->duration_seconds);
    }
    if (a->conf->role_session_name) {
        json_key(&w, "roleSessionName");
        json_string(&w, bytes_str(a->conf->role_session_name));
    }
    json_object_end(&w);
}

static bool sign(struct anywhere *a, struct error *e)
{
    struct sigv4_x509_signature signature = {.date = ""};
    const struct sigv4_header headers[] = {
        {BYTES_LIT("content-type"), BYTES_LIT("application/json")},
        {BYTES_LIT("host"), bytes_str(a->endpoint.host)},
    };
    struct sigv4_request request = {
        .method = "POST",
        .region = a->region,
        .service = "rolesanywhere",
        .path = bytes_str(a->path),
        .query = bytes_of(a->query.ptr, a->query.len),
        .headers = headers,
        .header_count = 2,
        .body = bytes_of(a->ask.body.ptr, a->ask.body.len),
        .now_s = time(NULL) + a->clock_offset_s,
    };
    bool signed_ = sigv4_x509_sign(a->identity, &request, &signature, e);
    if (signed_) {
        ask_header(&a->ask, "%s", signature.date);
        ask_header(&a->ask, "%s", signature.certificate.ptr);
        if (signature.chain.len) ask_header(&a->ask, "%s", signature.chain.ptr);
        ask_header(&a->ask, "%s", signature.authorization.ptr);
    }
    sigv4_x509_signature_free(&signature);
    return signed_;
}

static void on_answer(struct ask *ask, const struct error *why);

static bool send_request(struct anywhere *a, struct error *e)
{
    const char *host = strstr(a->endpoint.url, "://");
    ask_url(&a->ask, "%.*s://%s%s?%.*s", (int)(host - a->endpoint.url), a->endpoint.url,
            a->endpoint.host, a->path, (int)a->query.len, a->query.ptr);
    write_body(a);
    ask_header(&a->ask, "Content-Type: application/json");
    if (!sign(a, e)) return false;
    ask_send(&a->ask, "POST", on_answer);
    return true;
}

/* ---- the answer ---- */

static void describe(struct anywhere *a, const struct answer *answer, struct error *e)
{
    const char *message = answer->fields[ANSWER_MESSAGE];
    int status = a->ask.http.status;
    const char *hint = status == 403
                           ? " (check certificate, and that profile, trust anchor and the "
                             "role's trust policy accept it)"
                       : status == 404 ? " (check profile_arn, trust_anchor_arn and region)"
                                       : "";
    error_set(e, FAULT_DOWN, "HTTP status %d%s%.200s%s", status, message ? ": " : "",
              message ? message : "", hint);
}

static bool read_answer(struct anywhere *a, struct fresh_keys *keys, struct error *e)
{
    struct answer answer = {{NULL}};
    struct ask *ask = &a->ask;
    bool ok = ask->http.status == 200 || ask->http.status == 201;
    bool read =
        answer_read_json(ask_text(ask), ask->http.response.len, &answer_names_camel, &answer, e);
    bool good = ok && read && answer_keys_of_service(&answer, &answer_names_camel, keys, e);
    if (!ok) describe(a, &answer, e);
    answer_free(&answer);
    return good;
}

static bool correct_clock(struct anywhere *a)
{
    if (a->clock_corrected) return false;
    return a->clock_corrected = ask_corrects_clock(&a->ask, &a->clock_offset_s);
}

static void on_answer(struct ask *ask, const struct error *why)
{
    struct anywhere *a = ask->arg;
    struct fresh_keys keys = {0};
    struct error e;
    if (why) {
        e = *why;
        fail(a, &e);
    } else if (correct_clock(a)) {
        if (!send_request(a, &e)) fail(a, &e);
    } else if (read_answer(a, &keys, &e)) {
        end_attempt(a);
        provider_done(&a->base, &keys);
    } else {
        fail(a, &e);
    }
}

static void fetch(struct provider *p)
{
    struct anywhere *a = (struct anywhere *)p;
    struct ask_way way = {
        .conf = a->conf, .timeout_ms = TIMEOUT_MS, .address_option = "endpoint_url"};
    struct error e;
    a->clock_corrected = false;
    a->identity = provider_identity(a->conf, &e);
    if (!a->identity || !find_endpoint(a, &e)) {
        fail(a, &e);
        return;
    }
    ask_begin(&a->ask, p->home, &way);
    a->ask.arg = a;
    write_query(a);
    if (!send_request(a, &e)) fail(a, &e);
}

static void destroy(struct provider *p)
{
    struct anywhere *a = (struct anywhere *)p;
    end_attempt(a);
    free(a->query.ptr);
    credentials_conf_free(a->conf);
    free(a);
}

static const struct provider_ops ops = {.fetch = fetch, .destroy = destroy};

struct provider *provider_roles_anywhere_create(const struct credentials_conf *conf,
                                                struct error *e)
{
    (void)e;
    struct anywhere *a = mem_zalloc(sizeof(*a));
    a->base.ops = &ops;
    a->conf = credentials_conf_copy(conf);
    return &a->base;
}
