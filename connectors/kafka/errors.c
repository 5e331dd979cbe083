#include "connectors/kafka/errors.h"

#include <string.h>

#include "bridge/bytes.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

struct advice {
    const char *sign; /* found in librdkafka's text */
    enum fault fault;
    const char *cure;
};

/* The first that fits. */
static const struct advice connection_advice[] = {
    {"while requesting ApiVersion", FAULT_CONFIG,
     "does this port speak TLS? check security_protocol"},
    {"might require SASL", FAULT_CONFIG, "does this port want a login? check security_protocol"},
    {"certificate verify failed", FAULT_CONFIG,
     "check that tls_ca holds the authority that signed the broker's certificate"},
    {"IP address mismatch", FAULT_CONFIG, "connect by a name that is in the certificate"},
    {"hostname mismatch", FAULT_CONFIG, "connect by a name that is in the certificate"},
    {"certificate required", FAULT_CONFIG, "give tls_cert and tls_key"},
    {"certificate unknown", FAULT_CONFIG, "the broker does not take this tls_cert"},
    {"bad certificate", FAULT_CONFIG, "the broker does not take this tls_cert"},
    {"alert unknown ca", FAULT_CONFIG, "the broker does not trust the signer of tls_cert"},
    {"SSL", FAULT_CONFIG, "does this port speak TLS? check security_protocol and the tls_ options"},
    {"OAUTHBEARER token", FAULT_CONFIG, "check sasl_token_file"},
    {"SASL authentication error", FAULT_CONFIG, "check sasl_username and sasl_password"},
    {"SaslAuthenticate", FAULT_CONFIG, "check sasl_username and sasl_password"},
    {"SASL", FAULT_CONFIG, "check sasl_mechanism, sasl_username and sasl_password"},
    {"Failed to resolve", FAULT_DOWN, "check the host name in bootstrap_servers"},
    {"Connection refused", FAULT_DOWN,
     "is the broker running, and is this its address? check bootstrap_servers"},
    {"timed out", FAULT_DOWN, "is the broker running, and does a firewall let us through?"},
};

static const struct advice *find_advice(const char *text)
{
    for (size_t i = 0; i < ARRAY_LEN(connection_advice); i++)
        if (strstr(text, connection_advice[i].sign)) return &connection_advice[i];
    return NULL;
}

/* Cuts what would make every repeat look new ("(after 3ms in state CONNECT, 2 identical error(s)
 * suppressed)"), and librdkafka's own guesses, which speak of its properties. */
static int useful_length(const char *text)
{
    static const char *const ends[] = {
        " (after ",
        ": broker certificate could not be verified",
        ": might be caused by",
        ": verify that security.protocol",
    };
    size_t len = strlen(text);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        const char *end = strstr(text, ends[i]);
        if (end && (size_t)(end - text) < len) len = (size_t)(end - text);
    }
    return (int)len;
}

void kafka_error_connection(struct error *e, const char *text)
{
    const struct advice *advice = find_advice(text);
    int len = useful_length(text);
    if (!advice)
        error_set(e, FAULT_DOWN, "connecting to Kafka: %.*s", len, text);
    else
        error_set(e, advice->fault, "connecting to Kafka: %.*s (%s)", len, text, advice->cure);
}

bool kafka_error_is_connection(rd_kafka_resp_err_t code)
{
    static const rd_kafka_resp_err_t codes[] = {
        RD_KAFKA_RESP_ERR__TRANSPORT,
        RD_KAFKA_RESP_ERR__RESOLVE,
        RD_KAFKA_RESP_ERR__SSL,
        RD_KAFKA_RESP_ERR__AUTHENTICATION,
        RD_KAFKA_RESP_ERR__TIMED_OUT,
        RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE,
        RD_KAFKA_RESP_ERR__NODE_UPDATE,
        RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED,
        RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION,
    };
    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (code == codes[i]) return true;
    return false;
}

struct code_advice {
    rd_kafka_resp_err_t code;
    enum fault fault;
    const char *why;
};

