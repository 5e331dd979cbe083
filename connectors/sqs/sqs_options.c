#include "connectors/sqs/sqs.h"

#include <stdio.h>

#include "connectors/http/http.h"

#define QUEUE_FIELD(conf, field) .name = #field, .offset = offsetof(conf, queue.field)

static const char *const tls_versions[] = HTTP_TLS_CHOICES;

/* What both tables begin with. */
#define QUEUE_OPTS(conf)                                                                           \
    {QUEUE_FIELD(conf, queue_url), .type = OPT_STRING, .flags = OPT_REQUIRED,                      \
     .help = "URL of the queue, as the console and GetQueueUrl show it"},                          \
        {QUEUE_FIELD(conf, region), .type = OPT_STRING,                                            \
         .help =                                                                                   \
             "AWS region; default: as queue_url says, else AWS_REGION, AWS_DEFAULT_REGION, or "    \
             "as the credentials say"},                                                            \
        {QUEUE_FIELD(conf, endpoint_url), .type = OPT_STRING,                                      \
         .help = "where requests go instead of the host of queue_url; default: "                   \
                 "AWS_ENDPOINT_URL_SQS, AWS_ENDPOINT_URL"},                                        \
        {QUEUE_FIELD(conf, use_fips_endpoint), .type = OPT_BOOL, .fallback = "false",              \
         .help = "requests go to AWS's FIPS endpoint of the region; AWS_USE_FIPS_ENDPOINT asks "   \
                 "for it, too"},                                                                   \
        {QUEUE_FIELD(conf, use_dualstack_endpoint), .type = OPT_BOOL, .fallback = "false",         \
         .help = "requests go to AWS's endpoint for IPv4 and IPv6; AWS_USE_DUALSTACK_ENDPOINT "    \
                 "asks for it, too"},                                                              \
        {QUEUE_FIELD(conf, access_key_id), .type = OPT_STRING,                                     \
         .help = "access key; default: as the SDKs find it (environment, profile, role ...)"},     \
        {QUEUE_FIELD(conf, secret_access_key), .type = OPT_STRING, .flags = OPT_SECRET,            \
         .help = "its secret"},                                                                    \
        {QUEUE_FIELD(conf, session_token), .type = OPT_STRING, .flags = OPT_SECRET,                \
         .help = "session token of temporary credentials"},                                        \
        {QUEUE_FIELD(conf, credentials), .type = OPT_SECTION, .kind = &credentials_kind,           \
         .help = "name of a credentials section of the top level: how to sign in"},                \
        {QUEUE_FIELD(conf, tls_ca), .type = OPT_PATH,                                              \
         .help = "PEM file of the certificate authorities to trust; default: AWS_CA_BUNDLE, else " \
                 "the system's"},                                                                  \
        {QUEUE_FIELD(conf, tls_min_version), .type = OPT_ENUM, .choices = tls_versions,            \
         .fallback = "1.2", .help = "oldest version of TLS that is spoken"},                       \
        {QUEUE_FIELD(conf, proxy), .type = OPT_STRING, .flags = OPT_SECRET,                        \
         .help = "HTTP proxy, http://[user:password@]host:port, \"\" for none; default: "          \
                 "HTTPS_PROXY; NO_PROXY excepts hosts from either"},                               \
    {                                                                                              \
        QUEUE_FIELD(conf, connect_timeout), .type = OPT_DURATION, .fallback = "10s", .min = 100,   \
                                            .max = 300000, .help = "how long connecting may take"  \
    }

const struct opt sqs_source_opts[] = {
    QUEUE_OPTS(struct sqs_source_conf),
    {OPT_FIELD(struct sqs_source_conf, wait_time_seconds), .type = OPT_SECONDS, .fallback = "20",
     .max = 20, .help = "how long a receive waits for messages; 0: it does not (and costs more)"},
    {OPT_FIELD(struct sqs_source_conf, visibility_timeout), .type = OPT_SECONDS, .fallback = "0",
     .max = 43200,
     .help = "how long a received message stays invisible to others before it is extended; 0: as "
             "the queue says"},
    {OPT_FIELD(struct sqs_source_conf, max_pollers), .type = OPT_INT, .fallback = "100", .min = 1,
     .max = 1000,
     .help = "most receives at once; there are that many only while they come back full"},
    OPT_END,
};

