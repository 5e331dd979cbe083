/* The HTTP client through a proxy that wants a password, and the hosts that go around it. */
#include "tests/unit/http_fixture.h"

#include "tests/unit/canned_proxy.h"
#include "tests/unit/canned_tls.h"

static void use_proxy(struct http_fixture *f, const char *ca_file, const char *proxy)
{
    http_use(f, &(struct http_options){.max_connections = 2,
                                       .connect_timeout_ms = 5000,
                                       .max_response_bytes = 1000,
                                       .ca_file = ca_file,
                                       .proxy = proxy});
}

static void ask(struct http_fixture *f, struct test_request *t, const char *url)
{
    http_prepare(f, t, "/");
    snprintf(t->url, sizeof(t->url), "%s", url);
    http_send(f->client, &t->http);
    http_wait(f, 1);
}

/* "a%40b:c d" is user "a@b" with password "c d". */
static const char expected[] = "Basic YUBiOmMgZA==";

static void test_a_password_opens_the_tunnel(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char address[96];
    struct canned_tls s = {.name = "DNS:queue.test"};
    canned_tls_start(&s);
    struct canned_proxy p = {.to_port = s.port, .authorization = expected};
    canned_proxy_start(&p);
    snprintf(address, sizeof(address), "http://a%%40b:c%%20d@127.0.0.1:%u", p.port);
    use_proxy(f, s.ca_file, address);
    for (int i = 0; i < 2; i++) {
        ask(f, &t, "https://queue.test/q");
        assert_int_equal(t.http.status, 200);
    }
    http_close(f);
    canned_proxy_stop(&p);
    canned_tls_stop(&s);
    assert_int_equal(p.tunnels, 1); /* the connection is used again, through the tunnel */
    assert_memory_equal(p.request, "CONNECT queue.test:443 HTTP/1.1\r\n", 33);
    assert_null(strstr(p.request, "Content-Type")); /* the request's headers stay inside */
    http_request_free(&t.http);
}

static void test_a_wrong_password(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char address[96];
    struct canned_proxy p = {.authorization = expected};
    canned_proxy_start(&p);
    snprintf(address, sizeof(address), "http://a:secret@127.0.0.1:%u", p.port);
    use_proxy(f, NULL, address);
    ask(f, &t, "https://queue.test/q");
    assert_error_has(&t.http, "connecting to queue.test:443: the proxy refuses: status 407");
    assert_error_has(&t.http, "(check the user and the password in proxy)");
    assert_null(strstr(t.http.error.text, "secret"));
    assert_false(t.http.maybe_executed);
    http_close(f);
    canned_proxy_stop(&p);
    assert_int_equal(p.tunnels, 0);
    http_request_free(&t.http);
}

/* Without TLS the proxy is given the whole request, and the password with it. */
static void test_a_password_without_tls(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    char address[96];
    snprintf(address, sizeof(address), "http://a%%40b:c%%20d@127.0.0.1:%u", f->server.port);
    use_proxy(f, NULL, address);
    ask(f, &t, "http://queue.test/q");
    assert_int_equal(t.http.status, 200);
    assert_memory_equal(f->server.last.ptr, "POST http://queue.test/q HTTP/1.1", 33);
    assert_non_null(strstr(f->server.last.ptr, "\r\nProxy-Authorization: Basic YUBiOmMgZA==\r\n"));
    http_request_free(&t.http);
}

static void expect_direct(struct http_fixture *f, const char *no_proxy)
{
    struct test_request t = {0};
    setenv("NO_PROXY", no_proxy, 1);
    http_roundtrip(f, &t, "/direct");
    unsetenv("NO_PROXY");
    assert_int_equal(t.http.status, 200);
    assert_memory_equal(f->server.last.ptr, "POST /direct HTTP/1.1", 21);
    http_request_free(&t.http);
}

/* Nothing listens at the proxy's address: what gets an answer went around it. */
static void test_hosts_that_need_no_proxy(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    struct canned_proxy gone = {.authorization = expected};
    char address[64];
    canned_proxy_start(&gone);
    canned_proxy_stop(&gone);
    snprintf(address, sizeof(address), "http://127.0.0.1:%u", gone.port);
    use_proxy(f, NULL, address);
    expect_direct(f, "127.0.0.1");
    expect_direct(f, "queue.test, 127.0.0.0/8");
    expect_direct(f, "*");
    setenv("NO_PROXY", "queue.test", 1);
    http_roundtrip(f, &t, "/q");
    assert_error_has(&t.http, "check proxy");
    setenv("http_proxy", address, 1);
    use_proxy(f, NULL, NULL); /* from the environment */
    http_roundtrip(f, &t, "/q");
    assert_error_has(&t.http, "check proxy");
    expect_direct(f, "127.0.0.1");
    unsetenv("http_proxy");
    http_request_free(&t.http);
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_a_password_opens_the_tunnel),
        HTTP_TEST(test_a_wrong_password),
        HTTP_TEST(test_a_password_without_tls),
        HTTP_TEST(test_hosts_that_need_no_proxy),
    };
    return cmocka_run_group_tests_name("http_proxy", tests, NULL, NULL);
}
