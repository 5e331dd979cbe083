#include "connectors/mqtt/mqtt_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

#include "connectors/mqtt/mqtt_conf.h"

/* The last thing that OpenSSL complained of, which is the most general, is of little use: the first
 * one says where it began. */
static const char *first_error(void)
{
    const char *text = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    return text ? text : "unknown error";
}

static int give_password(char *to, int size, int writing, void *arg)
{
    (void)writing;
    struct bytes password = bytes_str(arg);
    if (!password.ptr || password.len > (size_t)size) return 0;
    memcpy(to, password.ptr, password.len); /* OpenSSL takes the length, and no NUL */
    return (int)password.len;
}

static void check_own(SSL_CTX *ctx, const struct mqtt_conf *c, struct opt_report *r)
{
    const char *key = c->tls_key ? c->tls_key : c->tls_cert;
    const char *key_option = c->tls_key ? "tls_key" : "tls_cert";
    SSL_CTX_set_default_passwd_cb(ctx, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, (void *)(uintptr_t)c->tls_key_password);
    if (SSL_CTX_use_certificate_chain_file(ctx, c->tls_cert) != 1)
        opt_complain(r, "tls_cert", "\"%s\" holds no certificate in PEM: %s", c->tls_cert,
                     first_error());
    else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
        opt_complain(r, key_option, "\"%s\": no private key of tls_cert to be had: %s%s", key,
                     first_error(), c->tls_key_password ? "" : " (is tls_key_password missing?)");
}

/* Files that can't be read at all are lint's own business. */
void mqtt_tls_check(const struct mqtt_conf *c, struct opt_report *r)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    ERR_clear_error();
    if (c->tls_ca && access(c->tls_ca, R_OK) == 0 && SSL_CTX_load_verify_file(ctx, c->tls_ca) != 1)
        opt_complain(r, "tls_ca", "\"%s\" holds no certificates in PEM: %s", c->tls_ca,
                     first_error());
    bool readable = c->tls_cert && access(c->tls_cert, R_OK) == 0 &&
                    (!c->tls_key || access(c->tls_key, R_OK) == 0);
    if (readable) check_own(ctx, c, r);
    SSL_CTX_free(ctx);
}
