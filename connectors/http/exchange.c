/* One request and its answer on an easy handle. */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <strings.h>

#include "connectors/aws/identity.h"
#include "connectors/http/ca_store.h"
#include "connectors/http/client.h"

enum {
    IDLE_CONNECTION_S = 50, /* AWS closes at 60 or later: ours must be the first to go */
    KNOWN_ADDRESS_S = 5, /* a name is asked for again: by itself libcurl would wait for a minute */
};

static const struct bytes header_names[HTTP_HEADERS] = {
    [HTTP_DATE] = {"date", 4},
    [HTTP_REQUEST_ID] = {"x-amzn-requestid", 16},
    [HTTP_RETRY_AFTER] = {"retry-after", 11},
    [HTTP_RETRY_AFTER_MS] = {"x-amz-retry-after", 17},
    [HTTP_CONTENT_TYPE] = {"content-type", 12},
    [HTTP_QUERY_ERROR] = {"x-amzn-query-error", 18},
    [HTTP_AGE] = {"age", 3},
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void keep_header(char kept[80], const char *value, const char *end)
{
    while (value < end && is_space(*value))
        value++;
    while (end > value && is_space(end[-1]))
        end--;
    size_t len = (size_t)(end - value) < 79 ? (size_t)(end - value) : 79;
    memcpy(kept, value, len);
    kept[len] = 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
    struct http_exchange *x = arg;
    size_t len = size * n;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) /* the last of several counts: 100, then 200 */
        memset(x->request->answer_headers, 0, sizeof(x->request->answer_headers));
    const char *colon = memchr(line, ':', len);
    if (!colon) return len;
    size_t name_len = (size_t)(colon - line);
    for (size_t i = 0; i < HTTP_HEADERS; i++) {
        if (header_names[i].len == name_len &&
            strncasecmp(line, header_names[i].ptr, name_len) == 0)
            keep_header(x->request->answer_headers[i], colon + 1, line + len);
    }
    return len;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct http_exchange *x = arg;
    struct buf *response = &x->request->response;
    size_t len = size * n;
    if (len > x->client->options.max_response_bytes - response->len) {
        x->too_long = true;
        return CURL_WRITEFUNC_ERROR;
    }
    curl_off_t announced;
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (response->len == 0 && announced > 0) /* bounded by CURLOPT_MAXFILESIZE_LARGE */
        buf_reserve(response, (size_t)announced);
    buf_add(response, bytes, len);
    return len;
}

/* libcurl keeps this to itself where verifying ends with another error of OpenSSL's, as for a CA of
 * the right name and the wrong key (7.88.1). */
static int on_verify(int fine, X509_STORE_CTX *verify)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(verify, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct http_exchange *x = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!fine) x->verify_error = X509_STORE_CTX_get_error(verify);
    return fine;
}

/* It was checked when it was loaded: only memory could fail here. */
static bool show_identity(const struct identity *identity, SSL_CTX *context)
{
    return !identity || (SSL_CTX_use_certificate(context, identity->certificate) == 1 &&
                         SSL_CTX_set1_chain(context, identity->chain) == 1 &&
                         SSL_CTX_use_PrivateKey(context, identity->key) == 1);
}

/* TLS 1.3 refuses after the handshake: libcurl would speak of a connection that broke. */
static int on_certificate_wanted(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    struct http_exchange *x = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    (void)certificate, (void)key;
    x->wants_identity = true;
    return 0;
}

/* The TCP connection is there, its TLS begins. */
static CURLcode on_tls_context(CURL *easy, void *context, void *arg)
{
    (void)easy;
    struct http_exchange *x = arg;
    struct http_client *c = x->client;
    x->tls_began = true;
    if (!c->ca) c->ca = ca_store_acquire(c->ca_file, &c->ca_error);
    if (!c->ca) return CURLE_SSL_CACERT_BADFILE;
    ca_store_apply(c->ca, context);
    SSL_CTX_set_app_data((SSL_CTX *)context, x);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_client_cert_cb(context, on_certificate_wanted);
    return show_identity(c->options.identity, context) ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
}

