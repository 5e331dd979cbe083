#include "connectors/mqtt/mqtt_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "connectors/mqtt/lookup.h"
#include "connectors/mqtt/mqtt_publish.h"
#include "connectors/mqtt/mqtt_session.h"
#include "connectors/mqtt/mqtt_thread.h"

enum {
    TICK_MS = 5,            /* while something waits for a busy socket */
    FLUSH_TICKS = 200,      /* the last acks may wait so long for it */
    SYNC_MS = 2000,         /* the broker may take so long to read them */
    ANSWER_GRACE_MS = 5000, /* on top of connect_timeout, which Paho checks every 3 s */
};

enum client_state {
    CLIENT_IDLE,
    CLIENT_LOOKING_UP,
    CLIENT_CONNECTING, /* until CONNACK, and SUBACK where we subscribe */
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
    struct lookup *lookup;
    struct lookup_answer addresses;
    size_t address;          /* the one that is tried */
    struct paho_route route; /* while there is a session */
    struct mqtt_session *session;
    uint64_t serial; /* of the session: news of earlier ones are stale */
    struct mqtt_limits limits;
    unsigned failures; /* since it was last up */
    unsigned flush_ticks;
    bool subscribed;                   /* by this process, to the broker's present session */
    struct note *unsent, *unsent_last; /* publishes that Paho has no room for */
};

/* Verdicts on their way to the gate. */
struct mqtt_settle {
    struct note note;
    struct receipt *chain;
};

/* ---- news for the owner ---- */

static void tell(struct mqtt_client *c, struct note *note, enum mqtt_news kind)
{
    note->kind = (int)kind;
    handover_push(&c->to_owner, note);
}

static void tell_up(struct mqtt_client *c)
{
    struct mqtt_up *up = mem_zalloc(sizeof(*up));
    up->limits = c->limits;
    tell(c, &up->note, MQTT_UP);
}

static void tell_down(struct mqtt_client *c, const struct error *why)
{
    struct mqtt_down *down = mem_zalloc(sizeof(*down));
    down->why = *why;
    tell(c, &down->note, MQTT_DOWN);
}

static void tell_acked(struct mqtt_client *c, struct receipt *done)
{
    if (!done) return;
    struct mqtt_acked *acked = mem_zalloc(sizeof(*acked));
    acked->done = done;
    tell(c, &acked->note, MQTT_ACKED);
}

/* ---- acknowledgements ---- */

static bool write_acks(void *arg, const void *bytes, size_t len)
{
    const struct mqtt_client *c = arg;
    return c->setup.net && paho_write(c->setup.net, bytes, len);
}

static void want_tick(struct mqtt_client *c)
{
    if (!c->tick.slot) loop_timer_start(c->loop, &c->tick, TICK_MS);
}

/* False: some that may leave wait for the socket. */
static bool drain_acks(struct mqtt_client *c, struct receipt *settled)
{
    struct ack_gate *gate = c->setup.gate;
    if (!gate) return true;
    paho_lock();
    while (settled) {
        struct receipt *next = settled->next;
        ack_gate_settle(gate, settled);
        settled = next;
    }
    bool all = ack_gate_drain(gate);
    struct receipt *done = ack_gate_take_done(gate);
    paho_unlock();
    tell_acked(c, done);
    return all;
}

/* ---- publishing ---- */

static void return_unsent(struct mqtt_client *c)
{
    struct note *note = c->unsent;
    c->unsent = c->unsent_last = NULL;
    while (note) {
        struct note *next = note->next;
        mqtt_publish_return((struct mqtt_publish *)note, PUBLISH_DOWN);
        note = next;
    }
}

static void send_unsent(struct mqtt_client *c)
{
    while (c->unsent) {
        struct note *next = c->unsent->next;
        if (!mqtt_publish_send(c->session, (struct mqtt_publish *)c->unsent)) break;
        c->unsent = next;
    }
    if (!c->unsent) c->unsent_last = NULL;
    want_tick(c);
}

