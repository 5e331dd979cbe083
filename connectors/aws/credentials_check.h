/* What is wrong with a credentials section, as far as it can be seen without asking AWS.
 * Thread: any. */
#ifndef CONNECTORS_AWS_CREDENTIALS_CHECK_H
#define CONNECTORS_AWS_CREDENTIALS_CHECK_H

#include "connectors/aws/credentials_conf.h"

void credentials_check(const void *conf, struct opt_report *r);

/* "arn:aws:iam::123456789012:role/bridge" for service "iam", resource "role/". */
bool arn_is(const char *text, const char *service, const char *resource);

/* Region or partition of an ARN; empty where there is none. */
bool arn_part(const char *text, unsigned part, char *out, size_t size);
enum { ARN_PARTITION = 1, ARN_REGION = 3 };

#endif
