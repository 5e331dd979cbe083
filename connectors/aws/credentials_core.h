/* One way to sign in at work: the keys of now, who waits for them, and when they are got anew.
 * Thread: any, as in credentials.h; the refresh itself runs on the credentials thread. */
#ifndef CONNECTORS_AWS_CREDENTIALS_CORE_H
#define CONNECTORS_AWS_CREDENTIALS_CORE_H

#include "connectors/aws/credentials.h"
#include "connectors/aws/provider.h"

/* The first attempt begins at once. Takes the provider; label: "credentials \"plant\"", for logs.
 * now_ms: since 1970, of any thread; tests bring their own. */
struct credentials *credentials_start(struct provider *provider, const char *label,
                                      int64_t (*now_ms)(void));

/* Keys that never change: no provider, no thread. Takes what keys hold. */
struct credentials *credentials_fixed(struct fresh_keys *keys, const char *label);

bool credentials_are_fixed(const struct credentials *c);
/* Whether they are fixed, and these. */
bool credentials_hold(const struct credentials *c, const struct aws_keys *keys);

/* Frees it, at once or from its thread; nobody waits any more. */
void credentials_end(struct credentials *c);

/* Looks whether something is due: for tests whose clock has moved. It looks by itself once a
 * minute, since a clock may be set and a machine may sleep. */
void credentials_look(struct credentials *c);

/* The registry's (credentials.c). */
struct credentials_entry {
    struct credentials *next;
    struct buf section; /* the settings that it was opened with; empty: none */
    unsigned users;
};
struct credentials_entry *credentials_entry(struct credentials *c);

/* When to get keys anew, pure: tests ask it directly. Milliseconds since 1970. */
int64_t credentials_refresh_at(int64_t got_ms, int64_t expires_ms, uint64_t random);
int64_t credentials_retry_after_ms(unsigned failures, uint64_t random);

#endif