static void add_unsent(struct mqtt_client *c, struct note *note)
{
    note->next = NULL;
    if (c->unsent_last)
        c->unsent_last->next = note;
    else
        c->unsent = note;
    c->unsent_last = note;
}

static void on_tick(void *arg)
{
    struct mqtt_client *c = arg;
    bool again = !drain_acks(c, NULL);
    if (c->state == CLIENT_UP && c->unsent) send_unsent(c);
    if (c->session && atomic_load_explicit(&c->session->unanswered, memory_order_relaxed)) {
        paho_wake_sender();
        again = true;
    }
    if (again || c->unsent) want_tick(c);
}

/* ---- connecting ---- */

static void begin(struct mqtt_client *c);

static uint64_t random_below(uint64_t limit)
{
    uint64_t value = 0;
    if (getrandom(&value, sizeof(value), 0) < 0) value = uv_hrtime();
    return limit ? value % limit : 0;
}

/* Doubles with each failure, with jitter: clients that lost a broker together come back one by
 * one. */
static uint64_t backoff_ms(const struct mqtt_client *c)
{
    uint64_t delay = (uint64_t)c->setup.role.conf->reconnect_delay;
    uint64_t most = (uint64_t)c->setup.role.conf->reconnect_max_delay;
    for (unsigned i = 0; i < c->failures && delay < most; i++)
        delay *= 2;
    if (delay > most) delay = most;
    return delay / 2 + random_below(delay / 2 + 1);
}

static void drop_session(struct mqtt_client *c)
{
    if (!c->session) return;
    mqtt_session_destroy(c->session);
    c->session = NULL;
    c->serial++;
    paho_unroute(&c->route);
    return_unsent(c);
    drain_acks(c, NULL); /* hands back those that nobody waits for any more */
}

static void failed(struct mqtt_client *c, const struct error *why)
{
    drop_session(c);
    tell_down(c, why);
    c->state = CLIENT_WAITING;
    loop_timer_start(c->loop, &c->timer, backoff_ms(c));
    c->failures++;
}

static void connect_to(struct mqtt_client *c, size_t address)
{
    struct error e;
    c->address = address;
    c->route.host = c->setup.url.host;
    memcpy(c->route.address, c->addresses.addresses[address], sizeof(c->route.address));
    paho_route(&c->route);
    c->session = mqtt_session_open(&c->setup, ++c->serial, &e);
    if (!c->session) {
        paho_unroute(&c->route);
        failed(c, &e);
        return;
    }
    c->state = CLIENT_CONNECTING;
    loop_timer_start(c->loop, &c->timer,
                     (uint64_t)c->setup.role.conf->connect_timeout * 1000 + ANSWER_GRACE_MS);
}

static void looked_up(void *arg, const struct lookup_answer *answer)
{
    struct mqtt_client *c = arg;
    struct error e;
    c->lookup = NULL;
    if (answer->count) {
        c->addresses = *answer;
        connect_to(c, 0);
        return;
    }
    error_set(&e, FAULT_DOWN,
              "connecting to %s: looking up the host: %s (check server, and the name "
              "server)",
              c->setup.broker, answer->error);
    failed(c, &e);
}

static void begin(struct mqtt_client *c)
{
    c->state = CLIENT_LOOKING_UP;
    c->lookup = lookup_start(c->loop, c->setup.url.host, looked_up, c);
}

static void on_timer(void *arg)
{
    struct mqtt_client *c = arg;
    struct error e;
    if (c->state == CLIENT_WAITING) begin(c);
    if (c->state != CLIENT_CONNECTING) return;
    error_set(&e, FAULT_DOWN, "connecting to %s: no answer", c->setup.broker);
    failed(c, &e);
}

/* ---- news of the session ---- */

static void up(struct mqtt_client *c)
{
    loop_timer_stop(c->loop, &c->timer);
    c->state = CLIENT_UP;
    c->failures = 0;
    tell_up(c);
}

/* MQTT 5 repeats its subscriptions, which then may change; 3.1.1 would get all retained messages
 * again. */
