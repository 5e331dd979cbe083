#include "connectors/sqs/sqs_client.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <uv.h>

#include "bridge/log.h"
#include "connectors/aws/credentials.h"
#include "connectors/sqs/sqs_answer.h"
#include "connectors/sqs/sqs_clock.h"
#include "connectors/sqs/sqs_retry.h"
#include "connectors/sqs/sqs_wire.h"

enum {
    ANSWER_TIMEOUT_MS = 15000,   /* beyond the wait of a long poll */
    MAX_ANSWER_BYTES = 64 << 20, /* ten messages of 1 MiB, each byte escaped as \u00XX */
    KEPT_BUFFER_BYTES = 256 << 10,
    KEYS_TIMEOUT_MS = 15000,
};

TAILQ_HEAD(sqs_calls, sqs_call);

struct sqs_client {
    struct loop *loop;
    struct stats *stats;
    const char *context;
    const struct sqs_queue *queue;
    struct http_client *http;
    struct credentials *credentials;
    struct sigv4_signer *signer;
    struct sqs_retry retry;
    unsigned max_attempts;
    struct sqs_clock clock;
    struct sqs_calls waiting;       /* for their next attempt */
    struct sqs_calls keyless;       /* for keys to sign with */
    struct credentials_waiter keys; /* one for them all */
    bool asked;                     /* for keys */
    bool closing, http_closed;
    void (*closed)(void *arg);
    void *closed_arg;
};

static struct http_client *http_of(const struct sqs_client_setup *setup)
{
    const char *ca_bundle = getenv("AWS_CA_BUNDLE");
    if (ca_bundle && !*ca_bundle) ca_bundle = NULL;
    struct http_options options = {
        .max_connections = setup->max_connections,
        .connect_timeout_ms = setup->conf->connect_timeout,
        .max_response_bytes = MAX_ANSWER_BYTES,
        .ca_file = setup->conf->tls_ca ? setup->conf->tls_ca : ca_bundle,
        .tls_min = (enum http_tls)setup->conf->tls_min_version,
        .proxy = setup->conf->proxy,
    };
    return http_client_create(setup->loop, &options);
}

static struct credentials *open_credentials(const struct sqs_conf *conf, struct error *e)
{
    struct credentials_conf given = {
        .provider = CREDENTIALS_STATIC,
        .access_key_id = conf->access_key_id,
        .secret_access_key = conf->secret_access_key,
        .session_token = conf->session_token,
    };
    bool keys = conf->access_key_id || conf->secret_access_key || conf->session_token;
    return credentials_open(keys ? &given : conf->credentials, e);
}

static void keys_are_ready(struct credentials_waiter *w, const struct error *why);

struct sqs_client *sqs_client_create(const struct sqs_client_setup *setup, struct error *e)
{
    unsigned max_attempts;
    if (!sqs_retry_environment(&max_attempts, e)) return NULL;
    struct credentials *credentials = open_credentials(setup->conf, e);
    if (!credentials) return NULL;
    struct sqs_client *client = mem_zalloc(sizeof(*client));
    client->loop = setup->loop;
    client->stats = setup->stats;
    client->context = setup->context;
    client->queue = setup->queue;
    client->max_attempts = max_attempts;
    client->credentials = credentials;
    client->http = http_of(setup);
    client->signer = sigv4_signer_create();
    sqs_retry_init(&client->retry, loop_random());
    TAILQ_INIT(&client->waiting);
    TAILQ_INIT(&client->keyless);
    client->keys =
        (struct credentials_waiter){.loop = setup->loop, .ready = keys_are_ready, .arg = client};
    return client;
}

struct sqs_client *sqs_client_of(struct pipeline *p, const struct sqs_conf *conf,
                                 const struct sqs_queue *queue, int64_t max_connections,
                                 struct error *e)
{
    struct sqs_client_setup setup = {
        .loop = pipeline_loop(p),
        .stats = pipeline_stats(p),
        .context = pipeline_name(p),
        .conf = conf,
        .queue = queue,
        .max_connections = (unsigned)max_connections,
    };
    return sqs_client_create(&setup, e);
}

static void count(const struct sqs_client *client, enum counter which)
{
    if (client->stats) stats_add(client->stats, which, 1);
}

uint64_t *sqs_client_random(struct sqs_client *client)
{
    return &client->retry.random;
}

