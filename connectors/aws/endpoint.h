/* Where a service of AWS is: the host of a region in any partition, with FIPS or both kinds of IP,
 * or the address that configuration or the environment put in its place.
 * Source: the endpoint rule sets and partitions.json of the SDKs. Thread: any; constant tables, and
 * the environment, which only main changes. */
#ifndef CONNECTORS_AWS_ENDPOINT_H
#define CONNECTORS_AWS_ENDPOINT_H

#include "bridge/bytes.h"
#include "bridge/error.h"

/* An http address in its parts, views of its text: "https://host:port/path?query". */
struct aws_address {
    bool https;
    struct bytes host, port,
        path; /* path with its slash, without the query; empty: there is none */
};
bool aws_address_parse(const char *text, struct aws_address *a) MUST_USE;
bool aws_address_is_loopback(struct bytes host); /* it never leaves this machine */

enum { AWS_HOST_SIZE = 256 };
enum { AWS_FIPS = 1, AWS_DUAL_STACK = 2 };

struct aws_endpoint {
    char url[528];            /* "https://sts.eu-west-1.amazonaws.com/" */
    char host[AWS_HOST_SIZE]; /* to sign: with the port where it is not the scheme's own */
    char path[256];
};
void aws_endpoint_set(struct aws_endpoint *endpoint, const struct aws_address *a);

/* AWS's own host of a service ("sqs", "sts", "rolesanywhere") in a region. False: that is no
 * region. */
bool aws_endpoint_host(const char *service, const char *region, unsigned variants,
                       char host[AWS_HOST_SIZE]) MUST_USE;

/* Whether it is one of those hosts, or one that SQS had before ("eu-west-1.queue.amazonaws.com",
 * which speaks no JSON). */
enum aws_host { AWS_HOST_OTHER, AWS_HOST_OWN, AWS_HOST_LEGACY };
enum aws_host aws_endpoint_kind(const char *service, struct bytes host);

/* AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL; NULL: none, or AWS_IGNORE_CONFIGURED_ENDPOINT_URLS
 * is true. */
const char *aws_endpoint_override(const char *service);

/* AWS_FIPS, AWS_DUAL_STACK: as configured, or as AWS_USE_FIPS_ENDPOINT and
 * AWS_USE_DUALSTACK_ENDPOINT say. */
unsigned aws_endpoint_variants(bool fips, bool dual_stack);

/* All of that: where to send a request. */
struct aws_endpoint_wish {
    const char *service, *region;
    const char *url; /* configured in place of AWS's; NULL: none */
    bool fips, dual_stack;
};
bool aws_endpoint_find(const struct aws_endpoint_wish *wish, struct aws_endpoint *endpoint,
                       struct error *e) MUST_USE;

/* The address in AWS's place: FAULT_CONFIG where it is none, or a variant is wanted as well, which
 * only AWS's own hosts have. */
bool aws_endpoint_instead(const char *url, unsigned variants, struct aws_endpoint *endpoint,
                          struct error *e) MUST_USE;

#endif