/* Nothing is loaded but what on_tls_context() brings. */
static void set_tls(struct http_exchange *x)
{
    CURL *easy = x->easy;
    static const CURLoption ca_options[] = {CURLOPT_CAINFO, CURLOPT_CAPATH, CURLOPT_PROXY_CAINFO,
                                            CURLOPT_PROXY_CAPATH};
    for (size_t i = 0; i < sizeof(ca_options) / sizeof(ca_options[0]); i++)
        curl_easy_setopt(easy, ca_options[i], NULL);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context);
    curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, x);
    bool only_13 = x->client->options.tls_min == HTTP_TLS_1_3;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION,
                     (long)(only_13 ? CURL_SSLVERSION_TLSv1_3 : CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_SHARE, x->client->shared);
}

/* What never changes from request to request. */
static void set_defaults(struct http_exchange *x)
{
    struct http_client *c = x->client;
    CURL *easy = x->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, x->lines);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sqsbridge/" SQSBRIDGE_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* else an end waits for the name server */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)KNOWN_ADDRESS_S);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)IDLE_CONNECTION_S);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->options.connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)c->options.max_response_bytes);
    if (c->proxy) curl_easy_setopt(easy, CURLOPT_PROXY, c->proxy);
    set_tls(x);
    sockets_hook_easy(c, easy);
}

struct http_exchange *exchange_create(struct http_client *c)
{
    struct http_exchange *x = mem_zalloc(sizeof(*x));
    x->client = c;
    x->easy = curl_easy_init();
    if (!x->easy) abort(); /* out of memory */
    /* libcurl would ask for "100 Continue" above 1 MiB, which costs a round trip. */
    x->lines[0].data = mem_strdup("Expect:");
    set_defaults(x);
    return x;
}

void exchange_destroy(struct http_exchange *x)
{
    curl_easy_cleanup(x->easy);
    free(x->lines[0].data);
    free(x);
}

static void link_headers(struct http_exchange *x)
{
    struct curl_slist *last = &x->lines[0];
    for (size_t i = 0; i < HTTP_MAX_HEADERS && x->request->headers[i]; i++) {
        last->next = &x->lines[i + 1];
        last = last->next;
        last->data = (char *)(uintptr_t)x->request->headers[i]; /* only read by libcurl */
    }
    last->next = NULL;
}

static void set_method(struct http_exchange *x)
{
    const struct http_request *r = x->request;
    bool get = strcmp(r->method, "GET") == 0, post = strcmp(r->method, "POST") == 0;
    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, get || post ? NULL : r->method);
    if (get) {
        curl_easy_setopt(x->easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
    curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, r->body.ptr ? r->body.ptr : "");
}

void exchange_clear_answer(struct http_request *r)
{
    r->sent_ms = r->answered_ms = 0;
    r->status = 0;
    r->error.fault = FAULT_NONE;
    r->maybe_executed = false;
    r->response.len = 0;
    memset(r->answer_headers, 0, sizeof(r->answer_headers));
}

void exchange_load(struct http_exchange *x, struct http_request *r)
{
    r->exchange = x;
    r->sent_ms = loop_now_ms(x->client->loop);
    x->request = r;
    x->too_long = x->tls_began = x->wants_identity = false;
    x->verify_error = X509_V_OK;
    x->why[0] = 0;
    link_headers(x);
    set_method(x);
    curl_easy_setopt(x->easy, CURLOPT_URL, r->url);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
}

void exchange_unload(struct http_exchange *x, CURLcode result)
{
    struct http_request *r = x->request;
    long status = 0;
    curl_off_t before_sending_us = 0; /* stays 0 until the request is about to be written */
    r->exchange = NULL;
    r->answered_ms = loop_now_ms(x->client->loop);
    x->request = NULL;
    if (result == CURLE_OK) curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    r->status = (int)status;
    if (status) return;
    curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending_us);
    r->maybe_executed = before_sending_us > 0;
}