/* ---- sending ---- */

static struct bytes value_of(const char *line)
{
    return bytes_str(strchr(line, ' ') + 1);
}

/* So that AWS, and who reads its logs, see attempts of one call as such: a random UUID. */
static void name_invocation(struct sqs_call *call)
{
    static const char form[] = "amz-sdk-invocation-id: ########-####-4###-8###-############";
    memcpy(call->invocation, form, sizeof(form));
    sqs_random_digits(&call->client->retry.random, call->invocation);
}

/* Where nobody tells it, AWS says in its refusal that the region is wrong. */
static const char *region_of(const struct sqs_queue *queue, const struct aws_keys *keys)
{
    const char *told = credentials_region(keys);
    if (*queue->region) return queue->region;
    return told ? told : "us-east-1";
}

static void sign_with(struct sqs_call *call, const struct aws_keys *keys)
{
    const struct sqs_client *client = call->client;
    const char *target = sqs_actions[call->action].target;
    const struct sigv4_header headers[] = {
        {BYTES_LIT("content-type"), BYTES_LIT("application/x-amz-json-1.0")},
        {BYTES_LIT("host"), bytes_str(client->queue->endpoint.host)},
        {BYTES_LIT("x-amz-target"), bytes_str(target)},
        {BYTES_LIT("x-amzn-query-mode"), BYTES_LIT("true")},
        {BYTES_LIT("amz-sdk-invocation-id"), value_of(call->invocation)},
        {BYTES_LIT("amz-sdk-request"), value_of(call->attempt)},
    };
    struct sigv4_request request = {
        .method = "POST",
        .region = region_of(client->queue, keys),
        .service = "sqs",
        .path = bytes_str(client->queue->endpoint.path),
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .body = bytes_of(call->body.ptr, call->body.len),
        .now_s = time(NULL) + client->clock.offset_s,
    };
    call->clock_offset_s = client->clock.offset_s;
    sigv4_sign(client->signer, keys, &request, &call->signature);
    call->token.len = 0;
    if (keys->session_token)
        buf_printf(&call->token, "X-Amz-Security-Token: %s", keys->session_token);
}

/* False: there are no keys but, maybe, those that were refused. */
static bool sign(struct sqs_call *call)
{
    struct credentials *credentials = call->client->credentials;
    const struct aws_keys *keys = credentials_acquire(credentials);
    if (!keys) return false;
    uint64_t version = credentials_version(keys);
    bool good = version > call->refused_keys;
    if (good) {
        sign_with(call, keys);
        call->keys = version;
    }
    credentials_release(credentials, keys);
    return good;
}

static void answered(struct http_request *http);
static void await_keys(struct sqs_call *call);

static void attempt(struct sqs_call *call)
{
    struct sqs_client *client = call->client;
    snprintf(call->attempt, sizeof(call->attempt), "amz-sdk-request: attempt=%u; max=%u",
             call->attempts + 1, client->max_attempts);
    if (!sign(call)) {
        await_keys(call);
        return;
    }
    const char *headers[HTTP_MAX_HEADERS] = {
        "Content-Type: application/x-amz-json-1.0",
        sqs_actions[call->action].header,
        "x-amzn-query-mode: true",
        call->invocation,
        call->attempt,
        call->signature.date,
        call->signature.authorization.ptr,
        call->token.len ? call->token.ptr : NULL,
    };
    struct http_request *http = &call->http;
    memcpy(http->headers, headers, sizeof(headers));
    http->method = "POST";
    http->url = client->queue->endpoint.url;
    http->body = bytes_of(call->body.ptr, call->body.len);
    http->timeout_ms = call->wait_s * 1000 + ANSWER_TIMEOUT_MS;
    http->done = answered;
    http->arg = call;
    call->attempts++;
    count(client, COUNT_REQUESTS);
    http_send(client->http, http);
}

static void attempt_again(void *arg)
{
    struct sqs_call *call = arg;
    TAILQ_REMOVE(&call->client->waiting, call, waiting);
    attempt(call);
}

void sqs_call_send(struct sqs_call *call)
{
    call->attempts = call->retry_cost = 0;
    call->clock_corrected = call->keyless = false;
    call->refused_keys = 0;
    call->retry.arg = call;
    name_invocation(call);
    attempt(call);
}

