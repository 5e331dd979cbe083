#include "tests/sim/auth.h"

#include "tests/sim/jout.h"
#include "tests/sim/list.h"
#include "tests/sim/sigv4.h"

#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct key {
    struct table_node by_id;
    char *id, *secret, *token;
    int64_t expires_s;
    uint64_t uses;
    char day[9]; /* the day that `signing` is for */
    unsigned char signing[SIGV4_DIGEST];
};

/* The parts of the Authorization header. */
struct claim {
    struct text access_key, day, region, service, terminator;
    struct text signed_headers, signature, date;
};

void auth_init(struct auth *a, const char *region)
{
    *a = (struct auth){.region = region, .service = "sqs"};
}

static void key_free(struct key *k)
{
    free(k->id);
    free(k->secret);
    free(k->token);
    free(k);
}

static struct key *find_key(const struct auth *a, struct text id)
{
    struct table_node *node = table_find(&a->keys, id);
    return node ? LIST_ENTRY(node, struct key, by_id) : NULL;
}

void auth_add(struct auth *a, struct text access_key, struct text secret, struct text token,
              int64_t expires_s)
{
    struct key *k = find_key(a, access_key);
    if (k) {
        table_remove(&a->keys, &k->by_id);
        key_free(k);
    }
    k = mem_alloc(sizeof(*k));
    k->id = text_copy(access_key);
    k->secret = text_copy(secret);
    k->token = text_copy(token);
    k->expires_s = expires_s;
    table_add(&a->keys, &k->by_id, text_of(k->id));
}

void auth_forget_keys(struct auth *a)
{
    for (struct table_node *node; (node = table_next(&a->keys, NULL));) {
        table_remove(&a->keys, node);
        key_free(LIST_ENTRY(node, struct key, by_id));
    }
    table_free(&a->keys);
}

void auth_write_uses(const struct auth *a, struct buf *out)
{
    jout_open(out, '{');
    for (const struct table_node *node = NULL; (node = table_next(&a->keys, node));) {
        const struct key *k = LIST_ENTRY(node, struct key, by_id);
        jout_pair_int(out, k->id, (int64_t)k->uses);
    }
    jout_close(out, '}');
}

static struct text trim_spaces(struct text t)
{
    while (t.len && *t.ptr == ' ') {
        t.ptr++;
        t.len--;
    }
    return t;
}

static bool incomplete(const char *what, struct api_error *e)
{
    return api_fail(e, API_INCOMPLETE_SIGNATURE, "Authorization header requires '%s' parameter.",
                    what);
}

static bool read_claim(struct claim *c, struct text header, struct api_error *e)
{
    struct text credential = {0};
    text_cut(&header, ' ');
    while (header.len) {
        struct text value = trim_spaces(text_cut(&header, ','));
        struct text name = text_cut(&value, '=');
        if (text_is(name, "Credential"))
            credential = value;
        else if (text_is(name, "SignedHeaders"))
            c->signed_headers = value;
        else if (text_is(name, "Signature"))
            c->signature = value;
    }
    if (!credential.len) return incomplete("Credential", e);
    if (!c->signed_headers.len) return incomplete("SignedHeaders", e);
    if (!c->signature.len) return incomplete("Signature", e);
    c->access_key = text_cut(&credential, '/');
    c->day = text_cut(&credential, '/');
    c->region = text_cut(&credential, '/');
    c->service = text_cut(&credential, '/');
    c->terminator = credential;
    return true;
}

static bool mismatch(const char *why, struct api_error *e)
{
    return api_fail(e, API_SIGNATURE_MISMATCH, "%s", why);
}

static bool check_scope(const struct auth *a, const struct claim *c, struct api_error *e)
{
    if (!text_is(c->region, a->region))
        return mismatch("Credential should be scoped to a valid region.", e);
    if (!text_is(c->service, a->service))
        return api_fail(e, API_SIGNATURE_MISMATCH,
                        "Credential should be scoped to correct service: '%s'.", a->service);
    if (!text_is(c->terminator, "aws4_request"))
        return mismatch("Credential should be scoped with a valid terminator: 'aws4_request'.", e);
    if (c->day.len != 8 || memcmp(c->day.ptr, c->date.ptr, 8) != 0)
        return api_fail(e, API_SIGNATURE_MISMATCH,
                        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of "
                        "date from HTTP: '%.*s' != '%.8s', from '%.*s'.",
                        (int)c->day.len, c->day.ptr, c->date.ptr, (int)c->date.len, c->date.ptr);
    return true;
}

static bool is_signed(struct text names, struct text wanted)
{
    while (names.len) {
        struct text name = text_cut(&names, ';');
        if (name.len == wanted.len && !strncasecmp(name.ptr, wanted.ptr, name.len)) return true;
    }
    return false;
}

/* In order and in lower case, as the canonical request has them. */
static bool is_canonical(struct text names)
{
    struct text last = {"", 0};
    while (names.len) {
        struct text name = text_cut(&names, ';');
        if (text_compare(last, name) >= 0) return false;
        for (size_t i = 0; i < name.len; i++) {
            if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') return false;
        }
        last = name;
    }
    return true;
}

