/* librdkafka's error codes in words that say what to do, and what the core may do next.
 * Thread: any; no state. */
#ifndef CONNECTORS_KAFKA_ERRORS_H
#define CONNECTORS_KAFKA_ERRORS_H

#include <librdkafka/rdkafka.h>

#include "bridge/error.h"

/* A broken connection, from the text of the error event: the code is _TRANSPORT for nearly all of
 * them. */
void kafka_error_connection(struct error *e, const char *text);

/* Whether an error event tells of a connection to some broker, and nothing else. */
bool kafka_error_is_connection(rd_kafka_resp_err_t code);

/* A topic that can't be written to: FAULT_CONFIG where somebody must act, FAULT_DOWN where it will
 * pass. */
void kafka_error_topic(struct error *e, const char *topic, rd_kafka_resp_err_t code);

/* What a consumer says, with librdkafka's own text. */
void kafka_error_consumer(struct error *e, const char *group, rd_kafka_resp_err_t code,
                          const char *text);

/* Why a broker would not write a message. */
enum kafka_refusal {
    KAFKA_REFUSED_BATCH,    /* one bad message fails all that went with it: find it */
    KAFKA_REFUSED_TOPIC,    /* the topic can't be written to: see kafka_error_topic() */
    KAFKA_REFUSED_PRODUCER, /* not from this producer: it was fenced, or forgotten */
    KAFKA_REFUSED_LATER,    /* not now */
};
enum kafka_refusal kafka_error_refusal(rd_kafka_resp_err_t code);

/* FAULT_REJECT: this message, alone in its batch, was refused. */
void kafka_error_message(struct error *e, const char *topic, rd_kafka_resp_err_t code, size_t size);

#endif
