/* Signs what it reads: a JSON object a line on standard input, an Authorization line for each on
 * standard output. It lets tests/e2e/test_sigv4_botocore.py compare our signer with botocore's.
 * Where a job names a "certificate", a PEM file with its key, it is signed by that, and the
 * certificate's header and the chain's follow on the same line, with tabs between. "sigv4_tool
 * time" tells instead how long it takes to sign a request as SQS gets it, with a token of a
 * kilobyte, and the derived key at hand. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/json.h"
#include "connectors/aws/sigv4_x509.h"

enum { MAX_HEADERS = 32 };

struct job {
    struct sigv4_request request;
    struct sigv4_header headers[MAX_HEADERS];
    struct aws_keys keys;
    char *method, *region, *service, *certificate;
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
    else if (bytes_eq(key, BYTES_LIT("certificate")))
        job->certificate = read_text(r);
    else if (bytes_eq(key, BYTES_LIT("token")))
        job->keys.session_token = read_text(r);
    else
        give_up("unknown key");
}

static void sign_with_certificate(const struct job *job)
{
    struct error e;
    struct sigv4_x509_signature out = {0};
    struct identity_options options = {.certificate = job->certificate};
    struct identity *identity = identity_load(&options, &e);
    if (!identity || !sigv4_x509_sign(identity, &job->request, &out, &e)) give_up(e.text);
    printf("%s\t%s\t%s\n", out.authorization.ptr, out.certificate.ptr,
           out.chain.len ? out.chain.ptr : "");
    sigv4_x509_signature_free(&out);
    identity_destroy(identity);
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
    if (job.certificate) {
        sign_with_certificate(&job);
    } else {
        sigv4_sign(signer, &job.keys, &job.request, out);
        puts(out->authorization.ptr);
    }
    free(job.method);
    free(job.region);
    free(job.service);
    free(job.certificate);
    free(job.keys.access_key_id);
    free(job.keys.secret_access_key);
    free(job.keys.session_token);
}

static double now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void time_one(struct sigv4_signer *signer, const struct aws_keys *keys, size_t body_len)
{
    enum { ROUNDS = 100000 };
    static char body[1 << 16];
    static const struct sigv4_header headers[] = {
        {BYTES_INIT("content-type"), BYTES_INIT("application/x-amz-json-1.0")},
        {BYTES_INIT("host"), BYTES_INIT("sqs.eu-west-1.amazonaws.com")},
        {BYTES_INIT("x-amz-target"), BYTES_INIT("AmazonSQS.SendMessageBatch")},
        {BYTES_INIT("x-amzn-query-mode"), BYTES_INIT("true")},
        {BYTES_INIT("amz-sdk-invocation-id"), BYTES_INIT("5f0f1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b")},
        {BYTES_INIT("amz-sdk-request"), BYTES_INIT("attempt=1; max=3")},
    };
    struct sigv4_signature out = {0};
    struct sigv4_request r = {
        .method = "POST",
        .region = "eu-west-1",
        .service = "sqs",
        .path = BYTES_LIT("/"),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .body = bytes_of(body, body_len),
        .now_s = 1795348800,
    };
    sigv4_sign(signer, keys, &r, &out);
    double began = now_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int i = 0; i < ROUNDS; i++) {
        r.now_s = 1795348800 + i / 1000;
        sigv4_sign(signer, keys, &r, &out);
    }
    double each = (now_us(CLOCK_PROCESS_CPUTIME_ID) - began) / ROUNDS;
    printf("body of %zu bytes: %.2f us CPU a request\n", body_len, each);
    free(out.authorization.ptr);
}

static int time_all(struct sigv4_signer *signer)
{
    static char token[1025], id[] = "AKIDEXAMPLE", secret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEX";
    static const size_t sizes[] = {60, 400, 3800, 40000};
    memset(token, 't', sizeof(token) - 1);
    struct aws_keys keys = {id, secret, token};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        time_one(signer, &keys, sizes[i]);
    sigv4_signer_destroy(signer);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    struct sigv4_signer *signer = sigv4_signer_create();
    if (argc == 2 && strcmp(argv[1], "time") == 0) return time_all(signer);
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
