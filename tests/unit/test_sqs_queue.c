/* Where a queue is, and what lint says of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/sqs/sqs.h"

static int without_aws_variables(void **state)
{
    (void)state;
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_SQS");
    unsetenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
    unsetenv("AWS_USE_FIPS_ENDPOINT");
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    return 0;
}

static struct sqs_queue resolve(struct sqs_conf conf)
{
    struct sqs_queue queue;
    struct error e;
    const char *option;
    if (!sqs_queue_resolve(&conf, &queue, &option, &e)) fail_msg("%s", e.text);
    return queue;
}

static void expect_refused(struct sqs_conf conf, const char *option, const char *part)
{
    struct sqs_queue queue;
    struct error e;
    const char *blamed;
    assert_false(sqs_queue_resolve(&conf, &queue, &blamed, &e));
    assert_string_equal(blamed, option);
    if (!strstr(e.text, part)) fail_msg("\"%s\" does not hold \"%s\"", e.text, part);
}

static void a_queue_url_tells_name_region_and_endpoint(void **state)
{
    (void)state;
    struct sqs_queue q = resolve(
        (struct sqs_conf){.queue_url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders"});
    assert_string_equal(q.name, "orders");
    assert_string_equal(q.region, "eu-west-1");
    assert_string_equal(q.endpoint.url, "https://sqs.eu-west-1.amazonaws.com/");
    assert_string_equal(q.endpoint.host, "sqs.eu-west-1.amazonaws.com");
    assert_string_equal(q.endpoint.path, "/");
    assert_false(q.fifo);
    q = resolve((struct sqs_conf){.queue_url = "http://127.0.0.1:9324/000000000000/o-1.fifo",
                                  .region = "us-east-1"});
    assert_string_equal(q.endpoint.url, "http://127.0.0.1:9324/");
    assert_string_equal(q.endpoint.host, "127.0.0.1:9324");
    assert_true(q.fifo);
    q = resolve((struct sqs_conf){.queue_url = "http://[::1]:80/1/q", .region = "us-east-1"});
    assert_string_equal(q.endpoint.host, "[::1]");
}

/* Keys of a profile or a machine come with one; others do not. */
static void the_region_may_come_with_the_keys(void **state)
{
    (void)state;
    struct credentials_conf section = {.name = "x", .provider = CREDENTIALS_IMDS};
    struct sqs_conf conf = {.queue_url = "http://127.0.0.1:9324/1/orders", .credentials = &section};
    assert_string_equal(resolve(conf).region, "");
    section.provider = CREDENTIALS_PROCESS;
    expect_refused(conf, "region", "set region");
}

static void old_queue_urls_lead_to_todays_endpoint(void **state)
{
    (void)state;
    struct sqs_queue q = resolve(
        (struct sqs_conf){.queue_url = "https://eu-west-1.queue.amazonaws.com/123456789012/orders",
                          .region = "eu-west-1"});
    assert_string_equal(q.endpoint.url, "https://sqs.eu-west-1.amazonaws.com/");
    assert_string_equal(q.url, "https://eu-west-1.queue.amazonaws.com/123456789012/orders");
}

static void an_endpoint_may_be_given(void **state)
{
    (void)state;
    struct sqs_conf conf = {.queue_url = "https://sqs.eu-west-1.amazonaws.com/1/orders",
                            .endpoint_url = "http://sqs.internal:4566/base"};
    struct sqs_queue q = resolve(conf);
    assert_string_equal(q.endpoint.url, "http://sqs.internal:4566/base");
    assert_string_equal(q.endpoint.path, "/base");
    assert_string_equal(q.endpoint.host, "sqs.internal:4566");
    setenv("AWS_ENDPOINT_URL", "https://general:443", 1);
    assert_string_equal(resolve(conf).endpoint.host, "sqs.internal:4566");
    conf.endpoint_url = NULL;
    assert_string_equal(resolve(conf).endpoint.host, "general");
    setenv("AWS_ENDPOINT_URL_SQS", "https://special:444/", 1);
    assert_string_equal(resolve(conf).endpoint.url, "https://special:444/");
}

static void variables_of_an_endpoint_may_be_ignored(void **state)
{
    (void)state;
    struct sqs_conf conf = {.queue_url = "https://sqs.eu-west-1.amazonaws.com/1/orders"};
    setenv("AWS_ENDPOINT_URL", "https://general", 1);
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True", 1);
    assert_string_equal(resolve(conf).endpoint.host, "sqs.eu-west-1.amazonaws.com");
    conf.endpoint_url = "https://given"; /* that is no variable */
    assert_string_equal(resolve(conf).endpoint.host, "given");
    setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false", 1);
    conf.endpoint_url = NULL;
    assert_string_equal(resolve(conf).endpoint.host, "general");
}

