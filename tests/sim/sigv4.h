/* The arithmetic of Signature Version 4. */
#ifndef SIM_SIGV4_H
#define SIM_SIGV4_H

#include "tests/sim/http.h"

enum {
    SIGV4_DIGEST = 32,
    SIGV4_HEX = 64, /* a digest as text, without the NUL */
};

/* Appends the canonical request. A header that is signed but absent counts as empty. */
void sigv4_canonical(const struct http_request *r, struct text signed_headers, struct buf *out);
void sigv4_signing_key(const char *secret, const char *day, const char *region, const char *service,
                       unsigned char out[SIGV4_DIGEST]);
/* `date` is the ISO 8601 basic form; the scope's day is its first eight characters. */
void sigv4_sign(const unsigned char key[SIGV4_DIGEST], struct text date, const char *region,
                const char *service, struct text canonical, char out[SIGV4_HEX + 1]);
void sigv4_sha256_hex(struct text t, char out[SIGV4_HEX + 1]);

#endif