static bool is_waiting(const struct sqs_call *call)
{
    return call->retry.slot != 0;
}

static void stop_waiting(struct sqs_call *call)
{
    loop_timer_stop(call->client->loop, &call->retry);
    if (call->keyless)
        TAILQ_REMOVE(&call->client->keyless, call, waiting);
    else
        TAILQ_REMOVE(&call->client->waiting, call, waiting);
    call->keyless = false;
}

void sqs_call_cancel(struct sqs_call *call)
{
    if (is_waiting(call))
        stop_waiting(call);
    else
        http_cancel(call->client->http, &call->http);
}

/* ---- keys to sign with ---- */

/* Asks for what the most demanding call needs; the others take what comes. */
static void ask_for_keys(struct sqs_client *client)
{
    const struct sqs_call *call;
    if (client->asked || TAILQ_EMPTY(&client->keyless)) return;
    client->asked = true;
    client->keys.newer_than = 0;
    TAILQ_FOREACH(call, &client->keyless, waiting)
    if (call->refused_keys > client->keys.newer_than) client->keys.newer_than = call->refused_keys;
    credentials_wait(client->credentials, &client->keys);
}

/* What AWS said of the keys that it refused stays, with why there are no better ones. */
static void fail_without_keys(struct sqs_call *call, const char *why)
{
    struct error said = call->error;
    stop_waiting(call);
    call->class = SQS_CREDENTIALS;
    if (call->refused_keys) {
        error_set(&call->error, FAULT_DOWN, "%.250s; new keys: %s", said.text, why);
    } else {
        call->code[0] = '\0';
        error_set(&call->error, FAULT_DOWN, "not signed: %s", why);
        sqs_answer_name_error(call, call->client->queue->name);
    }
    call->done(call);
}

static void keys_are_overdue(void *arg)
{
    struct sqs_call *call = arg;
    struct credentials_state state;
    credentials_state(call->client->credentials, &state);
    fail_without_keys(call, state.last.fault ? state.last.text : "no keys after 15 s");
}

static void await_keys(struct sqs_call *call)
{
    struct sqs_client *client = call->client;
    call->keyless = true;
    call->retry.run = keys_are_overdue;
    TAILQ_INSERT_TAIL(&client->keyless, call, waiting);
    loop_timer_start(client->loop, &call->retry, KEYS_TIMEOUT_MS);
    ask_for_keys(client);
}

/* Those that were refused these very keys are back in the list, and asked for anew. */
static void send_all(struct sqs_client *client)
{
    struct sqs_call *call, *last = TAILQ_LAST(&client->keyless, sqs_calls);
    do {
        call = TAILQ_FIRST(&client->keyless);
        stop_waiting(call);
        attempt(call);
    } while (call != last);
}

/* Those that are sent again from within done() wait for the next answer. */
static void fail_all(struct sqs_client *client, const char *why)
{
    struct sqs_call *call;
    size_t count = 0;
    TAILQ_FOREACH(call, &client->keyless, waiting)
    count++;
    while (count-- && (call = TAILQ_FIRST(&client->keyless)))
        fail_without_keys(call, why);
}

static void finish_closing(struct sqs_client *client);

static void keys_are_ready(struct credentials_waiter *w, const struct error *why)
{
    struct sqs_client *client = w->arg;
    if (client->closing) {
        client->asked = false;
        finish_closing(client);
        return;
    }
    if (why)
        fail_all(client, why->text);
    else if (!TAILQ_EMPTY(&client->keyless))
        send_all(client);
    client->asked = false; /* from here on anew, for whoever came meanwhile */
    ask_for_keys(client);
}

/* One more attempt with newer keys, where there can be any. */
static bool try_newer_keys(struct sqs_call *call)
{
    if (call->class != SQS_CREDENTIALS || call->refused_keys || call->client->closing) return false;
    if (!credentials_refused(call->client->credentials, call->keys)) return false;
    call->refused_keys = call->keys;
    await_keys(call);
    return true;
}

struct bytes sqs_call_answer(const struct sqs_call *call)
{
    return bytes_of(call->http.response.ptr, call->http.response.len);
}

/* ---- trying again ---- */

