/* Requests as they are on the wire, and how they are repeated, against a server that says what the
 * test tells it to. What SQS itself makes of them: test_sqs_source.c and test_sqs_sink.c. */
#include "connectors/sqs/sqs_client.h"

#include <time.h>

#include "tests/unit/http_fixture.h"

#define ANSWER(status, headers)                                                                    \
    "HTTP/1.1 " status "\r\n" headers "Content-Length: 2\r\nConnection: keep-alive\r\n\r\n{}"

struct rig {
    struct http_fixture *f;
    struct sqs_conf conf;
    struct sqs_queue queue;
    struct sqs_client *client;
    struct sqs_call call;
    char url[64];
    bool done, closed;
};

static bool decode(struct sqs_call *call, struct error *e)
{
    (void)call, (void)e;
    return true;
}

static void on_done(struct sqs_call *call)
{
    struct rig *rig = call->arg;
    rig->done = true;
    loop_stop(rig->f->loop);
}

static int rig_start(void **state)
{
    static struct rig rig;
    struct error e;
    const char *option;
    unsetenv("AWS_MAX_ATTEMPTS");
    unsetenv("AWS_ENDPOINT_URL");
    rig = (struct rig){0};
    if (http_setup((void **)&rig.f) != 0) return -1;
    snprintf(rig.url, sizeof(rig.url), "http://127.0.0.1:%u/1/q.fifo", rig.f->server.port);
    rig.conf = (struct sqs_conf){.queue_url = rig.url,
                                 .region = "eu-west-1",
                                 .access_key_id = "AKIDEXAMPLE",
                                 .secret_access_key = "secret",
                                 .connect_timeout = 5000};
    if (!sqs_queue_resolve(&rig.conf, &rig.queue, &option, &e)) fail_msg("%s", e.text);
    *state = &rig;
    return 0;
}

/* By now the test has set the environment. */
static void make_client(struct rig *rig)
{
    struct error e;
    struct sqs_client_setup setup = {.loop = rig->f->loop,
                                     .context = "test",
                                     .conf = &rig->conf,
                                     .queue = &rig->queue,
                                     .max_connections = 1};
    rig->client = sqs_client_create(&setup, &e);
    if (!rig->client) fail_msg("%s", e.text);
}

static void on_closed(void *arg)
{
    struct rig *rig = arg;
    rig->closed = true;
    loop_stop(rig->f->loop);
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("nothing for ten seconds");
}

static void run_until(struct rig *rig, const bool *reached)
{
    struct loop_timer deadline = {.run = on_deadline};
    loop_timer_start(rig->f->loop, &deadline, 10000);
    while (!*reached)
        loop_run(rig->f->loop);
    loop_timer_stop(rig->f->loop, &deadline);
}

static int rig_stop(void **state)
{
    struct rig *rig = *state;
    void *fixture = rig->f;
    if (rig->client) sqs_client_close(rig->client, on_closed, rig);
    if (rig->client) run_until(rig, &rig->closed);
    sqs_call_free(&rig->call);
    return http_teardown(&fixture);
}

static void send_call(struct rig *rig, enum sqs_action action)
{
    struct sqs_call *call = &rig->call;
    if (!rig->client) make_client(rig);
    rig->done = false;
    call->client = rig->client;
    call->action = action;
    call->decode = decode;
    call->done = on_done;
    call->arg = rig;
    call->body.len = 0;
    buf_add(&call->body, "{}", 2);
    sqs_call_send(call);
    run_until(rig, &rig->done);
}

/* A header's value in the last request; "": it has none. */
static const char *header(const struct rig *rig, const char *name)
{
    static char values[4][256];
    static unsigned next;
    char *value = values[next++ % 4];
    char *line = mem_printf("\r\n%s: ", name);
    const char *at = strcasestr(rig->f->server.last.ptr, line);
    if (at) at += strlen(line);
    snprintf(value, sizeof(values[0]), "%.*s", at ? (int)strcspn(at, "\r") : 0, at ? at : "");
    free(line);
    return value;
}

static void expect_uuid(const char *text)
{
    static const char form[] = "xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx";
    assert_int_equal(strlen(text), sizeof(form) - 1);
    for (size_t i = 0; i < sizeof(form) - 1; i++)
        assert_true(form[i] == 'x' ? strchr("0123456789abcdef", text[i]) != NULL
                                   : text[i] == form[i]);
    assert_non_null(strchr("89ab", text[19]));
}

static void requests_say_who_sends_them_and_which_attempt_it_is(void **state)
{
    struct rig *rig = *state;
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_int_equal(rig->call.class, SQS_OK);
    char *first = mem_strdup(header(rig, "amz-sdk-invocation-id"));
    expect_uuid(first);
    assert_string_equal(header(rig, "amz-sdk-request"), "attempt=1; max=3");
    assert_string_equal(header(rig, "User-Agent"), "sqsbridge/" SQSBRIDGE_VERSION);
    assert_non_null(strstr(header(rig, "Authorization"),
                           "SignedHeaders=amz-sdk-invocation-id;amz-sdk-request;content-type;host;"
                           "x-amz-date;x-amz-target;x-amzn-query-mode,"));
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_string_not_equal(header(rig, "amz-sdk-invocation-id"), first);
    free(first);
}

