#include "tests/sim/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <stdlib.h>

struct tls {
    SSL *ssl;
    BIO *from_network, *to_network; /* owned by ssl */
};

struct ssl_ctx_st *tls_load(const char *cert_path, const char *key_path)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    if (ctx && SSL_CTX_use_certificate_chain_file(ctx, cert_path) == 1 &&
        SSL_CTX_use_PrivateKey_file(ctx, key_path, SSL_FILETYPE_PEM) == 1)
        return ctx;
    ERR_print_errors_fp(stderr);
    SSL_CTX_free(ctx);
    return NULL;
}

struct tls *tls_open(struct ssl_ctx_st *ctx)
{
    struct tls *t = mem_alloc(sizeof(*t));
    t->ssl = SSL_new(ctx);
    t->from_network = BIO_new(BIO_s_mem());
    t->to_network = BIO_new(BIO_s_mem());
    SSL_set_bio(t->ssl, t->from_network, t->to_network);
    SSL_set_accept_state(t->ssl);
    return t;
}

void tls_close(struct tls *t)
{
    if (!t) return;
    SSL_free(t->ssl);
    free(t);
}

static void drain(struct tls *t, struct buf *wire)
{
    size_t waiting = BIO_ctrl_pending(t->to_network), got = 0;
    buf_reserve(wire, waiting);
    if (waiting && BIO_read_ex(t->to_network, wire->ptr + wire->len, waiting, &got))
        wire->len += got;
}

bool tls_receive(struct tls *t, struct text wire, struct buf *plain, struct buf *reply)
{
    size_t done = 0;
    if (wire.len && !BIO_write_ex(t->from_network, wire.ptr, wire.len, &done)) return false;
    int ok;
    do {
        buf_reserve(plain, 16384);
        ok = SSL_read_ex(t->ssl, plain->ptr + plain->len, plain->cap - plain->len, &done);
        plain->len += ok ? done : 0;
    } while (ok);
    int why = SSL_get_error(t->ssl, ok);
    drain(t, reply);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ;
}

bool tls_send(struct tls *t, struct text plain, struct buf *wire)
{
    size_t done = 0;
    bool ok = !plain.len || SSL_write_ex(t->ssl, plain.ptr, plain.len, &done);
    drain(t, wire);
    ERR_clear_error();
    return ok;
}
