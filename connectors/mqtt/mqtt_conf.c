/* The rules between options, and what is made of them. */
#include "connectors/mqtt/mqtt_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bridge/loop.h"
#include "bridge/text.h"
#include "connectors/mqtt/mqtt_tls.h"
#include "connectors/mqtt/paho_inside.h"

enum { LONGEST_TOPIC = 65535 };

/* ---- topics ---- */

static bool is_topic_text(struct bytes text)
{
    return text.len >= 1 && text.len <= LONGEST_TOPIC && text_is_mqtt(text);
}

bool mqtt_topic_is_valid(struct bytes topic)
{
    return is_topic_text(topic) && !memchr(topic.ptr, '+', topic.len) &&
           !memchr(topic.ptr, '#', topic.len);
}

bool mqtt_filter_is_shared(struct bytes filter)
{
    return bytes_starts_with(filter, BYTES_LIT("$share/"));
}

/* "$share/group/filter" -> "filter"; BYTES_NONE where the group is missing or has a wildcard. */
static struct bytes without_share(struct bytes filter)
{
    if (!mqtt_filter_is_shared(filter)) return filter;
    struct bytes rest = bytes_of((const char *)filter.ptr + 7, filter.len - 7);
    const char *slash = memchr(rest.ptr, '/', rest.len);
    if (!slash) return BYTES_NONE;
    struct bytes group = bytes_of(rest.ptr, (size_t)(slash - (const char *)rest.ptr));
    if (!mqtt_topic_is_valid(group)) return BYTES_NONE;
    return bytes_of(slash + 1, rest.len - group.len - 1);
}

/* + fills its level, # the last one. */
bool mqtt_filter_is_valid(struct bytes filter)
{
    if (!is_topic_text(filter)) return false;
    filter = without_share(filter);
    const char *at = filter.ptr;
    for (size_t i = 0; i < filter.len; i++) {
        if (at[i] != '+' && at[i] != '#') continue;
        bool begins = i == 0 || at[i - 1] == '/', ends = i + 1 == filter.len;
        if (!begins || !(ends || (at[i] == '+' && at[i + 1] == '/'))) return false;
    }
    return filter.len > 0;
}

/* ---- checks ---- */

static bool check_url(const struct mqtt_conf *c, struct mqtt_url *u, struct opt_report *r)
{
    struct error e;
    if (mqtt_url_parse(c->server, u, &e)) return true;
    opt_complain(r, "server", "\"%s\": %s", c->server, e.text);
    return false;
}

static void check_tls(const struct mqtt_conf *c, const struct mqtt_url *u, struct opt_report *r)
{
    if (!u->tls) {
        if (c->tls_ca || c->tls_cert || c->tls_key || c->alpn.count)
            opt_complain(r, "server", "the tls_ options and alpn need mqtts:// or wss://");
        return;
    }
    if (c->tls_key && !c->tls_cert) opt_complain(r, "tls_key", "tls_key needs tls_cert");
    for (size_t i = 0; i < c->alpn.count; i++)
        if (!*c->alpn.items[i] || strlen(c->alpn.items[i]) > 255)
            opt_complain(r, "alpn", "a protocol's name has 1 to 255 bytes");
    mqtt_tls_check(c, r);
}

static void check_will(const struct mqtt_conf *c, struct opt_report *r)
{
    if (c->will_payload && !c->will_topic)
        opt_complain(r, "will_payload", "will_payload needs will_topic");
    if (c->will_topic && !mqtt_topic_is_valid(bytes_str(c->will_topic)))
        opt_complain(r, "will_topic", "\"%s\" is no topic (no + and #)", c->will_topic);
}

static void check_ws_headers(const struct mqtt_conf *c, const struct mqtt_url *u,
                             struct opt_report *r)
{
    if (c->ws_headers.count && !u->websocket)
        opt_complain(r, "ws_headers", "ws_headers needs ws:// or wss://");
    for (size_t i = 0; i < c->ws_headers.count; i++)
        if (!strchr(c->ws_headers.items[i], ':'))
            opt_complain(r, "ws_headers", "\"%s\" is not \"Name: value\"", c->ws_headers.items[i]);
}

