/* Verifies AWS Signature Version 4 (header form) with a canonicalisation of its own. Source: AWS
 * IAM user guide, "Create a signed AWS API request"; the texts of the errors are those of AWS. */
#ifndef SIM_AUTH_H
#define SIM_AUTH_H

#include "tests/sim/api_error.h"
#include "tests/sim/http.h"
#include "tests/sim/table.h"

enum {
    AUTH_SKEW_S = 300,
};

#define AUTH_NEVER INT64_MAX

struct auth {
    struct table keys; /* by access key id */
    const char *region, *service;
    bool off; /* --no-auth */
    uint64_t failures;
};

void auth_init(struct auth *a, const char *region);
void auth_forget_keys(struct auth *a);
/* Adds or replaces an access key. An empty token: a long-lived key. From expires_s on it is refused
 * as expired. */
void auth_add(struct auth *a, struct text access_key, struct text secret, struct text token,
              int64_t expires_s);
/* How often each key signed a request that passed. */
void auth_write_uses(const struct auth *a, struct buf *out);
bool auth_check(struct auth *a, const struct http_request *r, int64_t now_s, struct api_error *e);

#endif
