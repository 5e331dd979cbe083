/* The options of both sides, and the rules between them. Thread: any; constant once loaded. Owner:
 * the configuration, which outlives every pipeline. */
#ifndef MQTT_CONF_H
#define MQTT_CONF_H

#include "bridge/connector.h"
#include "bridge/template.h"
#include "connectors/mqtt/mqtt_url.h"

enum mqtt_protocol { MQTT_5, MQTT_3_1_1 };

/* What both sides have: the first member of each side's struct. */
struct mqtt_conf {
    const char *server, *client_id, *username, *password;
    int protocol;                                 /* enum mqtt_protocol */
    int64_t keep_alive, connect_timeout;          /* seconds */
    int64_t reconnect_delay, reconnect_max_delay; /* ms */
    const char *tls_ca, *tls_cert, *tls_key, *tls_key_password;
    bool tls_verify;
    struct opt_list alpn;
    const char *proxy;
    struct opt_list ws_headers;
    const char *will_topic, *will_payload;
    int64_t will_qos;
    bool will_retain;
};

struct mqtt_source_conf {
    struct mqtt_conf mqtt;
    struct opt_list topics;
    int64_t qos;
    int64_t session_expiry; /* seconds */
    int64_t max_buffer_bytes;
    bool accept_loss;
};

struct mqtt_sink_conf {
    struct mqtt_conf mqtt;
    const struct template *topic;
    int64_t qos;
    bool retain;
    int64_t message_expiry; /* seconds, 0: never */
    int64_t max_in_flight;
    int64_t topic_aliases;
};

extern const struct opt mqtt_source_opts[], mqtt_sink_opts[];
void mqtt_source_check(const void *conf, struct opt_report *r);
void mqtt_sink_check(const void *conf, struct opt_report *r);

/* A name in the topic tree: at least one byte, UTF-8, no NUL and no wildcard [MQTT-3.3.2-2]. */
bool mqtt_topic_is_valid(struct bytes topic);
bool mqtt_filter_is_valid(struct bytes filter); /* wildcards where they may be; $share/group/... */
bool mqtt_filter_is_shared(struct bytes filter);

/* The configured client identifier, or one made of the machine's id and the pipeline's name; worker
 * N > 0 gets a suffix. The same at each start where stable, else with a random part. Free with
 * free(). */
char *mqtt_client_id(const struct mqtt_conf *conf, const char *pipeline, unsigned worker,
                     bool stable);

/* "broker:8883", for messages to people. Borrowed from text. */
const char *mqtt_broker_name(const struct mqtt_conf *conf, char *text, size_t size);

#endif
