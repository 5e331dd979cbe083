#include "tests/unit/certificates.h"

#include <ftw.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bridge/bytes.h"

enum { DAY_S = 86400 };

char certificates_folder[64];

int certificates_setup(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(certificates_folder, sizeof(certificates_folder), "%s/certificates.XXXXXX",
             base ? base : "/tmp");
    return mkdtemp(certificates_folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about, (void)type, (void)where;
    return remove(path);
}

int certificates_teardown(void **state)
{
    (void)state;
    return nftw(certificates_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *path_in_folder(const char *name)
{
    static char paths[8][160];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", certificates_folder, name);
    return path;
}

EVP_PKEY *make_key(const char *type)
{
    EVP_PKEY *key;
    if (strcmp(type, "RSA") == 0)
        key = EVP_RSA_gen(2048U);
    else if (strcmp(type, "ED25519") == 0)
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    else
        key = EVP_EC_gen(type);
    assert_non_null(key);
    return key;
}

static void name_it(X509_NAME *subject, const char *name)
{
    const unsigned char *organisation = (const unsigned char *)"Test";
    const unsigned char *common = (const unsigned char *)name;
    assert_true(X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, organisation, -1, -1, 0));
    assert_true(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, common, -1, -1, 0));
}

static void make_authority(X509 *certificate)
{
    X509_EXTENSION *extension =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

X509 *make_certificate(const struct certificate_wish *wish, EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    bool now = !wish->from_days && !wish->to_days;
    assert_non_null(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), wish->serial ? wish->serial : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), (now ? -1L : wish->from_days) * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), (now ? 1L : wish->to_days) * DAY_S);
    name_it(X509_get_subject_name(certificate), wish->name);
    X509_set_issuer_name(certificate,
                         X509_get_subject_name(wish->issuer ? wish->issuer : certificate));
    X509_set_pubkey(certificate, key);
    if (!wish->issuer) make_authority(certificate);
    bool bare = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 && !wish->issuer_key;
    assert_true(X509_sign(certificate, wish->issuer_key ? wish->issuer_key : key,
                          bare ? NULL : EVP_sha256()));
    return certificate;
}

static FILE *open_file(const char *name, const char *mode)
{
    FILE *file = fopen(path_in_folder(name), mode);
    assert_non_null(file);
    return file;
}

void write_text(const char *name, const char *text)
{
    FILE *file = open_file(name, "w");
    fputs(text, file);
    fclose(file);
}

void write_certificate(const char *name, X509 *certificate, const char *mode)
{
    FILE *file = open_file(name, mode);
    assert_true(PEM_write_X509(file, certificate));
    fclose(file);
}

void write_key(const char *name, EVP_PKEY *key, const char *password, const char *mode)
{
    FILE *file = open_file(name, mode);
    const EVP_CIPHER *cipher = password ? EVP_aes_256_cbc() : NULL;
    assert_true(PEM_write_PKCS8PrivateKey(file, key, cipher, password,
                                          password ? (int)strlen(password) : 0, NULL, NULL));
    fclose(file);
}

void write_pkcs12(const char *name, X509 *certificate, EVP_PKEY *key, X509 *above,
                  const char *password)
{
    STACK_OF(X509) *more = sk_X509_new_null();
    if (above) assert_true(sk_X509_push(more, above));
    PKCS12 *store = PKCS12_create(password, "test", key, certificate, more, 0, 0, 0, 0, 0);
    assert_non_null(store);
    FILE *file = open_file(name, "w");
    assert_true(i2d_PKCS12_fp(file, store));
    fclose(file);
    PKCS12_free(store);
    sk_X509_free(more);
}
