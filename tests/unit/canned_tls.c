#include "tests/unit/canned_tls.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void must(bool fine)
{
    if (!fine) abort();
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1));
    X509_EXTENSION_free(extension);
}

/* Signed by issuer, or by itself where that is NULL. */
static X509 *make_certificate(const char *common_name, EVP_PKEY *key, X509 *issuer,
                              EVP_PKEY *issuer_key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)common_name, -1, -1,
                               0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : name);
    add_extension(certificate, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (issuer) add_extension(certificate, NID_subject_alt_name, common_name);
    must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

static void write_ca_file(struct canned_tls *s, X509 *ca)
{
    snprintf(s->ca_file, sizeof(s->ca_file), "/tmp/canned_tls_XXXXXX");
    int fd = mkstemp(s->ca_file);
    FILE *file = fdopen(fd, "w");
    must(file && PEM_write_X509(file, ca) && fclose(file) == 0);
}

static void ask_for_client(struct canned_tls *s)
{
    SSL_CTX_set_session_id_context(s->context, (const unsigned char *)"canned", 6);
    SSL_CTX_set_verify(s->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    must(SSL_CTX_load_verify_file(s->context, s->client_ca) == 1);
}

static void make_context(struct canned_tls *s)
{
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = make_certificate("test CA", ca_key, NULL, ca_key);
    X509 *certificate = make_certificate(s->name, key, ca, ca_key);
    s->context = SSL_CTX_new(TLS_server_method());
    must(SSL_CTX_use_certificate(s->context, certificate) == 1);
    must(SSL_CTX_use_PrivateKey(s->context, key) == 1);
    if (s->only_old) {
        SSL_CTX_set_security_level(s->context, 0);
        SSL_CTX_set_min_proto_version(s->context, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(s->context, TLS1_1_VERSION);
    }
    if (s->no_13) SSL_CTX_set_max_proto_version(s->context, TLS1_2_VERSION);
    if (s->client_ca) ask_for_client(s);
    write_ca_file(s, ca);
    X509_free(ca);
    X509_free(certificate);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(key);
}

/* False: the far end closed the connection. */
static bool answer_one(struct canned_tls *s, SSL *ssl)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    char in[4096];
    int len = 0;
    do {
        int n = SSL_read(ssl, in + len, (int)sizeof(in) - 1 - len);
        if (n <= 0) return false;
        len += n;
        in[len] = 0;
    } while (!strstr(in, "\r\n\r\n"));
    s->requests++;
    return SSL_write(ssl, reply, sizeof(reply) - 1) > 0;
}

static void note_client(struct canned_tls *s, SSL *ssl)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (!certificate) return;
    s->client_chain = sk_X509_num(SSL_get_peer_cert_chain(ssl));
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, s->client,
                              sizeof(s->client));
}

static void serve(struct canned_tls *s, int fd)
{
    SSL *ssl = SSL_new(s->context);
    SSL_set_fd(ssl, fd);
    s->accepted++;
    if (SSL_accept(ssl) == 1) {
        if (SSL_session_reused(ssl)) s->resumed++;
        note_client(s, ssl);
        while (answer_one(s, ssl) && !s->close_each)
            continue;
        SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    close(fd);
}

static void *run(void *arg)
{
    struct canned_tls *s = arg;
    int fd;
    while ((fd = accept(s->listener, NULL, NULL)) >= 0)
        serve(s, fd);
    return NULL;
}

void canned_tls_start(struct canned_tls *s)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    make_context(s);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(bind(s->listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    must(listen(s->listener, 16) == 0);
    must(getsockname(s->listener, (struct sockaddr *)&address, &len) == 0);
    s->port = ntohs(address.sin_port);
    must(pthread_create(&s->thread, NULL, run, s) == 0);
}

void canned_tls_stop(struct canned_tls *s)
{
    shutdown(s->listener, SHUT_RDWR); /* ends accept() */
    pthread_join(s->thread, NULL);
    close(s->listener);
    unlink(s->ca_file);
    SSL_CTX_free(s->context);
}
