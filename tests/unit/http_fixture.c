#include "tests/unit/http_fixture.h"

#include <dirent.h>
#include <signal.h>

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void clear_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unsetenv(names[i]);
}

int http_setup(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    clear_environment();
    loop_destroy(loop_create()); /* libuv keeps a pipe of its first loop for good */
    struct http_fixture *f = mem_zalloc(sizeof(*f));
    f->descriptors = open_descriptors();
    f->loop = loop_create();
    f->server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    canned_http_start(&f->server, f->loop);
    struct http_options options = {
        .max_connections = 2, .connect_timeout_ms = 5000, .max_response_bytes = 1 << 20};
    f->client = http_client_create(f->loop, &options);
    *state = f;
    return 0;
}

static void on_closed(void *arg)
{
    struct http_fixture *f = arg;
    f->closed = true;
    f->client = NULL;
    loop_stop(f->loop);
}

static void on_deadline(void *arg)
{
    struct http_fixture *f = arg;
    fail_msg("nothing for ten seconds; %u of %u done", f->done, f->wanted);
}

static void run(struct http_fixture *f)
{
    struct loop_timer deadline = {.run = on_deadline, .arg = f};
    loop_timer_start(f->loop, &deadline, 10000);
    loop_run(f->loop);
    loop_timer_stop(f->loop, &deadline);
}

void http_close(struct http_fixture *f)
{
    if (!f->client) return;
    f->closed = false;
    http_client_close(f->client, on_closed, f);
    assert_false(f->closed); /* done() never from within */
    run(f);
}

int http_teardown(void **state)
{
    struct http_fixture *f = *state;
    http_close(f);
    canned_http_stop(&f->server);
    loop_destroy(f->loop);
    int left = open_descriptors() - f->descriptors;
    free(f->order.ptr);
    free(f);
    if (left) print_error("%d descriptors left open\n", left);
    return left;
}

void http_use(struct http_fixture *f, const struct http_options *options)
{
    http_close(f);
    f->client = http_client_create(f->loop, options);
}

void http_note_done(struct http_request *r)
{
    struct test_request *t = r->arg;
    struct http_fixture *f = t->fixture;
    const char *path = strrchr(t->url, '/');
    buf_add(&f->order, path, strlen(path));
    buf_add(&f->order, " ", 1);
    f->done++;
    if (f->done == f->wanted) loop_stop(f->loop);
}

void http_prepare(struct http_fixture *f, struct test_request *t, const char *path)
{
    t->fixture = f;
    snprintf(t->url, sizeof(t->url), "http://127.0.0.1:%u%s", f->server.port, path);
    t->http.method = "POST";
    t->http.url = t->url;
    t->http.headers[0] = "Content-Type: application/x-amz-json-1.0";
    t->http.headers[1] = NULL;
    t->http.body = BYTES_LIT("{}");
    t->http.timeout_ms = 5000;
    t->http.done = http_note_done;
    t->http.arg = t;
}

void http_wait(struct http_fixture *f, unsigned n)
{
    f->wanted = f->done + n;
    run(f);
    assert_int_equal(f->done, f->wanted);
}

void http_roundtrip(struct http_fixture *f, struct test_request *t, const char *path)
{
    http_prepare(f, t, path);
    http_send(f->client, &t->http);
    http_wait(f, 1);
}

void assert_error_has(const struct http_request *r, const char *part)
{
    assert_int_equal(r->status, 0);
    assert_int_equal(r->error.fault, FAULT_DOWN);
    if (!strstr(r->error.text, part)) fail_msg("\"%s\" lacks \"%s\"", r->error.text, part);
}
