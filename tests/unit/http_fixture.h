/* A loop, a canned server and a client under test. Thread: the test's. */
#ifndef UNIT_HTTP_FIXTURE_H
#define UNIT_HTTP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "connectors/http/http.h"
#include "tests/unit/canned_http.h"

struct http_fixture {
    struct loop *loop;
    struct canned_http server;
    struct http_client *client; /* NULL: closed by the test itself */
    unsigned done, wanted;      /* requests that ended; the loop stops at so many */
    bool closed;
    int descriptors;  /* open before the test */
    struct buf order; /* of the ends: each request's URL path and a space */
};

int http_setup(void **state);    /* a client of two connections, limit 1 MiB */
int http_teardown(void **state); /* closes all; fails where a descriptor is left open */

/* In place of the one from setup. */
void http_use(struct http_fixture *f, const struct http_options *options);

/* A POST of "{}" to the path, which is kept in url. */
struct test_request {
    struct http_request http;
    struct http_fixture *fixture;
    char url[128];
};
void http_prepare(struct http_fixture *f, struct test_request *t, const char *path);
void http_note_done(struct http_request *r); /* the done() of prepared requests */

/* Runs the loop until so many more requests have ended. Fails after ten seconds. */
void http_wait(struct http_fixture *f, unsigned n);
void http_close(struct http_fixture *f); /* and waits */

/* Prepare, send, wait. */
void http_roundtrip(struct http_fixture *f, struct test_request *t, const char *path);

/* The text of the error must hold the part. */
void assert_error_has(const struct http_request *r, const char *part);

#endif
