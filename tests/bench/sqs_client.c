/* sqs_client client|floor send|receive|delete REQUESTS PORT   cost of requests about ten messages
 * sqs_client parse FILE                                       cost of reading one ReceiveMessage
 * sqs_client sign N                                           cost of signing
 *
 * client: as the source and the sink do it: encode, sign, send, decode, compare the MD5s. floor:
 * the same bytes, made once, sent by libcurl alone. It prints one line of JSON. */
#include "connectors/sqs/sqs_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "connectors/sqs/sqs_pack.h"
#include "tests/bench/cost.h"
#include "tests/bench/floor.h"

enum { IN_FLIGHT = 4, WARM_UP = 200 };

static const struct attr attrs[] = {
    {BYTES_INIT("device"), BYTES_INIT("sensor"), {NULL, 0}, ATTR_STRING},
    {BYTES_INIT("count"), BYTES_INIT("42"), {NULL, 0}, ATTR_NUMBER},
};

struct bench;
struct slot {
    struct sqs_call call;
    struct bench *bench;
    struct sqs_pack pack;
    struct sqs_result results[SQS_BATCH];
};

struct bench {
    enum sqs_action action;
    struct loop *loop;
    struct sqs_conf conf;
    struct sqs_queue queue;
    struct sqs_client *client;
    struct sqs_digest *digest;
    struct sqs_received received;
    struct slot slots[IN_FLIGHT];
    struct bytes handles[SQS_BATCH];
    long to_send, open, messages;
    char body[256];
};

static void give_up(const char *why)
{
    fprintf(stderr, "sqs_client: %s\n", why);
    exit(EXIT_FAILURE);
}

/* ---- one request ---- */

static void encode(struct bench *b, struct slot *s)
{
    struct sqs_receive receive = {.queue_url = b->queue.url, .visibility_s = 30, .max = 10};
    struct sqs_handles handles = {
        .queue_url = b->queue.url, .handles = b->handles, .count = SQS_BATCH};
    struct sqs_entry entry = {
        .body = bytes_of(memset(b->body, 'x', sizeof(b->body)), sizeof(b->body)),
        .attrs = attrs,
        .attr_count = 2,
    };
    s->call.body.len = 0;
    if (b->action == SQS_RECEIVE_MESSAGE) sqs_encode_receive(&s->call.body, &receive);
    if (b->action == SQS_DELETE_MESSAGE_BATCH) sqs_encode_handles(&s->call.body, &handles);
    if (b->action != SQS_SEND_MESSAGE_BATCH) return;
    sqs_pack_begin(&s->pack, &s->call.body, b->queue.url);
    for (int i = 0; i < SQS_BATCH; i++)
        sqs_pack_add(&s->pack, b->digest, &entry, sqs_size_of(&entry));
    sqs_pack_end(&s->pack);
}

static void check_received(struct bench *b)
{
    for (size_t i = 0; i < b->received.count; i++) {
        const struct sqs_message *m = &b->received.messages[i];
        struct sqs_md5 body = sqs_digest_body(b->digest, m->body);
        struct sqs_md5 of_attrs = sqs_digest_attrs(b->digest, m->attrs, m->attr_count);
        if (!sqs_digest_agrees(b->digest, &body, m->body_md5) ||
            !sqs_digest_agrees(b->digest, &of_attrs, m->attrs_md5))
            give_up("wrong MD5 of a received message");
    }
    b->messages += (long)b->received.count;
}

static void check_results(struct bench *b, const struct slot *s)
{
    for (size_t i = 0; i < SQS_BATCH; i++) {
        bool sent = b->action == SQS_SEND_MESSAGE_BATCH;
        if (sqs_classify_result(&s->results[i]) != SQS_OK ||
            (sent && (!s->results[i].body_md5.len ||
                      !sqs_pack_agrees(&s->pack, b->digest, i, &s->results[i]))))
            give_up("an entry is not as it was sent");
    }
    b->messages += SQS_BATCH;
}