static bool check_signed_headers(const struct claim *c, const struct http_request *r,
                                 struct api_error *e)
{
    if (!is_canonical(c->signed_headers))
        return mismatch("'SignedHeaders' must be sorted and in lower case.", e);
    if (!is_signed(c->signed_headers, text_of("host")))
        return mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
                        e);
    for (size_t i = 0; i < r->n_headers; i++) {
        struct text name = r->headers[i].name;
        bool aws = name.len > 6 && text_is_nocase((struct text){name.ptr, 6}, "x-amz-");
        if (aws && !is_signed(c->signed_headers, name))
            return api_fail(e, API_SIGNATURE_MISMATCH,
                            "There were headers present in the request which were not signed: "
                            "%.*s.",
                            (int)name.len, name.ptr);
    }
    return true;
}

static void iso_of(int64_t at_s, char out[17])
{
    time_t at = (time_t)at_s;
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm);
}

static bool check_time(const struct claim *c, int64_t now_s, struct api_error *e)
{
    struct tm tm = {0};
    char date[17] = {0}, limit[17], now[17];
    if (c->date.len == 16) memcpy(date, c->date.ptr, 16);
    const char *end = strptime(date, "%Y%m%dT%H%M%SZ", &tm);
    if (!end || *end) return mismatch("Date must be in ISO-8601 'basic format'.", e);
    int64_t signed_s = timegm(&tm);
    iso_of(now_s, now);
    if (signed_s < now_s - AUTH_SKEW_S) {
        iso_of(now_s - AUTH_SKEW_S, limit);
        return api_fail(e, API_SIGNATURE_MISMATCH,
                        "Signature expired: %s is now earlier than %s (%s - 5 min.)", date, limit,
                        now);
    }
    iso_of(now_s + AUTH_SKEW_S, limit);
    if (signed_s > now_s + AUTH_SKEW_S)
        return api_fail(e, API_SIGNATURE_MISMATCH,
                        "Signature not yet current: %s is still later than %s (%s + 5 min.)", date,
                        limit, now);
    return true;
}

static bool check_token(const struct key *k, const struct http_request *r, int64_t now_s,
                        struct api_error *e)
{
    struct text token = http_header(r, "x-amz-security-token");
    if (!k || !text_is(token.ptr ? token : text_of(""), k->token))
        return api_fail(e, API_UNKNOWN_CLIENT,
                        "The security token included in the request is invalid.");
    if (now_s >= k->expires_s)
        return api_fail(e, API_EXPIRED_TOKEN,
                        "The security token included in the request is expired");
    return true;
}

static bool check_signature(const struct auth *a, struct key *k, const struct claim *c,
                            const struct http_request *r, struct api_error *e)
{
    char signature[SIGV4_HEX + 1];
    struct buf canonical = {0};
    if (!text_is(c->day, k->day)) {
        snprintf(k->day, sizeof(k->day), "%.8s", c->date.ptr);
        sigv4_signing_key(k->secret, k->day, a->region, a->service, k->signing);
    }
    sigv4_canonical(r, c->signed_headers, &canonical);
    sigv4_sign(k->signing, c->date, a->region, a->service, text_of_buf(&canonical), signature);
    bool same =
        c->signature.len == SIGV4_HEX && !CRYPTO_memcmp(c->signature.ptr, signature, SIGV4_HEX);
    if (!same)
        api_fail(e, API_SIGNATURE_MISMATCH,
                 "The request signature we calculated does not match the signature you provided. "
                 "Check your AWS Secret Access Key and signing method. Consult the service "
                 "documentation for details.\n\nThe Canonical String for this request should have "
                 "been\n'%.*s'\n",
                 (int)canonical.len, canonical.ptr);
    buf_free(&canonical);
    return same;
}

static bool check(const struct auth *a, const struct http_request *r, int64_t now_s,
                  struct api_error *e)
{
    struct claim c = {0};
    struct text header = http_header(r, "authorization");
    if (!header.len)
        return api_fail(e, API_MISSING_TOKEN, "Request is missing Authentication Token");
    if (!text_starts(header, "AWS4-HMAC-SHA256 "))
        return api_fail(e, API_INCOMPLETE_SIGNATURE, "Unsupported AWS 'algorithm'.");
    if (!read_claim(&c, header, e)) return false;
    c.date = http_header(r, "x-amz-date");
    if (c.date.len < 8)
        return api_fail(e, API_INCOMPLETE_SIGNATURE,
                        "Authorization header requires existence of either a 'X-Amz-Date' or a "
                        "'Date' header.");
    struct key *k = find_key(a, c.access_key);
    bool right = check_scope(a, &c, e) && check_signed_headers(&c, r, e) &&
                 check_time(&c, now_s, e) && check_token(k, r, now_s, e) &&
                 check_signature(a, k, &c, r, e);
    if (right) k->uses++;
    return right;
}

bool auth_check(struct auth *a, const struct http_request *r, int64_t now_s, struct api_error *e)
{
    if (a->off || check(a, r, now_s, e)) return true;
    a->failures++;
    return false;
}
