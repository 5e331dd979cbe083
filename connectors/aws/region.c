/* Regions out of the hosts that queues live at. Source: SQS's endpoint rules and quotas pages. */
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/credentials.h"

/* "eu-west-1", "us-gov-east-1", "us-isob-east-1": hyphens in between, a digit at the end. */
static bool is_region(struct bytes label)
{
    const char *at = label.ptr;
    if (label.len < 4 || !(at[label.len - 1] >= '0' && at[label.len - 1] <= '9')) return false;
    for (size_t i = 0; i < label.len; i++)
        if (at[i] != '-' && !(at[i] >= 'a' && at[i] <= 'z') && !(at[i] >= '0' && at[i] <= '9'))
            return false;
    return at[0] >= 'a' && memchr(at, '-', label.len);
}

static struct bytes host_of(const char *url)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t authority = strcspn(host, "/?#");
    const char *user = memchr(host, '@', authority);
    if (user) {
        authority -= (size_t)(user + 1 - host);
        host = user + 1;
    }
    const char *port = memchr(host, ':', authority);
    return bytes_of(host, port ? (size_t)(port - host) : authority);
}

/* Cuts the first label off the rest of a host. */
static struct bytes next_label(struct bytes *rest)
{
    const char *at = rest->ptr, *dot = memchr(at, '.', rest->len);
    size_t len = dot ? (size_t)(dot - at) : rest->len;
    *rest = bytes_of(at + len + (dot ? 1 : 0), rest->len - len - (dot ? 1 : 0));
    return bytes_of(at, len);
}

/* sqs.<region>.<suffix>, sqs-fips.<region>.<suffix>, <endpoint>.sqs.<region>.vpce.<suffix>, and of
 * old <region>.queue.<suffix> and queue.amazonaws.com. Any suffix: emulators follow the pattern. */
static struct bytes region_of_host(struct bytes host)
{
    struct bytes before = BYTES_NONE, rest = host;
    while (rest.len) {
        struct bytes label = next_label(&rest), follows = rest;
        struct bytes after = next_label(&follows);
        bool current = bytes_eq(label, BYTES_LIT("sqs")) || bytes_eq(label, BYTES_LIT("sqs-fips"));
        if (current && is_region(after)) return after;
        if (bytes_eq(label, BYTES_LIT("queue"))) {
            if (before.len) return is_region(before) ? before : BYTES_NONE;
            return bytes_eq(rest, BYTES_LIT("amazonaws.com")) ? BYTES_LIT("us-east-1") : BYTES_NONE;
        }
        before = label;
    }
    return BYTES_NONE;
}

static struct bytes region_in_url(const char *queue_url, char host[256])
{
    struct bytes name = queue_url ? host_of(queue_url) : BYTES_NONE;
    if (name.len > 255) return BYTES_NONE;
    for (size_t i = 0; i < name.len; i++) {
        char c = ((const char *)name.ptr)[i];
        host[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return region_of_host(bytes_of(host, name.len));
}

/* The host of an AWS queue is believed before the environment: in ECS and Lambda AWS_REGION is
 * always set, and a queue of another region refuses what is signed for that. */
static struct bytes find_region(const char *configured, const char *queue_url, char host[256])
{
    if (configured && *configured) return bytes_str(configured);
    struct bytes found = region_in_url(queue_url, host);
    static const char *const variables[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]) && !found.len; i++)
        found = bytes_str(getenv(variables[i]));
    return found;
}

bool aws_region(const char *configured, const char *queue_url, char *region, size_t size)
{
    char host[256]; /* in lower case */
    struct bytes found = find_region(configured, queue_url, host);
    if (!found.len || found.len >= size) return false;
    memcpy(region, found.ptr, found.len);
    region[found.len] = 0;
    return true;
}
