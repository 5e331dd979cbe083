/* The HTTP client where the far end behaves: answers, connections, order, cancelling, closing. */
#include "tests/unit/http_fixture.h"

static void test_an_answer_arrives_whole(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 200 OK\r\ndate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
                      "X-Amzn-RequestId:  abc-1 \r\nContent-Type: application/x-amz-json-1.0\r\n"
                      "x-amzn-query-error: AWS.SimpleQueueService.NonExistentQueue;Sender\r\n"
                      "x-amz-retry-after: 250\r\nAge: 7\r\nX-Other: y\r\n"
                      "Content-Length: 17\r\n\r\n{\"Messages\":null}";
    http_prepare(f, &t, "/");
    http_send(f->client, &t.http);
    assert_int_equal(f->done, 0);
    http_wait(f, 1);
    assert_int_equal(t.http.status, 200);
    assert_int_equal(t.http.error.fault, FAULT_NONE);
    assert_int_equal(t.http.response.len, 17);
    assert_memory_equal(t.http.response.ptr, "{\"Messages\":null}", 17);
    assert_string_equal(t.http.answer_headers[HTTP_DATE], "Sun, 22 Nov 2026 12:00:00 GMT");
    assert_string_equal(t.http.answer_headers[HTTP_REQUEST_ID], "abc-1");
    assert_string_equal(t.http.answer_headers[HTTP_CONTENT_TYPE], "application/x-amz-json-1.0");
    assert_string_equal(t.http.answer_headers[HTTP_QUERY_ERROR],
                        "AWS.SimpleQueueService.NonExistentQueue;Sender");
    assert_string_equal(t.http.answer_headers[HTTP_RETRY_AFTER_MS], "250");
    assert_string_equal(t.http.answer_headers[HTTP_RETRY_AFTER], "");
    assert_string_equal(t.http.answer_headers[HTTP_AGE], "7");
    assert_true(t.http.answered_ms >= t.http.sent_ms && t.http.sent_ms > 0);
    http_request_free(&t.http);
}

static void test_the_request_is_as_given(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char expected[512];
    http_prepare(f, &t, "/queue?x=1");
    t.http.headers[1] = "X-Amz-Target: AmazonSQS.SendMessage";
    t.http.headers[2] = NULL;
    http_send(f->client, &t.http);
    http_wait(f, 1);
    snprintf(expected, sizeof(expected),
             "POST /queue?x=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
             "User-Agent: sqsbridge/" SQSBRIDGE_VERSION "\r\nAccept: */*\r\n"
             "Content-Type: application/x-amz-json-1.0\r\n"
             "X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 2\r\n\r\n{}",
             f->server.port);
    assert_string_equal(f->server.last.ptr, expected);
    http_request_free(&t.http);
}

static void test_other_methods(void **state)
{
    struct http_fixture *f = *state;
    static const char *const methods[] = {"GET", "PUT", "POST", "DELETE", "GET"};
    struct test_request t = {0};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        http_prepare(f, &t, "/token");
        t.http.method = methods[i];
        t.http.body = BYTES_NONE;
        http_send(f->client, &t.http);
        http_wait(f, 1);
        assert_int_equal(t.http.status, 200);
        assert_memory_equal(f->server.last.ptr, methods[i], strlen(methods[i]));
    }
    http_request_free(&t.http);
}

static void test_chunked_and_empty_answers(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.response.len, 11);
    assert_memory_equal(t.http.response.ptr, "hello world", 11);
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.status, 200);
    assert_int_equal(t.http.response.len, 0);
    assert_int_equal(f->server.accepted, 1);
    http_request_free(&t.http);
}

static void test_any_status_is_an_answer(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                      "Content-Length: 15\r\n\r\n<html>no</html>";
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.status, 502);
    assert_int_equal(t.http.error.fault, FAULT_NONE);
    assert_memory_equal(t.http.response.ptr, "<html>", 6);
    http_request_free(&t.http);
}

static void test_redirects_are_not_followed(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.status, 302);
    assert_int_equal(f->server.requests, 1);
    http_request_free(&t.http);
}

static void test_only_the_last_headers_count(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.reply = "HTTP/1.1 100 Continue\r\nAge: 1\r\nRetry-After: 2\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nAge: 3\r\nContent-Length: 0\r\n\r\n";
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.status, 200);
    assert_string_equal(t.http.answer_headers[HTTP_AGE], "3");
    assert_string_equal(t.http.answer_headers[HTTP_RETRY_AFTER], "");
    http_request_free(&t.http);
}

static void test_connections_and_buffers_are_reused(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_roundtrip(f, &t, "/");
    const char *buffer = t.http.response.ptr;
    for (int i = 0; i < 50; i++)
        http_roundtrip(f, &t, "/");
    assert_ptr_equal(t.http.response.ptr, buffer);
    assert_int_equal(f->server.accepted, 1);
    assert_int_equal(f->server.requests, 51);
    http_request_free(&t.http);
}

