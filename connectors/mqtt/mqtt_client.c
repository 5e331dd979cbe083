#include "connectors/mqtt/mqtt_client.h"

#include <stdlib.h>

#include "connectors/mqtt/mqtt_client_inside.h"
#include "connectors/mqtt/mqtt_publish.h"
#include "connectors/mqtt/mqtt_thread.h"

enum {
    FLUSH_MS = 5,      /* between two tries to write the last acks */
    FLUSH_TRIES = 200, /* they may wait so long for a busy socket */
    SYNC_MS = 2000,    /* the broker may take so long to read them */
};

/* Verdicts on their way to the gate. */
struct mqtt_settle {
    struct note note;
    struct receipt *chain;
};

void mqtt_client_tell(struct mqtt_client *c, struct note *note, enum mqtt_news kind)
{
    note->kind = (int)kind;
    handover_push(&c->to_owner, note);
}

/* ---- commands of the owner ---- */

static void on_pause(struct mqtt_client *c)
{
    mqtt_connect_stop_trying(c);
    if (c->state == CLIENT_UP) c->down_ms = loop_now_ms(c->loop);
    mqtt_connect_drop(c);
    c->state = CLIENT_PAUSED;
}

static struct note *bare_note(int kind)
{
    struct note *note = mem_zalloc(sizeof(*note));
    note->kind = kind;
    return note;
}

/* Nobody else pushes notes any more: the owner said its last word, and Paho has forgotten us. So
 * this one is the last. */
static void finish_close(struct mqtt_client *c)
{
    mqtt_connect_drop(c);
    mqtt_traffic_return_unsent(c);
    loop_timer_stop(c->loop, &c->tick);
    loop_timer_stop(c->loop, &c->watch);
    loop_timer_stop(c->loop, &c->timer);
    handover_push(&c->to_client, bare_note(CLIENT_END));
}

static void stop_waiting(void *arg)
{
    finish_close(arg);
}

/* The broker must have read the last acks: to close a socket that has unread messages in it resets
 * the connection, and what was written last may be thrown away with it. */
static void sync_with_broker(struct mqtt_client *c)
{
    if (!c->setup.gate || !c->session || !mqtt_session_sync(c->session)) {
        finish_close(c);
        return;
    }
    c->timer.run = stop_waiting;
    loop_timer_start(c->loop, &c->timer, SYNC_MS);
}

static void flush(void *arg)
{
    struct mqtt_client *c = arg;
    if (mqtt_traffic_acknowledge(c, NULL) || !c->flush_tries--)
        sync_with_broker(c);
    else
        loop_timer_start(c->loop, &c->timer, FLUSH_MS);
}

static void on_close(struct mqtt_client *c)
{
    mqtt_connect_stop_trying(c);
    c->state = CLIENT_CLOSING;
    c->flush_tries = FLUSH_TRIES;
    c->timer.run = flush;
    flush(c);
}

static void on_news(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    int kind = news->note.kind;
    if (!c->session || news->serial != c->serial) return; /* stale */
    if (c->state != CLIENT_CLOSING)
        mqtt_connect_on_news(c, news);
    else if (kind == SESSION_SYNCED || kind == SESSION_FAILED)
        finish_close(c);
}

static void on_settle(struct mqtt_client *c, struct receipt *chain)
{
    if (!mqtt_traffic_acknowledge(c, chain)) mqtt_traffic_want_tick(c);
}

static void obey(struct mqtt_client *c, struct note *note)
{
    switch ((enum mqtt_client_note)note->kind) {
    case SESSION_CONNECTED:
    case SESSION_SUBSCRIBED:
    case SESSION_SYNCED:
    case SESSION_FAILED:
        on_news(c, (const struct mqtt_session_note *)note);
        break;
    case CLIENT_START:
        if (c->setup.gate) mqtt_traffic_watch(c);
        mqtt_connect_begin(c);
        break;
    case CLIENT_PAUSE:
        on_pause(c);
        break;
    case CLIENT_RESUME:
        if (c->state == CLIENT_PAUSED) mqtt_connect_begin(c);
        break;
    case CLIENT_DRAIN:
        on_settle(c, NULL);
        break;
    case CLIENT_SETTLE:
        on_settle(c, ((const struct mqtt_settle *)note)->chain);
        break;
    case CLIENT_PUBLISH:
        mqtt_traffic_add(c, note);
        return; /* it is not ours to free */
    case CLIENT_CLOSE:
        on_close(c);
        break;
    case CLIENT_END:
        mqtt_client_tell(c, bare_note(0),
                         MQTT_CLOSED); /* the owner may destroy the client at once */
        break;
    }
    free(note);
}

