/* One connection to a broker, kept up by connecting again, for one source or sink (its owner).
 *
 * All of its work is done by the MQTT thread (mqtt_client.c, mqtt_session.c); the owner gives
 * commands and gets news, both through handovers. Thread: the owner's loop, for every call here.
 * Owner: as said; news belong to who takes them, free with free() or as said at each. */
#ifndef MQTT_CLIENT_H
#define MQTT_CLIENT_H

#include <MQTTAsync.h>

#include "bridge/leg.h"
#include "bridge/opt.h"
#include "connectors/mqtt/handover.h"
#include "connectors/mqtt/mqtt_conf.h"

/* What the owner is to the broker. Strings are copied or live with the configuration. */
struct mqtt_role {
    const struct mqtt_conf *conf;
    char *client_id;          /* taken */
    struct opt_list filters;  /* to subscribe to; none: publishes only */
    int qos;                  /* of the subscriptions */
    int64_t session_expiry_s; /* 0: a new session with each connection */
    unsigned receive_max;     /* messages that the broker may have under way to us */
    unsigned topic_aliases;   /* most to use, where the broker allows it */
    size_t hold_bytes;        /* what may wait here before the connection is read no more */
};

/* note.kind of what the owner gets. */
enum mqtt_news {
    MQTT_UP,          /* struct mqtt_up: connected, and subscribed */
    MQTT_DOWN,        /* struct mqtt_down */
    MQTT_ARRIVED,     /* struct mqtt_arrival */
    MQTT_REDELIVERED, /* bare note: one arrived that is in flight already, and was dropped */
    MQTT_ACKED,       /* struct mqtt_acked */
    MQTT_OLDEST,      /* struct mqtt_oldest, about once a second */
    MQTT_PUBLISHED,   /* struct mqtt_publish, see mqtt_publish.h */
    MQTT_CLOSED,      /* bare note, the last one */
};

/* What the broker told of itself in CONNACK. */
struct mqtt_limits {
    uint32_t max_packet; /* bytes; the protocol's own limit where it said nothing */
    unsigned receive_max, max_qos, topic_aliases;
    bool retain;
};

struct mqtt_up {
    struct note note;
    struct mqtt_limits limits;
    bool session_present;  /* it goes on where it was */
    bool session_lost;     /* it should have, and does not */
    size_t unacknowledged; /* messages of the lost session that are in flight here */
    uint64_t away_ms;      /* since the connection before this one */
};

struct mqtt_down {
    struct note note;
    struct error why;
};

struct mqtt_arrival {
    struct note note;
    uint64_t token; /* 0: nothing to acknowledge */
    char *topic;
    size_t topic_len;
    MQTTAsync_message *message;
    size_t size; /* of all that, in memory */
    struct mqtt_backlog *backlog;
};
void mqtt_arrival_free(struct mqtt_arrival *a);

/* Receipts come back: their PUBACK is written, or there is nobody to write it to. */
struct mqtt_acked {
    struct note note;
    struct receipt *done; /* chained by next */
};

/* What waits longest for its PUBACK. */
struct mqtt_oldest {
    struct note note;
    uint16_t packet_id; /* 0: nothing waits */
    uint64_t age_ms;
    size_t behind;
};

struct mqtt_publish;
struct mqtt_client;

/* take(arg) gets news on the owner's loop, in order. */
struct mqtt_client *mqtt_client_create(const struct mqtt_role *role, struct loop *loop,
                                       void (*take)(void *arg, struct note *news), void *arg);
void mqtt_client_destroy(struct mqtt_client *c); /* never started, or after MQTT_CLOSED */

void mqtt_client_start(struct mqtt_client *c);
void mqtt_client_close(struct mqtt_client *c); /* MQTT_CLOSED follows */

/* Disconnects, so that nothing more arrives, until mqtt_client_resume(). The session stays. */
void mqtt_client_pause(struct mqtt_client *c);
void mqtt_client_resume(struct mqtt_client *c);

/* Verdicts on arrivals with a token. All come back in MQTT_ACKED. */
void mqtt_client_settle(struct mqtt_client *c, struct receipt *chain);

/* Each comes back as MQTT_PUBLISHED, those of a lost connection in any order, but before the next
 * MQTT_UP. */
void mqtt_client_publish(struct mqtt_client *c, struct mqtt_publish *first,
                         struct mqtt_publish *last);

#endif
