/* An HTTPS server in a thread of its own, one connection at a time, with a certificate made for it
 * at start by a CA made for it at start. Thread: start and stop by one thread; the counters may be
 * read between. Owner: the test; all connections to it are closed before stop. */
#ifndef UNIT_CANNED_TLS_H
#define UNIT_CANNED_TLS_H

#include <openssl/types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct canned_tls {
    /* Set before start. */
    const char *name;      /* whom the certificate is for: "IP:127.0.0.1", "DNS:queue.test" */
    bool only_old;         /* TLS 1.1 at most */
    bool no_13;            /* TLS 1.2 at most */
    const char *client_ca; /* PEM file: clients need a certificate by it; NULL: it asks for none */
    bool close_each;       /* after each answer */

    unsigned port;
    char ca_file[64]; /* PEM of the CA that signed the certificate; removed by stop */
    atomic_uint accepted, resumed, requests;
    char client[64];  /* the last one's common name; to be read when the connection is closed */
    int client_chain; /* certificates that it sent above its own */

    int listener;
    SSL_CTX *context;
    pthread_t thread;
};

void canned_tls_start(struct canned_tls *s);
void canned_tls_stop(struct canned_tls *s);

#endif
