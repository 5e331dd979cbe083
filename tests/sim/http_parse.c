#include "tests/sim/http.h"

#include <string.h>

static struct text trim(struct text t)
{
    while (t.len && (*t.ptr == ' ' || *t.ptr == '\t')) {
        t.ptr++;
        t.len--;
    }
    while (t.len && (t.ptr[t.len - 1] == ' ' || t.ptr[t.len - 1] == '\t'))
        t.len--;
    return t;
}

static struct text take_line(struct text *rest)
{
    struct text line = text_cut(rest, '\n');
    if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
    return line;
}

struct text http_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->n_headers; i++) {
        if (text_is_nocase(r->headers[i].name, name)) return r->headers[i].value;
    }
    return (struct text){0};
}

static bool parse_request_line(struct http_request *r, struct text line)
{
    r->method = text_cut(&line, ' ');
    r->query = text_cut(&line, ' ');
    r->path = text_cut(&r->query, '?');
    return r->method.len && r->path.len && *r->path.ptr == '/' && text_is(line, "HTTP/1.1");
}

static bool parse_headers(struct http_request *r, struct text head)
{
    for (struct text line; (line = take_line(&head)).len;) {
        if (r->n_headers == HTTP_HEADERS_MAX || !memchr(line.ptr, ':', line.len)) return false;
        struct http_header *h = &r->headers[r->n_headers++];
        h->name = text_cut(&line, ':');
        h->value = trim(line);
        if (!h->name.len || memchr(h->name.ptr, ' ', h->name.len)) return false;
    }
    return true;
}

static bool parse_length(struct text t, size_t *out)
{
    *out = 0;
    for (size_t i = 0; i < t.len; i++) {
        if (t.ptr[i] < '0' || t.ptr[i] > '9' || i > 15) return false;
        *out = *out * 10 + (size_t)(t.ptr[i] - '0');
    }
    return t.len > 0;
}

static enum http_parse parse_body(struct http_request *r, struct text in, size_t head_len)
{
    struct text length = http_header(r, "content-length");
    bool has_body = !text_is(r->method, "GET");
    if (http_header(r, "transfer-encoding").ptr || (has_body && !length.ptr))
        return HTTP_PARSE_NO_LENGTH;
    if (length.ptr && !parse_length(length, &r->content_length)) return HTTP_PARSE_BAD;
    if (r->content_length > HTTP_BODY_MAX) return HTTP_PARSE_TOO_LARGE;
    if (in.len - head_len < r->content_length) return HTTP_PARSE_HEAD;
    r->body = (struct text){in.ptr + head_len, r->content_length};
    return HTTP_PARSE_DONE;
}

enum http_parse http_parse(struct http_request *r, struct text in, size_t *head_len)
{
    const char *end = memmem(in.ptr, in.len, "\r\n\r\n", 4);
    if (!end) return in.len > HTTP_HEAD_MAX ? HTTP_PARSE_TOO_LARGE : HTTP_PARSE_MORE;
    *head_len = (size_t)(end - in.ptr) + 4;
    struct text head = {in.ptr, *head_len};
    r->n_headers = 0;
    r->content_length = 0;
    r->body = (struct text){"", 0};
    if (!parse_request_line(r, take_line(&head)) || !parse_headers(r, head)) return HTTP_PARSE_BAD;
    r->keep_alive = !text_is_nocase(http_header(r, "connection"), "close");
    r->expects_continue = text_is_nocase(http_header(r, "expect"), "100-continue");
    return parse_body(r, in, *head_len);
}
