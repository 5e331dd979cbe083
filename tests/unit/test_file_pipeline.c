/* The file connector's two sides in a pipeline: what goes in comes out. */
#include "connectors/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "bridge/worker.h"

extern const struct connector connector_file;

enum { DEADLINE_S = 30 };

struct run {
    char folder[64], in[96], out[96], log[96];
    struct file_source_conf source;
    struct file_sink_conf sink;
    struct pipeline_conf conf;
    struct worker *worker;
    sem_t ended;
    int saved_stderr;
};

static int make_run(void **state)
{
    struct run *r = mem_zalloc(sizeof(*r));
    strcpy(r->folder, "/tmp/sqsbridge-file-XXXXXX");
    if (!mkdtemp(r->folder)) return 1;
    snprintf(r->in, sizeof(r->in), "%s/in", r->folder);
    snprintf(r->out, sizeof(r->out), "%s/out", r->folder);
    snprintf(r->log, sizeof(r->log), "%s/log", r->folder);
    r->source = (struct file_source_conf){.path = r->in, .max_line_bytes = 1 << 20};
    r->sink = (struct file_sink_conf){.path = r->out, .sync = true, .max_buffer_bytes = 4096};
    r->conf = (struct pipeline_conf){
        .name = "test",
        .source = {&connector_file, &r->source},
        .sinks = {{&connector_file, &r->sink}},
        .sink_count = 1,
        .max_in_flight = 100,
        .max_in_flight_bytes = 1 << 20,
        .max_attempts = 3,
        .retry_delay = 1,
        .retry_max_delay = 20,
        .drain_timeout = 5000,
        .workers = 1,
    };
    sem_init(&r->ended, 0, 0);
    r->saved_stderr = dup(STDERR_FILENO);
    int log = open(r->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, STDERR_FILENO);
    close(log);
    *state = r;
    return 0;
}

static int free_run(void **state)
{
    struct run *r = *state;
    dup2(r->saved_stderr, STDERR_FILENO);
    close(r->saved_stderr);
    unlink(r->in);
    unlink(r->out);
    unlink(r->log);
    int failed = rmdir(r->folder);
    sem_destroy(&r->ended);
    free(r);
    return failed;
}

static void on_ended(void *arg)
{
    sem_post(arg);
}

static void start(struct run *r)
{
    r->worker = worker_create(&r->conf, 0, on_ended, &r->ended);
    worker_start(r->worker);
}

static void join(struct run *r)
{
    struct timespec until;
    struct error e;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    assert_int_equal(sem_timedwait(&r->ended, &until), 0);
    assert_true(worker_join(r->worker, &e));
}

static void join_failed(struct run *r, enum fault fault)
{
    struct timespec until;
    struct error e;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_S;
    assert_int_equal(sem_timedwait(&r->ended, &until), 0);
    assert_false(worker_join(r->worker, &e));
    assert_int_equal(e.fault, fault);
}

static struct buf read_file(const char *path)
{
    struct buf b = {0};
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n;
    do {
        buf_reserve(&b, 65536);
        n = read(fd, b.ptr + b.len, 65536);
        if (n > 0) b.len += (size_t)n;
    } while (n > 0);
    close(fd);
    return b;
}

static void write_file(const char *path, struct bytes content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, content.ptr, content.len), content.len);
    close(fd);
}

