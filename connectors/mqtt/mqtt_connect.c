#include "connectors/mqtt/mqtt_client_inside.h"

#include <string.h>

enum {
    ANSWER_GRACE_MS = 5000, /* on top of connect_timeout, which Paho checks every 3 s */
    PINGREQ_BYTES = 2,
    SHORT_LIVES = 2, /* connections in a row that did not last are no coincidence */
};

/* ---- news for the owner ---- */

static void tell_up(struct mqtt_client *c)
{
    struct mqtt_up *up = mem_zalloc(sizeof(*up));
    *up = c->news;
    mqtt_client_tell(c, &up->note, MQTT_UP);
}

static void tell_down(struct mqtt_client *c, const struct error *why)
{
    struct mqtt_down *down = mem_zalloc(sizeof(*down));
    down->why = *why;
    mqtt_client_tell(c, &down->note, MQTT_DOWN);
}

/* ---- connecting ---- */

static uint64_t delay_after(const struct mqtt_client *c, unsigned failures)
{
    uint64_t delay = (uint64_t)c->setup.role.conf->reconnect_delay;
    uint64_t most = (uint64_t)c->setup.role.conf->reconnect_max_delay;
    for (unsigned i = 0; i < failures && delay < most; i++)
        delay *= 2;
    return delay < most ? delay : most;
}

/* Doubles with each failure, with jitter: clients that lost a broker together come back one by
 * one. */
static uint64_t backoff_ms(const struct mqtt_client *c)
{
    uint64_t delay = delay_after(c, c->failures);
    return delay / 2 + loop_random() % (delay / 2 + 1);
}

/* A connection that does not last is one more failure: two clients with the same client_id would
 * else push each other out once a second, for ever. */
static bool has_lasted(const struct mqtt_client *c)
{
    return c->state == CLIENT_UP &&
           loop_now_ms(c->loop) - c->up_ms > 2 * delay_after(c, c->failures);
}

void mqtt_connect_drop(struct mqtt_client *c)
{
    if (!c->session) return;
    mqtt_backlog_disconnected(&c->setup.backlog);
    loop_timer_stop(c->loop, &c->sip);
    mqtt_session_destroy(c->session);
    c->session = NULL;
    c->serial++;
    paho_unroute(&c->route);
    mqtt_traffic_return_unsent(c);
    mqtt_traffic_acknowledge(c, NULL); /* hands back those that nobody waits for any more */
}

static void failed(struct mqtt_client *c, const struct error *why)
{
    if (has_lasted(c)) c->failures = 0;
    if (c->state == CLIENT_UP) c->down_ms = loop_now_ms(c->loop);
    mqtt_connect_drop(c);
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

void mqtt_connect_begin(struct mqtt_client *c)
{
    c->state = CLIENT_LOOKING_UP;
    c->lookup = lookup_start(c->loop, c->setup.url.host, looked_up, c);
}

void mqtt_connect_stop_trying(struct mqtt_client *c)
{
    loop_timer_stop(c->loop, &c->timer);
    lookup_cancel(c->lookup);
    c->lookup = NULL;
}

void mqtt_connect_on_timer(void *client)
{
    struct mqtt_client *c = client;
    struct error e;
    if (c->state == CLIENT_WAITING) mqtt_connect_begin(c);
    if (c->state != CLIENT_CONNECTING) return;
    error_set(&e, FAULT_DOWN, "connecting to %s: no answer", c->setup.broker);
    failed(c, &e);
}

/* ---- a connection that is hardly read ----
 *
 * While much waits here, TCP holds the broker back. Paho sends no second PINGREQ before it has the
 * answer to the first, which lies behind all that was not read, and would take the silence for a
 * dead connection. So the broker hears from us, and one packet is read, twice in each keep-alive
 * interval. */

static void start_sip(struct mqtt_client *c)
{
    loop_timer_start(c->loop, &c->sip, (uint64_t)c->setup.role.conf->keep_alive * 500);
}

void mqtt_connect_sip(void *client)
{
    static const uint8_t pingreq[PINGREQ_BYTES] = {0xc0, 0};
    struct mqtt_client *c = client;
    if (mqtt_backlog_waits(&c->setup.backlog)) {
        paho_lock();
        mqtt_traffic_write(c, pingreq, sizeof(pingreq)); /* a busy socket has something to say */
        paho_unlock();
        paho_sip(&c->setup.backlog.hold);
    }
    start_sip(c);
}

/* ---- news of the session ---- */

static void up(struct mqtt_client *c)
{
    loop_timer_stop(c->loop, &c->timer);
    c->state = CLIENT_UP;
    c->up_ms = loop_now_ms(c->loop);
    if (c->setup.gate) {
        paho_lock();
        mqtt_backlog_connected(&c->setup.backlog, c->setup.net);
        paho_unlock();
        start_sip(c);
    }
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

static void describe(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    const struct mqtt_role *role = &c->setup.role;
    bool expected = c->down_ms && role->filters.count && role->session_expiry_s;
    c->news = (struct mqtt_up){
        .limits = news->limits,
        .session_present = news->session_present,
        .session_lost = expected && !news->session_present,
        .unacknowledged = news->forgotten,
        .away_ms = c->down_ms ? loop_now_ms(c->loop) - c->down_ms : 0,
    };
}

/* A session that goes on has its subscriptions, and its messages come before SUBACK. */
static void on_connected(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    struct error e;
    bool subscribe = must_subscribe(c, news->session_present);
    describe(c, news);
    if (subscribe && !mqtt_session_subscribe(c->session, &e)) {
        failed(c, &e);
        return;
    }
    if (!subscribe || news->session_present) up(c);
}

static void on_subscribed(struct mqtt_client *c)
{
    c->subscribed = true;
    if (c->state == CLIENT_CONNECTING) up(c);
}

/* Brokers may say why they take a session away (MQTT 5), but Mosquitto 2.0.11 does not. */
static void failed_again(struct mqtt_client *c, const struct error *why)
{
    struct error e;
    error_set(&e, why->fault,
              "%s, soon after it came up, and again and again (does another client use the "
              "client_id \"%s\"?)",
              why->text, c->setup.role.client_id);
    failed(c, &e);
}

static void on_failed(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    bool more = c->address + 1 < c->addresses.count;
    if (c->state == CLIENT_CONNECTING && news->unreachable && more) {
        mqtt_connect_drop(c);
        connect_to(c, c->address + 1);
        return;
    }
    if (c->state == CLIENT_UP && !has_lasted(c) && c->failures >= SHORT_LIVES)
        failed_again(c, &news->why);
    else
        failed(c, &news->why);
}

void mqtt_connect_on_news(struct mqtt_client *c, const struct mqtt_session_note *news)
{
    int kind = news->note.kind;
    if (kind == SESSION_CONNECTED)
        on_connected(c, news);
    else if (kind == SESSION_SUBSCRIBED)
        on_subscribed(c);
    else if (kind == SESSION_FAILED)
        on_failed(c, news);
}
