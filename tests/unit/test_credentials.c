#include "connectors/aws/credentials.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

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

static void expect_keys(const struct credentials_options *options, const char *id,
                        const char *secret, const char *token)
{
    struct error e;
    struct credentials *c = credentials_create(options, &e);
    assert_non_null(c);
    const struct aws_keys *keys = credentials_acquire(c);
    assert_string_equal(keys->access_key_id, id);
    assert_string_equal(keys->secret_access_key, secret);
    if (token)
        assert_string_equal(keys->session_token, token);
    else
        assert_null(keys->session_token);
    credentials_release(c, keys);
    credentials_destroy(c);
}

static void expect_error(const struct credentials_options *options, const char *text)
{
    struct error e;
    assert_null(credentials_create(options, &e));
    assert_int_equal(e.fault, FAULT_CONFIG);
    assert_string_equal(e.text, text);
}

static void test_configured(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "other", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "other", 1);
    setenv("AWS_SESSION_TOKEN", "other", 1);
    expect_keys(&(struct credentials_options){"id", "secret", NULL}, "id", "secret", NULL);
    expect_keys(&(struct credentials_options){"id", "secret", ""}, "id", "secret", NULL);
    expect_keys(&(struct credentials_options){"id", "secret", "token"}, "id", "secret", "token");
}

static void test_from_the_environment(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    expect_keys(&(struct credentials_options){0}, "id", "secret", NULL);
    expect_keys(&(struct credentials_options){"", "", ""}, "id", "secret", NULL);
    setenv("AWS_SECURITY_TOKEN", "old", 1);
    expect_keys(&(struct credentials_options){0}, "id", "secret", "old");
    setenv("AWS_SESSION_TOKEN", "new", 1);
    expect_keys(&(struct credentials_options){0}, "id", "secret", "new");
    setenv("AWS_SESSION_TOKEN", "", 1);
    expect_keys(&(struct credentials_options){0}, "id", "secret", "old");
}

static void test_half_a_pair_is_an_error(void **state)
{
    (void)state;
    expect_error(&(struct credentials_options){"id", NULL, NULL},
                 "access_key_id is set, secret_access_key is not (set both)");
    expect_error(&(struct credentials_options){"", "secret", NULL},
                 "secret_access_key is set, access_key_id is not (set both)");
    expect_error(
        &(struct credentials_options){NULL, NULL, "token"},
        "session_token is set without access_key_id and secret_access_key (set all three)");
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    expect_error(&(struct credentials_options){0},
                 "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not (set both)");
    setenv("AWS_ACCESS_KEY_ID", "", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    expect_error(&(struct credentials_options){0},
                 "AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not (set both)");
}

static void test_none_at_all(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "", 1);
    expect_error(&(struct credentials_options){0},
                 "no AWS credentials (set access_key_id and secret_access_key, or "
                 "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment)");
}

static void test_what_no_header_can_carry(void **state)
{
    (void)state;
    expect_error(&(struct credentials_options){"id\n", "secret", NULL},
                 "access_key_id: holds a space or a control character (a line break at its end?)");
    expect_error(
        &(struct credentials_options){"id", "top secret", NULL},
        "secret_access_key: holds a space or a control character (a line break at its end?)");
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token\r\nX-Injected: yes", 1);
    expect_error(
        &(struct credentials_options){0},
        "AWS_SESSION_TOKEN: holds a space or a control character (a line break at its end?)");
}

static void test_keys_outlive_their_replacement(void **state)
{
    (void)state;
    struct error e;
    char id[] = "id-2", secret[] = "secret-2", token[] = "token-2";
    struct credentials *c =
        credentials_create(&(struct credentials_options){"id-1", "secret-1", NULL}, &e);
    const struct aws_keys *old = credentials_acquire(c);
    credentials_replace(c, &(struct aws_keys){id, secret, token});
    memset(id, 'x', 4); /* it was copied */
    const struct aws_keys *new = credentials_acquire(c);
    assert_string_equal(old->access_key_id, "id-1");
    assert_string_equal(new->access_key_id, "id-2");
    assert_string_equal(new->session_token, "token-2");
    credentials_release(c, old);
    credentials_destroy(c);
    assert_string_equal(new->secret_access_key, "secret-2");
    credentials_release(c, new);
}

static atomic_bool stop;

/* Id and secret must always belong together. */
static void *read_keys(void *arg)
{
    struct credentials *c = arg;
    while (!atomic_load(&stop)) {
        const struct aws_keys *keys = credentials_acquire(c);
        if (strcmp(keys->access_key_id, keys->secret_access_key) != 0) abort();
        credentials_release(c, keys);
    }
    return NULL;
}

static void test_replacing_while_others_read(void **state)
{
    (void)state;
    struct error e;
    struct credentials *c = credentials_create(&(struct credentials_options){"0", "0", NULL}, &e);
    pthread_t readers[3];
    atomic_store(&stop, false);
    for (size_t i = 0; i < 3; i++)
        pthread_create(&readers[i], NULL, read_keys, c);
    for (int i = 0; i < 2000; i++) {
        char *text = mem_printf("%d", i);
        credentials_replace(c, &(struct aws_keys){text, text, NULL});
        free(text);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
    credentials_destroy(c);
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
        CREDENTIALS_TEST(test_none_at_all),
        CREDENTIALS_TEST(test_what_no_header_can_carry),
        CREDENTIALS_TEST(test_keys_outlive_their_replacement),
        CREDENTIALS_TEST(test_replacing_while_others_read),
        CREDENTIALS_TEST(test_region_of_the_host),
        CREDENTIALS_TEST(test_hosts_that_name_no_region),
        CREDENTIALS_TEST(test_region_by_configuration_and_environment),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
