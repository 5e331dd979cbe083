#include "connectors/aws/endpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

/* The first whose prefix the region has. */
static const struct partition {
    const char *prefix, *suffix, *dual_stack_suffix;
} partitions[] = {
    {"us-gov-", "amazonaws.com", "api.aws"},
    {"us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
    {"us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
    {"us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
    {"eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"", "amazonaws.com", "api.aws"},
};
enum { PARTITIONS = sizeof(partitions) / sizeof(partitions[0]) };

static const struct partition *partition_of(const char *region)
{
    const struct partition *p = partitions;
    while (strncmp(region, p->prefix, strlen(p->prefix)) != 0)
        p++;
    return p;
}

/* It becomes part of a host, and of nothing else. */
static bool is_label(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return len && !text[len] && len < 64 && text[0] != '-' && text[len - 1] != '-';
}

/* GovCloud's usual endpoints of SQS and STS are FIPS endpoints, and have no other name. */
static bool is_fips_anyway(const char *service, const struct partition *p, unsigned variants)
{
    return variants == AWS_FIPS && strcmp(p->prefix, "us-gov-") == 0 &&
           (strcmp(service, "sqs") == 0 || strcmp(service, "sts") == 0);
}

bool aws_endpoint_host(const char *service, const char *region, unsigned variants,
                       char host[AWS_HOST_SIZE])
{
    if (!is_label(region)) return false;
    const struct partition *p = partition_of(region);
    bool fips = (variants & AWS_FIPS) && !is_fips_anyway(service, p, variants);
    snprintf(host, AWS_HOST_SIZE, "%s%s.%s.%s", service, fips ? "-fips" : "", region,
             variants & AWS_DUAL_STACK ? p->dual_stack_suffix : p->suffix);
    return true;
}

/* ---- which hosts are AWS's ---- */

static bool is_own(const char *service, const char *host)
{
    const char *region = strchr(host, '.'), *rest = region ? strchr(region + 1, '.') : NULL;
    if (!rest || rest - region > 64) return false;
    for (unsigned variants = 0; variants <= (AWS_FIPS | AWS_DUAL_STACK); variants++) {
        char name[64], own[AWS_HOST_SIZE];
        snprintf(name, sizeof(name), "%.*s", (int)(rest - region - 1), region + 1);
        if (aws_endpoint_host(service, name, variants, own) && strcmp(own, host) == 0) return true;
    }
    return false;
}

static bool is_legacy(const char *service, const char *host)
{
    const char *queue = strncmp(host, "queue.", 6) == 0 ? host : strstr(host, ".queue.");
    if (strcmp(service, "sqs") != 0 || !queue) return false;
    const char *suffix = strstr(queue, "queue.") + 6;
    for (size_t i = 0; i < PARTITIONS; i++)
        if (strcmp(partitions[i].suffix, suffix) == 0) return true;
    return false;
}

enum aws_host aws_endpoint_kind(const char *service, struct bytes host)
{
    char text[AWS_HOST_SIZE];
    if (host.len >= sizeof(text)) return AWS_HOST_OTHER;
    for (size_t i = 0; i < host.len; i++) {
        char c = ((const char *)host.ptr)[i];
        text[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    text[host.len] = 0;
    if (is_legacy(service, text)) return AWS_HOST_LEGACY;
    return is_own(service, text) ? AWS_HOST_OWN : AWS_HOST_OTHER;
}

/* ---- what configuration and environment say ---- */

static bool is_true(const char *variable)
{
    const char *value = getenv(variable);
    return value && strcasecmp(value, "true") == 0;
}

static const char *set_variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

const char *aws_endpoint_override(const char *service)
{
    char name[64];
    if (is_true("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) return NULL;
    snprintf(name, sizeof(name), "AWS_ENDPOINT_URL_%s", service);
    for (char *at = name; *at; at++)
        if (*at >= 'a' && *at <= 'z') *at &= ~0x20;
    const char *value = set_variable(name);
    return value ? value : set_variable("AWS_ENDPOINT_URL");
}

unsigned aws_endpoint_variants(bool fips, bool dual_stack)
{
    fips = fips || is_true("AWS_USE_FIPS_ENDPOINT");
    dual_stack = dual_stack || is_true("AWS_USE_DUALSTACK_ENDPOINT");
    return (fips ? AWS_FIPS : 0U) | (dual_stack ? AWS_DUAL_STACK : 0U);
}

bool aws_endpoint_instead(const char *url, unsigned variants, struct aws_endpoint *endpoint,
                          struct error *e)
{
    struct aws_address a;
    if (!aws_address_parse(url, &a) || a.host.len + a.port.len + 2 > sizeof(endpoint->host) ||
        a.path.len >= sizeof(endpoint->path))
        return error_set(e, FAULT_CONFIG,
                         "not an address: \"%s\" (it looks like https://host or http://host:port)",
                         url);
    if (variants)
        return error_set(e, FAULT_CONFIG,
                         "%s endpoints are hosts of AWS's own, and requests are to go to \"%s\" "
                         "(drop that address, or use_%s_endpoint and AWS_USE_%s_ENDPOINT)",
                         variants & AWS_FIPS ? "FIPS" : "dual-stack", url,
                         variants & AWS_FIPS ? "fips" : "dualstack",
                         variants & AWS_FIPS ? "FIPS" : "DUALSTACK");
    aws_endpoint_set(endpoint, &a);
    return true;
}

bool aws_endpoint_find(const struct aws_endpoint_wish *wish, struct aws_endpoint *endpoint,
                       struct error *e)
{
    char host[AWS_HOST_SIZE];
    const char *url = wish->url && *wish->url ? wish->url : aws_endpoint_override(wish->service);
    unsigned variants = aws_endpoint_variants(wish->fips, wish->dual_stack);
    if (url) return aws_endpoint_instead(url, variants, endpoint, e);
    if (!aws_endpoint_host(wish->service, wish->region, variants, host))
        return error_set(e, FAULT_CONFIG, "not a region: \"%s\" (it looks like eu-west-1)",
                         wish->region);
    struct aws_address a = {.https = true, .host = bytes_str(host)};
    aws_endpoint_set(endpoint, &a);
    return true;
}
