/* A build without the ack gate: public Paho only (see paho_inside.h). Nothing here can hold an
 * acknowledgement back. */
#include "connectors/mqtt/paho_inside.h"

bool paho_holds_acks(void)
{
    return false;
}

void paho_init(void (*before_wait)(void))
{
    (void)before_wait;
}

bool paho_will_wait(void)
{
    return false;
}

void paho_lock(void)
{
}

void paho_unlock(void)
{
}

struct paho_net *paho_current_net(void)
{
    return NULL;
}

bool paho_write(struct paho_net *net, const void *bytes, size_t len)
{
    (void)net, (void)bytes, (void)len;
    return false;
}

/* Nothing to hold with: what arrives waits in memory. */
void paho_hold_add(struct paho_hold *hold)
{
    (void)hold;
}

void paho_hold_remove(struct paho_hold *hold)
{
    (void)hold;
}

void paho_hold_socket(struct paho_hold *hold, const struct paho_net *net)
{
    (void)hold, (void)net;
}

void paho_hold(struct paho_hold *hold)
{
    (void)hold;
}

void paho_resume(struct paho_hold *hold)
{
    (void)hold;
}

void paho_sip(struct paho_hold *hold)
{
    (void)hold;
}

void paho_route(struct paho_route *route)
{
    (void)route; /* Paho asks the name server itself, a moment after the answer was had here */
}

void paho_unroute(struct paho_route *route)
{
    (void)route;
}

void paho_discard_queued(void *client)
{
    (void)client;
}

void paho_wake_sender(void)
{
}

struct paho_failure paho_failure(void)
{
    return (struct paho_failure){0};
}
