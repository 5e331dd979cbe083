#include "connectors/kafka/client.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connectors/kafka/errors.h"
#include "connectors/kafka/token.h"

enum {
    TICK_MS = 1000, /* the queue is polled at least so often: max.poll.interval.ms counts polls */
    PROBE_MS = 1000,
    PROBE_DELAY_MS = 250,
    PROBE_DELAY_MAX_MS = 4000,
    PATIENCE_MS = 1500, /* for rd_kafka_destroy(), which may wait for a name server */
};

/* ---- events ---- */

static void on_log(struct kafka_client *c, rd_kafka_event_t *event)
{
    const char *facility, *text;
    int level;
    if (rd_kafka_event_log(event, &facility, &text, &level) != 0) return;
    bool is_event = strcmp(facility, "FAIL") == 0 || strcmp(facility, "FATAL") == 0;
    if (is_event) return; /* comes as an error too */
    if (level > 4)        /* syslog's LOG_WARNING */
        log_debug(c->context, "librdkafka: %s", text);
    else
        log_limited(&c->log_limit, LOG_WARN, c->context, "librdkafka: %s", text);
}

static void on_error(struct kafka_client *c, rd_kafka_event_t *event)
{
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    bool fatal = rd_kafka_event_error_is_fatal(event);
    log_debug(c->context, "kafka: %s: %s", rd_kafka_err2name(code), text);
    if (!fatal && kafka_error_is_connection(code)) {
        kafka_error_connection(&c->reason, text);
        kafka_client_probe(c, 0);
    } else if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
        kafka_client_probe(c, 0);
    } else {
        c->ops->error(c->owner, code, text, fatal);
    }
}

static void on_token_wanted(struct kafka_client *c)
{
    struct error e;
    if (kafka_token_refresh(c->rk, c->conf->sasl_token_file, &e)) return;
    /* librdkafka makes an error event of it, and asks again after a while. */
    rd_kafka_oauthbearer_set_token_failure(c->rk, e.text);
}

/* Returns whether the owner keeps the event. */
static bool on_event(struct kafka_client *c, rd_kafka_event_t *event)
{
    switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_LOG:
        on_log(c, event);
        return false;
    case RD_KAFKA_EVENT_ERROR:
        on_error(c, event);
        return false;
    case RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH:
        on_token_wanted(c);
        return false;
    default:
        return c->ops->event(c->owner, event);
    }
}

