#include "connectors/mqtt/mqtt_client_inside.h"

#include "connectors/mqtt/mqtt_publish.h"

enum {
    TICK_MS = 5, /* while something waits for a busy socket */
    WATCH_MS = 1000,
};

/* ---- acknowledgements ---- */

bool mqtt_traffic_write(void *client, const void *bytes, size_t len)
{
    const struct mqtt_client *c = client;
    return c->setup.net && paho_write(c->setup.net, bytes, len);
}

void mqtt_traffic_want_tick(struct mqtt_client *c)
{
    if (!c->tick.slot) loop_timer_start(c->loop, &c->tick, TICK_MS);
}

static void tell_acked(struct mqtt_client *c, struct receipt *done)
{
    if (!done) return;
    struct mqtt_acked *acked = mem_zalloc(sizeof(*acked));
    acked->done = done;
    mqtt_client_tell(c, &acked->note, MQTT_ACKED);
}

bool mqtt_traffic_acknowledge(struct mqtt_client *c, struct receipt *settled)
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

static void tell_oldest(struct mqtt_client *c, const struct ack_gate_oldest *oldest)
{
    struct mqtt_oldest *news = mem_zalloc(sizeof(*news));
    uint64_t now_ms = uv_hrtime() / 1000000;
    if (oldest) {
        news->packet_id = oldest->packet_id;
        news->age_ms = now_ms > oldest->since_ms ? now_ms - oldest->since_ms : 0;
        news->behind = oldest->behind;
    }
    mqtt_client_tell(c, &news->note, MQTT_OLDEST);
}

void mqtt_traffic_watch(void *client)
{
    struct mqtt_client *c = client;
    struct ack_gate_oldest oldest;
    paho_lock();
    bool waits = ack_gate_oldest(c->setup.gate, &oldest);
    paho_unlock();
    if (waits || c->waited) tell_oldest(c, waits ? &oldest : NULL);
    c->waited = waits;
    loop_timer_start(c->loop, &c->watch, WATCH_MS);
}

/* ---- publishing ---- */

void mqtt_traffic_return_unsent(struct mqtt_client *c)
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
    mqtt_traffic_want_tick(c);
}

void mqtt_traffic_add(struct mqtt_client *c, struct note *note)
{
    note->next = NULL;
    if (c->unsent_last)
        c->unsent_last->next = note;
    else
        c->unsent = note;
    c->unsent_last = note;
}

void mqtt_traffic_on_tick(void *client)
{
    struct mqtt_client *c = client;
    bool again = !mqtt_traffic_acknowledge(c, NULL);
    if (c->state == CLIENT_UP && c->unsent) send_unsent(c);
    if (c->session && atomic_load_explicit(&c->session->unanswered, memory_order_relaxed)) {
        paho_wake_sender();
        again = true;
    }
    if (again || c->unsent) mqtt_traffic_want_tick(c);
}

void mqtt_traffic_send(struct mqtt_client *c)
{
    if (!c->unsent) return;
    if (c->state == CLIENT_UP)
        send_unsent(c);
    else
        mqtt_traffic_return_unsent(c);
}
