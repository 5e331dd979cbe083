/* The HTTP client where the far end, or the way to it, does not behave: what the error says, and
 * whether the request may have been executed. */
#include "tests/unit/http_fixture.h"

#include <unistd.h>

static void test_connection_refused(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_prepare(f, &t, "/");
    unsigned port = f->server.port;
    canned_http_stop(&f->server);
    http_send(f->client, &t.http);
    http_wait(f, 1);
    char expected[128];
    snprintf(expected, sizeof(expected),
             "connecting to 127.0.0.1:%u: connection refused (is it up? check queue_url)", port);
    assert_error_has(&t.http, expected);
    assert_false(t.http.maybe_executed);
    canned_http_start(&f->server, f->loop);
    http_request_free(&t.http);
}

static void expect_failure(struct http_fixture *f, const char *part)
{
    struct test_request t = {0};
    http_roundtrip(f, &t, "/");
    assert_error_has(&t.http, part);
    assert_true(t.http.maybe_executed);
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    f->server.then = CANNED_KEEP;
    http_roundtrip(f, &t, "/after"); /* an error of that request alone */
    assert_int_equal(t.http.status, 200);
    assert_int_equal(t.http.error.fault, FAULT_NONE);
    http_request_free(&t.http);
}

static void test_closed_in_the_middle(void **state)
{
    struct http_fixture *f = *state;
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Mess";
    f->server.then = CANNED_CLOSE;
    expect_failure(f, "request to 127.0.0.1:");
}

static void test_chunks_closed_in_the_middle(void **state)
{
    struct http_fixture *f = *state;
    f->server.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    f->server.then = CANNED_CLOSE;
    expect_failure(f, "request to 127.0.0.1:");
}

static void test_closed_without_an_answer(void **state)
{
    struct http_fixture *f = *state;
    f->server.reply = "";
    f->server.then = CANNED_CLOSE;
    expect_failure(f, "connection closed without one");
}

static void test_reset(void **state)
{
    struct http_fixture *f = *state;
    f->server.then = CANNED_RESET;
    expect_failure(f, "onnection reset by peer");
}

static void test_garbage(void **state)
{
    struct http_fixture *f = *state;
    f->server.reply = "\x15\x03\x01 who are you?\r\n\r\n";
    f->server.then = CANNED_CLOSE;
    expect_failure(f, "not HTTP (what listens there? check queue_url)");
}

static void test_garbage_after_the_status(void **state)
{
    struct http_fixture *f = *state;
    f->server.reply = "HTTP/1.1 abc\r\n\r\n";
    f->server.then = CANNED_CLOSE;
    expect_failure(f, "not HTTP");
}