static void check_proxy(const struct mqtt_conf *c, struct opt_report *r)
{
    const char *colon = c->proxy ? strrchr(c->proxy, ':') : NULL;
    if (!c->proxy) return;
    if (strstr(c->proxy, "://") || !colon || strtol(colon + 1, NULL, 10) <= 0)
        opt_complain(r, "proxy", "not [user:password@]host:port");
}

static void check_connection(const struct mqtt_conf *c, struct opt_report *r)
{
    struct mqtt_url u;
    if (check_url(c, &u, r)) {
        check_tls(c, &u, r);
        check_ws_headers(c, &u, r);
    }
    check_will(c, r);
    check_proxy(c, r);
    if (c->reconnect_max_delay < c->reconnect_delay)
        opt_complain(r, "reconnect_max_delay", "less than reconnect_delay");
    if (c->password && !c->username && c->protocol == MQTT_3_1_1)
        opt_complain(r, "password", "MQTT 3.1.1 knows no password without a username");
    if (c->client_id && !*c->client_id)
        opt_complain(r, "client_id", "empty (leave it out to have one made)");
}

void mqtt_source_check(const void *conf, struct opt_report *r)
{
    const struct mqtt_source_conf *c = conf;
    check_connection(&c->mqtt, r);
    for (size_t i = 0; i < c->topics.count; i++)
        if (!mqtt_filter_is_valid(bytes_str(c->topics.items[i])))
            opt_complain(r, "topics",
                         "\"%s\" is no topic filter (+ and # fill a level, # only the last one)",
                         c->topics.items[i]);
    if (c->qos == 2)
        opt_complain(r, "qos",
                     "QoS 2 is not offered: a crash between its four packets can lose a message in "
                     "Paho, QoS 1 can't (set qos = 1; messages published with QoS 2 arrive too)");
    if (c->qos == 1 && !paho_holds_acks() && !c->accept_loss)
        opt_complain(r, "qos",
                     "this build has no ack gate, so a crash loses messages (build with "
                     "-DMQTT_ACK_GATE=ON, or set accept_loss = true)");
}

void mqtt_sink_check(const void *conf, struct opt_report *r)
{
    const struct mqtt_sink_conf *c = conf;
    struct bytes topic;
    check_connection(&c->mqtt, r);
    if (template_is_constant(c->topic, &topic) && !mqtt_topic_is_valid(topic))
        opt_complain(r, "topic", "\"%.*s\" is no topic to publish to (no + and #)",
                     BYTES_ARGS(topic));
    if (c->qos == 2)
        opt_complain(r, "qos",
                     "QoS 2 is not offered: the bridge repeats after a crash anyway "
                     "(set qos = 1)");
    if (c->message_expiry && c->mqtt.protocol == MQTT_3_1_1)
        opt_complain(r, "message_expiry", "message_expiry needs protocol = \"5\"");
}

/* ---- names ---- */

/* What tells this machine from others: its id is not for others to see, so hashed. */
static uint32_t machine_hash(void)
{
    char text[256] = "";
    FILE *file = fopen("/etc/machine-id", "r");
    size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
    if (file) fclose(file);
    if (len == 0 && gethostname(text, sizeof(text) - 1) == 0) len = strlen(text);
    uint64_t hash = text_hash(bytes_of(text, len));
    return (uint32_t)(hash ^ (hash >> 32));
}

char *mqtt_client_id(const struct mqtt_conf *conf, const char *pipeline, unsigned worker,
                     bool stable)
{
    char suffix[16] = "";
    if (worker) snprintf(suffix, sizeof(suffix), "-%u", worker);
    if (conf->client_id) return mem_printf("%s%s", conf->client_id, suffix);
    if (stable) return mem_printf("sqsbridge-%08x-%s%s", machine_hash(), pipeline, suffix);
    return mem_printf("sqsbridge-%08x-%s%s-%08x", machine_hash(), pipeline, suffix,
                      (unsigned)loop_random());
}

const char *mqtt_broker_name(const struct mqtt_conf *conf, char *text, size_t size)
{
    struct mqtt_url u;
    struct error e;
    if (mqtt_url_parse(conf->server, &u, &e))
        snprintf(text, size, "%s:%u", u.host, u.port);
    else
        snprintf(text, size, "?");
    return text;
}
