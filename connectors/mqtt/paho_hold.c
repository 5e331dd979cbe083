/* Connections that are read no more for a while: they are left out of Paho's poll(2). One of the
 * files that wrap Paho's insides, see paho_inside.c. */
#include <poll.h>
#include <pthread.h>

#include "connectors/mqtt/paho_private.h"

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
WRAPPER int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);

static pthread_mutex_t holds_lock = PTHREAD_MUTEX_INITIALIZER;
static struct paho_hold *holds;
static atomic_uint
    held_count; /* of those that are held; a hint, to look no further where it is 0 */

void paho_hold_add(struct paho_hold *hold)
{
    pthread_mutex_lock(&holds_lock);
    hold->next = holds;
    holds = hold;
    pthread_mutex_unlock(&holds_lock);
}

void paho_hold_remove(struct paho_hold *hold)
{
    if (atomic_exchange(&hold->held, false)) atomic_fetch_sub(&held_count, 1);
    pthread_mutex_lock(&holds_lock);
    struct paho_hold **at = &holds;
    while (*at != hold)
        at = &(*at)->next;
    *at = hold->next;
    pthread_mutex_unlock(&holds_lock);
}

void paho_hold_socket(struct paho_hold *hold, const struct paho_net *net)
{
    atomic_store(&hold->socket, net ? paho_socket(net) : 0);
    atomic_store(&hold->sip, false);
}

void paho_hold(struct paho_hold *hold)
{
    if (!atomic_exchange(&hold->held, true)) atomic_fetch_add(&held_count, 1);
}

void paho_resume(struct paho_hold *hold)
{
    if (!atomic_exchange(&hold->held, false)) return;
    atomic_fetch_sub(&held_count, 1);
    paho_wake_receiver();
}

void paho_sip(struct paho_hold *hold)
{
    atomic_store(&hold->sip, true);
    paho_wake_receiver();
}

/* With holds_lock. NULL: it is read as usual. */
static struct paho_hold *find(int socket)
{
    struct paho_hold *hold = holds;
    while (hold && !(atomic_load(&hold->socket) == socket && atomic_load(&hold->held)))
        hold = hold->next;
    return hold;
}

bool paho_is_held(int socket)
{
    if (!atomic_load_explicit(&held_count, memory_order_relaxed)) return false;
    pthread_mutex_lock(&holds_lock);
    bool held = find(socket) != NULL;
    pthread_mutex_unlock(&holds_lock);
    return held;
}

void paho_sip_taken(int socket)
{
    if (!atomic_load_explicit(&held_count, memory_order_relaxed)) return;
    pthread_mutex_lock(&holds_lock);
    struct paho_hold *hold = find(socket);
    if (hold) atomic_store(&hold->sip, false);
    pthread_mutex_unlock(&holds_lock);
}

/* fds is Paho's copy for this one call. */
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    bool some = paho_is_its_thread() && atomic_load(&held_count);
    if (some) pthread_mutex_lock(&holds_lock);
    for (nfds_t i = 0; some && i < count; i++) {
        const struct paho_hold *hold = find(fds[i].fd);
        if (hold && !atomic_load(&hold->sip)) fds[i].events &= (short)~POLLIN;
    }
    if (some) pthread_mutex_unlock(&holds_lock);
    return __real_poll(fds, count, timeout);
}
