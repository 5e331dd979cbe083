#include "tests/unit/provider_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE_MS = 20000 };

extern char **environ;

static void clear_environment(void)
{
    static const char *const others[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                         "ALL_PROXY",  "no_proxy",    "NO_PROXY"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        unsetenv(others[i]);
    for (char **each = environ; *each;) {
        if (strncmp(*each, "AWS_", 4) != 0) {
            each++;
            continue;
        }
        char *name = mem_strndup(*each, strcspn(*each, "="));
        unsetenv(name);
        free(name);
        each = environ;
    }
}

static void note_request(struct canned_http *s)
{
    struct provider_fixture *f = s->arg;
    buf_add(&f->requests, s->last.ptr, s->last.len);
    buf_add(&f->requests, "\n", 2);
    f->requests.len--;
}

int provider_setup(void **state)
{
    struct provider_fixture *f = mem_zalloc(sizeof(*f));
    signal(SIGPIPE, SIG_IGN);
    clear_environment();
    f->home.loop = loop_create();
    f->server.on_request = note_request;
    f->server.arg = f;
    canned_http_start(&f->server, f->home.loop);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u", f->server.port);
    snprintf(f->folder, sizeof(f->folder), "/tmp/providers-XXXXXX");
    if (!mkdtemp(f->folder)) return -1;
    setenv("HOME", f->folder, 1);
    *state = f;
    return 0;
}

static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    for (const struct dirent *d = readdir(dir); d; d = readdir(dir)) {
        char *name = mem_printf("%s/%s", path, d->d_name);
        unlink(name);
        free(name);
    }
    closedir(dir);
    rmdir(path);
}

int provider_teardown(void **state)
{
    struct provider_fixture *f = *state;
    canned_http_stop(&f->server);
    loop_destroy(f->home.loop);
    keys_free(&f->keys);
    free(f->requests.ptr);
    remove_folder(f->folder);
    free(f);
    return 0;
}

void fixture_reply(struct provider_fixture *f, int status, const char *body)
{
    static char reply[4][4096];
    static unsigned at;
    at = (at + 1) % 4;
    snprintf(reply[at], sizeof(reply[at]), "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s", status,
             strlen(body), body);
    f->server.reply = reply[at];
}

static void on_answer(struct provider *p, struct fresh_keys *keys, const struct error *why)
{
    struct provider_fixture *f = p->arg;
    assert_false(f->answered);
    f->answered = true;
    if (why) {
        f->error = *why;
    } else {
        f->error.fault = FAULT_NONE;
        f->keys = *keys;
        *keys = (struct fresh_keys){0};
    }
    loop_stop(f->home.loop);
}

static void on_deadline(void *arg)
{
    (void)arg;
    fail_msg("no answer for twenty seconds");
}

static void on_idle(struct provider_home *home)
{
    loop_stop(home->loop);
}

static void run(struct provider_fixture *f)
{
    struct loop_timer deadline = {.run = on_deadline};
    loop_timer_start(f->home.loop, &deadline, DEADLINE_MS);
    loop_run(f->home.loop);
    loop_timer_stop(f->home.loop, &deadline);
}

void fixture_fetch(struct provider_fixture *f, struct provider *p)
{
    keys_free(&f->keys);
    f->requests.len = 0;
    f->answered = false;
    assert_non_null(p);
    provider_fetch(p, &f->home, on_answer, f);
    while (!f->answered) /* a stop of before may still count */
        run(f);
    assert_true(f->answered);
    provider_destroy(p);
    f->home.idle = on_idle;
    while (f->home.open)
        run(f);
    f->home.idle = NULL;
    assert_int_equal(f->home.open, 0);
}

void fixture_expect_keys(struct provider_fixture *f, const char *id, const char *token)
{
    if (f->error.fault) fail_msg("%s", f->error.text);
    assert_string_equal(f->keys.keys.access_key_id, id);
    if (token)
        assert_string_equal(f->keys.keys.session_token, token);
    else
        assert_null(f->keys.keys.session_token);
}

void fixture_expect_error(const struct provider_fixture *f, const char *text)
{
    assert_int_not_equal(f->error.fault, FAULT_NONE);
    assert_string_equal(f->error.text, text);
}

void fixture_expect_part(const struct provider_fixture *f, const char *part)
{
    assert_int_not_equal(f->error.fault, FAULT_NONE);
    if (!strstr(f->error.text, part)) fail_msg("\"%s\" lacks \"%s\"", f->error.text, part);
}

void fixture_expect_request(const struct provider_fixture *f, const char *part)
{
    if (!f->requests.len || !strstr(f->requests.ptr, part))
        fail_msg("\"%s\" lacks \"%s\"", f->requests.len ? f->requests.ptr : "", part);
}

const char *fixture_file(const struct provider_fixture *f, const char *name, const char *text)
{
    static char paths[4][128];
    static unsigned at;
    at = (at + 1) % 4;
    snprintf(paths[at], sizeof(paths[at]), "%s/%s", f->folder, name);
    FILE *file = fopen(paths[at], "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return paths[at];
}
