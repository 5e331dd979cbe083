/* A batch is in the file as a whole, or not at all. */
#include "connectors/file/append.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_file(void **state)
{
    (void)state;
    strcpy(path, "/tmp/sqsbridge-append-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void put(const char *text)
{
    int fd = open(path, O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void expect_content(const char *expected)
{
    char text[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    assert_true(n >= 0);
    text[n] = '\0';
    assert_string_equal(text, expected);
}

static struct append append(int flags, const char *text, const char *mend_path)
{
    struct append a = {.fd = open(path, O_WRONLY | flags),
                       .ptr = text,
                       .len = strlen(text),
                       .sync = true,
                       .mend_path = mend_path};
    a.work.data = &a;
    append_run(&a.work);
    close(a.fd);
    return a;
}

/* Files of this process can't grow beyond size: a full disk without one. */
static void limit_size(rlim_t size)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = size;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void test_appends(void **state)
{
    (void)state;
    put("one\n");
    struct append a = append(O_APPEND, "two\n", path);
    assert_int_equal(a.failed, 0);
    assert_false(a.mended);
    expect_content("one\ntwo\n");
}

static void test_takes_back_what_did_not_fit(void **state)
{
    (void)state;
    put("one\n");
    limit_size(6);
    struct append a = append(O_APPEND, "two\n", NULL);
    limit_size(RLIM_INFINITY);
    assert_int_equal(a.failed, EFBIG);
    assert_false(a.torn);
    expect_content("one\n");
}

static void test_takes_back_at_a_shared_position(void **state)
{
    (void)state;
    put("");
    limit_size(6);
    struct append a = append(0, "one\ntwo\n", NULL);
    limit_size(RLIM_INFINITY);
    assert_int_equal(a.failed, EFBIG);
    expect_content("");
}

static void test_ends_a_torn_line(void **state)
{
    (void)state;
    put("one\ntw");
    assert_true(append(O_APPEND, "two\n", path).mended);
    expect_content("one\ntw\ntwo\n");
    put("");
    assert_false(append(O_APPEND, "two\n", path).mended);
    expect_content("two\n");
}

static void test_a_failed_batch_takes_its_mending_back(void **state)
{
    (void)state;
    put("one\ntw");
    limit_size(8);
    assert_int_equal(append(O_APPEND, "two\n", path).failed, EFBIG);
    limit_size(RLIM_INFINITY);
    expect_content("one\ntw");
}

static void test_a_full_device(void **state)
{
    (void)state;
    struct append a = {.fd = open("/dev/full", O_WRONLY), .ptr = "x\n", .len = 2};
    a.work.data = &a;
    append_run(&a.work);
    close(a.fd);
    assert_int_equal(a.failed, ENOSPC);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_takes_back_what_did_not_fit),
        cmocka_unit_test(test_takes_back_at_a_shared_position),
        cmocka_unit_test(test_ends_a_torn_line),
        cmocka_unit_test(test_a_failed_batch_takes_its_mending_back),
        cmocka_unit_test(test_a_full_device),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