static bool decode(struct sqs_call *call, struct error *e)
{
    struct slot *s = call->arg;
    if (s->bench->action == SQS_RECEIVE_MESSAGE)
        return sqs_decode_receive(sqs_call_answer(call), &s->bench->received, e);
    return sqs_decode_batch(sqs_call_answer(call), NULL, s->results, SQS_BATCH, e);
}

static void send_one(struct bench *b, struct slot *s)
{
    b->to_send--;
    b->open++;
    encode(b, s);
    sqs_call_send(&s->call);
}

static void answered(struct sqs_call *call)
{
    struct slot *s = call->arg;
    struct bench *b = s->bench;
    if (call->class != SQS_OK) give_up(call->error.text);
    if (b->action == SQS_RECEIVE_MESSAGE)
        check_received(b);
    else
        check_results(b, s);
    b->open--;
    if (b->to_send) send_one(b, s);
    if (!b->open) loop_stop(b->loop);
}

/* ---- many ---- */

static void run(struct bench *b, long requests)
{
    b->to_send = requests;
    b->messages = 0;
    for (int i = 0; i < IN_FLIGHT && b->to_send; i++)
        send_one(b, &b->slots[i]);
    loop_run(b->loop);
}

static void open_bench(struct bench *b, const char *action, const char *port)
{
    static char handle[345], url[128];
    struct error e;
    const char *option;
    memset(handle, 'h', sizeof(handle) - 1);
    snprintf(url, sizeof(url), "http://127.0.0.1:%s/123456789012/q", port);
    b->action = strcmp(action, "send") == 0      ? SQS_SEND_MESSAGE_BATCH
                : strcmp(action, "receive") == 0 ? SQS_RECEIVE_MESSAGE
                                                 : SQS_DELETE_MESSAGE_BATCH;
    for (int i = 0; i < SQS_BATCH; i++)
        b->handles[i] = bytes_str(handle);
    b->conf = (struct sqs_conf){
        .queue_url = url,
        .region = "us-east-1",
        .access_key_id = "AKIDBENCH",
        .secret_access_key = "secret",
        .proxy = "",
        .connect_timeout = 10000,
    };
    if (!sqs_queue_resolve(&b->conf, &b->queue, &option, &e)) give_up(e.text);
    b->loop = loop_create();
    b->digest = sqs_digest_create();
    struct sqs_client_setup setup = {.loop = b->loop,
                                     .context = "bench",
                                     .conf = &b->conf,
                                     .queue = &b->queue,
                                     .max_connections = IN_FLIGHT};
    b->client = sqs_client_create(&setup, &e);
    if (!b->client) give_up(e.text);
    for (int i = 0; i < IN_FLIGHT; i++) {
        struct slot *s = &b->slots[i];
        s->bench = b;
        s->call.client = b->client;
        s->call.action = b->action;
        s->call.decode = decode;
        s->call.done = answered;
        s->call.arg = s;
    }
}

static void print_cost(const struct cost *c, long requests, long messages)
{
    printf("{\"requests_per_s\": %.0f, \"cpu_us_per_request\": %.2f, \"cpu_us_per_message\": %.3f, "
           "\"allocations_per_message\": %.3f}\n",
           (double)requests / c->wall_s, c->cpu_s * 1e6 / (double)requests,
           c->cpu_s * 1e6 / (double)messages, (double)c->allocations / (double)messages);
}

static void bench_client(const char *action, long requests, const char *port)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    open_bench(b, action, port);
    run(b, WARM_UP);
    struct cost begin = cost_now();
    run(b, requests);
    struct cost spent = cost_since(&begin);
    print_cost(&spent, requests, b->messages);
}

