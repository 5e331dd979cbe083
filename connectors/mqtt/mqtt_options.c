/* The option tables of both sides. */
#include "connectors/mqtt/mqtt_conf.h"

static const char *const protocols[] = {"5", "3.1.1", NULL};

/* offsetof() of the shared struct serves both sides, because it is their first member. */
_Static_assert(offsetof(struct mqtt_source_conf, mqtt) == 0, "shared options come first");
_Static_assert(offsetof(struct mqtt_sink_conf, mqtt) == 0, "shared options come first");

#define SHARED(field) OPT_FIELD(struct mqtt_conf, field)

#define CONNECTION_OPTS                                                                            \
    {SHARED(server), .type = OPT_STRING, .flags = OPT_REQUIRED,                                    \
     .help = "broker: mqtt://host:1883, mqtts://host:8883, ws://host/path or wss://host/path"},    \
        {SHARED(protocol), .type = OPT_ENUM, .choices = protocols, .fallback = "5",                \
         .help = "version of MQTT; 3.1.1 carries no attributes"},                                  \
        {SHARED(client_id), .type = OPT_STRING,                                                    \
         .help = "name of this client at the broker, used by nobody else (default: made from the " \
                 "machine's id and the pipeline's name); workers get a suffix"},                   \
        {SHARED(username), .type = OPT_STRING, .help = "user name"},                               \
        {SHARED(password), .type = OPT_STRING, .flags = OPT_SECRET, .help = "password"},           \
        {SHARED(keep_alive), .type = OPT_SECONDS,                                                  \
         .fallback = "30",   .min = 1,                                                             \
         .max = 65535,       .help = "a silent connection is tested after so long"},               \
        {SHARED(connect_timeout),                                                                  \
         .type = OPT_SECONDS,                                                                      \
         .fallback = "10",                                                                         \
         .min = 1,                                                                                 \
         .max = 600,                                                                               \
         .help = "how long connecting may take"},                                                  \
        {SHARED(reconnect_delay),                                                                  \
         .type = OPT_DURATION,                                                                     \
         .fallback = "1s",                                                                         \
         .min = 10,                                                                                \
         .max = 3600000,                                                                           \
         .help = "pause before connecting again; doubles with each failure"},                      \
        {SHARED(reconnect_max_delay),                                                              \
         .type = OPT_DURATION,                                                                     \
         .fallback = "30s",                                                                        \
         .min = 10,                                                                                \
         .max = 3600000,                                                                           \
         .help = "longest pause before connecting again"},                                         \
        {SHARED(tls_ca), .type = OPT_PATH,                                                         \
         .help = "PEM file of the authorities that sign the broker's certificate (default: the "   \
                 "system's)"},                                                                     \
        {SHARED(tls_cert), .type = OPT_PATH,                                                       \
         .help = "PEM file of our own certificate, with its chain"},                               \
        {SHARED(tls_key), .type = OPT_PATH,                                                        \
         .help = "PEM file of its private key (default: in tls_cert)"},                            \
        {SHARED(tls_key_password), .type = OPT_STRING, .flags = OPT_SECRET,                        \
         .help = "password of tls_key"},                                                           \
        {SHARED(tls_verify), .type = OPT_BOOL, .fallback = "true",                                 \
         .help = "check the broker's certificate and its host name; false is for tests only"},     \
        {SHARED(alpn), .type = OPT_LIST,                                                           \
         .help = "application protocols to offer in TLS, as [\"x-amzn-mqtt-ca\"] for AWS IoT on "  \
                 "port 443"},                                                                      \
        {SHARED(proxy), .type = OPT_STRING, .flags = OPT_SECRET,                                   \
         .help = "HTTP proxy, [user:password@]host:port (the environment's is not used)"},         \
        {SHARED(ws_headers), .type = OPT_LIST, .flags = OPT_SECRET,                                \
         .help = "HTTP headers for ws:// and wss://, each \"Name: value\""},                       \
        {SHARED(will_topic), .type = OPT_STRING,                                                   \
         .help = "topic of the message that the broker sends when we are gone without a word"},    \
        {SHARED(will_payload), .type = OPT_STRING, .help = "body of the will message"},            \
        {SHARED(will_qos), .type = OPT_INT, .fallback = "1", .max = 2,                             \
         .help = "QoS of the will message"},                                                       \
    {                                                                                              \
        SHARED(will_retain), .type = OPT_BOOL, .help = "the broker keeps the will message"         \
    }

const struct opt mqtt_source_opts[] = {
    CONNECTION_OPTS,
    {OPT_FIELD(struct mqtt_source_conf, topics), .type = OPT_LIST, .flags = OPT_REQUIRED,
     .help = "topic filters to subscribe to, with + and # and $share/group/..."},
    {OPT_FIELD(struct mqtt_source_conf, qos), .type = OPT_INT, .fallback = "1", .max = 2,
     .help = "highest QoS of the messages: 1, or 0 where they may be lost"},
    {OPT_FIELD(struct mqtt_source_conf, session_expiry), .type = OPT_SECONDS, .fallback = "24h",
     .min = 1, .max = UINT32_MAX,
     .help = "how long the broker keeps the session while we are away (MQTT 5)"},
    {OPT_FIELD(struct mqtt_source_conf, max_buffer_bytes), .type = OPT_SIZE, .fallback = "16MiB",
     .min = 65536, .max = 1LL << 40,
     .help = "most memory for what arrives beyond the window; from half of it (4 MiB at most) on "
             "TCP holds the broker back, and beyond it the connection is dropped until there is "
             "room"},
    {OPT_FIELD(struct mqtt_source_conf, accept_loss), .type = OPT_BOOL,
     .help = "run although this build acknowledges messages before the sinks have them"},
    OPT_END,
};

const struct opt mqtt_sink_opts[] = {
    CONNECTION_OPTS,
    {OPT_FIELD(struct mqtt_sink_conf, topic), .type = OPT_TEMPLATE, .flags = OPT_REQUIRED,
     .help = "topic to publish to"},
    {OPT_FIELD(struct mqtt_sink_conf, qos), .type = OPT_INT, .fallback = "1", .max = 2,
     .help = "QoS to publish with: 1, or 0 where messages may be lost"},
    {OPT_FIELD(struct mqtt_sink_conf, retain), .type = OPT_BOOL,
     .help = "the broker keeps the last message of each topic"},
    {OPT_FIELD(struct mqtt_sink_conf, message_expiry), .type = OPT_SECONDS, .fallback = "0",
     .max = UINT32_MAX, .help = "the broker drops what waits longer; 0: never (MQTT 5)"},
    {OPT_FIELD(struct mqtt_sink_conf, max_in_flight), .type = OPT_INT, .fallback = "100", .min = 1,
     .max = 2000,
     .help = "publishes that wait for their acknowledgement; more than 100 costs more than it "
             "gains"},
    {OPT_FIELD(struct mqtt_sink_conf, topic_aliases), .type = OPT_INT, .fallback = "16",
     .max = 1024,
     .help = "topics that are sent as a number once the broker knows them, where it allows that; "
             "0: none (MQTT 5, QoS 1)"},
    OPT_END,
};
