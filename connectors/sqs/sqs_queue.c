#include "connectors/sqs/sqs.h"

#include <stdio.h>
#include <stdlib.h>

#include "connectors/aws/credentials.h"

/* The parts of an http address; views of its text. */
struct address {
    bool https;
    struct bytes host, port, path; /* path with its slash, without a query */
};

static bool take_prefix(struct bytes *b, const char *prefix)
{
    struct bytes p = bytes_str(prefix);
    if (!bytes_starts_with(*b, p)) return false;
    *b = bytes_of((const char *)b->ptr + p.len, b->len - p.len);
    return true;
}

/* Cuts b before the first of c; returns what stood from there on. */
static struct bytes cut_at(struct bytes *b, char c)
{
    const char *at = b->len ? memchr(b->ptr, c, b->len) : NULL;
    if (!at) return bytes_of("", 0);
    size_t before = (size_t)(at - (const char *)b->ptr);
    struct bytes rest = bytes_of(at, b->len - before);
    b->len = before;
    return rest;
}

/* "[::1]:4566": the colons within the brackets are no port. */
static struct bytes cut_port(struct bytes *host)
{
    const char *bracket = memrchr(host->ptr, ']', host->len);
    size_t skip = bracket ? (size_t)(bracket - (const char *)host->ptr) : 0;
    struct bytes tail = bytes_of((const char *)host->ptr + skip, host->len - skip);
    struct bytes port = cut_at(&tail, ':');
    host->len -= port.len;
    return port.len ? bytes_of((const char *)port.ptr + 1, port.len - 1) : port;
}

static bool parse_address(const char *text, struct address *a)
{
    struct bytes rest = bytes_str(text);
    a->https = take_prefix(&rest, "https://");
    if (!a->https && !take_prefix(&rest, "http://")) return false;
    cut_at(&rest, '?');
    a->path = cut_at(&rest, '/');
    a->host = rest;
    if (!rest.len || memchr(rest.ptr, '@', rest.len)) return false;
    a->port = cut_port(&a->host);
    return a->host.len > 0;
}

static bool ends_with(struct bytes b, const char *end)
{
    size_t len = strlen(end);
    return b.len >= len && memcmp((const char *)b.ptr + b.len - len, end, len) == 0;
}

static bool is_loopback(struct bytes host)
{
    return bytes_starts_with(host, BYTES_LIT("127.")) || bytes_eq(host, BYTES_LIT("localhost")) ||
           bytes_eq(host, BYTES_LIT("[::1]")) || ends_with(host, ".localhost");
}

static bool is_queue_name(struct bytes name)
{
    const char *at = name.ptr;
    if (!name.len || name.len > 80) return false;
    if (ends_with(name, ".fifo")) name.len -= 5;
    for (size_t i = 0; i < name.len; i++) {
        char c = at[i] | 0x20;
        if (!(c >= 'a' && c <= 'z') && !(at[i] >= '0' && at[i] <= '9') && at[i] != '-' &&
            at[i] != '_')
            return false;
    }
    return name.len > 0;
}

/* The last part of the path; empty: there is none. */
static struct bytes name_in(const char *url)
{
    struct address a;
    if (!url || !parse_address(url, &a) || !a.path.len) return bytes_of("", 0);
    const char *slash = memrchr(a.path.ptr, '/', a.path.len);
    return bytes_of(slash + 1, a.path.len - (size_t)(slash + 1 - (const char *)a.path.ptr));
}

bool sqs_is_fifo(const struct sqs_conf *conf)
{
    return ends_with(name_in(conf->queue_url), ".fifo");
}

void sqs_describe(const struct sqs_conf *conf, char *text, size_t size)
{
    snprintf(text, size, "sqs %.*s", BYTES_ARGS(name_in(conf->queue_url)));
}

