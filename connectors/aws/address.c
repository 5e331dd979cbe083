/* Addresses apart and together. */
#include <stdio.h>

#include "connectors/aws/endpoint.h"

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

bool aws_address_parse(const char *text, struct aws_address *a)
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

/* "127.0.0.1", and not "127.0.0.1.example". */
static bool is_loopback_ipv4(struct bytes host)
{
    const char *at = host.ptr;
    for (size_t i = 0; i < host.len; i++)
        if (at[i] != '.' && !(at[i] >= '0' && at[i] <= '9')) return false;
    return bytes_starts_with(host, BYTES_LIT("127."));
}

bool aws_address_is_loopback(struct bytes host)
{
    return is_loopback_ipv4(host) || bytes_eq(host, BYTES_LIT("localhost")) ||
           bytes_eq(host, BYTES_LIT("[::1]")) || ends_with(host, ".localhost");
}

void aws_endpoint_set(struct aws_endpoint *endpoint, const struct aws_address *a)
{
    struct bytes usual = a->https ? BYTES_LIT("443") : BYTES_LIT("80");
    struct bytes path = a->path.len ? a->path : BYTES_LIT("/");
    bool port = a->port.len && !bytes_eq(a->port, usual);
    snprintf(endpoint->host, sizeof(endpoint->host), "%.*s%s%.*s", BYTES_ARGS(a->host),
             port ? ":" : "", port ? (int)a->port.len : 0, (const char *)a->port.ptr);
    snprintf(endpoint->path, sizeof(endpoint->path), "%.*s", BYTES_ARGS(path));
    snprintf(endpoint->url, sizeof(endpoint->url), "%s://%s%s", a->https ? "https" : "http",
             endpoint->host, endpoint->path);
}
