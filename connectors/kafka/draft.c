#include "connectors/kafka/draft.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge/mapping.h"
#include "bridge/text.h"

static size_t read_headers(struct kafka_draft *d, const rd_kafka_message_t *from)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t len, n = 0;
    d->cut = false;
    if (rd_kafka_message_headers(from, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return 0;
    while (!rd_kafka_header_get_all(headers, n, &name, &value, &len)) {
        if (n == MSG_MAX_ATTRS) {
            d->cut = true;
            break;
        }
        struct bytes v = bytes_of(value ? value : "", value ? len : 0); /* null reads as empty */
        d->attrs[n++] = (struct attr){
            .name = bytes_str(name),
            .value = v,
            .type = text_is_utf8(v) ? ATTR_STRING : ATTR_BINARY,
        };
    }
    d->scratch.len = 0;
    return mapping_fold_headers(d->attrs, n, &d->scratch);
}

struct msg *kafka_draft_msg(struct kafka_draft *d, const rd_kafka_message_t *from,
                            struct bytes topic)
{
    char position[300];
    rd_kafka_timestamp_type_t kind;
    int64_t sent_ms = rd_kafka_message_timestamp(from, &kind);
    int len = snprintf(position, sizeof(position), "%.*s-%" PRId32 "-%" PRId64, BYTES_ARGS(topic),
                       from->partition, from->offset);
    struct msg_draft draft = {
        .body = bytes_of(from->payload, from->len),
        .key = bytes_of(from->key, from->key_len),
        .topic = topic,
        .position = bytes_of(position, (size_t)len),
        .timestamp_ms = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? 0 : sent_ms,
        .attrs = d->attrs,
        .attr_count = read_headers(d, from),
    };
    return msg_new(&draft);
}

void kafka_draft_free(struct kafka_draft *d)
{
    free(d->scratch.ptr);
}