static void on_notes(void *arg, struct note *note)
{
    struct mqtt_client *c = arg;
    bool last = false;
    while (note) {
        struct note *next = note->next;
        last = note->kind == CLIENT_END;
        obey(c, note);
        note = next;
    }
    if (!last) mqtt_traffic_send(c);
}

/* ---- the owner's side ---- */

static void command(struct mqtt_client *c, enum mqtt_client_note kind)
{
    handover_push(&c->to_client, bare_note((int)kind));
}

struct mqtt_client *mqtt_client_create(const struct mqtt_role *role, struct loop *loop,
                                       void (*take)(void *arg, struct note *news), void *arg)
{
    struct mqtt_client *c = mem_zalloc(sizeof(*c));
    struct error e;
    if (!mqtt_url_parse(role->conf->server, &c->setup.url, &e)) abort(); /* lint has seen it */
    c->setup.role = *role;
    c->loop = mqtt_thread_loop();
    c->timer = (struct loop_timer){.run = mqtt_connect_on_timer, .arg = c};
    c->tick = (struct loop_timer){.run = mqtt_traffic_on_tick, .arg = c};
    c->watch = (struct loop_timer){.run = mqtt_traffic_watch, .arg = c};
    c->sip = (struct loop_timer){.run = mqtt_connect_sip, .arg = c};
    handover_init(&c->to_client, c->loop, on_notes, c);
    handover_init(&c->to_owner, loop, take, arg);
    c->setup.to_client = &c->to_client;
    c->setup.to_owner = &c->to_owner;
    mqtt_url_for_paho(&c->setup.url, c->setup.uri, sizeof(c->setup.uri));
    mqtt_broker_name(role->conf, c->setup.broker, sizeof(c->setup.broker));
    if (role->filters.count && paho_holds_acks())
        c->setup.gate = ack_gate_create(mqtt_traffic_write, c);
    mqtt_backlog_init(&c->setup.backlog, role->hold_bytes);
    return c;
}

void mqtt_client_destroy(struct mqtt_client *c)
{
    if (!c) return;
    mqtt_backlog_release(&c->setup.backlog);
    handover_release(&c->to_client);
    handover_release(&c->to_owner);
    ack_gate_destroy(c->setup.gate);
    free(c->setup.role.client_id);
    free(c);
}

void mqtt_client_start(struct mqtt_client *c)
{
    command(c, CLIENT_START);
}

void mqtt_client_close(struct mqtt_client *c)
{
    command(c, CLIENT_CLOSE);
}

void mqtt_client_pause(struct mqtt_client *c)
{
    command(c, CLIENT_PAUSE);
}

void mqtt_client_resume(struct mqtt_client *c)
{
    command(c, CLIENT_RESUME);
}

void mqtt_client_settle(struct mqtt_client *c, struct receipt *chain)
{
    struct mqtt_settle *settle = mem_zalloc(sizeof(*settle));
    settle->note.kind = CLIENT_SETTLE;
    settle->chain = chain;
    handover_push(&c->to_client, &settle->note);
}

void mqtt_client_publish(struct mqtt_client *c, struct mqtt_publish *first,
                         struct mqtt_publish *last)
{
    last->note.next = NULL;
    for (struct note *note = &first->note; note; note = note->next) {
        note->kind = CLIENT_PUBLISH;
        ((struct mqtt_publish *)note)->back = &c->to_owner;
    }
    handover_push_chain(&c->to_client, &first->note, &last->note);
}