static void send_again(struct http_request *r)
{
    struct test_request *t = r->arg;
    assert_int_equal(r->status, 200);
    http_note_done(r);
    if (t->fixture->done < t->fixture->wanted) http_send(t->fixture->client, r);
}

static void test_done_may_send_again(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_prepare(f, &t, "/");
    t.http.done = send_again;
    http_send(f->client, &t.http);
    http_wait(f, 200);
    assert_int_equal(f->server.accepted, 1);
    http_request_free(&t.http);
}

static void test_a_dead_connection_is_replaced(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.then = CANNED_CLOSE; /* without a word of it in the answer */
    for (int i = 0; i < 5; i++) {
        http_roundtrip(f, &t, "/");
        assert_int_equal(t.http.status, 200);
        while (f->server.open) /* until the far end has closed, and we may have seen it */
            uv_run(loop_uv(f->loop), UV_RUN_NOWAIT);
    }
    assert_int_equal(f->server.accepted, 5);
    assert_int_equal(f->server.requests, 5);
    http_request_free(&t.http);
}

static void test_many_dead_connections_are_replaced(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.then = CANNED_ONCE; /* the close is seen only after sending */
    http_prepare(f, &t, "/");
    t.http.done = send_again;
    http_send(f->client, &t.http);
    http_wait(f, 40);
    assert_int_equal(f->server.requests, 40);
    http_request_free(&t.http);
}

static void test_requests_wait_for_a_connection_in_order(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t[6] = {0};
    http_use(f, &(struct http_options){
                    .max_connections = 1, .connect_timeout_ms = 5000, .max_response_bytes = 100});
    for (size_t i = 0; i < 6; i++) {
        char path[8];
        snprintf(path, sizeof(path), "/%zu", i);
        http_prepare(f, &t[i], path);
        http_send(f->client, &t[i].http);
    }
    http_wait(f, 6);
    assert_memory_equal(f->server.paths.ptr, "/0 /1 /2 /3 /4 /5 ", 18);
    assert_memory_equal(f->order.ptr, "/0 /1 /2 /3 /4 /5 ", 18);
    assert_int_equal(f->server.accepted, 1);
    for (size_t i = 0; i < 6; i++)
        http_request_free(&t[i].http);
}

static void test_never_more_than_max_connections(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t[20] = {0};
    for (size_t i = 0; i < 20; i++) {
        http_prepare(f, &t[i], "/");
        http_send(f->client, &t[i].http);
    }
    http_wait(f, 20);
    assert_int_equal(f->server.accepted, 2);
    for (size_t i = 0; i < 20; i++)
        http_request_free(&t[i].http);
}

static void test_a_large_body_arrives_whole(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    enum { SIZE = 3 << 20 };
    char *body = mem_alloc(SIZE);
    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 23);
    http_prepare(f, &t, "/");
    t.http.body = bytes_of(body, SIZE);
    http_send(f->client, &t.http);
    http_wait(f, 1);
    assert_int_equal(t.http.status, 200);
    assert_null(strstr(f->server.last.ptr, "Expect"));
    assert_memory_equal(f->server.last.ptr + f->server.last.len - SIZE, body, SIZE);
    http_roundtrip(f, &t, "/");
    assert_int_equal(f->server.accepted, 1);
    free(body);
    http_request_free(&t.http);
}

static void test_a_large_answer_arrives_whole(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    enum { SIZE = 1 << 20 };
    struct buf reply = {0};
    buf_printf(&reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
    size_t head = reply.len;
    for (int i = 0; i < SIZE; i++)
        buf_add(&reply, &"0123456789abcdefg"[i % 17], 1);
    f->server.reply = reply.ptr;
    f->server.reply_len = reply.len;
    http_roundtrip(f, &t, "/");
    assert_int_equal(t.http.status, 200);
    assert_int_equal(t.http.response.len, SIZE);
    assert_memory_equal(t.http.response.ptr, reply.ptr + head, SIZE);
    free(reply.ptr);
    http_request_free(&t.http);
}

static void test_cancelled_requests_stay_silent(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t[4] = {0};
    for (size_t i = 0; i < 4; i++) {
        http_prepare(f, &t[i], i == 3 ? "/last" : "/cancelled");
        http_cancel(f->client, &t[i].http); /* idle: harmless */
        http_send(f->client, &t[i].http);
    }
    http_cancel(f->client, &t[2].http); /* waits */
    http_cancel(f->client, &t[0].http); /* has a connection, which goes to the last */
    http_cancel(f->client, &t[1].http);
    http_cancel(f->client, &t[1].http);
    http_wait(f, 1);
    assert_memory_equal(f->order.ptr, "/last ", 6);
    http_roundtrip(f, &t[0], "/again");
    assert_int_equal(t[0].http.status, 200);
    for (size_t i = 0; i < 4; i++)
        http_request_free(&t[i].http);
}

static void test_an_open_poll_can_be_cancelled(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.silent = true;
    http_prepare(f, &t, "/poll");
    http_send(f->client, &t.http);
    while (!f->server.requests)
        uv_run(loop_uv(f->loop), UV_RUN_ONCE);
    http_cancel(f->client, &t.http);
    while (f->server.open) /* its connection can't serve another */
        uv_run(loop_uv(f->loop), UV_RUN_ONCE);
    f->server.silent = false;
    http_roundtrip(f, &t, "/again");
    assert_int_equal(t.http.status, 200);
    assert_memory_equal(f->order.ptr, "/again ", 7);
    http_request_free(&t.http);
}

static struct test_request *victims;

static void cancel_victims(struct http_request *r)
{
    struct test_request *t = r->arg;
    for (size_t i = 0; i < 4; i++)
        http_cancel(t->fixture->client, &victims[i].http);
    http_note_done(r);
}

static void test_done_may_cancel_others(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0}, others[4] = {0};
    victims = others;
    http_prepare(f, &t, "/first");
    t.http.done = cancel_victims;
    http_send(f->client, &t.http);
    for (size_t i = 0; i < 4; i++) {
        http_prepare(f, &others[i], "/victim");
        http_send(f->client, &others[i].http);
    }
    http_wait(f, 1);
    http_roundtrip(f, &t, "/after"); /* the first in line again: nothing else is left */
    assert_memory_equal(f->order.ptr + f->order.len - 7, "/after ", 7);
    http_request_free(&t.http);
    for (size_t i = 0; i < 4; i++)
        http_request_free(&others[i].http);
}

