#include "connectors/mqtt/mqtt_backlog.h"

void mqtt_backlog_init(struct mqtt_backlog *b, size_t most)
{
    *b = (struct mqtt_backlog){.most = most};
    paho_hold_add(&b->hold);
}

void mqtt_backlog_release(struct mqtt_backlog *b)
{
    paho_hold_remove(&b->hold);
}

/* Both sides change one value and then look at the other one's, so that at least one of them sees
 * where both have changed. */
static void resume_if_small(struct mqtt_backlog *b)
{
    if (atomic_load(&b->bytes) <= b->most / 2 && atomic_load(&b->hold.held)) paho_resume(&b->hold);
}

void mqtt_backlog_connected(struct mqtt_backlog *b, const struct paho_net *net)
{
    paho_hold_socket(&b->hold, net);
}

void mqtt_backlog_disconnected(struct mqtt_backlog *b)
{
    paho_hold_socket(&b->hold, NULL);
}

bool mqtt_backlog_waits(struct mqtt_backlog *b)
{
    return atomic_load(&b->bytes) > 0;
}

void mqtt_backlog_add(struct mqtt_backlog *b, size_t bytes)
{
    if (atomic_fetch_add(&b->bytes, bytes) + bytes <= b->most || atomic_load(&b->hold.held)) return;
    paho_hold(&b->hold);
    resume_if_small(b);
}

void mqtt_backlog_remove(struct mqtt_backlog *b, size_t bytes)
{
    atomic_fetch_sub(&b->bytes, bytes);
    resume_if_small(b);
}
