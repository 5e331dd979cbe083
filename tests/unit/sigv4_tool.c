/* Signs what it reads: a JSON object a line on standard input, an Authorization line for each on
 * standard output. It lets tests/e2e/test_sigv4_botocore.py compare our signer with botocore's. */
#include <stdio.h>
#include <stdlib.h>

#include "bridge/json.h"
#include "connectors/aws/sigv4.h"

enum { MAX_HEADERS = 32 };

struct job {
    struct sigv4_request request;
    struct sigv4_header headers[MAX_HEADERS];
    struct aws_keys keys;
    char *method, *region, *service;
};

static void give_up(const char *why)
{
    fprintf(stderr, "sigv4_tool: %s\n", why);
    exit(EXIT_FAILURE);
}

static void expect(struct json_reader *r, enum json_token token)
{
    if (json_next(r) != token) give_up(r->failed ? r->error : "not the expected JSON");
}

static struct bytes read_bytes(struct json_reader *r)
{
    expect(r, JSON_STRING);
    return r->text;
}

static char *read_text(struct json_reader *r)
{
    struct bytes text = read_bytes(r);
    return mem_strndup(text.ptr, text.len);
}

/* [["Name", "value"], ...] */
static void read_headers(struct json_reader *r, struct job *job)
{
    expect(r, JSON_ARRAY);
    while (json_next(r) == JSON_ARRAY) {
        if (job->request.header_count == MAX_HEADERS) give_up("too many headers");
        struct sigv4_header *header = &job->headers[job->request.header_count++];
        header->name = read_bytes(r);
        header->value = read_bytes(r);
        expect(r, JSON_ARRAY_END);
    }
    job->request.headers = job->headers;
}

static void read_time(struct json_reader *r, struct job *job)
{
    expect(r, JSON_NUMBER);
    if (!json_int(r->text, &job->request.now_s)) give_up("time: not an integer");
}

static void read_member(struct json_reader *r, struct job *job, struct bytes key)
{
    if (bytes_eq(key, BYTES_LIT("method")))
        job->request.method = job->method = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("region")))
        job->request.region = job->region = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("service")))
        job->request.service = job->service = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("path")))
        job->request.path = read_bytes(r);
    else if (bytes_eq(key, BYTES_LIT("query")))
        job->request.query = read_bytes(r);
    else if (bytes_eq(key, BYTES_LIT("body")))
        job->request.body = read_bytes(r);
    else if (bytes_eq(key, BYTES_LIT("headers")))
        read_headers(r, job);
    else if (bytes_eq(key, BYTES_LIT("time")))
        read_time(r, job);
    else if (bytes_eq(key, BYTES_LIT("raw_path")))
        job->request.raw_path = json_next(r) == JSON_TRUE;
    else if (bytes_eq(key, BYTES_LIT("id")))
        job->keys.access_key_id = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("secret")))
        job->keys.secret_access_key = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("token")))
        job->keys.session_token = read_text(r);
    else
        give_up("unknown key");
}

static void sign_line(struct sigv4_signer *signer, struct sigv4_signature *out, char *line,
                      size_t len)
{
    struct job job = {.request = {0}};
    struct json_reader r;
    json_read(&r, line, len);
    expect(&r, JSON_OBJECT);
    while (json_next(&r) == JSON_KEY)
        read_member(&r, &job, r.text);
    expect(&r, JSON_END);
    sigv4_sign(signer, &job.keys, &job.request, out);
    puts(out->authorization.ptr);
    free(job.method);
    free(job.region);
    free(job.service);
    free(job.keys.access_key_id);
    free(job.keys.secret_access_key);
    free(job.keys.session_token);
}

int main(void)
{
    struct sigv4_signer *signer = sigv4_signer_create();
    struct sigv4_signature out = {0};
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&line, &cap, stdin)) > 0)
        sign_line(signer, &out, line, (size_t)len);
    free(line);
    free(out.authorization.ptr);
    sigv4_signer_destroy(signer);
    return EXIT_SUCCESS;
}
