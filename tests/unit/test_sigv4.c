/* Signature Version 4: the canonical form rule by rule, and published or checked signatures.
 * tests/e2e/test_sigv4_botocore.py compares many more requests with botocore. */
#include "connectors/aws/canonical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER(name, value)                                                                        \
    {                                                                                              \
        {name, sizeof(name) - 1},                                                                  \
        {                                                                                          \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }

static void expect_canonical(const struct sigv4_request *r, const char *token, const char *expected)
{
    struct canonical c = {0};
    const struct sigv4_header own[] = {
        HEADER("x-amz-date", "20261122T120000Z"),
        {BYTES_LIT("x-amz-security-token"), bytes_str(token)},
    };
    for (int i = 0; i < 2; i++) /* it is reused */
        canonical_build(&c, r, own, token ? 2 : 1, BYTES_LIT("HASH"));
    buf_add(&c.text, "", 1);
    assert_string_equal(c.text.ptr, expected);
    canonical_free(&c);
}

static void expect_path(const char *path, bool raw, const char *expected)
{
    char text[512];
    struct sigv4_request r = {.method = "GET", .path = bytes_str(path), .raw_path = raw};
    snprintf(text, sizeof(text), "GET\n%s\n\nx-amz-date:20261122T120000Z\n\nx-amz-date\nHASH",
             expected);
    expect_canonical(&r, NULL, text);
}

static void test_paths_are_normalised_and_encoded_again(void **state)
{
    (void)state;
    expect_path("/", false, "/");
    expect_path("", false, "/");
    expect_path("/123456789012/q", false, "/123456789012/q");
    expect_path("/a//b///c/", false, "/a/b/c/");
    expect_path("//", false, "/");
    expect_path("/a/./b/.", false, "/a/b");
    expect_path("/a/b/../c", false, "/a/c");
    expect_path("/a/../..", false, "/");
    expect_path("/../../a/", false, "/a/");
    expect_path("/a/..b/...", false, "/a/..b/...");
    expect_path("/a%20b/\xC3\xA9", false, "/a%2520b/%C3%A9");
    expect_path("/-._~*:+=&$@,", false, "/-._~%2A%3A%2B%3D%26%24%40%2C");
}

static void test_raw_paths_stay(void **state)
{
    (void)state;
    expect_path("/a//b/../c%20d", true, "/a//b/../c%20d");
    expect_path("/a/./", true, "/a/./");
    expect_path("//", true, "//");
    expect_path("", true, "/");
}

static void expect_query(const char *query, const char *expected)
{
    char text[512];
    struct sigv4_request r = {.method = "GET", .path = BYTES_LIT("/"), .query = bytes_str(query)};
    snprintf(text, sizeof(text), "GET\n/\n%s\nx-amz-date:20261122T120000Z\n\nx-amz-date\nHASH",
             expected);
    expect_canonical(&r, NULL, text);
}

static void test_queries_are_sorted_and_encoded(void **state)
{
    (void)state;
    expect_query("", "");
    expect_query("b=2&a=1", "a=1&b=2");
    expect_query("flag", "flag=");
    expect_query("flag=&a", "a=&flag=");
    expect_query("a=2&a=1&a=10&a", "a=&a=1&a=10&a=2");
    expect_query("a-b=1&a=2", "a=2&a-b=1"); /* by name first, not by the whole pair */
    expect_query("a=b=c", "a=b%3Dc");
    expect_query("Z=1&a=1&A=1", "A=1&Z=1&a=1");
    expect_query("arn=arn:aws:sqs:eu-west-1:1:q/x", "arn=arn%3Aaws%3Asqs%3Aeu-west-1%3A1%3Aq%2Fx");
    expect_query("a=%7e%2f%2F+%20", "a=~%2F%2F%2B%20");
    expect_query("a=100%&b=%zz&c=%4", "a=100%25&b=%25zz&c=%254");
    expect_query("\xC3\xA9=\xE2\x82\xAC", "%C3%A9=%E2%82%AC");
    expect_query("a=1&&b", "=&a=1&b=");
}

static void test_headers_are_sorted_folded_and_joined(void **state)
{
    (void)state;
    static const struct sigv4_header headers[] = {
        HEADER("X-Zeta", "  many   spaces\t\tand tabs  "),
        HEADER("Host", "sqs.eu-west-1.amazonaws.com"),
        HEADER("My-Header", "second first"),
        HEADER("x-zeta-2", ""),
        HEADER("MY-HEADER", " again "),
        HEADER("X-Amz-Target", "AmazonSQS.SendMessage"),
        HEADER("Content-Type", "application/x-amz-json-1.0"),
        HEADER("my-header", "   "),
    };
    struct sigv4_request r = {.method = "POST",
                              .path = BYTES_LIT("/"),
                              .headers = headers,
                              .header_count = sizeof(headers) / sizeof(headers[0])};
    expect_canonical(&r, "TOKEN/+==",
                     "POST\n/\n\n"
                     "content-type:application/x-amz-json-1.0\n"
                     "host:sqs.eu-west-1.amazonaws.com\n"
                     "my-header:second first,again,\n"
                     "x-amz-date:20261122T120000Z\n"
                     "x-amz-security-token:TOKEN/+==\n"
                     "x-amz-target:AmazonSQS.SendMessage\n"
                     "x-zeta:many spaces and tabs\n"
                     "x-zeta-2:\n\n"
                     "content-type;host;my-header;x-amz-date;x-amz-security-token;x-amz-target;"
                     "x-zeta;x-zeta-2\nHASH");
}

static char id[] = "AKIDEXAMPLE", secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            token[] = "TOKEN/+==";

static void expect_signature(struct sigv4_signer *signer, const struct aws_keys *keys,
                             const struct sigv4_request *r, const char *date, const char *scope,
                             const char *signature)
{
    static struct sigv4_signature out;
    char expected[256];
    sigv4_sign(signer, keys, r, &out);
    assert_string_equal(out.date, date);
    assert_int_equal(out.authorization.len, strlen(out.authorization.ptr));
    snprintf(expected, sizeof(expected),
             "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%s/aws4_request, "
             "SignedHeaders=",
             scope);
    assert_memory_equal(out.authorization.ptr, expected, strlen(expected));
    assert_string_equal(out.authorization.ptr + out.authorization.len - 64, signature);
    free(out.authorization.ptr);
    out.authorization = (struct buf){0};
}

static const struct sigv4_header sqs_headers[] = {
    HEADER("Host", "sqs.eu-west-1.amazonaws.com"),
    HEADER("Content-Type", "application/x-amz-json-1.0"),
    HEADER("X-Amz-Target", "AmazonSQS.SendMessage"),
};

static struct sigv4_request sqs_request(void)
{
    return (struct sigv4_request){
        .method = "POST",
        .region = "eu-west-1",
        .service = "sqs",
        .path = BYTES_LIT("/"),
        .headers = sqs_headers,
        .header_count = sizeof(sqs_headers) / sizeof(sqs_headers[0]),
        .body = BYTES_LIT("{\"QueueUrl\": \"https://sqs.eu-west-1.amazonaws.com/123456789012/q\", "
                          "\"MessageBody\": \"hello\"}"),
        .now_s = 1795348800, /* 2026-11-22 12:00:00 */
    };
}

static void test_a_request_to_sqs(void **state)
{
    (void)state;
    struct sigv4_signer *signer = sigv4_signer_create();
    struct sigv4_request r = sqs_request();
    for (int i = 0; i < 3; i++) /* the second has a cached key */
        expect_signature(signer, &(struct aws_keys){id, secret, token}, &r,
                         "X-Amz-Date: 20261122T120000Z", "20261122/eu-west-1/sqs",
                         "84c38effa65a4ce5d0e0a8d447b9aaa847c2ed210a7ff1492223f9b4527dd86e");
    sigv4_signer_destroy(signer);
}

static void test_published_examples(void **state)
{
    (void)state;
    struct sigv4_signer *signer = sigv4_signer_create();
    struct aws_keys keys = {id, secret, NULL};
    static const struct sigv4_header plain[] = {HEADER("Host", "example.amazonaws.com")};
    static const struct sigv4_header iam[] = {
        HEADER("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),
        HEADER("Host", "iam.amazonaws.com"),
    };
    struct sigv4_request r = {.method = "GET",
                              .region = "us-east-1",
                              .service = "service",
                              .path = BYTES_LIT("/"),
                              .headers = plain,
                              .header_count = 1,
                              .now_s = 1440938160};
    expect_signature(signer, &keys, &r, "X-Amz-Date: 20150830T123600Z",
                     "20150830/us-east-1/service",
                     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    r.service = "iam";
    r.headers = iam;
    r.header_count = 2;
    r.query = BYTES_LIT("Action=ListUsers&Version=2010-05-08");
    expect_signature(signer, &keys, &r, "X-Amz-Date: 20150830T123600Z", "20150830/us-east-1/iam",
                     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    sigv4_signer_destroy(signer);
}

/* A signer that has signed other things before must say the same as a fresh one. */
static void expect_as_fresh(struct sigv4_signer *signer, const struct aws_keys *keys,
                            const struct sigv4_request *r)
{
    struct sigv4_signer *fresh = sigv4_signer_create();
    struct sigv4_signature a = {0}, b = {0};
    sigv4_sign(signer, keys, r, &a);
    sigv4_sign(fresh, keys, r, &b);
    assert_string_equal(a.authorization.ptr, b.authorization.ptr);
    assert_string_equal(a.date, b.date);
    free(a.authorization.ptr);
    free(b.authorization.ptr);
    sigv4_signer_destroy(fresh);
}

static void test_the_cached_key_follows_what_it_is_made_of(void **state)
{
    (void)state;
    struct sigv4_signer *signer = sigv4_signer_create();
    char other_secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ";
    struct aws_keys keys = {id, secret, NULL}, other = {id, other_secret, NULL};
    struct sigv4_request r = sqs_request();
    expect_as_fresh(signer, &keys, &r);
    r.now_s += 43199; /* 23:59:59 */
    expect_as_fresh(signer, &keys, &r);
    r.now_s++; /* the next day */
    expect_as_fresh(signer, &keys, &r);
    r.region = "eu-west-2";
    expect_as_fresh(signer, &keys, &r);
    r.service = "sts";
    expect_as_fresh(signer, &keys, &r);
    expect_as_fresh(signer, &other, &r);
    expect_as_fresh(signer, &keys, &r);
    sigv4_signer_destroy(signer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_normalised_and_encoded_again),
        cmocka_unit_test(test_raw_paths_stay),
        cmocka_unit_test(test_queries_are_sorted_and_encoded),
        cmocka_unit_test(test_headers_are_sorted_folded_and_joined),
        cmocka_unit_test(test_a_request_to_sqs),
        cmocka_unit_test(test_published_examples),
        cmocka_unit_test(test_the_cached_key_follows_what_it_is_made_of),
    };
    return cmocka_run_group_tests_name("sigv4", tests, NULL, NULL);
}
