/* Each example loads as it is, without any variable set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>

#include "config/config.h"

static bool loads(const char *path)
{
    struct config_messages messages;
    struct config *c = config_load(path, &messages);
    bool loaded = c != NULL;
    if (!loaded) print_error("%s", messages.text);
    config_messages_free(&messages);
    config_free(c);
    return loaded;
}

static void examples_load(void **state)
{
    glob_t found;
    size_t loaded = 0;
    (void)state;
    clearenv();
    assert_int_equal(glob(EXAMPLES "/*.conf", 0, NULL, &found), 0);
    size_t count = found.gl_pathc;
    for (size_t i = 0; i < count; i++)
        loaded += loads(found.gl_pathv[i]);
    globfree(&found);
    assert_true(count >= 11); /* nine pairs, a fan-out, a pipe */
    assert_int_equal(loaded, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_load)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
