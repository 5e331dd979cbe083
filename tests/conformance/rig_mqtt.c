/* The MQTT connector, against Mosquitto, which keeps its sessions over a restart: MQTT 5,
 * and 3.1.1, which knows no attributes. Keys are the last level of the topic. */
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/conformance/mqtt_wire.h"
#include "tests/conformance/process.h"
#include "tests/conformance/rig.h"
#include "tests/conformance/wait.h"

#define BRIDGE_ID "bridge"

struct mqtt_rig {
    struct rig base;
    struct process broker;
    char *config_path, *log_path;
    uint16_t port;
    bool v5;
    struct mqtt_wire publisher, subscriber;
    struct parcels arrived;
    FILE *log;
    size_t acked;
};

/* ---- the broker ---- */

static void write_config(const struct mqtt_rig *r, const char *folder)
{
    const struct passwd *user = getpwuid(geteuid());
    FILE *f = fopen(r->config_path, "w");
    if (!f) check_failed("cannot write %s", r->config_path);
    fprintf(f,
            "listener %u 127.0.0.1\nallow_anonymous true\nuser %s\npersistence true\n"
            "persistence_location %s/\nmax_queued_messages 0\nmax_queued_bytes "
            "0\nmax_inflight_messages 0\n"
            "log_dest stderr\nlog_type all\nset_tcp_nodelay true\n",
            r->port, user ? user->pw_name : "root", folder);
    fclose(f);
}

static bool broker_answers(void *arg)
{
    struct mqtt_rig *r = arg;
    return mqtt_wire_connect(&r->publisher, r->port, "publisher", r->v5);
}

static void start_broker(struct mqtt_rig *r)
{
    const char *const argv[] = {"mosquitto", "-c", r->config_path, NULL};
    r->broker = process_start(argv, r->log_path);
    wait_until(broker_answers, r, "mosquitto takes connections");
    if (!mqtt_wire_connect(&r->subscriber, r->port, "subscriber", r->v5))
        check_failed("mosquitto is gone");
}

/* What is published before the bridge comes waits in its session. */
static void make_sessions(struct mqtt_rig *r)
{
    struct mqtt_wire bridge = {0};
    if (!mqtt_wire_connect(&bridge, r->port, BRIDGE_ID, r->v5)) check_failed("mosquitto is gone");
    mqtt_wire_subscribe(&bridge, "in/#");
    mqtt_wire_close(&bridge);
    mqtt_wire_subscribe(&r->subscriber, "out/#");
}

static struct rig *open_broker(const char *folder, bool v5)
{
    struct mqtt_rig *r = mem_zalloc(sizeof(*r));
    r->v5 = v5;
    r->port = free_port();
    r->config_path = mem_printf("%s/mosquitto.conf", folder);
    r->log_path = mem_printf("%s/mosquitto.log", folder);
    write_config(r, folder);
    start_broker(r);
    make_sessions(r);
    r->log = fopen(r->log_path, "re");
    return &r->base;
}

static struct rig *open_v5(const char *folder)
{
    return open_broker(folder, true);
}

static struct rig *open_v311(const char *folder)
{
    return open_broker(folder, false);
}

static void rig_close(struct rig *rig)
{
    struct mqtt_rig *r = (struct mqtt_rig *)rig;
    mqtt_wire_close(&r->publisher);
    mqtt_wire_close(&r->subscriber);
    process_stop(&r->broker, SIGTERM);
    parcels_release(&r->arrived);
    fclose(r->log);
    free(r->config_path);
    free(r->log_path);
    free(r);
}

static const struct parcels *rig_arrived(struct rig *rig);

static void rig_down(struct rig *rig)
{
    struct mqtt_rig *r = (struct mqtt_rig *)rig;
    rig_arrived(rig); /* what the broker has not heard acknowledged would come to us twice */
    process_stop(&r->broker, SIGTERM);
}

static void rig_up(struct rig *rig)
{
    start_broker((struct mqtt_rig *)rig);
}

static void rig_stall(struct rig *rig)
{
    process_signal(&((struct mqtt_rig *)rig)->broker, SIGSTOP);
}