/* The bytes that the client has sent last, signed as they were. */
static void bench_floor(const char *action, long requests, const char *port)
{
    struct bench *b = mem_zalloc(sizeof(*b));
    open_bench(b, action, port);
    run(b, IN_FLIGHT);
    const struct http_request *http = &b->slots[0].call.http;
    struct floor_request same = {http->url, http->headers, http->body, IN_FLIGHT};
    floor_run(&same, WARM_UP);
    struct cost begin = cost_now();
    floor_run(&same, requests);
    struct cost spent = cost_since(&begin);
    print_cost(&spent, requests, requests * SQS_BATCH);
}

/* ---- parts ---- */

static void bench_parse(const char *path)
{
    enum { ROUNDS = 20000 };
    static char text[65536], copy[65536];
    struct sqs_received *received = mem_zalloc(sizeof(*received));
    struct error e;
    FILE *file = fopen(path, "rb");
    if (!file) give_up("no such file");
    size_t len = fread(text, 1, sizeof(text), file), messages = 0;
    fclose(file);
    struct cost begin = cost_now();
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(copy, text, len); /* it is unescaped in place */
        if (!sqs_decode_receive(bytes_of(copy, len), received, &e)) give_up(e.text);
        messages += received->count;
    }
    struct cost spent = cost_since(&begin);
    printf("{\"cpu_us_per_message\": %.3f, \"allocations_per_message\": %.5f}\n",
           spent.cpu_s * 1e6 / (double)messages, (double)spent.allocations / (double)messages);
}

static void bench_sign(long n)
{
    struct sigv4_signer *signer = sigv4_signer_create();
    struct sigv4_signature signature = {0};
    struct slot slot;
    struct bench b = {.action = SQS_SEND_MESSAGE_BATCH, .queue = {.url = "https://sqs/1/q"}};
    char id[] = "AKIDBENCH", secret[] = "secret";
    const struct aws_keys keys = {.access_key_id = id, .secret_access_key = secret};
    const struct sigv4_header headers[] = {
        {BYTES_LIT("content-type"), BYTES_LIT("application/x-amz-json-1.0")},
        {BYTES_LIT("host"), BYTES_LIT("sqs.us-east-1.amazonaws.com")},
        {BYTES_LIT("x-amz-target"), BYTES_LIT("AmazonSQS.SendMessageBatch")},
        {BYTES_LIT("x-amzn-query-mode"), BYTES_LIT("true")},
    };
    memset(&slot, 0, sizeof(slot));
    b.digest = sqs_digest_create();
    encode(&b, &slot);
    struct sigv4_request request = {.method = "POST",
                                    .region = "us-east-1",
                                    .service = "sqs",
                                    .path = BYTES_LIT("/"),
                                    .headers = headers,
                                    .header_count = 4,
                                    .body = bytes_of(slot.call.body.ptr, slot.call.body.len),
                                    .now_s = time(NULL)};
    struct cost begin = cost_now();
    for (long i = 0; i < n; i++)
        sigv4_sign(signer, &keys, &request, &signature);
    struct cost spent = cost_since(&begin);
    request.body = BYTES_LIT("{}");
    struct cost small_begin = cost_now();
    for (long i = 0; i < n; i++)
        sigv4_sign(signer, &keys, &request, &signature);
    struct cost small = cost_since(&small_begin);
    printf("{\"body_bytes\": %zu, \"us_per_request\": %.2f, \"us_without_body\": %.2f, "
           "\"allocations_per_request\": %.2f}\n",
           slot.call.body.len, spent.cpu_s * 1e6 / (double)n, small.cpu_s * 1e6 / (double)n,
           (double)spent.allocations / (double)n);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "client") == 0)
        bench_client(argv[2], atol(argv[3]), argv[4]);
    else if (argc == 5 && strcmp(argv[1], "floor") == 0)
        bench_floor(argv[2], atol(argv[3]), argv[4]);
    else if (argc == 3 && strcmp(argv[1], "parse") == 0)
        bench_parse(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "sign") == 0)
        bench_sign(atol(argv[2]));
    else
        give_up("usage: sqs_client client|floor|parse|sign ...");
    return EXIT_SUCCESS;
}
