/* A certificate chosen out of a folder by what it says. */
#include <dirent.h>
#include <openssl/bn.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <uv.h>

#include "connectors/aws/identity_parts.h"

enum { MAX_FILES = 1000, SHOWN = 3 };

/* ---- the identifier ---- */

static struct bytes without_prefix(struct bytes term, const char *prefix)
{
    size_t len = strlen(prefix);
    return bytes_of((const char *)term.ptr + len, term.len - len);
}

static bool has_prefix(struct bytes term, const char *prefix)
{
    return bytes_starts_with(term, bytes_str(prefix));
}

static bool is_written(const X509_NAME *name, unsigned long flags, struct bytes wanted)
{
    char *text = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    if (!bio || X509_NAME_print_ex(bio, name, 0, flags) < 0) abort(); /* out of memory */
    long len = BIO_get_mem_data(bio, &text);
    bool same = bytes_eq(bytes_of(text, (size_t)len), wanted);
    BIO_free(bio);
    return same;
}

static bool is_common_name(X509_NAME *name, struct bytes wanted)
{
    unsigned char *text = NULL;
    int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (at < 0) return false;
    int len = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    bool same = len >= 0 && bytes_eq(bytes_of(text, (size_t)len), wanted);
    OPENSSL_free(text);
    return same;
}

/* RFC 2253 begins with the last part; people write the first one first, too. */
static bool is_named(X509_NAME *name, struct bytes wanted)
{
    unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
    return is_common_name(name, wanted) || is_written(name, flags, wanted) ||
           is_written(name, flags & ~(unsigned long)XN_FLAG_DN_REV, wanted);
}

/* The next digit that counts: colons and leading zeros don't. */
static bool has_serial(X509 *certificate, struct bytes wanted)
{
    char digits[129];
    size_t len = 0;
    const char *text = wanted.ptr;
    for (size_t i = 0; i < wanted.len; i++) {
        bool counts = text[i] != ':' && !(text[i] == '0' && len == 0);
        if (counts && len == sizeof(digits) - 1) return false;
        if (counts) digits[len++] = text[i];
    }
    digits[len] = 0;
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    if (!hex) abort(); /* out of memory */
    bool same = strcasecmp(hex + strspn(hex, "0"), digits) == 0;
    OPENSSL_free(hex);
    BN_free(number);
    return same;
}

static bool meets(X509 *certificate, struct bytes term)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    if (has_prefix(term, "serial:"))
        return has_serial(certificate, without_prefix(term, "serial:"));
    if (has_prefix(term, "issuer:"))
        return is_named(X509_get_issuer_name(certificate), without_prefix(term, "issuer:"));
    if (has_prefix(term, "subject:")) term = without_prefix(term, "subject:");
    return is_named(subject, term);
}

static bool meets_all(X509 *certificate, const char *identifier)
{
    for (const char *at = identifier;; at++) {
        size_t len = strcspn(at, ";");
        while (len && *at == ' ')
            at++, len--;
        if (!meets(certificate, bytes_of(at, len))) return false;
        at += len;
        if (!*at) return true;
    }
}

/* ---- the files ---- */

struct folder {
    const struct identity_options *options;
    char *paths[MAX_FILES];
    size_t count;
    unsigned certificates; /* that there are */
    struct buf shown;      /* some of them, for people */
};

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* But for what begins with a dot: versions of mounted secrets live there. Others than files, such
 * as a pipe, would be waited for. */
static void add_file(struct folder *f, const char *name)
{
    struct stat about;
    char *path = mem_printf("%s/%s", f->options->certificate, name);
    if (name[0] != '.' && stat(path, &about) == 0 && S_ISREG(about.st_mode))
        f->paths[f->count++] = path;
    else
        free(path);
}

static bool list_files(struct folder *f, struct error *e)
{
    const char *name = f->options->certificate;
    const struct dirent *entry;
    DIR *dir = opendir(name);
    if (!dir)
        return error_set(e, FAULT_CONFIG, "reading folder \"%s\": %s", name, uv_strerror(-errno));
    while (f->count < MAX_FILES && (entry = readdir(dir)))
        add_file(f, entry->d_name);
    bool more = f->count == MAX_FILES;
    closedir(dir);
    qsort(f->paths, f->count, sizeof(f->paths[0]), compare_paths);
    if (!more) return true;
    return error_set(e, FAULT_CONFIG, "folder \"%s\": more than %d files in it", name,
                     MAX_FILES - 1);
}

