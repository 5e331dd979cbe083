/* Connectors with an option of each type, and configurations written to a folder of their own.
 * Thread: the test's. */
#ifndef TESTS_UNIT_TEST_CONFIG_FIXTURE_H
#define TESTS_UNIT_TEST_CONFIG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/config.h"

/* The connector "queue", both sides. Its source's check() wants low <= high. */
struct queue_source_conf {
    const char *url, *user, *password, *ca;
    const struct template *topic;
    bool fast;
    int64_t low, high, big, linger, wait, room;
    int mode; /* "one", "two", "3.1.1" */
    struct opt_list topics;
    const struct keys_conf *keys;
};
/* A kind of named section. Its check() wants a name shorter than the secret. */
struct keys_conf {
    const char *name, *secret;
    const struct keys_conf *base;
};
struct queue_sink_conf {
    const char *url;
    const struct template *group;
};
/* "tap" has a source only, "sinkhole" a sink only; neither has options of its own but `name`. */

int fixture_setup(void **state);    /* makes the folder, goes there */
int fixture_teardown(void **state); /* removes it with all that is in it */

void fixture_write(const char *name, const char *text);
void fixture_write_bytes(const char *name, const void *ptr, size_t len);

/* Everything that `main.conf` with this text has to complain of; "" where it loads. Free it. */
char *fixture_complaints(const char *text);

/* Loads main.conf with this text, which must be right. Free with config_free(). */
struct config *fixture_load(const char *text);

/* A pipeline "p" from queue to sinkhole, with these lines in its source. Valid until the next call.
 */
const char *fixture_source(const char *lines);

#endif
