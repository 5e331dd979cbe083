/* Each example loads as it is, without any variable set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <stdlib.h>

#include "config/config.h"

static void examples_load(void **state)
{
    glob_t found;
    (void)state;
    clearenv();
    assert_int_equal(glob(EXAMPLES "/*.conf", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 11);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        struct config_messages messages;
        struct config *c = config_load(found.gl_pathv[i], &messages);
        if (!c) print_error("%s", messages.text);
        assert_non_null(c);
        config_messages_free(&messages);
        config_free(c);
    }
    globfree(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(examples_load)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
