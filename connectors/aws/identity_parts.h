/* The inside of identity.c: where certificates and keys come from. Thread: any, may block. Owner:
 * what is put into a struct identity is identity_destroy()'s. What OpenSSL leaves in its error
 * queue is cleared by identity_load(). */
#ifndef CONNECTORS_AWS_IDENTITY_PARTS_H
#define CONNECTORS_AWS_IDENTITY_PARTS_H

#include "bridge/bytes.h"
#include "connectors/aws/identity.h"

enum { IDENTITY_MAX_FILE = 1 << 20 };

/* identity_file.c. The whole file with a NUL behind it; identity_forget_file() cleanses it. */
bool identity_read_file(const char *path, struct buf *file, struct error *e) MUST_USE;
void identity_forget_file(struct buf *file);
bool identity_is_pem(const struct buf *file);

/* All certificates of a PEM file, behind those in the list. False: one can't be read, or there is
 * none. */
bool identity_read_certificates(const char *path, STACK_OF(X509) * list, struct error *e) MUST_USE;
bool identity_read_key(const char *path, const char *password, EVP_PKEY **key,
                       struct error *e) MUST_USE;
bool identity_read_pkcs12(const char *path, const struct buf *file, const char *password,
                          struct identity *identity, struct error *e) MUST_USE;

/* identity_folder.c, where options->certificate is one. *path: the certificate's file, in place of
 * what it was, which is freed. */
bool identity_choose_certificate(const struct identity_options *options, struct identity *identity,
                                 char **path, struct error *e) MUST_USE;
bool identity_find_key(const struct identity_options *options, struct identity *identity,
                       const char *path, struct error *e) MUST_USE;

/* identity_token.c */
bool identity_is_token(const char *text); /* "pkcs11:..." */
bool identity_token_certificate(const char *uri, const char *password, X509 **certificate,
                                struct error *e) MUST_USE;
bool identity_token_key(const char *uri, const char *password, EVP_PKEY **key,
                        struct error *e) MUST_USE;

#endif