static void on_closed_by_done(void *arg)
{
    struct http_fixture *f = arg;
    f->client = NULL;
    loop_stop(f->loop);
}

static void close_client(struct http_request *r)
{
    struct test_request *t = r->arg;
    http_note_done(r);
    http_client_close(t->fixture->client, on_closed_by_done, t->fixture);
}

static void test_done_may_close_the_client(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0}, others[4] = {0};
    http_prepare(f, &t, "/first");
    t.http.done = close_client;
    http_send(f->client, &t.http);
    for (size_t i = 0; i < 4; i++) {
        http_prepare(f, &others[i], "/other");
        http_send(f->client, &others[i].http);
    }
    f->wanted = 100; /* only the closing ends the loop */
    loop_run(f->loop);
    assert_null(f->client);
    assert_int_equal(f->done, 5);
    for (size_t i = 0; i < 4; i++) {
        if (!others[i].http.status) assert_error_has(&others[i].http, "the bridge is closing");
        http_request_free(&others[i].http);
    }
    http_request_free(&t.http);
}

static void test_closing_ends_every_request(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t[5] = {0};
    f->server.silent = true;
    for (size_t i = 0; i < 5; i++) {
        http_prepare(f, &t[i], "/poll");
        http_send(f->client, &t[i].http);
    }
    while (f->server.requests < 2)
        uv_run(loop_uv(f->loop), UV_RUN_ONCE);
    http_close(f);
    assert_int_equal(f->done, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_error_has(&t[i].http, "the bridge is closing");
        assert_int_equal(t[i].http.maybe_executed, i < 2);
        http_request_free(&t[i].http);
    }
}

static void resend_once(struct http_request *r)
{
    struct test_request *t = r->arg;
    r->done = http_note_done;
    http_note_done(r);
    http_send(t->fixture->client, r);
}

static void test_what_is_sent_while_closing_ends_too(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_prepare(f, &t, "/");
    t.http.done = resend_once;
    http_send(f->client, &t.http);
    http_close(f);
    assert_int_equal(f->done, 2);
    assert_error_has(&t.http, "not sent: the bridge is closing");
    assert_false(t.http.maybe_executed);
    http_request_free(&t.http);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_an_answer_arrives_whole),
        HTTP_TEST(test_the_request_is_as_given),
        HTTP_TEST(test_other_methods),
        HTTP_TEST(test_chunked_and_empty_answers),
        HTTP_TEST(test_any_status_is_an_answer),
        HTTP_TEST(test_redirects_are_not_followed),
        HTTP_TEST(test_only_the_last_headers_count),
        HTTP_TEST(test_connections_and_buffers_are_reused),
        HTTP_TEST(test_done_may_send_again),
        HTTP_TEST(test_a_dead_connection_is_replaced),
        HTTP_TEST(test_many_dead_connections_are_replaced),
        HTTP_TEST(test_requests_wait_for_a_connection_in_order),
        HTTP_TEST(test_never_more_than_max_connections),
        HTTP_TEST(test_a_large_body_arrives_whole),
        HTTP_TEST(test_a_large_answer_arrives_whole),
        HTTP_TEST(test_cancelled_requests_stay_silent),
        HTTP_TEST(test_an_open_poll_can_be_cancelled),
        HTTP_TEST(test_done_may_cancel_others),
        HTTP_TEST(test_done_may_close_the_client),
        HTTP_TEST(test_closing_ends_every_request),
        HTTP_TEST(test_what_is_sent_while_closing_ends_too),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
