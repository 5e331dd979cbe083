/* An instance of librdkafka that ends while a probe of the cluster ends, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connectors/kafka/client.h"

struct case_ {
    struct kafka_client client;
    struct kafka_client_conf conf;
    struct post close;
    unsigned closed;
    bool reaper_ran_on;
};

static void *nothing(void *arg)
{
    return arg;
}

static void close_client(struct post *post)
{
    struct case_ *t = (struct case_ *)((char *)post - offsetof(struct case_, close));
    kafka_client_close(&t->client, 0);
}

/* The close and the end of one more probe, in one turn. */
static void on_probed(void *owner, const struct error *why)
{
    struct case_ *t = owner;
    struct kafka_client *c = &t->client;
    assert_non_null(why);
    loop_timer_stop(c->loop, &c->probe.next);
    c->probe.running = true;
    assert_int_equal(pthread_create(&c->probe.thread, NULL, nothing, NULL), 0);
    t->close.run = close_client;
    loop_post(c->loop, &t->close);
    loop_post(c->loop, &c->probe.post);
}

static void on_closed(void *owner)
{
    struct case_ *t = owner;
    t->closed++;
    t->reaper_ran_on = t->client.reaper != NULL;
    loop_stop(t->client.loop);
}

static bool on_event(void *owner, rd_kafka_event_t *event)
{
    (void)owner;
    (void)event;
    return false;
}

static void on_error(void *owner, rd_kafka_resp_err_t code, const char *text, bool fatal)
{
    (void)owner;
    (void)code;
    (void)text;
    assert_false(fatal);
}

static void it_is_closed_when_the_instance_is_gone(void **state)
{
    (void)state;
    static const struct kafka_client_ops ops = {
        .event = on_event, .error = on_error, .probed = on_probed, .closed = on_closed};
    struct case_ t = {.client = {.ops = &ops, .context = "test"}};
    struct error e;
    t.client.owner = &t;
    t.client.conf = &t.conf;
    t.client.loop = loop_create();
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", "127.0.0.1:1", NULL, 0);
    assert_true(kafka_client_open(&t.client, RD_KAFKA_PRODUCER, conf, NULL, &e));
    kafka_client_probe(&t.client, 0);
    loop_run(t.client.loop);
    assert_int_equal(t.closed, 1);
    assert_false(t.reaper_ran_on);
    loop_destroy(t.client.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_closed_when_the_instance_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
