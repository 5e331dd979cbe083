/* Access keys on their way from a provider to those who sign. Thread: any; the count of a shared
 * copy is atomic, the copy never changes. Owner: whoever holds fresh keys frees them; a shared copy
 * belongs to all who hold it. Freed keys are cleansed. */
#ifndef CONNECTORS_AWS_KEYS_H
#define CONNECTORS_AWS_KEYS_H

#include <stdatomic.h>
#include <stdint.h>

#include "bridge/error.h"
#include "connectors/aws/sigv4.h"

/* What a provider brings. Zero-initialise; keys_free(). */
struct fresh_keys {
    struct aws_keys keys; /* owned */
    int64_t expires_s;    /* since 1970; 0: never, as far as is known */
    bool of_a_service;    /* it has just made them: what says that they expired is a wrong clock */
    char *region;         /* owned; where they were found, as in a profile; NULL: not told */
};

void keys_free(struct fresh_keys *k);

/* What can't be sent in a header; a newline at the end of a file is the usual case. name: as people
 * call it in that place. */
bool keys_text_is_clean(const char *text, const char *name, struct error *e) MUST_USE;

/* The three of one place, NULL or empty where not given, and what they are called there. */
struct keys_source {
    const char *id, *secret, *token;
    const char *id_name, *secret_name, *token_name;
};

/* Both or none, and clean. Nothing at all is fine: then k stays as it was. */
bool keys_from(const struct keys_source *s, struct fresh_keys *k, struct error *e) MUST_USE;

/* AWS_ACCESS_KEY_ID and its like; nothing set is fine. */
bool keys_from_environment(struct fresh_keys *k, struct error *e) MUST_USE;

struct shared_keys {
    struct aws_keys keys; /* first: what callers hold is a pointer to this */
    uint64_t version;     /* of one credentials object, rising */
    char *region;         /* NULL: not told */
    atomic_uint users;
};

struct shared_keys *keys_share(struct fresh_keys *k, uint64_t version); /* takes what k holds */
void keys_hold(struct shared_keys *shared);
void keys_drop(struct shared_keys *shared); /* NULL: nothing happens */

void secret_free(char *text); /* cleanses; NULL: nothing happens */
void secret_buf_free(struct buf *b);

#endif