static void drop_list(STACK_OF(X509) * list)
{
    sk_X509_pop_free(list, X509_free);
}

/* The certificates of one of the files; NULL: it is something else. */
static STACK_OF(X509) * certificates_in(const char *path)
{
    struct error ignored;
    STACK_OF(X509) *list = sk_X509_new_null();
    if (!list) abort(); /* out of memory */
    if (identity_read_certificates(path, list, &ignored)) return list;
    drop_list(list);
    return NULL;
}

static void note(struct folder *f, X509 *certificate)
{
    char name[128];
    if (f->certificates++ >= SHOWN) return;
    X509_NAME_oneline(X509_get_subject_name(certificate), name, sizeof(name));
    buf_printf(&f->shown, "%s\"%s\"", f->shown.len ? ", " : "", name);
}

static bool is_valid_now(X509 *certificate)
{
    return X509_cmp_current_time(X509_get0_notBefore(certificate)) <= 0 &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

static bool is_better(X509 *candidate, X509 *best)
{
    if (!best) return true;
    bool valid = is_valid_now(candidate);
    if (valid != is_valid_now(best)) return valid;
    return ASN1_TIME_compare(X509_get0_notAfter(candidate), X509_get0_notAfter(best)) > 0;
}

/* The first certificate of a file is the one that the file is about. */
static void consider(struct folder *f, const char *path, struct identity *identity,
                     const char **best)
{
    STACK_OF(X509) *list = certificates_in(path);
    if (!list) return;
    X509 *first = sk_X509_value(list, 0);
    note(f, first);
    if (!meets_all(first, f->options->identifier) || !is_better(first, identity->certificate)) {
        drop_list(list);
        return;
    }
    *best = path;
    X509_free(identity->certificate);
    drop_list(identity->chain);
    identity->certificate = sk_X509_shift(list);
    identity->chain = list;
}

static bool choose(struct folder *f, struct identity *identity, const char **best, struct error *e)
{
    const char *identifier = f->options->identifier;
    for (size_t i = 0; i < f->count; i++)
        consider(f, f->paths[i], identity, best);
    if (*best) return true;
    if (!f->certificates)
        return error_set(e, FAULT_CONFIG, "folder \"%s\": no PEM certificate in it",
                         f->options->certificate);
    return error_set(
        e, FAULT_CONFIG, "folder \"%s\": none of its %u certificates is \"%s\" (there are: %.*s%s)",
        f->options->certificate, f->certificates, identifier,
        BYTES_ARGS(bytes_of(f->shown.ptr, f->shown.len)), f->certificates > SHOWN ? ", ..." : "");
}

static void drop_files(struct folder *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->paths[i]);
    free(f->shown.ptr);
}

bool identity_choose_certificate(const struct identity_options *options, struct identity *identity,
                                 char **path, struct error *e)
{
    struct folder f = {.options = options};
    const char *best = NULL;
    if (!options->identifier || !*options->identifier)
        return error_set(e, FAULT_CONFIG,
                         "client certificate \"%s\": a folder (set the client certificate "
                         "identifier, which chooses in it)",
                         options->certificate);
    bool fine = list_files(&f, e) && choose(&f, identity, &best, e);
    if (fine) {
        free(*path);
        *path = mem_strdup(best);
    }
    drop_files(&f);
    return fine;
}

/* ---- the key ---- */

static EVP_PKEY *key_that_fits(const char *path, const struct identity_options *options,
                               X509 *certificate, struct error *why)
{
    struct error ignored = {.fault = FAULT_NONE};
    EVP_PKEY *key = NULL;
    if (!identity_read_key(path, options->password, &key, &ignored)) {
        if (strstr(ignored.text, "password")) *why = ignored;
        return NULL;
    }
    if (X509_check_private_key(certificate, key) == 1) return key;
    EVP_PKEY_free(key);
    return NULL;
}

bool identity_find_key(const struct identity_options *options, struct identity *identity,
                       const char *path, struct error *e)
{
    struct folder f = {.options = options};
    struct error why = {.fault = FAULT_NONE};
    bool listed = list_files(&f, e);
    for (size_t i = 0; listed && i < f.count && !identity->key; i++)
        identity->key = key_that_fits(f.paths[i], options, identity->certificate, &why);
    drop_files(&f);
    if (identity->key || !listed) return listed;
    return error_set(e, FAULT_CONFIG,
                     "certificate \"%s\": no file beside it holds its private key%s%s", path,
                     why.fault ? "; " : "", why.fault ? why.text : "");
}
