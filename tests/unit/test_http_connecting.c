/* The HTTP client while a connection is not there yet: libcurl closes such a socket without saying
 * so (7.88.1). Whatever ends the attempt, the descriptor can serve another connection, the next
 * address is tried, and the client can be closed. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http_fixture.h"
#include "tests/unit/shadow_file.h"

enum { CROWD = 4 };

/* A listener whose queue is full: who connects to it gets no answer at all. */
struct deaf {
    int listener, crowd[CROWD];
    uint16_t port;
};

/* port 0: a free one. */
static void deaf_start(struct deaf *d, unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    d->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(d->listener, (struct sockaddr *)&at, len), 0);
    assert_int_equal(listen(d->listener, 0), 0);
    assert_int_equal(getsockname(d->listener, (struct sockaddr *)&at, &len), 0);
    d->port = ntohs(at.sin_port);
    for (size_t i = 0; i < CROWD; i++) {
        d->crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(d->crowd[i] >= 0);
        connect(d->crowd[i], (struct sockaddr *)&at, len); /* in progress, for ever */
    }
}

static void deaf_stop(struct deaf *d)
{
    for (size_t i = 0; i < CROWD; i++)
        close(d->crowd[i]);
    close(d->listener);
}

struct world {
    struct http_fixture *f;
    struct deaf deaf;
    struct test_request t;
};

static void use_timeout(struct world *w, int64_t ms)
{
    http_use(w->f, &(struct http_options){
                       .max_connections = 2, .connect_timeout_ms = ms, .max_response_bytes = 1000});
}

static void begin(struct world *w, void **state, int64_t connect_timeout_ms)
{
    w->f = *state;
    use_timeout(w, connect_timeout_ms);
    deaf_start(&w->deaf, 0);
    http_prepare(w->f, &w->t, "/");
    snprintf(w->t.url, sizeof(w->t.url), "http://127.0.0.1:%u/", w->deaf.port);
    http_send(w->f->client, &w->t.http);
}

static void end(struct world *w)
{
    http_request_free(&w->t.http);
    deaf_stop(&w->deaf);
    http_close(w->f);
}

/* By one loop's turn: the attempt is made, and watched. */
static void let_it_connect(struct world *w)
{
    uv_run(loop_uv(w->f->loop), UV_RUN_NOWAIT);
    uv_run(loop_uv(w->f->loop), UV_RUN_NOWAIT);
}

static void expect_others_to_work(struct world *w)
{
    struct test_request other = {0};
    for (int i = 0; i < 3; i++) {
        http_roundtrip(w->f, &other, "/other");
        assert_int_equal(other.http.status, 200);
    }
    http_request_free(&other.http);
}

static void test_no_answer_in_time(void **state)
{
    struct world w = {0};
    begin(&w, state, 250);
    http_wait(w.f, 1);
    assert_error_has(&w.t.http, "is a firewall in between?");
    assert_false(w.t.http.maybe_executed);
    expect_others_to_work(&w);
    end(&w);
}

static void test_cancelled(void **state)
{
    struct world w = {0};
    begin(&w, state, 5000);
    let_it_connect(&w);
    http_cancel(w.f->client, &w.t.http);
    expect_others_to_work(&w);
    end(&w);
}

static void test_closed(void **state)
{
    struct world w = {0};
    begin(&w, state, 5000);
    let_it_connect(&w);
    http_close(w.f);
    assert_error_has(&w.t.http, "the bridge is closing");
    end(&w);
}

static void move_server(struct http_fixture *f, const char *address)
{
    canned_http_stop(&f->server);
    f->server.address = address;
    canned_http_start(&f->server, f->loop);
}

/* Its first one takes half of the time. */
static void test_a_host_of_two_addresses(void **state)
{
    struct world w = {.f = *state};
    if (!shadow_file("/etc/hosts", "127.0.0.1 two.test\n127.0.0.2 two.test\n")) skip();
    use_timeout(&w, 1000);
    move_server(w.f, "127.0.0.2");
    deaf_start(&w.deaf, w.f->server.port);
    http_prepare(w.f, &w.t, "/");
    snprintf(w.t.url, sizeof(w.t.url), "http://two.test:%u/", w.f->server.port);
    http_send(w.f->client, &w.t.http);
    http_wait(w.f, 1);
    assert_int_equal(w.t.http.status, 200);
    end(&w);
}

#define CONNECTING_TEST(name) cmocka_unit_test_setup_teardown(name, http_setup, http_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CONNECTING_TEST(test_no_answer_in_time),
        CONNECTING_TEST(test_cancelled),
        CONNECTING_TEST(test_closed),
        CONNECTING_TEST(test_a_host_of_two_addresses),
    };
    return cmocka_run_group_tests_name("http_connecting", tests, NULL, NULL);
}