static void attempts_of_one_call_have_one_name(void **state)
{
    struct rig *rig = *state;
    rig->f->server.reply = ANSWER("500 No", "");
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_int_equal(rig->call.class, SQS_TRANSIENT);
    assert_int_equal(rig->f->server.requests, 3);
    assert_string_equal(header(rig, "amz-sdk-request"), "attempt=3; max=3");
    assert_string_equal(strchr(rig->call.invocation, ' ') + 1,
                        header(rig, "amz-sdk-invocation-id"));
}

static void the_environment_may_ask_for_more_attempts_or_none(void **state)
{
    struct rig *rig = *state;
    setenv("AWS_MAX_ATTEMPTS", "1", 1);
    rig->f->server.reply = ANSWER("500 No", "");
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_int_equal(rig->f->server.requests, 1);
    assert_string_equal(header(rig, "amz-sdk-request"), "attempt=1; max=1");
    unsetenv("AWS_MAX_ATTEMPTS");
}

static void nonsense_in_the_environment_is_refused(void **state)
{
    struct rig *rig = *state;
    struct error e;
    struct sqs_client_setup setup = {.loop = rig->f->loop, .conf = &rig->conf};
    setenv("AWS_MAX_ATTEMPTS", "many", 1);
    assert_null(sqs_client_create(&setup, &e));
    assert_string_equal(e.text, "AWS_MAX_ATTEMPTS: \"many\" is no number from 1 to 1000");
    unsetenv("AWS_MAX_ATTEMPTS");
}

static uint64_t spent_on_two_attempts(struct rig *rig, const char *reply)
{
    setenv("AWS_MAX_ATTEMPTS", "2", 1);
    rig->f->server.reply = reply;
    uint64_t began = loop_now_ms(rig->f->loop);
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_int_equal(rig->f->server.requests, 2);
    unsetenv("AWS_MAX_ATTEMPTS");
    return loop_now_ms(rig->f->loop) - began;
}

/* Of its own accord it would wait 50 ms at most. */
static void a_wish_in_milliseconds_is_granted(void **state)
{
    struct rig *rig = *state;
    assert_true(spent_on_two_attempts(rig, ANSWER("503 Busy", "x-amz-retry-after: 400\r\n"
                                                              "Retry-After: 9\r\n")) >= 400);
    assert_int_equal(rig->call.error.retry_after_ms, 400);
}

static void a_wish_in_seconds_is_granted(void **state)
{
    struct rig *rig = *state;
    assert_true(spent_on_two_attempts(rig, ANSWER("503 Busy", "Retry-After: 1\r\n")) >= 1000);
}

/* "20261122T120000Z" of the last request. */
static int64_t signed_s(const struct rig *rig)
{
    struct tm utc = {0};
    const char *date = header(rig, "X-Amz-Date");
    assert_non_null(strptime(date, "%Y%m%dT%H%M%SZ", &utc));
    return timegm(&utc);
}

static char *answer_of(const char *status, int64_t offset_s, const char *body)
{
    char date[64];
    struct tm utc;
    time_t theirs = time(NULL) + (time_t)offset_s;
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&theirs, &utc));
    return mem_printf("HTTP/1.1 %s\r\nDate: %s\r\nContent-Length: %zu\r\n\r\n%s", status, date,
                      strlen(body), body);
}

static void expect_signed_at(const struct rig *rig, int64_t offset_s)
{
    int64_t off = signed_s(rig) - time(NULL) - offset_s;
    assert_in_range(off + 10, 0, 20);
}

/* No request was refused, and yet the next one is signed by their clock. */
static void any_answer_tells_the_time(void **state)
{
    struct rig *rig = *state;
    char *ahead = answer_of("200 OK", 3600, "{}"), *right = answer_of("200 OK", 0, "{}");
    rig->f->server.reply = ahead;
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    expect_signed_at(rig, 0);
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    expect_signed_at(rig, 3600);
    rig->f->server.reply = right;
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    expect_signed_at(rig, 3600);
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    expect_signed_at(rig, 0);
    free(ahead);
    free(right);
}

/* Only once for the clock: a secret that is wrong is refused in the same words. */
static void a_refused_signature_is_repeated_by_their_clock(void **state)
{
    struct rig *rig = *state;
    char *refusal = answer_of("403 Forbidden", -7200,
                              "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\","
                              "\"message\":\"Signature not yet current\"}");
    rig->f->server.reply = refusal;
    send_call(rig, SQS_SEND_MESSAGE_BATCH);
    assert_int_equal(rig->call.class, SQS_CLOCK);
    assert_int_equal(rig->f->server.requests, 2);
    expect_signed_at(rig, -7200);
    free(refusal);
}

#define CLIENT_TEST(name) cmocka_unit_test_setup_teardown(name, rig_start, rig_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLIENT_TEST(requests_say_who_sends_them_and_which_attempt_it_is),
        CLIENT_TEST(attempts_of_one_call_have_one_name),
        CLIENT_TEST(the_environment_may_ask_for_more_attempts_or_none),
        CLIENT_TEST(nonsense_in_the_environment_is_refused),
        CLIENT_TEST(a_wish_in_milliseconds_is_granted),
        CLIENT_TEST(a_wish_in_seconds_is_granted),
        CLIENT_TEST(any_answer_tells_the_time),
        CLIENT_TEST(a_refused_signature_is_repeated_by_their_clock),
    };
    return cmocka_run_group_tests_name("sqs_client", tests, NULL, NULL);
}
