/* The configuration of both sides, and the queue that it names. Thread: any; constant once loaded.
 * Owner: the configuration, which outlives every pipeline. */
#ifndef CONNECTORS_SQS_SQS_H
#define CONNECTORS_SQS_SQS_H

#include "bridge/connector.h"
#include "bridge/template.h"
#include "connectors/aws/credentials_conf.h"
#include "connectors/aws/endpoint.h"

/* What both sides need to reach their queue. */
struct sqs_conf {
    const char *queue_url, *region, *endpoint_url;
    const char *access_key_id, *secret_access_key, *session_token;
    bool use_fips_endpoint, use_dualstack_endpoint;
    const struct credentials_conf *credentials; /* NULL: the keys above, or the SDKs' chain */
    const char *tls_ca, *proxy;
    int tls_min_version;     /* enum http_tls */
    int64_t connect_timeout; /* ms */
};

struct sqs_source_conf {
    struct sqs_conf queue;
    int64_t wait_time_seconds;
    int64_t visibility_timeout; /* s; 0: the queue's own */
    int64_t max_pollers;
};

struct sqs_sink_conf {
    struct sqs_conf queue;
    int64_t delay_seconds; /* 0: the queue's own */
    int64_t linger;        /* ms */
    int64_t max_connections;
    int64_t max_message_bytes;
    bool fifo_batch_same_group;
    const struct template *message_group_id, *message_deduplication_id; /* NULL: as described */
};

extern const struct connector connector_sqs;
extern const struct source_ops sqs_source_ops;
extern const struct sink_ops sqs_sink_ops;

/* sqs_options.c: the tables, and what they can't say */
extern const struct opt sqs_source_opts[], sqs_sink_opts[];
void sqs_source_check(const void *conf, struct opt_report *r);
void sqs_sink_check(const void *conf, struct opt_report *r);

/* sqs_queue.c: where the queue is, from the configuration and the environment */
struct sqs_queue {
    const char *url; /* as configured: SQS takes it as the queue's name */
    char name[81];
    bool fifo;
    char region[64];              /* empty: as the keys say */
    struct aws_endpoint endpoint; /* where requests go */
};

/* False: *option is the one to blame (NULL: none in particular), e says why. */
bool sqs_queue_resolve(const struct sqs_conf *conf, struct sqs_queue *queue, const char **option,
                       struct error *e) MUST_USE;

/* The same without a queue, for what is asked of the service: url NULL, name empty. */
bool sqs_service_resolve(const struct sqs_conf *conf, struct sqs_queue *queue,
                         struct error *e) MUST_USE;

bool sqs_is_fifo(const struct sqs_conf *conf);                           /* by its name */
void sqs_describe(const struct sqs_conf *conf, char *text, size_t size); /* "sqs orders" */

#endif
