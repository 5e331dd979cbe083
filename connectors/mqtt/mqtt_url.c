#include "connectors/mqtt/mqtt_url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "bridge/bytes.h"

static const struct scheme {
    const char *name, *paho;
    bool tls, websocket;
    uint16_t port;
} schemes[] = {
    {"mqtt://", "tcp://", false, false, 1883},
    {"mqtts://", "ssl://", true, false, 8883},
    {"ws://", "ws://", false, true, 80},
    {"wss://", "wss://", true, true, 443},
};

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (strncmp(text, schemes[i].name, strlen(schemes[i].name)) == 0) return &schemes[i];
    return NULL;
}

static bool copy_host(struct bytes host, struct mqtt_url *u)
{
    if (host.len == 0 || host.len >= sizeof(u->host)) return false;
    const char *at = host.ptr;
    for (size_t i = 0; i < host.len; i++)
        if (!isalnum((unsigned char)at[i]) && !strchr(".-_:%", at[i])) return false;
    memcpy(u->host, host.ptr, host.len);
    u->host[host.len] = '\0';
    return true;
}

static bool parse_port(const char *text, size_t len, struct mqtt_url *u)
{
    unsigned port = 0;
    if (len == 0 || len > 5) return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i])) return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    u->port = (uint16_t)port;
    return port >= 1 && port <= 65535;
}

/* "host", "host:port", "[::1]", "[::1]:port" */
static bool parse_authority(const char *text, size_t len, struct mqtt_url *u)
{
    const char *end = text + len, *host_end = memchr(text, ':', len);
    if (len > 0 && *text == '[') {
        host_end = memchr(text, ']', len);
        if (!host_end || !copy_host(bytes_of(text + 1, (size_t)(host_end - text - 1)), u))
            return false;
        host_end++;
    } else {
        if (!host_end) host_end = end;
        if (!copy_host(bytes_of(text, (size_t)(host_end - text)), u)) return false;
    }
    if (host_end == end) return true;
    return *host_end == ':' && parse_port(host_end + 1, (size_t)(end - host_end - 1), u);
}

static bool parse_path(const char *path, struct mqtt_url *u, struct error *e)
{
    if (!u->websocket && *path && strcmp(path, "/") != 0)
        return error_set(e, FAULT_CONFIG, "only ws:// and wss:// have a path");
    if (strchr(path, ':')) /* Paho takes what follows the last colon for the port */
        return error_set(e, FAULT_CONFIG, "the path has a colon, which Paho can't take");
    if (strlen(path) >= sizeof(u->path)) return error_set(e, FAULT_CONFIG, "the path is too long");
    snprintf(u->path, sizeof(u->path), "%s", u->websocket ? path : "");
    return true;
}

bool mqtt_url_parse(const char *text, struct mqtt_url *u, struct error *e)
{
    const struct scheme *scheme = find_scheme(text);
    if (!scheme)
        return error_set(e, FAULT_CONFIG,
                         "not a broker's address (write mqtt://host:1883, mqtts://host:8883, "
                         "ws://host/path or wss://host/path)");
    *u =
        (struct mqtt_url){.tls = scheme->tls, .websocket = scheme->websocket, .port = scheme->port};
    const char *authority = text + strlen(scheme->name);
    size_t len = strcspn(authority, "/");
    if (memchr(authority, '@', len))
        return error_set(e, FAULT_CONFIG,
                         "has a user name in it (use the options username and password)");
    if (!parse_authority(authority, len, u))
        return error_set(e, FAULT_CONFIG, "the host or the port is malformed");
    return parse_path(authority + len, u, e);
}

void mqtt_url_for_paho(const struct mqtt_url *u, char *text, size_t size)
{
    const struct scheme *scheme = schemes;
    while (scheme->tls != u->tls || scheme->websocket != u->websocket)
        scheme++;
    bool v6 = strchr(u->host, ':') != NULL;
    snprintf(text, size, "%s%s%s%s:%u%s", scheme->paho, v6 ? "[" : "", u->host, v6 ? "]" : "",
             u->port, u->path);
}
