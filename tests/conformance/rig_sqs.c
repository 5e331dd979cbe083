/* The SQS connector, against the strict simulator, behind a forwarder: a queue without order, and a
 * FIFO queue. Its control endpoint tells what is in the queue without receiving it. */
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bridge/text.h"
#include "tests/conformance/forwarder.h"
#include "tests/conformance/json_tree.h"
#include "tests/conformance/process.h"
#include "tests/conformance/rig.h"
#include "tests/conformance/wait.h"

enum { SEND_AT_ONCE = 10 };

struct sqs_rig {
    struct rig base;
    struct process sim;
    struct forwarder *forwarder;
    char url[64];
    const char *queue;
    CURL *curl;
    struct parcels arrived;
    unsigned sent; /* for deduplication ids */
};

/* ---- requests ---- */

static size_t take_answer(char *ptr, size_t size, size_t n, void *arg)
{
    buf_add(arg, ptr, size * n);
    return size * n;
}

/* Returns the answer's text; free() it. body NULL: GET. */
static struct buf request(struct sqs_rig *r, const char *path, const char *target,
                          const struct buf *body)
{
    struct buf answer = {0};
    struct curl_slist *headers = NULL;
    char *url = mem_printf("%s%s", r->url, path);
    char *header = mem_printf("X-Amz-Target: AmazonSQS.%s", target ? target : "");
    long status = 0;
    headers = curl_slist_append(headers, "Content-Type: application/x-amz-json-1.0");
    if (target) headers = curl_slist_append(headers, header);
    curl_easy_reset(r->curl);
    curl_easy_setopt(r->curl, CURLOPT_URL, url);
    curl_easy_setopt(r->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(r->curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(r->curl, CURLOPT_WRITEDATA, &answer);
    if (body) curl_easy_setopt(r->curl, CURLOPT_POSTFIELDSIZE, (long)body->len);
    if (body) curl_easy_setopt(r->curl, CURLOPT_POSTFIELDS, body->ptr);
    CURLcode code = curl_easy_perform(r->curl);
    curl_easy_getinfo(r->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code || status != 200)
        check_failed("%s: %s, status %ld: %.*s", url, curl_easy_strerror(code), status,
                     (int)answer.len, answer.ptr ? answer.ptr : "");
    curl_slist_free_all(headers);
    free(url);
    free(header);
    return answer;
}

static struct buf inspect(struct sqs_rig *r, unsigned limit)
{
    char path[128];
    snprintf(path, sizeof(path), "/_sim/queues/%s?limit=%u", r->queue, limit);
    return request(r, path, NULL, NULL);
}

static bool is_fifo(const struct sqs_rig *r)
{
    return strstr(r->queue, ".fifo") != NULL;
}

/* ---- the far end ---- */

static struct rig *open_queue(const char *folder, const char *queue)
{
    const char *const argv[] = {PROGRAMS "/sqs_sim", "--no-auth", "--queue", queue, NULL};
    struct sqs_rig *r = mem_zalloc(sizeof(*r));
    char line[128], *log = mem_printf("%s/sqs_sim.log", folder);
    unsigned port = 0;
    r->queue = queue;
    r->sim = process_start_piped(argv, log);
    process_read_line(&r->sim, line, sizeof(line));
    if (sscanf(line, "listening http://127.0.0.1:%u", &port) != 1)
        check_failed("sqs_sim: %s", line);
    snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u", port);
    r->forwarder = forwarder_start((uint16_t)port);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    r->curl = curl_easy_init();
    free(log);
    return &r->base;
}

static struct rig *open_standard(const char *folder)
{
    return open_queue(folder, "conformance");
}

static struct rig *open_fifo(const char *folder)
{
    return open_queue(folder, "conformance.fifo");
}

static void rig_close(struct rig *rig)
{
    struct sqs_rig *r = (struct sqs_rig *)rig;
    forwarder_stop(r->forwarder);
    process_stop(&r->sim, SIGTERM);
    curl_easy_cleanup(r->curl);
    parcels_release(&r->arrived);
    free(r);
}

static void rig_down(struct rig *rig)
{
    forwarder_down(((struct sqs_rig *)rig)->forwarder);
}

static void rig_up(struct rig *rig)
{
    forwarder_up(((struct sqs_rig *)rig)->forwarder);
}

static void rig_stall(struct rig *rig)
{
    process_signal(&((struct sqs_rig *)rig)->sim, SIGSTOP);
}

static void rig_resume(struct rig *rig)
{
    process_signal(&((struct sqs_rig *)rig)->sim, SIGCONT);
}

static void rig_options(struct rig *rig, struct buf *options)
{
    struct sqs_rig *r = (struct sqs_rig *)rig;
    buf_printf(options,
               "type = \"sqs\"; queue_url = \"http://127.0.0.1:%u/123456789012/%s\"; "
               "region = \"us-east-1\"; access_key_id = \"AKIDSIM\"; "
               "secret_access_key = \"simsecret\";",
               forwarder_port(r->forwarder), r->queue);
}

/* ---- putting messages in ---- */

static void write_type(struct json_writer *w, const struct attr *a)
{
    static const char *const types[] = {"String", "Number", "Binary"};
    char *type =
        mem_printf("%s%s%.*s", types[a->type], a->subtype.len ? "." : "", BYTES_ARGS(a->subtype));
    json_key(w, "DataType");
    json_string(w, bytes_str(type));
    free(type);
}

static void write_attribute(struct json_writer *w, const struct attr *a)
{
    json_key_bytes(w, a->name);
    json_object(w);
    write_type(w, a);
    json_key(w, a->type == ATTR_BINARY ? "BinaryValue" : "StringValue");
    if (a->type == ATTR_BINARY)
        json_base64(w, a->value);
    else
        json_string(w, a->value);
    json_object_end(w);
}

/* What SQS can't carry as it is goes as another bridge would send it. */
static const char *encoding_of(const struct msg *m)
{
    if (!m->body.ptr) return "none";
    if (!m->body.len) return "empty";
    return text_is_xml(m->body) ? NULL : "base64";
}

static void write_body(struct json_writer *w, const struct msg *m)
{
    const char *encoding = encoding_of(m);
    json_key(w, "MessageBody");
    if (!encoding)
        json_string(w, m->body);
    else if (m->body.len)
        json_base64(w, m->body);
    else
        json_string(w, BYTES_LIT("-"));
    json_key(w, "MessageAttributes");
    json_object(w);
    for (size_t i = 0; i < m->attr_count; i++)
        write_attribute(w, &m->attrs[i]);
    struct attr mark = {.name = BYTES_LIT("sqsbridge.encoding"), .value = bytes_str(encoding)};
    if (encoding) write_attribute(w, &mark);
    json_object_end(w);
}

static void write_entry(struct sqs_rig *r, struct json_writer *w, const struct msg *m)
{
    char id[32];
    snprintf(id, sizeof(id), "%u", r->sent++);
    json_object(w);
    json_key(w, "Id");
    json_string(w, bytes_str(id));
    write_body(w, m);
    if (is_fifo(r)) {
        json_key(w, "MessageGroupId");
        json_string(w, m->key);
        json_key(w, "MessageDeduplicationId");
        json_string(w, bytes_str(id));
    }
    json_object_end(w);
}

static void send_batch(struct sqs_rig *r, struct msg *const *items, size_t n)
{
    struct buf body = {0};
    struct json_writer w = {.out = &body};
    char *url = mem_printf("%s/123456789012/%s", r->url, r->queue);
    json_object(&w);
    json_key(&w, "QueueUrl");
    json_string(&w, bytes_str(url));
    json_key(&w, "Entries");
    json_array(&w);
    for (size_t i = 0; i < n; i++)
        write_entry(r, &w, items[i]);
    json_array_end(&w);
    json_object_end(&w);
    struct buf answer = request(r, "/", "SendMessageBatch", &body);
    if (memmem(answer.ptr, answer.len, "\"Failed\":[{", 11))
        check_failed("sending to the simulator: %.*s", (int)answer.len, answer.ptr);
    free(answer.ptr);
    free(body.ptr);
    free(url);
}

static void rig_put(struct rig *rig, const struct parcels *parcels, size_t from, size_t n)
{
    while (n) {
        size_t batch = n < SEND_AT_ONCE ? n : SEND_AT_ONCE;
        send_batch((struct sqs_rig *)rig, parcels->items + from, batch);
        from += batch;
        n -= batch;
    }
}

static size_t rig_acked(struct rig *rig)
{
    struct buf answer = inspect((struct sqs_rig *)rig, 0);
    struct tree *queue = tree_parse(answer.ptr, answer.len);
    size_t deleted = (size_t)tree_int(queue, "deleted");
    tree_free(queue);
    free(answer.ptr);
    return deleted;
}

/* ---- looking at what arrived ---- */

static struct bytes decode(struct bytes base64, struct buf *keep)
{
    size_t at = keep->len;
    if (!text_unbase64(base64, keep)) check_failed("not base64: %.*s", BYTES_ARGS(base64));
    return bytes_of(keep->ptr + at, keep->len - at);
}

static struct attr read_attribute(const struct tree *t, struct buf *keep)
{
    static const struct bytes types[] = {{"String", 6}, {"Number", 6}, {"Binary", 6}};
    struct bytes type = tree_find(t, "type")->text;
    struct attr a = {.name = t->name, .value = tree_find(t, "value")->text};
    for (int i = 0; i < 3; i++)
        if (bytes_starts_with(type, types[i])) a.type = (enum attr_type)i;
    if (type.len > 7) a.subtype = bytes_of((const char *)type.ptr + 7, type.len - 7);
    if (a.type == ATTR_BINARY) a.value = decode(a.value, keep);
    return a;
}

static void undo_encoding(struct msg_draft *draft, struct bytes form, struct buf *keep)
{
    if (bytes_eq(form, BYTES_LIT("base64")))
        draft->body = decode(draft->body, keep);
    else if (!bytes_eq(draft->body, BYTES_LIT("-")))
        check_failed("an %.*s body is \"%.*s\"", BYTES_ARGS(form), BYTES_ARGS(draft->body));
    else
        draft->body = bytes_eq(form, BYTES_LIT("none")) ? BYTES_NONE : bytes_of("", 0);
}

static void take_message(struct sqs_rig *r, const struct tree *t)
{
    const struct tree *attributes = tree_find(t, "attributes"), *group = tree_find(t, "group");
    struct attr attrs[16];
    struct buf keep = {0};
    struct msg_draft draft = {.body = tree_find(t, "body")->text, .attrs = attrs};
    buf_reserve(&keep, 256 * 1024); /* once: views must not move */
    if (group) draft.key = group->text;
    for (size_t i = 0; i < attributes->count; i++) {
        struct attr a = read_attribute(&attributes->items[i], &keep);
        if (bytes_eq(a.name, BYTES_LIT("sqsbridge.encoding")))
            undo_encoding(&draft, a.value, &keep);
        else
            attrs[draft.attr_count++] = a;
    }
    parcels_add(&r->arrived, &draft);
    free(keep.ptr);
}

static const struct parcels *rig_arrived(struct rig *rig)
{
    struct sqs_rig *r = (struct sqs_rig *)rig;
    struct buf answer = inspect(r, 100000);
    struct tree *queue = tree_parse(answer.ptr, answer.len);
    const struct tree *messages = tree_find(queue, "messages");
    parcels_release(&r->arrived);
    for (size_t i = 0; i < messages->count; i++)
        take_message(r, &messages->items[i]);
    tree_free(queue);
    free(answer.ptr);
    return &r->arrived;
}

#define SQS_RIG                                                                                    \
    .close = rig_close, .down = rig_down, .up = rig_up, .stall = rig_stall, .resume = rig_resume,  \
    .source = rig_options, .put = rig_put, .acked = rig_acked, .sink = rig_options,                \
    .arrived = rig_arrived

static const struct rig_ops standard = {
    .name = "sqs",
    .source_traits = PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .sink_traits = PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .open = open_standard,
    SQS_RIG,
};

static const struct rig_ops fifo = {
    .name = "sqs_fifo",
    .source_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .sink_traits = PARCEL_KEY | PARCEL_ATTRIBUTES | PARCEL_NO_BODY,
    .open = open_fifo,
    SQS_RIG,
};

const struct rig_ops *const rigs[] = {&standard, &fifo, NULL};