const struct opt sqs_sink_opts[] = {
    QUEUE_OPTS(struct sqs_sink_conf),
    {OPT_FIELD(struct sqs_sink_conf, message_group_id), .type = OPT_TEMPLATE,
     .help = "message group of each message; default on FIFO queues: the message's key, or else "
             "the pipeline's name"},
    {OPT_FIELD(struct sqs_sink_conf, message_deduplication_id), .type = OPT_TEMPLATE,
     .help = "deduplication id on FIFO queues; default: a hash of pipeline, topic, position and "
             "time, so "
             "that a message that is sent again within five minutes is not delivered twice, after "
             "a crash neither. What has no position that outlives a crash is: MQTT messages, which "
             "are named when they arrive (and in the store keep that), and the lines of a file, "
             "which are new with each run"},
    {OPT_FIELD(struct sqs_sink_conf, delay_seconds), .type = OPT_SECONDS, .fallback = "0",
     .max = 900, .help = "how long a message stays hidden after it was sent; 0: as the queue says"},
    {OPT_FIELD(struct sqs_sink_conf, linger), .type = OPT_DURATION, .fallback = "5ms", .max = 60000,
     .help = "how long a batch of less than ten waits for more messages"},
    {OPT_FIELD(struct sqs_sink_conf, max_connections), .type = OPT_INT, .fallback = "16", .min = 1,
     .max = 1000, .help = "most batches on their way at once"},
    {OPT_FIELD(struct sqs_sink_conf, fifo_batch_same_group), .type = OPT_BOOL, .fallback = "false",
     .help = "messages of one group share a batch: up to ten times the messages a second of a "
             "group, but where SQS refuses some of a batch and takes others, those refused come "
             "after the rest of their batch (in their order, and before what is behind it); "
             "false: a message waits until the one before it of its group is accepted"},
    {OPT_FIELD(struct sqs_sink_conf, max_message_bytes), .type = OPT_SIZE, .fallback = "1MiB",
     .min = 1024, .max = 1048576,
     .help = "largest message with its attributes, as the queue's MaximumMessageSize says"},
    OPT_END,
};

static void check_queue(const struct sqs_conf *conf, struct opt_report *r)
{
    struct sqs_queue queue;
    struct error e;
    const char *option;
    if (!conf->queue_url) return; /* the table has said so */
    if (!sqs_queue_resolve(conf, &queue, &option, &e)) opt_complain(r, option, "%s", e.text);
    if (conf->credentials &&
        (conf->access_key_id || conf->secret_access_key || conf->session_token))
        opt_complain(r, "credentials",
                     "both credentials and keys are given (remove access_key_id, secret_access_key "
                     "and session_token, or credentials)");
    if (conf->access_key_id && !conf->secret_access_key)
        opt_complain(r, "access_key_id", "access_key_id without secret_access_key (set both)");
    if (conf->secret_access_key && !conf->access_key_id)
        opt_complain(r, "secret_access_key", "secret_access_key without access_key_id (set both)");
    if (conf->session_token && !conf->access_key_id)
        opt_complain(r, "session_token", "session_token without access_key_id (set both)");
}

void sqs_source_check(const void *conf, struct opt_report *r)
{
    const struct sqs_source_conf *c = conf;
    check_queue(&c->queue, r);
}

void sqs_sink_check(const void *conf, struct opt_report *r)
{
    const struct sqs_sink_conf *c = conf;
    check_queue(&c->queue, r);
    if (!c->queue.queue_url) return;
    bool fifo = sqs_is_fifo(&c->queue);
    if (fifo && c->delay_seconds)
        opt_complain(r, "delay_seconds",
                     "a FIFO queue knows no delay per message (set the queue's DelaySeconds)");
    if (!fifo && c->fifo_batch_same_group)
        opt_complain(r, "fifo_batch_same_group",
                     "only FIFO queues keep the order of a group, and the name of this one does "
                     "not end in .fifo (remove the option, or check queue_url)");
    if (!fifo && c->message_deduplication_id)
        opt_complain(r, "message_deduplication_id",
                     "only FIFO queues deduplicate, and the name of this one does not end in .fifo "
                     "(remove the option, or check queue_url)");
}
