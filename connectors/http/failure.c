/* libcurl's result codes in words that say what to do. */
#include <ctype.h>
#include <openssl/x509.h>
#include <stdio.h>

#include "connectors/http/client.h"

enum { PLACE_SIZE = 280 }; /* a host name has at most 255 bytes */

/* "host:port" of the URL; the URL itself where it has none. */
static void far_end(const struct http_exchange *x, char place[PLACE_SIZE])
{
    char *url = NULL, *host = NULL, *port = NULL;
    CURLU *parts = curl_url();
    curl_easy_getinfo(x->easy, CURLINFO_EFFECTIVE_URL, &url);
    curl_url_set(parts, CURLUPART_URL, url, 0);
    if (curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
        snprintf(place, PLACE_SIZE, "%s:%s", host, port);
    else
        snprintf(place, PLACE_SIZE, "\"%s\"", url);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(parts);
}

/* A sentence of somebody else's inside one of ours: no capital at the start. */
static const char *lower(char *text)
{
    if (text[0] && !isupper((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}

static void in_libcurls_words(const struct http_exchange *x, CURLcode result, char why[256])
{
    snprintf(why, 256, "%s", x->why[0] ? x->why : curl_easy_strerror(result));
    lower(why);
}

static const char *option_of(const struct http_exchange *x)
{
    const char *option = x->client->options.address_option;
    return option ? option : "queue_url";
}

static void describe_connect(const struct http_exchange *x, const char *place, struct error *e)
{
    long code = 0;
    char host[256], port[8];
    curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &code);
    const char *reason = code ? uv_strerror(-(int)code) : "no connection";
    /* With a proxy, only libcurl knows whom it failed to reach. */
    char tried[PLACE_SIZE] = "";
    if (sscanf(x->why, "Failed to connect to %255s port %7[0-9]", host, port) == 2)
        snprintf(tried, sizeof(tried), "%s:%s", host, port);
    if (tried[0] && strcmp(tried, place) != 0)
        error_set(e, FAULT_DOWN, "connecting to %s through %s: %s (is it up? check proxy)", place,
                  tried, reason);
    else
        error_set(e, FAULT_DOWN, "connecting to %s: %s (is it up? check %s)", place, reason,
                  option_of(x));
}

/* The proxy answered CONNECT with something else than yes. */
static bool proxy_refused(const struct http_exchange *x, const char *place, struct error *e)
{
    long status = 0;
    curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &status);
    if (status < 300) return false;
    error_set(e, FAULT_DOWN, "connecting to %s: the proxy refuses: status %ld (check %sproxy)",
              place, status, status == 407 ? "the user and the password in " : "");
    return true;
}

static curl_off_t reached_us(const struct http_exchange *x, CURLINFO what)
{
    curl_off_t us = 0;
    curl_easy_getinfo(x->easy, what, &us);
    return us;
}

static void describe_timeout(const struct http_exchange *x, const char *place, struct error *e)
{
    long long ms = (long long)reached_us(x, CURLINFO_TOTAL_TIME_T) / 1000;
    if (reached_us(x, CURLINFO_PRETRANSFER_TIME_T))
        error_set(e, FAULT_DOWN, "answer from %s: not complete after %lld ms", place, ms);
    else if (x->tls_began)
        error_set(e, FAULT_DOWN, "TLS with %s: no handshake after %lld ms (is it TLS there?)",
                  place, ms);
    else if (reached_us(x, CURLINFO_NAMELOOKUP_TIME_T))
        error_set(e, FAULT_DOWN,
                  "connecting to %s: no answer after %lld ms (is a firewall in between?)", place,
                  ms);
    else
        error_set(e, FAULT_DOWN, "resolving %s: no answer after %lld ms (check the name server)",
                  place, ms);
}

static void describe_certificate(const struct http_exchange *x, const char *place, struct error *e)
{
    char why[256];
    if (x->verify_error != X509_V_OK)
        snprintf(why, sizeof(why), "%s", X509_verify_cert_error_string(x->verify_error));
    else /* a name that does not match, for instance */
        in_libcurls_words(x, CURLE_PEER_FAILED_VERIFICATION, why);
    error_set(e, FAULT_DOWN, "TLS with %s: certificate refused: %s (check tls_ca)", place, why);
}

static void describe_handshake(const struct http_exchange *x, const char *place, const char *why,
                               struct error *e)
{
    bool version = strstr(why, "protocol version") != NULL;
    if (x->verify_error != X509_V_OK)
        describe_certificate(x, place, e);
    else
        error_set(e, FAULT_DOWN, "TLS with %s: %s (%s)", place, why,
                  version ? "check tls_min_version" : "is it TLS there?");
}

static void describe_answer(const struct http_exchange *x, CURLcode result, const char *place,
                            struct error *e)
{
    char why[256];
    if (x->too_long || result == CURLE_FILESIZE_EXCEEDED)
        error_set(e, FAULT_DOWN, "answer from %s: longer than %zu bytes", place,
                  x->client->options.max_response_bytes);
    else if (result == CURLE_GOT_NOTHING)
        error_set(e, FAULT_DOWN, "answer from %s: connection closed without one", place);
    else if (result == CURLE_UNSUPPORTED_PROTOCOL || result == CURLE_WEIRD_SERVER_REPLY)
        error_set(e, FAULT_DOWN, "answer from %s: not HTTP (what listens there? check %s)", place,
                  option_of(x));
    else {
        in_libcurls_words(x, result, why);
        error_set(e, FAULT_DOWN, "request to %s: %s", place, why);
    }
}

/* The connection ended as it does when a server misses a certificate; other failures have other
 * causes, as servers also ask for what they don't need. */
static bool missed_identity(const struct http_exchange *x, CURLcode result, const char *place,
                            struct error *e)
{
    bool broken = result == CURLE_SSL_CONNECT_ERROR || result == CURLE_RECV_ERROR ||
                  result == CURLE_SEND_ERROR || result == CURLE_GOT_NOTHING;
    if (!x->wants_identity || !broken) return false;
    error_set(e, FAULT_DOWN, "TLS with %s: it wants a client certificate, and none is configured",
              place);
    return true;
}

void failure_describe(const struct http_exchange *x, CURLcode result, struct error *e)
{
    char place[PLACE_SIZE], why[256];
    far_end(x, place);
    if (proxy_refused(x, place, e) || missed_identity(x, result, place, e)) return;
    in_libcurls_words(x, result, why);
    switch ((int)result) {
    case CURLE_URL_MALFORMAT:
        error_set(e, FAULT_DOWN, "request to %s: not a URL (check %s)", place, option_of(x));
        break;
    case CURLE_COULDNT_RESOLVE_HOST:
        error_set(e, FAULT_DOWN, "resolving %s: no such name (check %s and the name server)", place,
                  option_of(x));
        break;
    case CURLE_COULDNT_RESOLVE_PROXY:
        error_set(e, FAULT_DOWN, "connecting to %s: %s (check proxy)", place, why);
        break;
    case CURLE_COULDNT_CONNECT:
        describe_connect(x, place, e);
        break;
    case CURLE_OPERATION_TIMEDOUT:
        describe_timeout(x, place, e);
        break;
    case CURLE_PEER_FAILED_VERIFICATION:
        describe_certificate(x, place, e);
        break;
    case CURLE_SSL_CONNECT_ERROR:
        describe_handshake(x, place, why, e);
        break;
    case CURLE_SSL_CACERT_BADFILE:
        *e = x->client->ca_error;
        break;
    default:
        describe_answer(x, result, place, e);
    }
}