static void expect_file(const char *path, struct bytes expected)
{
    struct buf b = read_file(path);
    assert_true(bytes_eq(bytes_of(b.ptr, b.len), expected));
    free(b.ptr);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Waits until the log has this text. */
static void expect_log(struct run *r, const char *text)
{
    time_t until = time(NULL) + DEADLINE_S;
    bool found = false;
    while (!found && time(NULL) < until) {
        struct buf log = read_file(r->log);
        found = memmem(log.ptr, log.len, text, strlen(text)) != NULL;
        free(log.ptr);
        if (!found) nap();
    }
    assert_true(found);
}

static struct buf many_lines(unsigned n)
{
    struct buf b = {0};
    for (unsigned i = 0; i < n; i++)
        buf_printf(&b, "{\"body\":\"line %u\\n\",\"attributes\":{\"n\":\"%u\"}}\n", i, i);
    return b;
}

static void test_copies_json_lines(void **state)
{
    struct run *r = *state;
    struct buf lines = many_lines(5000);
    write_file(r->in, bytes_of(lines.ptr, lines.len));
    r->source.format = FILE_JSONL;
    r->sink.format = FILE_JSONL;
    start(r);
    join(r);
    expect_file(r->out, bytes_of(lines.ptr, lines.len));
    free(lines.ptr);
}

static void test_copies_lines(void **state)
{
    struct run *r = *state;
    static const char text[] = "one\n\nt\0wo\xff\r\nno newline at the end";
    write_file(r->in, bytes_of(text, sizeof(text) - 1));
    start(r);
    join(r);
    expect_file(r->out, bytes_of("one\n\nt\0wo\xff\r\nno newline at the end\n", sizeof(text)));
}

static void test_an_empty_file(void **state)
{
    struct run *r = *state;
    write_file(r->in, BYTES_NONE);
    start(r);
    join(r);
    expect_file(r->out, BYTES_NONE);
}

struct feeder {
    const char *path;
    struct buf *bytes;
};

static void *feed(void *arg)
{
    struct feeder *f = arg;
    int fd = open(f->path, O_WRONLY);
    for (size_t at = 0; at < f->bytes->len;) {
        ssize_t n = write(fd, f->bytes->ptr + at, f->bytes->len - at);
        if (n <= 0) break;
        at += (size_t)n;
    }
    close(fd);
    return NULL;
}

static void test_copies_from_pipe_to_pipe(void **state)
{
    struct run *r = *state;
    struct buf lines = many_lines(20000);
    mkfifo(r->in, 0600);
    mkfifo(r->out, 0600);
    r->source.format = FILE_JSONL;
    r->sink.format = FILE_JSONL;
    start(r);
    expect_log(r, "nobody reads this pipe");
    pthread_t feeder;
    pthread_create(&feeder, NULL, feed, &(struct feeder){r->in, &lines});
    expect_file(r->out, bytes_of(lines.ptr, lines.len));
    pthread_join(feeder, NULL);
    join(r);
    free(lines.ptr);
}

static void test_stops_at_a_bad_line(void **state)
{
    struct run *r = *state;
    write_file(r->in, BYTES_LIT("{\"body\":\"1\"}\nnonsense\n{\"body\":\"2\"}\n"));
    r->source.format = FILE_JSONL;
    start(r);
    expect_log(r, "/in\", line 2: not JSON at byte 1: value expected (mend the line, or");
    join_failed(r, FAULT_CONFIG);
    expect_file(r->out, BYTES_LIT("1\n"));
}

static void test_skips_bad_lines(void **state)
{
    struct run *r = *state;
    write_file(r->in,
               BYTES_LIT("{\"body\":\"1\"}\n{}{}\n{\"body\":\"a long one\"}\n{\"body\":\"2\"}"));
    r->source.format = FILE_JSONL;
    r->source.bad_line = FILE_BAD_LINE_SKIP;
    r->source.max_line_bytes = 14;
    start(r);
    join(r);
    expect_file(r->out, BYTES_LIT("1\n2\n"));
    expect_log(r, "line 2: not JSON at byte 3: more text after the value (skipped)");
    expect_log(r, "line 3: longer than max_line_bytes = 14 (skipped)");
}

static void test_waits_for_a_file_that_is_not_there(void **state)
{
    struct run *r = *state;
    start(r);
    expect_log(r, "no such file or directory");
    write_file(r->in, BYTES_LIT("here\n"));
    join(r);
    expect_file(r->out, BYTES_LIT("here\n"));
}

static void limit_size(rlim_t size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

/* A limit on this process's files stands for a full disk: writes stop in the middle of a line. */
static void test_a_full_disk_delays_and_tears_nothing(void **state)
{
    struct run *r = *state;
    struct buf lines = many_lines(2000);
    write_file(r->in, bytes_of(lines.ptr, lines.len));
    r->source.format = FILE_JSONL;
    r->sink.format = FILE_JSONL;
    limit_size(lines.len / 2);
    start(r);
    expect_log(r, "file too large");
    limit_size(RLIM_INFINITY);
    join(r);
    expect_file(r->out, bytes_of(lines.ptr, lines.len));
    free(lines.ptr);
}

static void test_a_body_that_is_no_line_is_refused(void **state)
{
    struct run *r = *state;
    write_file(r->in, BYTES_LIT("{\"body\":\"a\\nb\"}\n"));
    r->source.format = FILE_JSONL;
    start(r);
    expect_log(r, "the body has a newline, so it is no line (use format = \"jsonl\")");
    r->conf.drain_timeout = 0;
    worker_stop(r->worker);
    join(r);
    expect_file(r->out, BYTES_NONE);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copies_json_lines, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_copies_lines, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_an_empty_file, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_copies_from_pipe_to_pipe, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_stops_at_a_bad_line, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_skips_bad_lines, make_run, free_run),
        cmocka_unit_test_setup_teardown(test_waits_for_a_file_that_is_not_there, make_run,
                                        free_run),
        cmocka_unit_test_setup_teardown(test_a_full_disk_delays_and_tears_nothing, make_run,
                                        free_run),
        cmocka_unit_test_setup_teardown(test_a_body_that_is_no_line_is_refused, make_run, free_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
