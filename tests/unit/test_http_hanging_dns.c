/* A name server that never answers: libcurl asks it in a thread of its own, for which nobody may
 * wait. */
#include "tests/unit/hanging_name_server.h"
#include "tests/unit/http_fixture.h"

#include <unistd.h>

static void test_the_loop_does_not_wait(void **state)
{
    struct http_fixture *f = *state;
    int name_server = hanging_name_server();
    if (name_server < 0) skip();
    struct test_request in_time = {0}, at_the_end = {0};
    http_prepare(f, &in_time, "/");
    in_time.http.url = "http://queue.example.com/";
    in_time.http.timeout_ms = 100;
    http_prepare(f, &at_the_end, "/");
    at_the_end.http.url = "http://other.example.com/";
    uint64_t began_ns = uv_hrtime();
    http_send(f->client, &in_time.http);
    http_send(f->client, &at_the_end.http);
    http_wait(f, 1);
    assert_error_has(&in_time.http, "no answer after");
    http_close(f);
    assert_error_has(&at_the_end.http, "the bridge is closing");
    assert_true(uv_hrtime() - began_ns < (HANGING_NAME_SERVER_S - 1) * UINT64_C(1000000000));
    http_request_free(&in_time.http);
    http_request_free(&at_the_end.http);
    close(name_server);
}

/* libcurl's thread ends when the name server's time is over, and with it its descriptors. */
static int tear_down(void **state)
{
    (void)http_teardown(state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_loop_does_not_wait, http_setup, tear_down),
    };
    return cmocka_run_group_tests_name("http_hanging_dns", tests, NULL, NULL);
}
