/* The signature check of the simulator, against a vector that botocore signed, and each way to be
 * refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/auth.h"
#include "tests/sim/sigv4.h"

#include <string.h>

#define BODY                                                                                       \
    "{\"QueueUrl\": \"https://sqs.eu-west-1.amazonaws.com/123456789012/q\", \"MessageBody\": "     \
    "\"hello\"}"
#define SIGNED "content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
#define SIGNATURE "84c38effa65a4ce5d0e0a8d447b9aaa847c2ed210a7ff1492223f9b4527dd86e"
#define SCOPE "AKIDEXAMPLE/20261122/eu-west-1/sqs/aws4_request"

enum {
    SIGNED_AT_S = 1795348800, /* 2026-11-22 12:00:00 UTC */
};

enum header {
    CONTENT_TYPE,
    HOST,
    DATE,
    TOKEN,
    TARGET,
    AUTHORIZATION,
    HEADERS,
};

struct world {
    struct auth auth;
    struct http_request r;
};

static void set(struct world *w, enum header which, const char *name, const char *value)
{
    w->r.headers[which] = (struct http_header){text_of(name), text_of(value)};
}

static int setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    auth_init(&w.auth, "eu-west-1");
    auth_add(&w.auth, text_of("AKIDEXAMPLE"), text_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
             text_of("TOKEN/+=="), AUTH_NEVER);
    w.r.method = text_of("POST");
    w.r.path = text_of("/");
    w.r.query = text_of("");
    w.r.body = text_of(BODY);
    w.r.n_headers = HEADERS;
    set(&w, CONTENT_TYPE, "Content-Type", "application/x-amz-json-1.0");
    set(&w, HOST, "Host", "sqs.eu-west-1.amazonaws.com");
    set(&w, DATE, "X-Amz-Date", "20261122T120000Z");
    set(&w, TOKEN, "X-Amz-Security-Token", "TOKEN/+==");
    set(&w, TARGET, "X-Amz-Target", "AmazonSQS.SendMessage");
    set(&w, AUTHORIZATION, "Authorization",
        "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=" SIGNED ", Signature=" SIGNATURE);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    auth_forget_keys(&w->auth);
    return 0;
}

static void refused(struct world *w, int64_t now_s, enum api_code code, const char *text)
{
    struct api_error e;
    uint64_t before = w->auth.failures;
    assert_false(auth_check(&w->auth, &w->r, now_s, &e));
    assert_int_equal(e.code, code);
    assert_ptr_equal(strstr(e.text, text), e.text);
    assert_true(w->auth.failures == before + 1);
}

static void the_canonical_request_is_that_of_botocore(void **state)
{
    struct world *w = *state;
    struct buf canonical = {0};
    char hash[SIGV4_HEX + 1];
    sigv4_sha256_hex(w->r.body, hash);
    assert_string_equal(hash, "fe32a57839f25d4d9dbcf65209950143a7ada0897b8106c39427df36b4a3bf24");
    sigv4_canonical(&w->r, text_of(SIGNED), &canonical);
    sigv4_sha256_hex(text_of_buf(&canonical), hash);
    assert_string_equal(hash, "9e2b79166947bf1d7bf6dae466bba87f30fcdf1da7b7c46a5c355f464551c86d");
    buf_free(&canonical);
}

static void a_right_signature_passes(void **state)
{
    struct world *w = *state;
    struct api_error e;
    assert_true(auth_check(&w->auth, &w->r, SIGNED_AT_S, &e));
    assert_true(auth_check(&w->auth, &w->r, SIGNED_AT_S + 300, &e));
    assert_true(auth_check(&w->auth, &w->r, SIGNED_AT_S - 300, &e));
}

static void another_body_is_refused(void **state)
{
    struct world *w = *state;
    w->r.body.len--;
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "The request signature we calculated");
}

static void another_target_is_refused(void **state)
{
    struct world *w = *state;
    set(w, TARGET, "X-Amz-Target", "AmazonSQS.PurgeQueue");
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "The request signature we calculated");
}

static void an_unsigned_aws_header_is_refused(void **state)
{
    struct world *w = *state;
    w->r.n_headers = HEADERS + 1;
    w->r.headers[HEADERS] = (struct http_header){text_of("x-amz-more"), text_of("1")};
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "There were headers present");
}

static void the_host_must_be_signed(void **state)
{
    struct world *w = *state;
    set(w, AUTHORIZATION, "Authorization",
        "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=content-type;x-amz-date;"
        "x-amz-security-token;x-amz-target, Signature=" SIGNATURE);
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "'Host' or ':authority' must be");
}

