/* A provider on a test's own loop, with a canned server for those that ask one. Thread: the test's.
 */
#ifndef UNIT_PROVIDER_FIXTURE_H
#define UNIT_PROVIDER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/aws/provider.h"
#include "tests/unit/canned_http.h"

struct provider_fixture {
    struct provider_home home;
    struct canned_http server;
    char url[64];        /* of the server, without a slash at its end */
    struct buf requests; /* all of them, one after another */
    char folder[64];     /* empty at first; gone with its files at the end */

    bool answered; /* the last fetch: */
    struct fresh_keys keys;
    struct error error; /* FAULT_NONE: there are keys */
};

/* No variable of AWS is set, HOME is the folder. */
int provider_setup(void **state);
int provider_teardown(void **state);

void fixture_reply(struct provider_fixture *f, int status, const char *body); /* from now on */

/* Up to the answer; and then, up to the last handle. Takes the provider, which may be NULL. */
void fixture_fetch(struct provider_fixture *f, struct provider *p);
void fixture_expect_keys(struct provider_fixture *f, const char *id, const char *token);
void fixture_expect_error(const struct provider_fixture *f, const char *text); /* the whole of it */
void fixture_expect_part(const struct provider_fixture *f, const char *part);

/* A request must hold this; the last one, or any. */
void fixture_expect_request(const struct provider_fixture *f, const char *part);

/* A file in the folder; the path is good until the next call but three. */
const char *fixture_file(const struct provider_fixture *f, const char *name, const char *text);

#endif
