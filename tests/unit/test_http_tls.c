/* The HTTP client over TLS: whom it trusts, and what it says where it does not. */
#include "tests/unit/http_fixture.h"

#include "connectors/aws/identity.h"
#include "tests/unit/canned_tls.h"
#include "tests/unit/certificates.h"

static void use_ca(struct http_fixture *f, const char *ca_file)
{
    http_use(f, &(struct http_options){.max_connections = 4,
                                       .connect_timeout_ms = 5000,
                                       .max_response_bytes = 1000,
                                       .ca_file = ca_file});
}

static void ask(struct http_fixture *f, struct test_request *t, const struct canned_tls *s)
{
    http_prepare(f, t, "/");
    snprintf(t->url, sizeof(t->url), "https://127.0.0.1:%u/", s->port);
    http_send(f->client, &t->http);
    http_wait(f, 1);
}

static void test_right_ca(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    struct canned_tls s = {.name = "IP:127.0.0.1"};
    canned_tls_start(&s);
    use_ca(f, s.ca_file);
    for (int i = 0; i < 10; i++) {
        ask(f, &t, &s);
        assert_int_equal(t.http.status, 200);
    }
    assert_int_equal(s.accepted, 1);
    http_close(f);
    canned_tls_stop(&s);
    http_request_free(&t.http);
}

static void test_new_connections_resume_the_session(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    struct canned_tls s = {.name = "IP:127.0.0.1", .close_each = true};
    canned_tls_start(&s);
    use_ca(f, s.ca_file);
    for (int i = 0; i < 4; i++) {
        ask(f, &t, &s);
        assert_int_equal(t.http.status, 200);
    }
    http_close(f);
    assert_in_range(s.accepted, 4, 5);
    assert_int_equal(s.resumed, s.accepted - 1);
    canned_tls_stop(&s);
    http_request_free(&t.http);
}

static void expect_refusal(struct http_fixture *f, struct canned_tls *s, const char *ca_file,
                           const char *part)
{
    struct test_request t = {0};
    use_ca(f, ca_file);
    ask(f, &t, s);
    assert_error_has(&t.http, part);
    assert_false(t.http.maybe_executed);
    assert_int_equal(s->requests, 0);
    http_request_free(&t.http);
}

static void test_wrong_ca(void **state)
{
    struct http_fixture *f = *state;
    struct canned_tls s = {.name = "IP:127.0.0.1"}, other = {.name = "IP:127.0.0.1"};
    canned_tls_start(&s);
    canned_tls_start(&other);
    expect_refusal(f, &s, other.ca_file, "certificate refused: ");
    expect_refusal(f, &s, other.ca_file, "(check tls_ca)");
    expect_refusal(f, &s, NULL, "unable to get local issuer certificate (check tls_ca)");
    http_close(f);
    canned_tls_stop(&s);
    canned_tls_stop(&other);
}

static void test_certificate_of_another_host(void **state)
{
    struct http_fixture *f = *state;
    struct canned_tls s = {.name = "DNS:queue.test"};
    canned_tls_start(&s);
    expect_refusal(f, &s, s.ca_file, "no alternative certificate subject name matches");
    http_close(f);
    canned_tls_stop(&s);
}

static void test_ca_files_that_are_none(void **state)
{
    struct http_fixture *f = *state;
    struct canned_tls s = {.name = "IP:127.0.0.1"};
    canned_tls_start(&s);
    expect_refusal(f, &s, "/nonexistent/ca.pem",
                   "reading \"/nonexistent/ca.pem\": no such file or directory (check tls_ca)");
    expect_refusal(f, &s, "/proc/self/status", "no PEM certificate in it (check tls_ca)");
    http_close(f);
    canned_tls_stop(&s);
}

static void test_old_tls_is_refused(void **state)
{
    struct http_fixture *f = *state;
    struct canned_tls s = {.name = "IP:127.0.0.1", .only_old = true};
    canned_tls_start(&s);
    expect_refusal(f, &s, s.ca_file, "TLS with 127.0.0.1:");
    http_close(f);
    canned_tls_stop(&s);
}

static void use(struct http_fixture *f, const struct canned_tls *s, enum http_tls tls_min,
                const struct identity *identity)
{
    http_use(f, &(struct http_options){.max_connections = 4,
                                       .connect_timeout_ms = 5000,
                                       .max_response_bytes = 1000,
                                       .ca_file = s->ca_file,
                                       .tls_min = tls_min,
                                       .identity = identity});
}