static void drain(struct kafka_client *c)
{
    rd_kafka_event_t *event;
    while (c->rk && (event = rd_kafka_queue_poll(c->queue, 0)))
        if (!on_event(c, event)) rd_kafka_event_destroy(event);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct kafka_client *c = poll->data;
    uint64_t ignored;
    (void)status;
    (void)events;
    /* Before the queues are looked at: what comes in meanwhile wakes us again. */
    if (read(c->fd, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN) return;
    drain(c);
    if (c->ops->woken) c->ops->woken(c->owner);
}

static void on_tick(void *arg)
{
    struct kafka_client *c = arg;
    loop_timer_start(c->loop, &c->tick, TICK_MS);
    drain(c);
}

void kafka_client_watch(struct kafka_client *c, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1; /* what an eventfd wants written */
    rd_kafka_queue_io_event_enable(queue, c->fd, &one, sizeof(one));
}

void kafka_client_unwatch(rd_kafka_queue_t *queue)
{
    rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
}

/* ---- the probe ---- */

static void read_answer(struct kafka_client *c, const struct rd_kafka_metadata *md)
{
    c->probe.answered = true;
    for (int i = 0; c->topic && i < md->topic_cnt; i++) {
        const struct rd_kafka_metadata_topic *t = &md->topics[i];
        if (t->err) kafka_error_topic(&c->probe.why, t->topic, t->err);
    }
}

/* Runs on a thread of its own. */
static void *run_probe(void *arg)
{
    struct kafka_client *c = arg;
    const struct rd_kafka_metadata *md = NULL;
    struct error *why = &c->probe.why;
    why->fault = FAULT_NONE;
    c->probe.answered = false;
    rd_kafka_resp_err_t failed = rd_kafka_metadata(c->rk, 0, c->topic, &md, PROBE_MS);
    if (failed)
        error_set(why, FAULT_DOWN, "connecting to Kafka: no broker of \"%s\" answers: %s",
                  c->conf->bootstrap_servers, rd_kafka_err2str(failed));
    else
        read_answer(c, md);
    if (md) rd_kafka_metadata_destroy(md);
    loop_post(c->loop, &c->probe.post);
    return NULL;
}

/* The far end answers, but some connection broke: a broker among others, or one that is back. */
static void say_reason(struct kafka_client *c)
{
    if (c->reason.fault != FAULT_NONE)
        log_limited(&c->reason_limit, LOG_WARN, c->context, "%s", c->reason.text);
    c->reason.fault = FAULT_NONE;
}

/* Silence has no reason yet when it is the first: a connection may take longer than a probe. */
static void probe_failed(struct kafka_client *c)
{
    struct kafka_probe *probe = &c->probe;
    bool first = probe->delay_ms == 0;
    bool told = !probe->answered && c->reason.fault != FAULT_NONE;
    probe->delay_ms = first ? PROBE_DELAY_MS : 2 * probe->delay_ms;
    if (probe->delay_ms > PROBE_DELAY_MAX_MS) probe->delay_ms = PROBE_DELAY_MAX_MS;
    kafka_client_probe(c, probe->delay_ms);
    if (probe->answered || told || !first)
        c->ops->probed(c->owner, told ? &c->reason : &probe->why);
}

static void on_probe_done(struct post *post)
{
    struct kafka_client *c =
        (struct kafka_client *)((char *)post - offsetof(struct kafka_client, probe.post));
    pthread_join(c->probe.thread, NULL); /* posting was the last thing it did */
    c->probe.running = false;
    if (c->closing) {
        loop_at_turn_end(c->loop, &c->close_task); /* it may be on its way already */
    } else if (c->probe.why.fault != FAULT_NONE) {
        probe_failed(c);
    } else {
        c->probe.delay_ms = 0;
        say_reason(c);
        c->ops->probed(c->owner, NULL);
    }
}

static void start_thread(struct kafka_client *c, pthread_t *thread, void *(*run)(void *), void *arg)
{
    if (pthread_create(thread, NULL, run, arg) == 0) return;
    log_error(c->context, "cannot create a thread (check the limits on processes)");
    abort();
}

static void on_probe_due(void *arg)
{
    struct kafka_client *c = arg;
    c->probe.running = true;
    c->probe.post.run = on_probe_done;
    start_thread(c, &c->probe.thread, run_probe, c);
}

void kafka_client_probe(struct kafka_client *c, uint64_t after_ms)
{
    if (c->probe.running || c->probe.next.slot || c->closing) return;
    loop_timer_start(c->loop, &c->probe.next, after_ms);
}

/* ---- opening ---- */

static void open_queue(struct kafka_client *c, rd_kafka_type_t type)
{
    rd_kafka_set_log_queue(c->rk, NULL); /* to the main queue */
    if (type == RD_KAFKA_PRODUCER) {
        c->queue = rd_kafka_queue_get_main(c->rk);
    } else {
        /* A queue of our own, as closing wants one that is not the consumer's. */
        rd_kafka_poll_set_consumer(c->rk);
        rd_kafka_queue_t *consumer = rd_kafka_queue_get_consumer(c->rk);
        c->queue = rd_kafka_queue_new(c->rk);
        rd_kafka_queue_forward(consumer, c->queue);
        rd_kafka_queue_destroy(consumer);
    }
    kafka_client_watch(c, c->queue);
}

bool kafka_client_open(struct kafka_client *c, rd_kafka_type_t type, rd_kafka_conf_t *conf,
                       const char *topic, struct error *e)
{
    char why[300];
    c->rk = rd_kafka_new(type, conf, why, sizeof(why));
    if (!c->rk) {
        rd_kafka_conf_destroy(conf);
        return error_set(e, FAULT_CONFIG, "kafka: %s", why);
    }
    c->closing = false;
    c->reason.fault = FAULT_NONE;
    c->topic = topic ? rd_kafka_topic_new(c->rk, topic, NULL) : NULL;
    c->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uv_poll_init(loop_uv(c->loop), &c->poll, c->fd);
    c->poll.data = c;
    uv_poll_start(&c->poll, UV_READABLE, on_readable);
    open_queue(c, type);
    c->probe.next = (struct loop_timer){.run = on_probe_due, .arg = c};
    c->tick = (struct loop_timer){.run = on_tick, .arg = c};
    loop_timer_start(c->loop, &c->tick, TICK_MS);
    return true;
}

/* There is no call for that; setting the password does it on the way, also where there is none. */
void kafka_client_wake(struct kafka_client *c)
{
    const char *user = c->conf->sasl_username, *password = c->conf->sasl_password;
    rd_kafka_error_destroy(
        rd_kafka_sasl_set_credentials(c->rk, user ? user : "", password ? password : ""));
}

int64_t kafka_client_setting(const struct kafka_client *c, const char *property)
{
    char value[32] = "";
    size_t size = sizeof(value);
    rd_kafka_conf_get(rd_kafka_conf(c->rk), property, value, &size);
    return strtoll(value, NULL, 10);
}

/* ---- closing ---- */

/* Waits for rd_kafka_destroy(). Whoever comes second, the thread or the loop's patience, finds the
 * other's mark. */
struct kafka_reaper {
    struct post post;
    rd_kafka_t *rk;
    int flags;
    struct kafka_client *client;
    struct loop *loop;
    pthread_t thread;
    atomic_bool marked;
};

static void *run_reaper(void *arg)
{
    struct kafka_reaper *r = arg;
    rd_kafka_destroy_flags(r->rk, r->flags);
    if (atomic_exchange(&r->marked, true))
        free(r);
    else
        loop_post(r->loop, &r->post);
    return NULL;
}

static void close_step(struct kafka_client *c)
{
    if (--c->close_steps) return;
    c->closing = false;
    c->ops->closed(c->owner);
}

static void on_reaped(struct post *post)
{
    struct kafka_reaper *r = (struct kafka_reaper *)post; /* its first member */
    struct kafka_client *c = r->client;
    pthread_join(r->thread, NULL);
    loop_timer_stop(c->loop, &c->patience);
    free(r);
    c->reaper = NULL;
    close_step(c);
}

static void on_patience_gone(void *arg)
{
    struct kafka_client *c = arg;
    pthread_t thread = c->reaper->thread;
    if (atomic_exchange(&c->reaper->marked, true)) return; /* its post is on the way */
    pthread_detach(thread);
    c->reaper = NULL;
    log_warn(c->context, "kafka: a connection does not end (a name server that is silent?): left "
                         "behind");
    close_step(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct kafka_client *c = handle->data;
    close(c->fd);
    close_step(c);
}

static void start_reaper(struct kafka_client *c)
{
    struct kafka_reaper *r = mem_zalloc(sizeof(*r));
    if (c->topic) rd_kafka_topic_destroy(c->topic);
    kafka_client_unwatch(c->queue);
    rd_kafka_queue_destroy(c->queue);
    *r = (struct kafka_reaper){.post = {.run = on_reaped},
                               .rk = c->rk,
                               .flags = c->close_flags,
                               .client = c,
                               .loop = c->loop};
    c->rk = NULL;
    c->reaper = r;
    c->close_steps = 2;
    c->patience = (struct loop_timer){.run = on_patience_gone, .arg = c};
    loop_timer_start(c->loop, &c->patience, PATIENCE_MS);
    start_thread(c, &r->thread, run_reaper, r);
    uv_close((uv_handle_t *)&c->poll, on_poll_closed);
}

/* No event is being handled here, which would be destroyed after its client. */
static void begin_close(void *arg)
{
    struct kafka_client *c = arg;
    if (!c->rk) {
        c->close_steps = 1;
        close_step(c);
    } else if (!c->probe.running) {
        start_reaper(c);
    }
}

void kafka_client_close(struct kafka_client *c, int flags)
{
    if (c->closing) return;
    c->closing = true;
    c->close_flags = flags;
    loop_timer_stop(c->loop, &c->tick);
    loop_timer_stop(c->loop, &c->probe.next);
    c->close_task = (struct turn_task){.run = begin_close, .arg = c};
    loop_at_turn_end(c->loop, &c->close_task);
}