static bool wrong_url(const char *url, struct error *e)
{
    if (strncmp(url, "arn:", 4) == 0)
        return error_set(e, FAULT_CONFIG,
                         "an ARN is not a queue URL: \"%s\" (write "
                         "https://sqs.<region>.amazonaws.com/<account>/<queue>)",
                         url);
    return error_set(e, FAULT_CONFIG,
                     "not the URL of a queue: \"%s\" (it looks like "
                     "https://sqs.eu-west-1.amazonaws.com/123456789012/orders)",
                     url);
}

/* Queue URLs of old name a host that speaks no JSON: "eu-west-1.queue.amazonaws.com". */
static bool is_legacy_host(struct bytes host)
{
    return ends_with(host, ".queue.amazonaws.com") ||
           bytes_eq(host, BYTES_LIT("queue.amazonaws.com"));
}

/* What requests are sent to: the configured endpoint, the environment's, or the queue's own host.
 */
static const char *endpoint_override(const struct sqs_conf *conf, const char **option)
{
    static const char *const variables[] = {"AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL"};
    *option = "endpoint_url";
    if (conf->endpoint_url) return conf->endpoint_url;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) return value;
    }
    return NULL;
}

static void set_endpoint(struct sqs_queue *queue, const struct address *a)
{
    struct bytes usual = a->https ? BYTES_LIT("443") : BYTES_LIT("80");
    bool port = a->port.len && !bytes_eq(a->port, usual);
    snprintf(queue->host, sizeof(queue->host), "%.*s%s%.*s", BYTES_ARGS(a->host), port ? ":" : "",
             port ? (int)a->port.len : 0, (const char *)a->port.ptr);
    snprintf(queue->path, sizeof(queue->path), "%.*s", a->path.len ? (int)a->path.len : 1,
             a->path.len ? (const char *)a->path.ptr : "/");
    snprintf(queue->endpoint, sizeof(queue->endpoint), "%s://%s%s", a->https ? "https" : "http",
             queue->host, queue->path);
}

static bool endpoint_of_queue(const struct address *url, struct sqs_queue *queue,
                              const char **option, struct error *e)
{
    struct address a = *url;
    char host[sizeof(queue->host)];
    a.path = BYTES_LIT("/");
    if (is_legacy_host(url->host)) {
        snprintf(host, sizeof(host), "sqs.%s.amazonaws.com", queue->region);
        a.host = bytes_str(host);
    }
    if (!a.https && !is_loopback(a.host)) {
        *option = "queue_url";
        return error_set(e, FAULT_CONFIG,
                         "messages would travel unencrypted: \"%s\" (use https, or set "
                         "endpoint_url to the http address if that is meant)",
                         queue->url);
    }
    set_endpoint(queue, &a);
    return true;
}

bool sqs_queue_resolve(const struct sqs_conf *conf, struct sqs_queue *queue, const char **option,
                       struct error *e)
{
    struct address url, override;
    *queue = (struct sqs_queue){.url = conf->queue_url};
    *option = "queue_url";
    struct bytes name = name_in(conf->queue_url);
    if (!is_queue_name(name) || !parse_address(conf->queue_url, &url))
        return wrong_url(conf->queue_url, e);
    snprintf(queue->name, sizeof(queue->name), "%.*s", BYTES_ARGS(name));
    queue->fifo = sqs_is_fifo(conf);
    *option = "region";
    if (!aws_region(conf->region, conf->queue_url, queue->region, sizeof(queue->region)))
        return error_set(e, FAULT_CONFIG,
                         "the region is not known: queue_url does not tell it (set region, or the "
                         "variable AWS_REGION)");
    const char *endpoint = endpoint_override(conf, option);
    if (!endpoint) return endpoint_of_queue(&url, queue, option, e);
    if (!parse_address(endpoint, &override))
        return error_set(e, FAULT_CONFIG,
                         "not an address: \"%s\" (it looks like https://host or http://host:port)",
                         endpoint);
    set_endpoint(queue, &override);
    return true;
}