static void test_a_gigabyte_is_refused_at_once(void **state)
{
    struct http_fixture *f = *state; /* the server never sends it, nor closes */
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n{";
    expect_failure(f, "longer than 1048576 bytes");
}

static void test_an_endless_answer_is_cut(void **state)
{
    struct http_fixture *f = *state;
    struct buf reply = {0};
    buf_printf(&reply, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n");
    size_t head = reply.len, size = 0x100001;
    buf_reserve(&reply, size);
    memset(reply.ptr + head, 'x', size);
    f->server.reply = reply.ptr;
    f->server.reply_len = head + size;
    struct test_request t = {0};
    http_roundtrip(f, &t, "/");
    assert_error_has(&t.http, "longer than 1048576 bytes");
    assert_in_range(t.http.response.cap, 0, 2 << 20);
    free(reply.ptr);
    f->server.reply_len = 0;
    http_request_free(&t.http);
}

static void test_a_slow_answer_times_out(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.silent = true;
    http_prepare(f, &t, "/");
    t.http.timeout_ms = 250;
    http_send(f->client, &t.http);
    http_wait(f, 1);
    assert_error_has(&t.http, "answer from 127.0.0.1:");
    assert_error_has(&t.http, "not complete after");
    assert_true(t.http.maybe_executed);
    http_request_free(&t.http);
}

static void test_half_an_answer_times_out(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Mess";
    http_prepare(f, &t, "/");
    t.http.timeout_ms = 250;
    http_send(f->client, &t.http);
    http_wait(f, 1);
    assert_error_has(&t.http, "not complete after");
    http_request_free(&t.http);
}

static void test_waiting_in_line_is_not_counted(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t[3] = {0};
    f->server.silent = true;
    for (size_t i = 0; i < 3; i++) { /* two connections: the third starts when they time out */
        http_prepare(f, &t[i], "/");
        t[i].http.timeout_ms = 250;
        http_send(f->client, &t[i].http);
    }
    http_wait(f, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(t[i].http.answered_ms - t[i].http.sent_ms, 200, 5000);
        http_request_free(&t[i].http);
    }
    assert_true(t[2].http.sent_ms >= t[0].http.answered_ms);
}

static void test_no_such_name(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_prepare(f, &t, "/"); /* a label of more than 63 letters: no name server is asked */
    snprintf(t.url, sizeof(t.url), "http://%070d.invalid/", 1);
    http_send(f->client, &t.http);
    http_wait(f, 1);
    assert_error_has(&t.http, "no such name (check queue_url and the name server)");
    assert_error_has(&t.http, ".invalid:80");
    assert_false(t.http.maybe_executed);
    http_request_free(&t.http);
}

static void test_no_url(void **state)
{
    struct http_fixture *f = *state;
    static const char *const bad[] = {"http://[", "ftp://127.0.0.1/x", "http://a b/"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct test_request t = {0};
        http_prepare(f, &t, "/");
        t.http.url = bad[i];
        http_send(f->client, &t.http);
        http_wait(f, 1);
        assert_error_has(&t.http, "check queue_url");
        assert_false(t.http.maybe_executed);
        http_request_free(&t.http);
    }
}

static void use_proxy(struct http_fixture *f, const char *proxy)
{
    http_use(f, &(struct http_options){.max_connections = 2,
                                       .connect_timeout_ms = 5000,
                                       .max_response_bytes = 1000,
                                       .proxy = proxy});
}

static void ask_for(struct http_fixture *f, struct test_request *t, const char *url)
{
    http_prepare(f, t, "/");
    snprintf(t->url, sizeof(t->url), "%s", url);
    http_send(f->client, &t->http);
    http_wait(f, 1);
}

static void test_proxy_by_option(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", f->server.port);
    use_proxy(f, proxy);
    ask_for(f, &t, "http://queue.test/q");
    assert_int_equal(t.http.status, 200);
    assert_memory_equal(f->server.last.ptr, "POST http://queue.test/q HTTP/1.1", 33);
    http_request_free(&t.http);
}

static void test_proxy_by_environment(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", f->server.port);
    setenv("http_proxy", proxy, 1);
    use_proxy(f, NULL);
    ask_for(f, &t, "http://queue.test/q");
    assert_int_equal(t.http.status, 200);
    assert_memory_equal(f->server.last.ptr, "POST http://queue.test/q HTTP/1.1", 33);

    use_proxy(f, ""); /* none, whatever the environment says */
    http_roundtrip(f, &t, "/direct");
    assert_memory_equal(f->server.last.ptr, "POST /direct HTTP/1.1", 21);
    http_request_free(&t.http);
}

static void test_proxy_refuses(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char proxy[64];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", f->server.port);
    use_proxy(f, proxy);
    f->server.reply = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    f->server.then = CANNED_CLOSE;
    ask_for(f, &t, "https://queue.test/q");
    assert_memory_equal(f->server.last.ptr, "CONNECT queue.test:443 HTTP/1.1", 31);
    assert_error_has(&t.http, "connecting to queue.test:443: the proxy refuses: status 403 "
                              "(check proxy)");
    assert_false(t.http.maybe_executed);
    http_request_free(&t.http);
}

static void test_proxy_is_away(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char proxy[64], expected[128];
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", f->server.port);
    snprintf(expected, sizeof(expected),
             "connecting to queue.test:80 through 127.0.0.1:%u: connection refused "
             "(is it up? check proxy)",
             f->server.port);
    canned_http_stop(&f->server);
    use_proxy(f, proxy);
    ask_for(f, &t, "http://queue.test/q");
    assert_error_has(&t.http, expected);
    canned_http_start(&f->server, f->loop);
    http_request_free(&t.http);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_connection_refused),
        HTTP_TEST(test_closed_in_the_middle),
        HTTP_TEST(test_chunks_closed_in_the_middle),
        HTTP_TEST(test_closed_without_an_answer),
        HTTP_TEST(test_reset),
        HTTP_TEST(test_garbage),
        HTTP_TEST(test_garbage_after_the_status),
        HTTP_TEST(test_a_gigabyte_is_refused_at_once),
        HTTP_TEST(test_an_endless_answer_is_cut),
        HTTP_TEST(test_a_slow_answer_times_out),
        HTTP_TEST(test_half_an_answer_times_out),
        HTTP_TEST(test_waiting_in_line_is_not_counted),
        HTTP_TEST(test_no_such_name),
        HTTP_TEST(test_no_url),
        HTTP_TEST(test_proxy_by_option),
        HTTP_TEST(test_proxy_by_environment),
        HTTP_TEST(test_proxy_refuses),
        HTTP_TEST(test_proxy_is_away),
    };
    return cmocka_run_group_tests_name("http_errors", tests, NULL, NULL);
}
