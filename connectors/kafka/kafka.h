/* The Kafka connector: what its parts share. Configurations as the option tables (options.c) fill
 * them, and the two sides. Thread: the pipeline's. Owner: config/ owns the configurations. */
#ifndef CONNECTORS_KAFKA_KAFKA_H
#define CONNECTORS_KAFKA_KAFKA_H

#include "bridge/connector.h"
#include "bridge/template.h"

/* In the order of the choices in options.c. */
enum kafka_protocol { KAFKA_PLAINTEXT, KAFKA_SSL, KAFKA_SASL_PLAINTEXT, KAFKA_SASL_SSL };
enum kafka_mechanism {
    KAFKA_PLAIN,
    KAFKA_SCRAM_256,
    KAFKA_SCRAM_512,
    KAFKA_OAUTHBEARER,
    KAFKA_GSSAPI
};

extern const char *const kafka_protocols[];  /* as librdkafka spells them, NULL at the end */
extern const char *const kafka_mechanisms[]; /* likewise */
extern const char *const kafka_offset_resets[];
enum kafka_offset_reset { KAFKA_RESET_EARLIEST, KAFKA_RESET_LATEST, KAFKA_RESET_ERROR };
enum kafka_lost_offset { KAFKA_LOST_STOP, KAFKA_LOST_RESET };
extern const char *const kafka_compressions[];

/* How to reach the cluster: both sides have these. */
struct kafka_client_conf {
    const char *bootstrap_servers, *client_id;
    int security_protocol, sasl_mechanism;
    const char *sasl_username, *sasl_password, *sasl_token_file;
    const char *tls_ca, *tls_cert, *tls_key, *tls_key_password;
    struct opt_list properties; /* "linger.ms=5": any of librdkafka's that is not refused */
};

struct kafka_source_conf {
    struct kafka_client_conf client;
    struct opt_list topics;
    const char *group_id, *group_instance_id;
    int auto_offset_reset, lost_offset;
    int64_t session_timeout, commit_interval; /* ms */
};

struct kafka_sink_conf {
    struct kafka_client_conf client;
    const struct template *topic, *key;
    int compression;
    int64_t linger;     /* ms */
    int64_t batch_size; /* bytes */
};

extern const struct opt kafka_source_opts[], kafka_sink_opts[];

void kafka_source_check(const void *conf, struct opt_report *r);
void kafka_sink_check(const void *conf, struct opt_report *r);

/* Letters, digits, dot, dash and underscore, 249 at most. */
bool kafka_topic_is_legal(struct bytes name);

extern const struct source_ops kafka_source;
extern const struct sink_ops kafka_sink;

#endif
