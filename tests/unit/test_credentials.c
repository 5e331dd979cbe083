#include "connectors/aws/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int clear_environment(void **state)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN",
                                        "AWS_REGION",        "AWS_DEFAULT_REGION"};
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
    return 0;
}

/* Keys as options of an endpoint give them; all NULL: none, so the chain. */
static struct credentials *open_given(const char *id, const char *secret, const char *token,
                                      struct error *e)
{
    struct credentials_conf conf = {
        .provider = CREDENTIALS_STATIC,
        .access_key_id = id,
        .secret_access_key = secret,
        .session_token = token,
    };
    return credentials_open(id || secret || token ? &conf : NULL, e);
}

static void expect_keys(struct credentials *c, const char *id, const char *secret,
                        const char *token)
{
    assert_non_null(c);
    const struct aws_keys *keys = credentials_acquire(c);
    assert_string_equal(keys->access_key_id, id);
    assert_string_equal(keys->secret_access_key, secret);
    if (token)
        assert_string_equal(keys->session_token, token);
    else
        assert_null(keys->session_token);
    credentials_release(c, keys);
    credentials_close(c);
}

static void expect_error(const char *id, const char *secret, const char *token, const char *text)
{
    struct error e;
    assert_null(open_given(id, secret, token, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.text, text);
}

static void test_configured(void **state)
{
    (void)state;
    struct error e;
    setenv("AWS_ACCESS_KEY_ID", "other", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "other", 1);
    setenv("AWS_SESSION_TOKEN", "other", 1);
    expect_keys(open_given("id", "secret", NULL, &e), "id", "secret", NULL);
    expect_keys(open_given("id", "secret", "", &e), "id", "secret", NULL);
    expect_keys(open_given("id", "secret", "token", &e), "id", "secret", "token");
}

static void test_from_the_environment(void **state)
{
    (void)state;
    struct error e;
    const struct credentials_conf environment = {.name = "e", .provider = CREDENTIALS_ENVIRONMENT};
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    expect_keys(credentials_open(NULL, &e), "id", "secret", NULL);
    setenv("AWS_SECURITY_TOKEN", "old", 1);
    expect_keys(credentials_open(NULL, &e), "id", "secret", "old");
    setenv("AWS_SESSION_TOKEN", "new", 1);
    expect_keys(credentials_open(NULL, &e), "id", "secret", "new");
    setenv("AWS_SESSION_TOKEN", "", 1);
    expect_keys(credentials_open(&environment, &e), "id", "secret", "old");
}

static void test_half_a_pair_is_an_error(void **state)
{
    (void)state;
    expect_error("id", NULL, NULL, "access_key_id is set, secret_access_key is not (set both)");
    expect_error("", "secret", NULL, "secret_access_key is set, access_key_id is not (set both)");
    expect_error(
        NULL, NULL, "token",
        "session_token is set without access_key_id and secret_access_key (set all three)");
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    expect_error(NULL, NULL, NULL,
                 "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not (set both)");
    setenv("AWS_ACCESS_KEY_ID", "", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    expect_error(NULL, NULL, NULL,
                 "AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not (set both)");
}

static void test_none_where_they_should_be(void **state)
{
    (void)state;
    struct error e;
    const struct credentials_conf environment = {.name = "e", .provider = CREDENTIALS_ENVIRONMENT};
    assert_null(credentials_open(&environment, &e));
    assert_string_equal(e.text, "no keys in the environment (set AWS_ACCESS_KEY_ID and "
                                "AWS_SECRET_ACCESS_KEY)");
}

static void test_what_no_header_can_carry(void **state)
{
    (void)state;
    static const char what[] = ": holds a space or a control character (a line break at its end?)";
    char text[128];
    snprintf(text, sizeof(text), "access_key_id%s", what);
    expect_error("id\n", "secret", NULL, text);
    snprintf(text, sizeof(text), "secret_access_key%s", what);
    expect_error("id", "top secret", NULL, text);
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token\r\nX-Injected: yes", 1);
    snprintf(text, sizeof(text), "AWS_SESSION_TOKEN%s", what);
    expect_error(NULL, NULL, NULL, text);
}

static void test_equal_keys_are_one_object(void **state)
{
    (void)state;
    struct error e;
    struct credentials *a = open_given("id", "secret", NULL, &e);
    struct credentials *b = open_given("id", "secret", "", &e);
    struct credentials *other = open_given("id", "other", NULL, &e);
    struct credentials *token = open_given("id", "secret", "token", &e);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, other);
    assert_ptr_not_equal(a, token);
    credentials_close(a);
    expect_keys(b, "id", "secret", NULL);
    credentials_close(other);
    credentials_close(token);
}

static void test_a_section_is_one_object(void **state)
{
    (void)state;
    struct error e;
    struct credentials_conf plant = {
        .name = "plant",
        .provider = CREDENTIALS_STATIC,
        .access_key_id = "id",
        .secret_access_key = "secret",
    };
    struct credentials_conf lab = plant;
    lab.name = "lab";
    struct credentials *a = credentials_open(&plant, &e), *b = credentials_open(&plant, &e);
    struct credentials *c = credentials_open(&lab, &e),
                       *keys = open_given("id", "secret", NULL, &e);
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    assert_ptr_not_equal(a, keys);
    credentials_close(a);
    credentials_close(b);
    credentials_close(c);
    credentials_close(keys);
}

/* A reload has a section of its own at another address, or another section at the same address. */
static void test_sections_are_told_apart_by_what_they_say(void **state)
{
    (void)state;
    struct error e;
    struct credentials_conf before = {
        .name = "plant",
        .provider = CREDENTIALS_STATIC,
        .access_key_id = "id",
        .secret_access_key = "secret",
    };
    struct credentials_conf after = before;
    struct credentials *a = credentials_open(&before, &e), *b = credentials_open(&after, &e);
    assert_ptr_equal(a, b);
    before.secret_access_key = "terces";
    struct credentials *c = credentials_open(&before, &e);
    assert_ptr_not_equal(a, c);
    expect_keys(c, "id", "terces", NULL);
    expect_keys(b, "id", "secret", NULL);
    credentials_close(a);
}

static void unexpected(struct credentials_waiter *w, const struct error *why)
{
    struct error *said = w->arg;
    assert_non_null(why);
    *said = *why;
    loop_stop(w->loop);
}

static void test_given_keys_never_change(void **state)
{
    (void)state;
    struct error e;
    struct credentials *c = open_given("id", "secret", NULL, &e);
    struct loop *loop = loop_create();
    struct credentials_waiter w = {.loop = loop, .newer_than = 1, .ready = unexpected, .arg = &e};
    assert_false(credentials_refused(c, 1));
    credentials_wait(c, &w);
    loop_run(loop);
    assert_string_equal(e.text, "credentials: these keys never change (set others)");
    loop_destroy(loop);
    credentials_close(c);
}

static void expect_region(const char *queue_url, const char *expected)
{
    char region[32] = "?";
    if (!aws_region(NULL, queue_url, region, sizeof(region))) region[0] = 0;
    if (strcmp(region, expected) != 0) fail_msg("%s: \"%s\"", queue_url, region);
}

static void test_region_of_the_host(void **state)
{
    (void)state;
    expect_region("https://sqs.eu-west-1.amazonaws.com/123456789012/q", "eu-west-1");
    expect_region("https://SQS.EU-West-1.amazonaws.com/123456789012/q", "eu-west-1");
    expect_region("https://sqs-fips.us-east-2.amazonaws.com/1/q", "us-east-2");
    expect_region("https://sqs.us-gov-west-1.amazonaws.com/1/q", "us-gov-west-1");
    expect_region("https://sqs.ap-southeast-2.api.aws/1/q", "ap-southeast-2");
    expect_region("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "cn-north-1");
    expect_region("https://sqs.cn-northwest-1.api.amazonwebservices.com.cn/1/q", "cn-northwest-1");
    expect_region("https://sqs.us-isob-east-1.sc2s.sgov.gov/1/q", "us-isob-east-1");
    expect_region("https://vpce-0a1b-2c3d.sqs.eu-north-1.vpce.amazonaws.com/1/q", "eu-north-1");
    expect_region("https://vpce-0a1b-2c3d-eu-north-1a.sqs.eu-north-1.vpce.amazonaws.com/1/q",
                  "eu-north-1");
    expect_region("https://eu-west-1.queue.amazonaws.com/1/q", "eu-west-1");
    expect_region("https://cn-north-1.queue.amazonaws.com.cn/1/q", "cn-north-1");
    expect_region("https://queue.amazonaws.com/1/q", "us-east-1");
    expect_region("http://sqs.us-east-1.localhost:4566/000000000000/q", "us-east-1");
    expect_region("http://user@sqs.us-east-1.localhost:4566?x", "us-east-1");
    expect_region("sqs.us-east-1.amazonaws.com", "us-east-1");
}

static void test_hosts_that_name_no_region(void **state)
{
    (void)state;
    expect_region("http://127.0.0.1:9324/000000000000/q", "");
    expect_region("http://localhost:9324/sqs.eu-west-1.amazonaws.com", "");
    expect_region("https://sqs.internal.example/q", "");
    expect_region("https://queue.example.com/q", "");
    expect_region("https://my.queue.example.com/q", "");
    expect_region("https://", "");
    expect_region("", "");
    expect_region("https://sqs", "");
    expect_region("https://sqs.", "");
    expect_region("http://[::1]:9324/q", "");
    expect_region(NULL, "");
}

static void test_region_by_configuration_and_environment(void **state)
{
    (void)state;
    static const char aws[] = "https://sqs.eu-west-1.amazonaws.com/1/q";
    static const char other[] = "https://queues.example/1/q";
    char region[16];
    setenv("AWS_DEFAULT_REGION", "eu-central-1", 1);
    expect_region(other, "eu-central-1");
    setenv("AWS_REGION", "us-west-2", 1);
    expect_region(other, "us-west-2");
    expect_region(aws, "eu-west-1"); /* a queue is signed for where it is */
    setenv("AWS_REGION", "", 1);
    expect_region(other, "eu-central-1");
    assert_true(aws_region("ca-central-1", aws, region, sizeof(region)));
    assert_string_equal(region, "ca-central-1");
    assert_true(aws_region("", aws, region, sizeof(region)));
    assert_string_equal(region, "eu-west-1");
    assert_false(aws_region("no-such-region-1", aws, region, sizeof(region)));
}

#define CREDENTIALS_TEST(name) cmocka_unit_test_setup(name, clear_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CREDENTIALS_TEST(test_configured),
        CREDENTIALS_TEST(test_from_the_environment),
        CREDENTIALS_TEST(test_half_a_pair_is_an_error),
        CREDENTIALS_TEST(test_none_where_they_should_be),
        CREDENTIALS_TEST(test_what_no_header_can_carry),
        CREDENTIALS_TEST(test_equal_keys_are_one_object),
        CREDENTIALS_TEST(test_a_section_is_one_object),
        CREDENTIALS_TEST(test_sections_are_told_apart_by_what_they_say),
        CREDENTIALS_TEST(test_given_keys_never_change),
        CREDENTIALS_TEST(test_region_of_the_host),
        CREDENTIALS_TEST(test_hosts_that_name_no_region),
        CREDENTIALS_TEST(test_region_by_configuration_and_environment),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
