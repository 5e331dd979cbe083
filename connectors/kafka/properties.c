/* Which of librdkafka's properties a user may not set, and why. Gone through for librdkafka 2.0.2:
 * all others may be set. */
#include <ctype.h>
#include <string.h>

#include "connectors/kafka/conf.h"

#define CONFIRMED "a message is acknowledged at its source only when all in-sync replicas have it"
#define IDEMPOTENT                                                                                 \
    "the producer is idempotent: order, and no repeats when it sends again, rest on it"
#define PATIENT "a message is kept until the cluster has it; see max_attempts of the pipeline"
#define COMMITS "offsets are committed only when every sink has confirmed; see commit_interval"
#define MACHINERY "the bridge sets it"
#define PRINTED "properties are printed; "

static const struct {
    const char *name, *why;
} refused[] = {
    {"acks", CONFIRMED},
    {"request.required.acks", CONFIRMED},
    {"delivery.report.only.error", CONFIRMED},
    {"enable.idempotence", IDEMPOTENT},
    {"enable.gapless.guarantee", "one refused message would end the producer"},
    {"max.in.flight", IDEMPOTENT},
    {"max.in.flight.requests.per.connection", IDEMPOTENT},
    {"queuing.strategy", IDEMPOTENT},
    {"msg_order_cmp", IDEMPOTENT},
    {"retries", PATIENT},
    {"message.send.max.retries", PATIENT},
    {"message.timeout.ms", PATIENT},
    {"delivery.timeout.ms", PATIENT},
    {"transactional.id", "the bridge uses no transactions"},
    {"transaction.timeout.ms", "the bridge uses no transactions"},

    {"enable.auto.commit", COMMITS},
    {"auto.commit.enable", COMMITS},
    {"auto.commit.interval.ms", COMMITS},
    {"enable.auto.offset.store", COMMITS},
    {"offset.store.method", COMMITS},
    {"offset.store.path", COMMITS},
    {"offset.store.sync.interval.ms", COMMITS},
    {"enable.partition.eof", "the bridge has no use for it"},

    {"enabled_events", MACHINERY},
    {"background_event_cb", MACHINERY},
    {"error_cb", MACHINERY},
    {"throttle_cb", MACHINERY},
    {"stats_cb", MACHINERY},
    {"log_cb", MACHINERY},
    {"log.queue", MACHINERY},
    {"log.thread.name", MACHINERY},
    {"socket_cb", MACHINERY},
    {"connect_cb", MACHINERY},
    {"closesocket_cb", MACHINERY},
    {"open_cb", MACHINERY},
    {"resolve_cb", MACHINERY},
    {"opaque", MACHINERY},
    {"default_topic_conf", MACHINERY},
    {"internal.termination.signal", MACHINERY},
    {"oauthbearer_token_refresh_cb", MACHINERY},
    {"enable_sasl_queue", MACHINERY},
    {"test.mock.num.brokers", "messages would go to a cluster that does not exist"},
    {"interceptors", MACHINERY},
    {"consume_cb", MACHINERY},
    {"rebalance_cb", MACHINERY},
    {"offset_commit_cb", MACHINERY},
    {"dr_cb", MACHINERY},
    {"dr_msg_cb", MACHINERY},
    {"partitioner_cb", MACHINERY},
    {"ssl_key", MACHINERY},
    {"ssl_certificate", MACHINERY},
    {"ssl_ca", MACHINERY},
    {"ssl_engine_callback_data", MACHINERY},
    {"ssl.certificate.verify_cb", MACHINERY},

    {"bootstrap.servers", "use bootstrap_servers"},
    {"metadata.broker.list", "use bootstrap_servers"},
    {"client.id", "use client_id"},
    {"group.id", "use group_id"},
    {"group.instance.id", "use group_instance_id"},
    {"session.timeout.ms", "use session_timeout"},
    {"auto.offset.reset", "use auto_offset_reset"},
    {"security.protocol", "use security_protocol"},
    {"sasl.mechanism", "use sasl_mechanism"},
    {"sasl.mechanisms", "use sasl_mechanism"},
    {"sasl.username", "use sasl_username"},
    {"ssl.ca.location", "use tls_ca"},
    {"ssl.certificate.location", "use tls_cert"},
    {"ssl.key.location", "use tls_key"},

    {"sasl.password", PRINTED "use sasl_password, which is masked"},
    {"ssl.key.password", PRINTED "use tls_key_password, which is masked"},
    {"ssl.key.pem", PRINTED "use tls_key"},
    {"ssl.keystore.location", "use tls_cert and tls_key"},
    {"ssl.keystore.password", PRINTED "use tls_cert, tls_key and tls_key_password"},
    {"sasl.oauthbearer.client.secret", PRINTED "use sasl_token_file"},
    {"sasl.oauthbearer.config", PRINTED "use sasl_token_file"},
    {"enable.sasl.oauthbearer.unsecure.jwt", "use sasl_token_file"},
};

const char *kafka_property_refused(const char *name)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        if (strcmp(name, refused[i].name) == 0) return refused[i].why;
    return NULL;
}

bool kafka_property_split(const char *text, char *name, size_t size, const char **value)
{
    const char *equals = strchr(text, '=');
    if (!equals) return false;
    const char *end = equals;
    while (isspace((unsigned char)*text))
        text++;
    while (end > text && isspace((unsigned char)end[-1]))
        end--;
    size_t len = (size_t)(end - text);
    if (len == 0 || len >= size) return false;
    memcpy(name, text, len);
    name[len] = '\0';
    *value = equals + 1 + strspn(equals + 1, " \t");
    return true;
}