static void rig_resume(struct rig *rig)
{
    process_signal(&((struct mqtt_rig *)rig)->broker, SIGCONT);
}

/* ---- the source's side ---- */

static void add_connection(const struct mqtt_rig *r, const char *client_id, struct buf *options)
{
    buf_printf(options,
               "type = \"mqtt\"; server = \"mqtt://127.0.0.1:%u\"; protocol = \"%s\"; "
               "client_id = \"%s\"; reconnect_delay = \"50ms\"; reconnect_max_delay = \"200ms\";",
               r->port, r->v5 ? "5" : "3.1.1", client_id);
}

static void rig_source(struct rig *rig, struct buf *options)
{
    add_connection((struct mqtt_rig *)rig, BRIDGE_ID, options);
    buf_printf(options, " topics = [\"in/#\"];");
}

static void publish(struct mqtt_rig *r, const struct msg *m)
{
    struct buf keep = {0};
    char *topic = mem_printf("in/%.*s", BYTES_ARGS(m->key));
    struct mqtt_message message = {.topic = bytes_str(topic), .body = m->body};
    message.property_count = headers_write(m, true, message.properties, &keep);
    mqtt_wire_publish(&r->publisher, &message);
    free(keep.ptr);
    free(topic);
}

static void rig_put(struct rig *rig, const struct parcels *parcels, size_t from, size_t n)
{
    struct mqtt_rig *r = (struct mqtt_rig *)rig;
    for (size_t i = from; i < from + n; i++)
        publish(r, parcels->items[i]);
    mqtt_wire_flush(&r->publisher);
}

/* The broker's log has a line for each PUBACK that it got. */
static size_t rig_acked(struct rig *rig)
{
    struct mqtt_rig *r = (struct mqtt_rig *)rig;
    char line[1024];
    clearerr(r->log);
    while (fgets(line, sizeof(line), r->log))
        if (strstr(line, "Received PUBACK from " BRIDGE_ID " ")) r->acked++;
    return r->acked;
}

/* ---- the sink's side ---- */

static void rig_sink(struct rig *rig, struct buf *options)
{
    add_connection((struct mqtt_rig *)rig, "bridge-sink", options);
    buf_printf(options, " topic = \"out/${key}\";");
}

static void take(struct mqtt_rig *r, const struct mqtt_message *m)
{
    struct attr attrs[HEADERS_MAX];
    struct buf keep = {0};
    struct msg_draft draft = {.body = m->body, .attrs = attrs};
    draft.attr_count = headers_read(m->properties, m->property_count, attrs, &keep);
    if (m->topic.len > 4) draft.key = bytes_of((const char *)m->topic.ptr + 4, m->topic.len - 4);
    parcels_add(&r->arrived, &draft);
    free(keep.ptr);
}

static const struct parcels *rig_arrived(struct rig *rig)
{
    struct mqtt_rig *r = (struct mqtt_rig *)rig;
    struct mqtt_message m;
    while (mqtt_wire_receive(&r->subscriber, &m) == MQTT_MESSAGE)
        take(r, &m);
    return &r->arrived;
}

#define MQTT_RIG                                                                                   \
    .close = rig_close, .down = rig_down, .up = rig_up, .stall = rig_stall, .resume = rig_resume,  \
    .source = rig_source, .put = rig_put, .acked = rig_acked, .acks_in_order = true,               \
    .sink = rig_sink, .arrived = rig_arrived

static const struct rig_ops v5 = {
    .name = "mqtt",
    .source_traits = PARCEL_KEY | PARCEL_KEY_IN_TOPIC | PARCEL_ATTRIBUTES,
    .sink_traits = PARCEL_KEY | PARCEL_ATTRIBUTES,
    .open = open_v5,
    MQTT_RIG,
};

static const struct rig_ops v311 = {
    .name = "mqtt311",
    .source_traits = PARCEL_KEY | PARCEL_KEY_IN_TOPIC,
    .sink_traits = PARCEL_KEY,
    .open = open_v311,
    MQTT_RIG,
};

const struct rig_ops *const rigs[] = {&v5, &v311, NULL};