static bool must_subscribe(const struct mqtt_client *c, bool session_present)
{
    const struct mqtt_role *role = &c->setup.role;
    if (!role->filters.count) return false;
    return role->conf->protocol == MQTT_5 || !c->subscribed || !session_present;
}

static void on_connected(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    struct error e;
    c->limits = news->limits;
    if (!must_subscribe(c, news->session_present))
        up(c);
    else if (!mqtt_session_subscribe(c->session, &e))
        failed(c, &e);
}

static void on_failed(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    bool more = c->address + 1 < c->addresses.count;
    if (c->state == CLIENT_CONNECTING && news->unreachable && more) {
        drop_session(c);
        connect_to(c, c->address + 1);
        return;
    }
    failed(c, &news->why);
}

static void finish_close(struct mqtt_client *c);

static void on_news_while_closing(struct mqtt_client *c, int kind)
{
    if (kind == SESSION_SYNCED || kind == SESSION_FAILED) finish_close(c);
}

static void on_news(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    int kind = news->note.kind;
    if (!c->session || news->serial != c->serial) return; /* stale */
    if (c->state == CLIENT_CLOSING) {
        on_news_while_closing(c, kind);
    } else if (kind == SESSION_CONNECTED) {
        on_connected(c, news);
    } else if (kind == SESSION_SUBSCRIBED) {
        c->subscribed = true;
        up(c);
    } else {
        on_failed(c, news);
    }
}

/* ---- commands of the owner ---- */

static void stop_trying(struct mqtt_client *c)
{
    loop_timer_stop(c->loop, &c->timer);
    lookup_cancel(c->lookup);
    c->lookup = NULL;
}

static void on_pause(struct mqtt_client *c)
{
    stop_trying(c);
    drop_session(c);
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
    drop_session(c);
    return_unsent(c);
    loop_timer_stop(c->loop, &c->tick);
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
    if (drain_acks(c, NULL) || !c->flush_ticks--)
        sync_with_broker(c);
    else
        loop_timer_start(c->loop, &c->timer, TICK_MS);
}

static void on_close(struct mqtt_client *c)
{
    stop_trying(c);
    c->state = CLIENT_CLOSING;
    c->flush_ticks = FLUSH_TICKS;
    c->timer.run = flush;
    flush(c);
}

static void on_settle(struct mqtt_client *c, struct receipt *chain)
{
    if (!drain_acks(c, chain)) want_tick(c);
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
        begin(c);
        break;
    case CLIENT_PAUSE:
        on_pause(c);
        break;
    case CLIENT_RESUME:
        if (c->state == CLIENT_PAUSED) begin(c);
        break;
    case CLIENT_DRAIN:
        on_settle(c, NULL);
        break;
    case CLIENT_SETTLE:
        on_settle(c, ((const struct mqtt_settle *)note)->chain);
        break;
    case CLIENT_PUBLISH:
        add_unsent(c, note);
        return; /* it is not ours to free */
    case CLIENT_CLOSE:
        on_close(c);
        break;
    case CLIENT_END:
        tell(c, bare_note(0), MQTT_CLOSED); /* the owner may destroy the client at once */
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
    if (last || !c->unsent) return;
    if (c->state == CLIENT_UP)
        send_unsent(c);
    else
        return_unsent(c);
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
    c->timer = (struct loop_timer){.run = on_timer, .arg = c};
    c->tick = (struct loop_timer){.run = on_tick, .arg = c};
    handover_init(&c->to_client, c->loop, on_notes, c);
    handover_init(&c->to_owner, loop, take, arg);
    c->setup.to_client = &c->to_client;
    c->setup.to_owner = &c->to_owner;
    mqtt_url_for_paho(&c->setup.url, c->setup.uri, sizeof(c->setup.uri));
    mqtt_broker_name(role->conf, c->setup.broker, sizeof(c->setup.broker));
    if (role->filters.count && paho_holds_acks()) c->setup.gate = ack_gate_create(write_acks, c);
    return c;
}

void mqtt_client_destroy(struct mqtt_client *c)
{
    if (!c) return;
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
