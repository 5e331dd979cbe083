/* An HTTP proxy in a thread of its own: one CONNECT, which it wants a password for, then bytes to
 * and fro, whatever name was asked for. Thread: start and stop by one thread; what it noted may be
 * read after stop. Owner: the test; the connection through it is closed before stop. */
#ifndef UNIT_CANNED_PROXY_H
#define UNIT_CANNED_PROXY_H

#include <pthread.h>

struct canned_proxy {
    /* Set before start. */
    unsigned to_port;          /* on 127.0.0.1: where the tunnel leads */
    const char *authorization; /* "Basic YTpi": else it answers 407 */

    unsigned port;
    char request[1024]; /* the last one's lines */
    unsigned tunnels;

    int listener;
    pthread_t thread;
};

void canned_proxy_start(struct canned_proxy *p);
void canned_proxy_stop(struct canned_proxy *p);

#endif
