/* Asks the name server for the addresses of a host, on a thread of its own: one that hangs holds up
 * nobody but who asked (libuv's pool would have two threads for all such questions). Thread: the
 * loop's that is given. Owner: a lookup ends with done(), or unheard after lookup_cancel(). */
#ifndef MQTT_LOOKUP_H
#define MQTT_LOOKUP_H

#include "bridge/loop.h"

enum { LOOKUP_MAX_ADDRESSES = 8, LOOKUP_ADDRESS_BYTES = 48 };

struct lookup_answer {
    size_t count;                                               /* 0: error says why */
    char addresses[LOOKUP_MAX_ADDRESSES][LOOKUP_ADDRESS_BYTES]; /* numeric; IPv4 and IPv6 */
    const char *error;
};

struct lookup;

/* The answer is borrowed during done(). A numeric host is answered without asking anybody, but
 * never from within this call. */
struct lookup *lookup_start(struct loop *loop, const char *host,
                            void (*done)(void *arg, const struct lookup_answer *answer), void *arg);
void lookup_cancel(struct lookup *l); /* NULL is fine */

#endif
