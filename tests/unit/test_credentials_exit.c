/* The end of the process waits for the credentials thread, also where one provider closes the
 * credentials of another on its way out. */
#include "tests/unit/credentials_fixture.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE_US = 200000 }; /* what makes the thread late: nobody waits for it to be over */

/* Ends late, closes what it asked, and says so. */
struct late {
    struct provider base;
    struct credentials *asked; /* NULL: nobody */
    int says;
};

static void fetch(struct provider *p)
{
    struct fresh_keys keys = {.keys = {mem_strdup("id"), mem_strdup("secret"), NULL}};
    provider_done(p, &keys);
}

static void destroy(struct provider *p)
{
    struct late *l = (struct late *)p;
    usleep(PAUSE_US);
    if (l->asked) credentials_end(l->asked);
    if (write(l->says, "x", 1) != 1) abort();
    free(l);
}

static const struct provider_ops late_ops = {.fetch = fetch, .destroy = destroy};

static struct credentials *begin_late(struct credentials *asked, int says)
{
    struct late *l = mem_zalloc(sizeof(*l));
    *l = (struct late){.base.ops = &late_ops, .asked = asked, .says = says};
    return credentials_start(&l->base, "credentials \"late\"", scripted_clock);
}

static _Noreturn void child(int says)
{
    struct credentials *inner = begin_late(NULL, says), *outer = begin_late(inner, says);
    credentials_end(outer);
    exit(0);
}

static void test_exit_waits_for_both(void **state)
{
    (void)state;
    int ends[2], status;
    char text[8];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) child(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(ends[1]);
    assert_int_equal(status, 0);
    assert_int_equal(read(ends[0], text, sizeof(text)), 2);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exit_waits_for_both)};
    return cmocka_run_group_tests_name("credentials_exit", tests, NULL, NULL);
}
