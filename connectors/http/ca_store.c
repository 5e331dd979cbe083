#include "connectors/http/ca_store.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct ca_store {
    char *file; /* NULL: the system's */
    X509_STORE *x509;
    unsigned users;
    struct ca_store *next;
};

/* Shared by all threads, which is the point: see the header. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ca_store *stores;

static bool same_file(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static struct ca_store **find(const char *file)
{
    struct ca_store **slot = &stores;
    while (*slot && !same_file((*slot)->file, file))
        slot = &(*slot)->next;
    return slot;
}

/* The system's directory is only looked into when a certificate is needed. */
static bool load(X509_STORE *x509, const char *file, struct error *e)
{
    if (!file) {
        if (X509_STORE_set_default_paths(x509)) return true;
        return error_set(e, FAULT_DOWN, "reading the system's certificates: failed (set tls_ca)");
    }
    if (access(file, R_OK) != 0)
        return error_set(e, FAULT_DOWN, "reading \"%s\": %s (check tls_ca)", file,
                         uv_strerror(-errno));
    if (!X509_STORE_load_file(x509, file))
        return error_set(e, FAULT_DOWN, "reading \"%s\": no PEM certificate in it (check tls_ca)",
                         file);
    return true;
}

static struct ca_store *create(const char *file, struct error *e)
{
    X509_STORE *x509 = X509_STORE_new();
    bool loaded = x509 && load(x509, file, e);
    ERR_clear_error(); /* what is left there would be blamed on the next TLS call */
    if (!loaded) {
        X509_STORE_free(x509);
        return NULL;
    }
    struct ca_store *ca = mem_zalloc(sizeof(*ca));
    ca->file = file ? mem_strdup(file) : NULL;
    ca->x509 = x509;
    return ca;
}

struct ca_store *ca_store_acquire(const char *ca_file, struct error *e)
{
    pthread_mutex_lock(&lock);
    struct ca_store **slot = find(ca_file);
    if (!*slot) *slot = create(ca_file, e);
    struct ca_store *ca = *slot;
    if (ca) ca->users++;
    pthread_mutex_unlock(&lock);
    return ca;
}

void ca_store_release(struct ca_store *ca)
{
    if (!ca) return;
    pthread_mutex_lock(&lock);
    bool last = --ca->users == 0;
    if (last) *find(ca->file) = ca->next;
    pthread_mutex_unlock(&lock);
    if (!last) return;
    X509_STORE_free(ca->x509);
    free(ca->file);
    free(ca);
}

void ca_store_apply(const struct ca_store *ca, SSL_CTX *context)
{
    SSL_CTX_set1_cert_store(context, ca->x509);
}