static void fips_and_dual_stack(void **state)
{
    (void)state;
    struct sqs_conf conf = {.queue_url = "https://sqs.eu-west-1.amazonaws.com/1/orders",
                            .use_fips_endpoint = true};
    assert_string_equal(resolve(conf).endpoint.url, "https://sqs-fips.eu-west-1.amazonaws.com/");
    conf.use_dualstack_endpoint = true;
    assert_string_equal(resolve(conf).endpoint.host, "sqs-fips.eu-west-1.api.aws");
    conf.use_fips_endpoint = false;
    conf.queue_url = "https://cn-north-1.queue.amazonaws.com.cn/1/orders";
    assert_string_equal(resolve(conf).endpoint.host, "sqs.cn-north-1.api.amazonwebservices.com.cn");
    conf.use_dualstack_endpoint = false;
    assert_string_equal(resolve(conf).endpoint.host, "sqs.cn-north-1.amazonaws.com.cn");
    setenv("AWS_USE_FIPS_ENDPOINT", "true", 1);
    assert_string_equal(resolve(conf).endpoint.host, "sqs-fips.cn-north-1.amazonaws.com.cn");
    conf.endpoint_url = "https://other";
    expect_refused(conf, "endpoint_url", "FIPS endpoints are hosts of AWS's own");
    setenv("AWS_USE_FIPS_ENDPOINT", "false", 1);
    setenv("AWS_USE_DUALSTACK_ENDPOINT", "TRUE", 1);
    expect_refused(conf, "endpoint_url", "AWS_USE_DUALSTACK_ENDPOINT");
    conf.endpoint_url = NULL;
    conf.queue_url = "https://vpce-0a1b-x.sqs.eu-west-1.vpce.amazonaws.com/1/orders";
    expect_refused(conf, "queue_url", "requests are to go to \"https://vpce-0a1b-x.sqs.");
    unsetenv("AWS_USE_DUALSTACK_ENDPOINT");
    assert_string_equal(resolve(conf).endpoint.host,
                        "vpce-0a1b-x.sqs.eu-west-1.vpce.amazonaws.com");
    assert_string_equal(resolve(conf).region, "eu-west-1");
}

static void what_is_wrong_is_said_with_its_cure(void **state)
{
    (void)state;
    expect_refused((struct sqs_conf){.queue_url = "orders"}, "queue_url", "it looks like https://");
    expect_refused((struct sqs_conf){.queue_url = "arn:aws:sqs:eu-west-1:1:orders"}, "queue_url",
                   "an ARN is not a queue URL");
    expect_refused((struct sqs_conf){.queue_url = "https://sqs.eu-west-1.amazonaws.com/"},
                   "queue_url", "not the URL of a queue");
    expect_refused((struct sqs_conf){.queue_url = "https://sqs.eu-west-1.amazonaws.com/1/a b"},
                   "queue_url", "not the URL of a queue");
    expect_refused((struct sqs_conf){.queue_url = "ftp://sqs.eu-west-1.amazonaws.com/1/q"},
                   "queue_url", "not the URL of a queue");
    expect_refused((struct sqs_conf){.queue_url = "http://127.0.0.1:9324/1/orders"}, "region",
                   "set region");
    expect_refused((struct sqs_conf){.queue_url = "http://sqs.eu-west-1.amazonaws.com/1/orders"},
                   "queue_url", "use https");
    expect_refused((struct sqs_conf){.queue_url = "https://sqs.eu-west-1.amazonaws.com/1/orders",
                                     .endpoint_url = "localhost:4566"},
                   "endpoint_url", "not an address");
}

/* ---- lint ---- */

struct complaints {
    struct opt_report report;
    int count;
    char option[64];
};

static void take(struct opt_report *r, const char *option, const char *text)
{
    struct complaints *c = (struct complaints *)r;
    c->count++;
    snprintf(c->option, sizeof(c->option), "%s", option);
    assert_true(*text);
}

static struct sqs_sink_conf good_sink(const char *url)
{
    return (struct sqs_sink_conf){
        .queue = {.queue_url = url, .access_key_id = "k", .secret_access_key = "s"}};
}

static void expect_complaint(const struct sqs_sink_conf *conf, const char *option)
{
    struct complaints c = {.report.complain = take};
    sqs_sink_check(conf, &c.report);
    assert_int_equal(c.count, option ? 1 : 0);
    if (option) assert_string_equal(c.option, option);
}

static void options_that_exclude_each_other_are_refused(void **state)
{
    (void)state;
    const char standard[] = "https://sqs.eu-west-1.amazonaws.com/1/q";
    const char fifo[] = "https://sqs.eu-west-1.amazonaws.com/1/q.fifo";
    struct error e;
    struct template *t = template_compile("x", &e);
    struct sqs_sink_conf conf = good_sink(standard);
    expect_complaint(&conf, NULL);
    conf.delay_seconds = 5;
    expect_complaint(&conf, NULL);
    conf.queue.queue_url = fifo;
    expect_complaint(&conf, "delay_seconds");
    conf.delay_seconds = 0;
    conf.message_deduplication_id = t;
    expect_complaint(&conf, NULL);
    conf.queue.queue_url = standard;
    expect_complaint(&conf, "message_deduplication_id");
    conf = good_sink(standard);
    conf.queue.secret_access_key = NULL;
    expect_complaint(&conf, "access_key_id");
    const struct credentials_conf section = {.name = "x", .provider = CREDENTIALS_ENVIRONMENT};
    conf = good_sink(standard);
    conf.queue.credentials = &section;
    expect_complaint(&conf, "credentials");
    conf.queue.access_key_id = conf.queue.secret_access_key = NULL;
    expect_complaint(&conf, NULL);
    conf = good_sink(standard);
    conf.queue.access_key_id = NULL;
    expect_complaint(&conf, "secret_access_key");
    template_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_queue_url_tells_name_region_and_endpoint, without_aws_variables),
        cmocka_unit_test_setup(the_region_may_come_with_the_keys, without_aws_variables),
        cmocka_unit_test_setup(old_queue_urls_lead_to_todays_endpoint, without_aws_variables),
        cmocka_unit_test_setup(an_endpoint_may_be_given, without_aws_variables),
        cmocka_unit_test_setup(variables_of_an_endpoint_may_be_ignored, without_aws_variables),
        cmocka_unit_test_setup(fips_and_dual_stack, without_aws_variables),
        cmocka_unit_test_setup(what_is_wrong_is_said_with_its_cure, without_aws_variables),
        cmocka_unit_test_setup(options_that_exclude_each_other_are_refused, without_aws_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