static const struct code_advice topic_advice[] = {
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, FAULT_CONFIG,
     "it does not exist (create it, or correct the name)"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, FAULT_CONFIG,
     "it does not exist (create it, or correct the name)"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, FAULT_CONFIG,
     "it has lost partitions (was it deleted and made anew?)"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FAULT_CONFIG,
     "this user may not (give it an ACL: READ and DESCRIBE for a source, WRITE and DESCRIBE for a "
     "sink)"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, FAULT_CONFIG,
     "this user may not use an idempotent producer (give it the ACL IDEMPOTENT_WRITE on the "
     "cluster)"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, FAULT_CONFIG, "this is no name for a topic"},
    {RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, FAULT_CONFIG,
     "the group has no valid offset, and auto_offset_reset is \"error\" (set the group's offsets, "
     "or use earliest or latest)"},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, FAULT_DOWN, "a partition has no leader at the moment"},
};

static const struct code_advice *advice_on(rd_kafka_resp_err_t code, const struct code_advice *list,
                                           size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].code == code) return &list[i];
    return NULL;
}

void kafka_error_topic(struct error *e, const char *topic, rd_kafka_resp_err_t code)
{
    const struct code_advice *advice = advice_on(code, topic_advice, ARRAY_LEN(topic_advice));
    enum fault fault = advice ? advice->fault : FAULT_DOWN;
    const char *why = advice ? advice->why : rd_kafka_err2str(code);
    error_set(e, fault, "writing to topic \"%s\": %s", topic, why);
}

static const struct code_advice group_advice[] = {
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, FAULT_CONFIG,
     "this user may not (give it the ACL READ on the group)"},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, FAULT_CONFIG,
     "another consumer has the same group_instance_id (each needs its own)"},
    {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL, FAULT_CONFIG,
     "its other members use another assignor (set partition.assignment.strategy in properties as "
     "they do)"},
    {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT, FAULT_CONFIG,
     "the broker does not allow this session_timeout (see its group.min.session.timeout.ms and "
     "group.max.session.timeout.ms)"},
    {RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED, FAULT_CONFIG,
     "it is full (raise the broker's group.max.size)"},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, FAULT_DOWN,
     "the bridge was stopped for longer than max.poll.interval.ms and lost its partitions; it "
     "joins again"},
};

void kafka_error_consumer(struct error *e, const char *group, rd_kafka_resp_err_t code,
                          const char *text)
{
    const struct code_advice *topic = advice_on(code, topic_advice, ARRAY_LEN(topic_advice));
    const struct code_advice *own = advice_on(code, group_advice, ARRAY_LEN(group_advice));
    if (topic)
        error_set(e, topic->fault, "reading from Kafka: %s: %s", text, topic->why);
    else if (own)
        error_set(e, own->fault, "consumer group \"%s\": %s", group, own->why);
    else
        error_set(e, FAULT_DOWN, "consumer group \"%s\": %s", group, text);
}

static bool is_any(rd_kafka_resp_err_t code, const rd_kafka_resp_err_t *codes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (codes[i] == code) return true;
    return false;
}

enum kafka_refusal kafka_error_refusal(rd_kafka_resp_err_t code)
{
    static const rd_kafka_resp_err_t batch[] = {
        RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_INVALID_RECORD,
        RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,  RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT,
        RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
    };
    static const rd_kafka_resp_err_t topic[] = {
        RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
        RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
        RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
        RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION,
    };
    static const rd_kafka_resp_err_t producer[] = {
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
        RD_KAFKA_RESP_ERR__FENCED,
        RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
    };
    if (is_any(code, producer, ARRAY_LEN(producer))) return KAFKA_REFUSED_PRODUCER;
    if (is_any(code, batch, ARRAY_LEN(batch))) return KAFKA_REFUSED_BATCH;
    if (is_any(code, topic, ARRAY_LEN(topic))) return KAFKA_REFUSED_TOPIC;
    return KAFKA_REFUSED_LATER;
}

void kafka_error_message(struct error *e, const char *topic, rd_kafka_resp_err_t code, size_t size)
{
    const char *cure = "";
    if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)
        cure = " (raise the topic's max.message.bytes, or send it elsewhere by dead_letter)";
    else if (code == RD_KAFKA_RESP_ERR_INVALID_RECORD)
        cure = " (a compacted topic takes no message without a key: see the option key)";
    else if (code == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP)
        cure = " (see the topic's message.timestamp.before.max.ms and .after.max.ms)";
    error_set(e, FAULT_REJECT, "topic \"%s\" refuses a message of %zu bytes: %s%s", topic, size,
              rd_kafka_err2str(code), cure);
}
