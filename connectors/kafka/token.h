/* SASL/OAUTHBEARER with a token from a file (a JWT that something else keeps fresh). Source:
 * RFC 7519 for the claims, KIP-255. Thread: the pipeline's. */
#ifndef CONNECTORS_KAFKA_TOKEN_H
#define CONNECTORS_KAFKA_TOKEN_H

#include <librdkafka/rdkafka.h>

#include "bridge/bytes.h"
#include "bridge/error.h"

struct kafka_token {
    char *text;          /* owned */
    char principal[256]; /* claim "sub" */
    int64_t expires_ms;  /* claim "exp", since 1970 */
};

/* Reads the claims that librdkafka asks for. The signature is the broker's business. */
bool kafka_token_parse(struct bytes jwt, struct kafka_token *token, struct error *e) MUST_USE;
void kafka_token_free(struct kafka_token *token);

/* The answer to RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH: hands the file's token to librdkafka. */
bool kafka_token_refresh(rd_kafka_t *rk, const char *path, struct error *e) MUST_USE;

#endif
