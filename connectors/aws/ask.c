#include "connectors/aws/ask.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_ANSWER_BYTES = 256 << 10, SKEW_S = 240 /* AWS tolerates 300 */ };

static const char *ca_file_of(const struct credentials_conf *conf)
{
    const char *bundle = getenv("AWS_CA_BUNDLE");
    if (conf->tls_ca) return conf->tls_ca;
    return bundle && *bundle ? bundle : NULL;
}

void ask_begin(struct ask *a, struct provider_home *home, const struct ask_way *way)
{
    ask_end(a);
    a->home = home;
    a->timeout_ms = way->conf->timeout ? way->conf->timeout : way->timeout_ms;
    struct http_options options = {
        .max_connections = 1,
        .connect_timeout_ms = a->timeout_ms,
        .max_response_bytes = MOST_ANSWER_BYTES,
        .ca_file = ca_file_of(way->conf),
        .identity = way->identity,
        .proxy = way->metadata ? "" : way->conf->proxy,
        .address_option = way->address_option,
    };
    a->client = http_client_create(home->loop, &options);
    provider_home_hold(home);
}

static void clear_request(struct ask *a)
{
    free(a->url);
    a->url = NULL;
    while (a->line_count)
        secret_free(a->lines[--a->line_count]);
    if (a->body.ptr) OPENSSL_cleanse(a->body.ptr, a->body.cap);
    a->body.len = 0;
}

static char *print(const char *format, va_list args) PRINTF_LIKE(1, 0);
static char *print(const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) abort(); /* out of memory */
    return text;
}

void ask_url(struct ask *a, const char *format, ...)
{
    va_list args;
    clear_request(a);
    va_start(args, format);
    a->url = print(format, args);
    va_end(args);
}

void ask_header(struct ask *a, const char *format, ...)
{
    va_list args;
    if (a->line_count == HTTP_MAX_HEADERS) abort();
    va_start(args, format);
    a->lines[a->line_count++] = print(format, args);
    va_end(args);
}

static void on_done(struct http_request *r)
{
    struct ask *a = r->arg;
    a->answered(a, r->status ? NULL : &r->error);
}

void ask_send(struct ask *a, const char *method,
              void (*answered)(struct ask *a, const struct error *why))
{
    struct http_request *r = &a->http;
    memset(r->headers, 0, sizeof(r->headers));
    for (size_t i = 0; i < a->line_count; i++)
        r->headers[i] = a->lines[i];
    r->method = method;
    r->url = a->url;
    r->body = bytes_of(a->body.ptr, a->body.len);
    r->timeout_ms = a->timeout_ms;
    r->done = on_done;
    r->arg = a;
    a->answered = answered;
    http_send(a->client, r);
}

char *ask_text(struct ask *a)
{
    struct buf *b = &a->http.response;
    buf_reserve(b, 1);
    b->ptr[b->len] = 0;
    return b->ptr;
}

static void on_closed(void *arg)
{
    provider_home_release(arg);
}

void ask_end(struct ask *a)
{
    if (!a->client) return;
    http_cancel(a->client, &a->http);
    http_client_close(a->client, on_closed, a->home);
    a->client = NULL;
    clear_request(a);
    free(a->body.ptr);
    a->body = (struct buf){0};
    if (a->http.response.ptr) OPENSSL_cleanse(a->http.response.ptr, a->http.response.cap);
    http_request_free(&a->http);
}

bool ask_corrects_clock(const struct ask *a, int64_t *offset_s)
{
    struct tm utc = {0};
    const char *date = a->http.answer_headers[HTTP_DATE];
    if (a->http.status < 400 || a->http.status >= 500) return false;
    if (!strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &utc)) return false;
    int64_t offset = timegm(&utc) - time(NULL);
    if (llabs(offset - *offset_s) < SKEW_S) return false;
    *offset_s = offset;
    return true;
}

void ask_encode(struct buf *b, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (; *text; text++) {
        if (strchr(plain, *text))
            buf_add(b, text, 1);
        else
            buf_printf(b, "%%%02X", (unsigned char)*text);
    }
}
