/* One Paho client, from one attempt to connect to the end of that connection. A new connection is a
 * new Paho client: what Paho still had queued for the old one can't leave on the new one, ahead of
 * what was lost. Thread: the MQTT thread, but for the callbacks in mqtt_session.c, which Paho's
 * threads run with its lock held; those only fill notes and hand them over. */
#ifndef MQTT_SESSION_H
#define MQTT_SESSION_H

#include <stdatomic.h>

#include "connectors/mqtt/ack_gate.h"
#include "connectors/mqtt/mqtt_alias.h"
#include "connectors/mqtt/mqtt_backlog.h"
#include "connectors/mqtt/mqtt_client.h"
#include "connectors/mqtt/mqtt_properties.h"
#include "connectors/mqtt/paho_inside.h"

/* What all sessions of a client have in common. Constant, but for the last two. */
struct mqtt_setup {
    struct mqtt_role role;
    struct mqtt_url url;
    char broker[300]; /* "host:port" */
    char uri[600];    /* as Paho wants it */
    struct handover *to_client, *to_owner;
    struct ack_gate *gate; /* NULL: nothing to hold back */
    struct paho_net *net;  /* of the session that is connected; under Paho's lock */
    struct mqtt_backlog backlog;
};

/* note.kind of what a client gets: news of its session, and commands of its owner. */
enum mqtt_client_note {
    SESSION_CONNECTED, /* struct mqtt_session_note */
    SESSION_SUBSCRIBED,
    SESSION_SYNCED,
    SESSION_FAILED, /* refused, or lost: it can only be destroyed */
    CLIENT_START,   /* bare notes */
    CLIENT_CLOSE,
    CLIENT_PAUSE,
    CLIENT_RESUME,
    CLIENT_DRAIN,
    CLIENT_SETTLE,  /* struct mqtt_settle */
    CLIENT_PUBLISH, /* struct mqtt_publish */
    CLIENT_END,     /* its own, the last one */
};

struct mqtt_session_note {
    struct note note;
    uint64_t serial;                   /* of the session */
    bool session_present, unreachable; /* unreachable: no broker answered at this address */
    size_t forgotten;                  /* messages in flight here that the broker knows no more */
    struct mqtt_limits limits;
    struct error why;
};

struct mqtt_session {
    struct mqtt_setup *setup;
    uint64_t serial;
    MQTTAsync handle;
    struct mqtt_limits limits;
    atomic_uint unanswered;            /* publishes that Paho has */
    struct mqtt_properties properties; /* of the publish at hand */
    struct mqtt_aliases *aliases;      /* NULL: the broker takes none */
    struct mqtt_session *next_waking;  /* see mqtt_session_tell_owner() */
    bool waking;
    char tls_error[256];
    MQTTAsync_nameValue *headers;
    char *header_text;
};

/* Begins to connect; news follow. NULL: Paho would not even begin. */
struct mqtt_session *mqtt_session_open(struct mqtt_setup *setup, uint64_t serial, struct error *e);
bool mqtt_session_subscribe(struct mqtt_session *s, struct error *e) MUST_USE;

/* SESSION_SYNCED follows when the broker has read all that was written so far. False: it can't be
 * asked. */
bool mqtt_session_sync(struct mqtt_session *s) MUST_USE;

/* Says goodbye to the broker where it can. Publishes that were not answered go back to the sink. */
void mqtt_session_destroy(struct mqtt_session *s);

/* Hands news to the owner, in a callback. From Paho's receive thread they go in batches: the
 * owner's loop is woken when Paho is about to wait, or when there are many. */
void mqtt_session_tell_owner(struct mqtt_session *s, struct note *note);
void mqtt_session_wake_owners(void); /* the receive thread, without Paho's lock */

/* Tells the client that the session can only be destroyed. Any thread. */
void mqtt_session_failed(struct mqtt_session *s, const struct error *why, bool unreachable);

#endif
