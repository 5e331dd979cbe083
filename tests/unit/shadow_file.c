#include "tests/unit/shadow_file.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

static bool may_not(void)
{
    const char *ci = getenv("CI");
    if (ci && strcmp(ci, "true") == 0) fail_msg("no right to unshare(2) here");
    print_message("no right to make namespaces (run it as root)\n");
    return false;
}

bool shadow_file(const char *path, const char *text)
{
    char own[] = "/tmp/shadow_file_XXXXXX";
    if (unshare(CLONE_NEWNS) != 0) return may_not();
    int fd = mkstemp(own);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    assert_int_equal(mount(own, path, NULL, MS_BIND, NULL), 0);
    unlink(own);
    return true;
}
