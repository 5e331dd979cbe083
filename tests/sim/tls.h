/* TLS for a connection whose bytes somebody else moves: OpenSSL on two memory BIOs. */
#ifndef SIM_TLS_H
#define SIM_TLS_H

#include "tests/sim/text.h"

struct ssl_ctx_st;
struct tls;

/* NULL, and a message on stderr, when the files cannot be used. */
struct ssl_ctx_st *tls_load(const char *cert_path, const char *key_path);

struct tls *tls_open(struct ssl_ctx_st *ctx);
void tls_close(struct tls *t);
/* Takes bytes from the network; appends what they decrypt to, and what must be sent in return.
 * False: broken. */
bool tls_receive(struct tls *t, struct text wire, struct buf *plain, struct buf *reply);
/* Appends the encrypted form of `plain`. */
bool tls_send(struct tls *t, struct text plain, struct buf *wire);

#endif