static void test_the_oldest_version_can_be_chosen(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    struct canned_tls s = {.name = "IP:127.0.0.1", .no_13 = true}, new = {.name = "IP:127.0.0.1"};
    canned_tls_start(&s);
    canned_tls_start(&new);
    use(f, &s, HTTP_TLS_1_2, NULL);
    ask(f, &t, &s);
    assert_int_equal(t.http.status, 200);
    use(f, &s, HTTP_TLS_1_3, NULL);
    ask(f, &t, &s);
    assert_error_has(&t.http, "alert protocol version (check tls_min_version)");
    use(f, &new, HTTP_TLS_1_3, NULL);
    ask(f, &t, &new);
    assert_int_equal(t.http.status, 200);
    http_close(f);
    canned_tls_stop(&s);
    canned_tls_stop(&new);
    http_request_free(&t.http);
}

/* A leaf below a root, both in one file; the root is what servers know. */
static struct identity *make_identity(const char *key_type)
{
    struct error e = {0};
    EVP_PKEY *root_key = make_key("P-256"), *key = make_key(key_type);
    X509 *root = make_certificate(&(struct certificate_wish){.name = "root"}, root_key);
    X509 *leaf = make_certificate(
        &(struct certificate_wish){.name = "thing-7", .issuer = root, .issuer_key = root_key}, key);
    write_certificate("root.pem", root, "w");
    write_certificate("thing.pem", leaf, "w");
    write_certificate("thing.pem", root, "a");
    write_key("thing.pem", key, NULL, "a");
    struct identity_options options = {.certificate = path_in_folder("thing.pem")};
    struct identity *identity = identity_load(&options, &e);
    assert_non_null(identity);
    EVP_PKEY_free(root_key), EVP_PKEY_free(key);
    X509_free(root), X509_free(leaf);
    return identity;
}

static void expect_client(struct http_fixture *f, const char *key_type, bool no_13)
{
    struct test_request t = {0};
    struct identity *identity = make_identity(key_type);
    struct canned_tls s = {
        .name = "IP:127.0.0.1", .client_ca = path_in_folder("root.pem"), .no_13 = no_13};
    canned_tls_start(&s);
    use(f, &s, HTTP_TLS_1_2, identity);
    ask(f, &t, &s);
    assert_int_equal(t.http.status, 200);
    http_close(f);
    canned_tls_stop(&s);
    assert_string_equal(s.client, "thing-7");
    assert_int_equal(s.client_chain, 1);
    http_request_free(&t.http);
    identity_destroy(identity);
}

static void test_a_client_certificate(void **state)
{
    struct http_fixture *f = *state;
    assert_int_equal(certificates_setup(NULL), 0);
    expect_client(f, "P-256", false);
    expect_client(f, "RSA", false);
    expect_client(f, "RSA", true);
    assert_int_equal(certificates_teardown(NULL), 0);
}

static void test_a_client_certificate_that_lacks(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    assert_int_equal(certificates_setup(NULL), 0);
    identity_destroy(make_identity("P-256"));
    struct canned_tls s = {.name = "IP:127.0.0.1", .client_ca = path_in_folder("root.pem")};
    canned_tls_start(&s);
    use(f, &s, HTTP_TLS_1_2, NULL);
    ask(f, &t, &s);
    assert_error_has(&t.http, "it wants a client certificate, and none is configured");
    http_close(f);
    assert_int_equal(s.requests, 0);
    canned_tls_stop(&s);
    http_request_free(&t.http);
    assert_int_equal(certificates_teardown(NULL), 0);
}

static void ask_plain_server(struct http_fixture *f, struct test_request *t)
{
    http_prepare(f, t, "/");
    snprintf(t->url, sizeof(t->url), "https://127.0.0.1:%u/", f->server.port);
    http_send(f->client, &t->http);
    http_wait(f, 1);
    assert_false(t->http.maybe_executed);
    http_request_free(&t->http);
}

static void test_no_tls_there(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    f->server.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    ask_plain_server(f, &t);
    assert_error_has(&t.http, "(is it TLS there?)");
}

static void test_handshake_that_never_ends(void **state)
{
    struct http_fixture *f = *state;
    struct test_request t = {0};
    http_use(f, &(struct http_options){
                    .max_connections = 1, .connect_timeout_ms = 250, .max_response_bytes = 1000});
    ask_plain_server(f, &t);
    assert_error_has(&t.http, "no handshake after");
}

#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HTTP_TEST(test_right_ca),
        HTTP_TEST(test_new_connections_resume_the_session),
        HTTP_TEST(test_wrong_ca),
        HTTP_TEST(test_certificate_of_another_host),
        HTTP_TEST(test_ca_files_that_are_none),
        HTTP_TEST(test_old_tls_is_refused),
        HTTP_TEST(test_the_oldest_version_can_be_chosen),
        HTTP_TEST(test_a_client_certificate),
        HTTP_TEST(test_a_client_certificate_that_lacks),
        HTTP_TEST(test_no_tls_there),
        HTTP_TEST(test_handshake_that_never_ends),
    };
    return cmocka_run_group_tests_name("http_tls", tests, NULL, NULL);
}