static void signed_headers_must_be_sorted(void **state)
{
    struct world *w = *state;
    set(w, AUTHORIZATION, "Authorization",
        "AWS4-HMAC-SHA256 Credential=" SCOPE ", SignedHeaders=host;content-type;x-amz-date;"
        "x-amz-security-token;x-amz-target, Signature=" SIGNATURE);
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "'SignedHeaders' must be sorted");
}

static void a_wrong_clock_is_refused(void **state)
{
    struct world *w = *state;
    refused(w, SIGNED_AT_S + 301, API_SIGNATURE_MISMATCH,
            "Signature expired: 20261122T120000Z is now earlier than 20261122T120001Z "
            "(20261122T120501Z - 5 min.)");
    refused(w, SIGNED_AT_S - 301, API_SIGNATURE_MISMATCH, "Signature not yet current:");
}

static void an_unknown_key_is_refused(void **state)
{
    struct world *w = *state;
    auth_forget_keys(&w->auth);
    refused(w, SIGNED_AT_S, API_UNKNOWN_CLIENT, "The security token included in the request is");
}

static void a_wrong_or_missing_token_is_refused(void **state)
{
    struct world *w = *state;
    set(w, TOKEN, "X-Amz-Security-Token", "TOKEN");
    refused(w, SIGNED_AT_S, API_UNKNOWN_CLIENT, "The security token included in the request is");
    set(w, TOKEN, "X-Other", "TOKEN/+==");
    refused(w, SIGNED_AT_S, API_UNKNOWN_CLIENT, "The security token included in the request is");
}

static void an_expired_token_is_refused(void **state)
{
    struct world *w = *state;
    auth_add(&w->auth, text_of("AKIDEXAMPLE"), text_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
             text_of("TOKEN/+=="), SIGNED_AT_S);
    refused(w, SIGNED_AT_S, API_EXPIRED_TOKEN, "The security token included in the request is");
}

static void a_token_that_expires_later_passes(void **state)
{
    struct world *w = *state;
    struct api_error e;
    auth_add(&w->auth, text_of("AKIDEXAMPLE"), text_of("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
             text_of("TOKEN/+=="), SIGNED_AT_S + 1);
    assert_true(auth_check(&w->auth, &w->r, SIGNED_AT_S, &e));
    refused(w, SIGNED_AT_S + 1, API_EXPIRED_TOKEN, "The security token included in the request is");
}

static void the_scope_must_fit(void **state)
{
    struct world *w = *state;
    w->auth.region = "us-east-1";
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH,
            "Credential should be scoped to a valid region");
    w->auth.region = "eu-west-1";
    w->auth.service = "sts";
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH,
            "Credential should be scoped to correct service: 'sts'.");
    w->auth.service = "sqs";
    set(w, DATE, "X-Amz-Date", "20261121T120000Z");
    refused(w, SIGNED_AT_S, API_SIGNATURE_MISMATCH, "Date in Credential scope does not match");
}

static void no_signature_at_all_is_refused(void **state)
{
    struct world *w = *state;
    set(w, AUTHORIZATION, "X-Other", "");
    refused(w, SIGNED_AT_S, API_MISSING_TOKEN, "Request is missing Authentication Token");
    set(w, AUTHORIZATION, "Authorization", "Basic abc");
    refused(w, SIGNED_AT_S, API_INCOMPLETE_SIGNATURE, "Unsupported");
    set(w, AUTHORIZATION, "Authorization", "AWS4-HMAC-SHA256 Credential=" SCOPE);
    refused(w, SIGNED_AT_S, API_INCOMPLETE_SIGNATURE,
            "Authorization header requires 'SignedHeaders' parameter.");
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(the_canonical_request_is_that_of_botocore),
        WITH(a_right_signature_passes),
        WITH(another_body_is_refused),
        WITH(another_target_is_refused),
        WITH(an_unsigned_aws_header_is_refused),
        WITH(the_host_must_be_signed),
        WITH(signed_headers_must_be_sorted),
        WITH(a_wrong_clock_is_refused),
        WITH(an_unknown_key_is_refused),
        WITH(a_wrong_or_missing_token_is_refused),
        WITH(an_expired_token_is_refused),
        WITH(a_token_that_expires_later_passes),
        WITH(the_scope_must_fit),
        WITH(no_signature_at_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
