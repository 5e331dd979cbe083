/* Certificates and keys out of files: PEM and PKCS#12. */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "connectors/aws/identity_parts.h"

static bool is_set(const char *text)
{
    return text && *text;
}

/* ---- files ---- */

/* Reserved at once, so that growing leaves no copy of a key in freed memory. */
static size_t read_all(FILE *stream, struct buf *file)
{
    buf_reserve(file, IDENTITY_MAX_FILE + 1);
    setvbuf(stream, NULL, _IONBF, 0);
    file->len = fread(file->ptr, 1, IDENTITY_MAX_FILE, stream);
    file->ptr[file->len] = 0;
    return file->len;
}

bool identity_read_file(const char *path, struct buf *file, struct error *e)
{
    *file = (struct buf){0};
    errno = 0;
    FILE *stream = fopen(path, "re");
    if (stream) read_all(stream, file);
    bool failed = !stream || ferror(stream);
    int why = errno;
    if (stream) fclose(stream);
    if (failed) error_set(e, FAULT_CONFIG, "reading \"%s\": %s", path, uv_strerror(-why));
    if (failed) identity_forget_file(file);
    return !failed;
}

void identity_forget_file(struct buf *file)
{
    if (file->ptr) OPENSSL_cleanse(file->ptr, file->len);
    free(file->ptr);
    *file = (struct buf){0};
}

bool identity_is_pem(const struct buf *file)
{
    return memmem(file->ptr, file->len, "-----BEGIN ", 11);
}

static BIO *open_text(const struct buf *file)
{
    BIO *bio = BIO_new_mem_buf(file->ptr, (int)file->len);
    if (!bio) abort(); /* out of memory */
    return bio;
}

/* ---- PEM ---- */

static bool at_end(void)
{
    unsigned long code = ERR_peek_last_error();
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

/* A key may stand between certificates; it is passed over without being asked for its password. */
static int refuse_password(char *text, int size, int writing, void *arg)
{
    (void)text, (void)size, (void)writing, (void)arg;
    return -1;
}

static bool take_certificates(const char *path, const struct buf *file, STACK_OF(X509) * list,
                              struct error *e)
{
    X509 *certificate;
    int before = sk_X509_num(list);
    BIO *bio = open_text(file);
    ERR_clear_error();
    while ((certificate = PEM_read_bio_X509(bio, NULL, refuse_password, NULL)))
        if (!sk_X509_push(list, certificate)) abort(); /* out of memory */
    BIO_free(bio);
    if (!at_end())
        return error_set(e, FAULT_CONFIG, "certificate \"%s\": damaged: %s", path,
                         ERR_reason_error_string(ERR_peek_last_error()));
    if (sk_X509_num(list) > before) return true;
    return error_set(e, FAULT_CONFIG, "certificate \"%s\": no PEM certificate in it", path);
}

bool identity_read_certificates(const char *path, STACK_OF(X509) * list, struct error *e)
{
    struct buf file;
    if (!identity_read_file(path, &file, e)) return false;
    bool fine = take_certificates(path, &file, list, e);
    identity_forget_file(&file);
    return fine;
}

/* Whether OpenSSL asked for a password tells more than its errors do: a wrong one may decrypt to
 * anything. */
struct question {
    const char *password;
    bool asked;
};

static int answer_password(char *text, int size, int writing, void *arg)
{
    (void)writing;
    struct question *question = arg;
    question->asked = true;
    size_t len = is_set(question->password) ? strlen(question->password) : 0;
    if (!len || len > (size_t)size) return -1;
    memcpy(text, question->password, len);
    return (int)len;
}

static bool no_key(const char *path, const struct buf *file, const struct question *question,
                   struct error *e)
{
    if (question->asked && !is_set(question->password))
        return error_set(e, FAULT_CONFIG, "private key \"%s\": it is encrypted (set its password)",
                         path);
    if (question->asked)
        return error_set(e, FAULT_CONFIG, "private key \"%s\": wrong password", path);
    if (memmem(file->ptr, file->len, "PRIVATE KEY-----", 16))
        return error_set(e, FAULT_CONFIG, "private key \"%s\": damaged", path);
    return error_set(e, FAULT_CONFIG, "private key \"%s\": no PEM private key in it", path);
}

bool identity_read_key(const char *path, const char *password, EVP_PKEY **key, struct error *e)
{
    struct buf file;
    struct question question = {.password = password};
    if (!identity_read_file(path, &file, e)) return false;
    BIO *bio = open_text(&file);
    *key = PEM_read_bio_PrivateKey(bio, NULL, answer_password, &question);
    BIO_free(bio);
    bool found = *key || no_key(path, &file, &question, e);
    identity_forget_file(&file);
    return found;
}

/* ---- PKCS#12 ---- */

/* RC2 with 40 bits, as old tools still export. */
static bool is_outdated(void)
{
    unsigned long code;
    while ((code = ERR_get_error()))
        if (ERR_GET_REASON(code) == ERR_R_UNSUPPORTED) return true;
    return false;
}

static bool refuse_pkcs12(const char *path, PKCS12 *store, const char *password, struct error *e)
{
    bool empty = !is_set(password);
    bool right = PKCS12_verify_mac(store, password, -1) ||
                 (empty && (PKCS12_verify_mac(store, "", 0) || PKCS12_verify_mac(store, NULL, 0)));
    if (!right && empty)
        return error_set(e, FAULT_CONFIG, "PKCS#12 file \"%s\": it has a password (set it)", path);
    if (!right) return error_set(e, FAULT_CONFIG, "PKCS#12 file \"%s\": wrong password", path);
    if (is_outdated())
        return error_set(e, FAULT_CONFIG,
                         "PKCS#12 file \"%s\": encrypted in an outdated way that OpenSSL 3 refuses "
                         "(export it anew, without -legacy)",
                         path);
    return error_set(e, FAULT_CONFIG, "PKCS#12 file \"%s\": damaged", path);
}

bool identity_read_pkcs12(const char *path, const struct buf *file, const char *password,
                          struct identity *identity, struct error *e)
{
    STACK_OF(X509) *more = NULL;
    const unsigned char *at = (const unsigned char *)file->ptr;
    PKCS12 *store = d2i_PKCS12(NULL, &at, (long)file->len);
    if (!store)
        return error_set(e, FAULT_CONFIG,
                         "certificate \"%s\": neither PEM nor PKCS#12 (convert it with openssl)",
                         path);
    ERR_clear_error();
    bool parsed = PKCS12_parse(store, password, &identity->key, &identity->certificate, &more) == 1;
    if (!parsed) refuse_pkcs12(path, store, password, e);
    PKCS12_free(store);
    while (parsed && sk_X509_num(more) > 0)
        if (!sk_X509_push(identity->chain, sk_X509_shift(more))) abort(); /* out of memory */
    sk_X509_pop_free(more, X509_free);
    if (!parsed) return false;
    if (!identity->key)
        return error_set(e, FAULT_CONFIG, "PKCS#12 file \"%s\": no private key in it", path);
    if (!identity->certificate)
        return error_set(e, FAULT_CONFIG,
                         "PKCS#12 file \"%s\": no certificate in it fits its private key", path);
    return true;
}
