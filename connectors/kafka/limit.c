#include "connectors/kafka/limit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_OVERHEAD = 61, /* of a batch of one, without the record's own few bytes */
    VALID_MS = 60000,
};

void kafka_limit_ask(struct kafka_limit *limit, struct kafka_client *c, const char *topic)
{
    if (limit->asked) return;
    rd_kafka_ConfigResource_t *about = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_DescribeConfigs(c->rk, &about, 1, NULL, c->queue);
    rd_kafka_ConfigResource_destroy(about);
    limit->asked = true;
}

void kafka_limit_forget(struct kafka_limit *limit)
{
    *limit = (struct kafka_limit){0};
}

/* 0: the answer does not say. */
static int64_t find_limit(rd_kafka_event_t *event)
{
    size_t resources = 0, entries = 0;
    const rd_kafka_ConfigResource_t **about = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &resources);
    if (rd_kafka_event_error(event) || resources != 1) return 0;
    const rd_kafka_ConfigEntry_t **entry = rd_kafka_ConfigResource_configs(about[0], &entries);
    for (size_t i = 0; i < entries; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entry[i]);
        if (value && strcmp(rd_kafka_ConfigEntry_name(entry[i]), "max.message.bytes") == 0)
            return strtoll(value, NULL, 10);
    }
    return 0;
}

static void say(const struct kafka_limit *limit, struct kafka_client *c)
{
    const char *topic = rd_kafka_topic_name(c->topic);
    int64_t batch = kafka_client_setting(c, "batch.size");
    log_info(c->context, "topic \"%s\" takes messages and batches of %" PRId64 " bytes at most",
             topic, limit->bytes);
    if (batch > limit->bytes)
        log_warn(c->context,
                 "topic \"%s\": batch_size = %" PRId64 " is more than it takes: what is refused is "
                 "sent again in parts (set batch_size below %" PRId64 ")",
                 topic, batch, limit->bytes);
}

bool kafka_limit_answered(struct kafka_limit *limit, struct kafka_client *c,
                          rd_kafka_event_t *event)
{
    if (rd_kafka_event_type(event) != RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT) return false;
    int64_t bytes = find_limit(event);
    bool news = bytes != limit->bytes;
    limit->asked = false;
    limit->bytes = bytes;
    limit->known_ms = loop_now_ms(c->loop);
    if (bytes && news) say(limit, c);
    if (!bytes)
        log_debug(c->context, "kafka: max.message.bytes is not known: %s",
                  rd_kafka_err2str(rd_kafka_event_error(event)));
    return true;
}

static bool is_compressed(const struct kafka_client *c)
{
    char codec[16] = "";
    size_t size = sizeof(codec);
    rd_kafka_conf_get(rd_kafka_conf(c->rk), "compression.codec", codec, &size);
    return strcmp(codec, "none") != 0;
}

bool kafka_limit_exceeded(struct kafka_limit *limit, struct kafka_client *c, const char *topic,
                          const struct msg *m)
{
    size_t least = BATCH_OVERHEAD + m->body.len;
    if (!limit->bytes || least <= (size_t)limit->bytes || is_compressed(c)) return false;
    if (loop_now_ms(c->loop) - limit->known_ms <= VALID_MS) return true;
    kafka_limit_ask(limit, c, topic);
    return false;
}
