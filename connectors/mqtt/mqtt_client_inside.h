/* The insides of an mqtt_client, for its own files: mqtt_client.c (what the owner asks for, and the
 * end), mqtt_connect.c (one connection after the other), mqtt_traffic.c (acknowledgements and
 * publishes). Thread: the MQTT thread. */
#ifndef MQTT_CLIENT_INSIDE_H
#define MQTT_CLIENT_INSIDE_H

#include "connectors/mqtt/lookup.h"
#include "connectors/mqtt/mqtt_session.h"

enum client_state {
    CLIENT_IDLE,
    CLIENT_LOOKING_UP,
    CLIENT_CONNECTING, /* until CONNACK, and SUBACK where a new session subscribes */
    CLIENT_UP,
    CLIENT_WAITING, /* to connect again */
    CLIENT_PAUSED,
    CLIENT_CLOSING, /* the last acks leave */
};

struct mqtt_client {
    struct mqtt_setup setup;
    struct handover to_client, to_owner;

    /* the MQTT thread's */
    struct loop *loop;
    enum client_state state;
    struct loop_timer timer; /* the end of waiting, or of patience */
    struct loop_timer tick;
    struct loop_timer sip, watch;
    struct lookup *lookup;
    struct lookup_answer addresses;
    size_t address;          /* the one that is tried */
    struct paho_route route; /* while there is a session */
    struct mqtt_session *session;
    uint64_t serial;     /* of the session: news of earlier ones are stale */
    unsigned failures;   /* one after the other */
    uint64_t up_ms;      /* since then, loop time */
    uint64_t down_ms;    /* the end of the last connection; 0: there was none */
    struct mqtt_up news; /* of the connection that comes up */
    unsigned flush_tries;
    bool waited;                       /* some message, when last watched */
    bool subscribed;                   /* by this process, to the broker's present session */
    struct note *unsent, *unsent_last; /* publishes that Paho has no room for */
};

void mqtt_client_tell(struct mqtt_client *c, struct note *note, enum mqtt_news kind);

/* mqtt_connect.c */
void mqtt_connect_begin(struct mqtt_client *c);
void mqtt_connect_stop_trying(struct mqtt_client *c);
void mqtt_connect_drop(struct mqtt_client *c); /* the session, if there is one */
void mqtt_connect_on_timer(void *client);      /* c->timer, while connecting or waiting */
void mqtt_connect_on_news(struct mqtt_client *c, const struct mqtt_session_note *news);
void mqtt_connect_sip(void *client); /* c->sip */

/* mqtt_traffic.c */
/* settled, a chain or NULL, goes to the gate first. False: some acks that may leave wait for the
 * socket. */
bool mqtt_traffic_acknowledge(struct mqtt_client *c, struct receipt *settled);
bool mqtt_traffic_write(void *client, const void *bytes, size_t len); /* for the gate */
void mqtt_traffic_add(struct mqtt_client *c, struct note *publish);
void mqtt_traffic_send(struct mqtt_client *c); /* what was added, or back where there is no way */
void mqtt_traffic_return_unsent(struct mqtt_client *c);
void mqtt_traffic_watch(void *client); /* c->watch */
void mqtt_traffic_want_tick(struct mqtt_client *c);
void mqtt_traffic_on_tick(void *client); /* c->tick */

#endif
