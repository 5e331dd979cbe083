/* One request after another to a service that hands out keys, on an HTTP client of its own that is
 * gone when all is said. Thread: the home's. Owner: embedded in a provider, which may be freed
 * right after ask_end(). */
#ifndef CONNECTORS_AWS_ASK_H
#define CONNECTORS_AWS_ASK_H

#include "connectors/aws/provider.h"
#include "connectors/http/http.h"

struct ask {
    struct http_request http; /* the answer, for answered() */
    struct http_client *client;
    struct provider_home *home;
    int64_t timeout_ms;
    char *url, *lines[HTTP_MAX_HEADERS]; /* of the request that is made up */
    size_t line_count;
    struct buf body;
    void (*answered)(struct ask *a, const struct error *why); /* NULL: there is a status */
    void *arg;
};

/* Where it goes, and how. identity as in http.h. */
struct ask_way {
    const struct credentials_conf *conf; /* timeout, tls_ca, proxy */
    int64_t timeout_ms;                  /* where the conf has none */
    bool metadata;                       /* never through a proxy */
    const char *address_option;          /* for error texts */
    const struct identity *identity;
};
void ask_begin(struct ask *a, struct provider_home *home, const struct ask_way *way);

/* Makes up a request anew; header() may follow, and the body may be filled. */
void ask_url(struct ask *a, const char *format, ...) PRINTF_LIKE(2, 3);
void ask_header(struct ask *a, const char *format, ...) PRINTF_LIKE(2, 3);
/* answered() is never called from within, and may do anything here, too. */
void ask_send(struct ask *a, const char *method,
              void (*answered)(struct ask *a, const struct error *why));
void ask_end(struct ask *a); /* no answer follows; harmless when not begun */

/* The answer as text, with a NUL behind it. */
char *ask_text(struct ask *a);

/* A refusal, while our clock and that of the answer differ too much to sign by ours: true, and
 * offset_s is what theirs is ahead. */
bool ask_corrects_clock(const struct ask *a, int64_t *offset_s);

/* Adds a value of a form, a query or a path. */
void ask_encode(struct buf *b, const char *text);

#endif
