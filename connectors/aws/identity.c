#include "connectors/aws/identity.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "connectors/aws/identity_parts.h"

static bool is_set(const char *text)
{
    return text && *text;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return path && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

/* ---- reading ---- */

static bool read_pem(const char *path, struct identity *identity, struct error *e)
{
    if (!identity_read_certificates(path, identity->chain, e)) return false;
    identity->certificate = sk_X509_shift(identity->chain);
    return true;
}

static bool read_certificate_file(const struct identity_options *options, struct identity *identity,
                                  struct error *e)
{
    struct buf file;
    const char *path = options->certificate;
    if (!identity_read_file(path, &file, e)) return false;
    bool fine = identity_is_pem(&file)
                    ? read_pem(path, identity, e)
                    : identity_read_pkcs12(path, &file, options->password, identity, e);
    identity_forget_file(&file);
    return fine;
}

/* *path: what messages call the certificate. */
static bool read_certificate(const struct identity_options *options, struct identity *identity,
                             char **path, struct error *e)
{
    const char *certificate = options->certificate;
    if (!is_set(certificate))
        return error_set(e, FAULT_CONFIG, "no client certificate is configured (name its file)");
    if (is_folder(certificate)) return identity_choose_certificate(options, identity, path, e);
    if (is_set(options->identifier))
        return error_set(e, FAULT_CONFIG,
                         "client certificate identifier \"%s\": it chooses in a folder, and "
                         "\"%s\" is none",
                         options->identifier, *path);
    if (identity_is_token(certificate))
        return identity_token_certificate(certificate, options->password, &identity->certificate,
                                          e);
    return read_certificate_file(options, identity, e);
}

static bool read_key(const struct identity_options *options, struct identity *identity,
                     const char *path, struct error *e)
{
    if (identity->key) return true; /* it came with the certificate */
    if (!is_set(options->key) && is_folder(options->certificate))
        return identity_find_key(options, identity, path, e);
    const char *from = is_set(options->key) ? options->key : options->certificate;
    if (identity_is_token(from))
        return identity_token_key(from, options->password, &identity->key, e);
    return identity_read_key(from, options->password, &identity->key, e);
}

static void drop_chain(struct identity *identity)
{
    while (sk_X509_num(identity->chain) > 0)
        X509_free(sk_X509_pop(identity->chain));
}

/* Files of a "full chain" begin with the certificate itself. */
static void drop_certificate_from_chain(struct identity *identity)
{
    for (int i = sk_X509_num(identity->chain) - 1; i >= 0; i--)
        if (X509_cmp(sk_X509_value(identity->chain, i), identity->certificate) == 0)
            X509_free(sk_X509_delete(identity->chain, i));
}

static bool read_chain(const struct identity_options *options, struct identity *identity,
                       struct error *e)
{
    if (!is_set(options->chain)) return true;
    drop_chain(identity);
    return identity_read_certificates(options->chain, identity->chain, e);
}

/* ---- checking ---- */

static const char *write_date(const ASN1_TIME *time, char text[32])
{
    struct tm parts;
    if (!ASN1_TIME_to_tm(time, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts))
        return "an unknown date";
    return text;
}

static bool check_dates(const struct identity *identity, const char *path, struct error *e)
{
    char text[32];
    const ASN1_TIME *first = X509_get0_notBefore(identity->certificate),
                    *last = X509_get0_notAfter(identity->certificate);
    if (X509_cmp_current_time(last) <= 0)
        return error_set(e, FAULT_CONFIG, "certificate \"%s\": expired at %s (renew it)", path,
                         write_date(last, text));
    if (X509_cmp_current_time(first) > 0)
        return error_set(e, FAULT_CONFIG,
                         "certificate \"%s\": not valid before %s (check this machine's clock)",
                         path, write_date(first, text));
    return true;
}

static bool check_type(const struct identity *identity, const char *path, struct error *e)
{
    int type = EVP_PKEY_get_base_id(X509_get0_pubkey(identity->certificate));
    if (type == EVP_PKEY_RSA || type == EVP_PKEY_EC) return true;
    const char *name = OBJ_nid2sn(type);
    return error_set(e, FAULT_CONFIG, "certificate \"%s\": its key is of type %s (use RSA or EC)",
                     path, name ? name : "unknown");
}

/* Before the key is read, which may ask more of people than another certificate. */
static bool check_certificate(const struct identity *identity, const char *path, struct error *e)
{
    return check_type(identity, path, e) && check_dates(identity, path, e);
}

static bool check_key(const struct identity_options *options, const struct identity *identity,
                      const char *path, struct error *e)
{
    if (X509_check_private_key(identity->certificate, identity->key) == 1) return true;
    const char *key = is_set(options->key) ? options->key : path;
    return error_set(e, FAULT_CONFIG,
                     "certificate \"%s\": the private key in \"%.*s\" is not the one that belongs "
                     "to it",
                     path, (int)strcspn(key, "?"), key);
}

struct identity *identity_load(const struct identity_options *options, struct error *e)
{
    const char *name = options->certificate ? options->certificate : "";
    char *path = mem_strndup(name, strcspn(name, "?")); /* a PIN may follow */
    struct identity *identity = mem_zalloc(sizeof(*identity));
    identity->chain = sk_X509_new_null();
    if (!identity->chain) abort(); /* out of memory */
    bool fine = read_certificate(options, identity, &path, e) &&
                check_certificate(identity, path, e) && read_key(options, identity, path, e) &&
                check_key(options, identity, path, e) && read_chain(options, identity, e);
    ERR_clear_error(); /* what is left there would be blamed on the next TLS call */
    free(path);
    if (fine) {
        drop_certificate_from_chain(identity);
        return identity;
    }
    identity_destroy(identity);
    return NULL;
}

void identity_destroy(struct identity *identity)
{
    if (!identity) return;
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    free(identity);
}