static void note_clock(struct sqs_client *client, const struct http_request *http)
{
    if (!http->status) return;
    switch (sqs_clock_read(&client->clock, http, time(NULL))) {
    case SQS_CLOCK_AS_BEFORE:
        break;
    case SQS_CLOCK_IS_WRONG:
        log_warn(client->context,
                 "this machine's clock differs from that of SQS by %lld s: requests are signed by "
                 "theirs (set this machine's clock)",
                 (long long)-client->clock.offset_s);
        break;
    case SQS_CLOCK_IS_RIGHT:
        log_info(client->context, "this machine's clock agrees with that of SQS again");
        break;
    }
}

/* A refused signature, while we know by now that our clock was wrong: once more, by theirs. */
static bool clock_was_wrong(struct sqs_call *call)
{
    int64_t by_s = call->client->clock.offset_s - call->clock_offset_s;
    if (call->class != SQS_CLOCK || call->clock_corrected || llabs(by_s) < SQS_CLOCK_SKEW_S)
        return false;
    return call->clock_corrected = true;
}

static bool try_again(struct sqs_call *call)
{
    struct sqs_client *client = call->client;
    const struct http_request *http = &call->http;
    struct sqs_retry_ask ask = {
        .class = call->class,
        .failed = call->attempts,
        .retry_after_ms = sqs_retry_wish_ms(http->answer_headers[HTTP_RETRY_AFTER_MS],
                                            http->answer_headers[HTTP_RETRY_AFTER], time(NULL)),
        .long_poll = call->action == SQS_RECEIVE_MESSAGE,
    };
    uint32_t delay_ms = 0;
    call->error.retry_after_ms = ask.retry_after_ms;
    if (client->closing || call->attempts >= client->max_attempts) return false;
    if (!clock_was_wrong(call) &&
        !sqs_retry_again(&client->retry, &ask, &call->retry_cost, &delay_ms))
        return false;
    call->retry.run = attempt_again;
    TAILQ_INSERT_TAIL(&client->waiting, call, waiting);
    loop_timer_start(client->loop, &call->retry, delay_ms);
    return true;
}

static void answered(struct http_request *http)
{
    struct sqs_call *call = http->arg;
    struct sqs_client *client = call->client;
    sqs_answer_read(call, client->queue->name);
    note_clock(client, http);
    if (call->class == SQS_OK) {
        sqs_retry_succeeded(&client->retry, call->retry_cost);
    } else {
        count(client, COUNT_FAILED_REQUESTS);
        log_debug(client->context, "attempt %u: %s", call->attempts, call->error.text);
        if (try_newer_keys(call) || try_again(call)) return;
    }
    call->done(call);
}

/* ---- the end ---- */

static void drop_buffer(struct buf *b)
{
    free(b->ptr);
    *b = (struct buf){0};
}

void sqs_call_trim(struct sqs_call *call)
{
    if (call->body.cap > KEPT_BUFFER_BYTES) drop_buffer(&call->body);
    if (call->http.response.cap > KEPT_BUFFER_BYTES) drop_buffer(&call->http.response);
}

void sqs_call_free(struct sqs_call *call)
{
    if (call->token.ptr) OPENSSL_cleanse(call->token.ptr, call->token.cap);
    drop_buffer(&call->token);
    drop_buffer(&call->body);
    drop_buffer(&call->signature.authorization);
    http_request_free(&call->http);
}

static void finish_closing(struct sqs_client *client)
{
    void (*closed)(void *) = client->closed;
    void *closed_arg = client->closed_arg;
    if (!client->http_closed || client->asked) return;
    sigv4_signer_destroy(client->signer);
    credentials_close(client->credentials);
    free(client);
    closed(closed_arg);
}

static void http_closed(void *arg)
{
    struct sqs_client *client = arg;
    client->http_closed = true;
    finish_closing(client);
}

void sqs_client_close(struct sqs_client *client, void (*closed)(void *arg), void *arg)
{
    struct sqs_call *call;
    client->closing = true;
    client->closed = closed;
    client->closed_arg = arg;
    while ((call = TAILQ_FIRST(&client->waiting))) {
        stop_waiting(call);
        call->done(call);
    }
    while ((call = TAILQ_FIRST(&client->keyless)))
        fail_without_keys(call, "the bridge is closing");
    if (client->asked)
        client->asked = !credentials_stop_waiting(client->credentials, &client->keys);
    http_client_close(client->http, http_closed, client);
}
