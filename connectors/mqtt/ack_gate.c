#include "connectors/mqtt/ack_gate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bridge/mem.h"

enum {
    IDENTIFIERS = 65536, /* 0 is never a packet identifier: it ends lists */
    PUBACK_BYTES = 4,
    PUBACKS_PER_WRITE = 1024,
};

enum slot_state {
    SLOT_FREE,
    SLOT_IN_FLIGHT,
    SLOT_CONFIRMED,
    SLOT_RELEASED,
};

/* What is known of the message that has this packet identifier. */
struct slot {
    uint64_t fingerprint;
    struct receipt *receipt; /* of a confirmed one whose PUBACK is not written yet */
    uint64_t since_ms;
    uint32_t generation;
    uint16_t next; /* in the list of acks owed */
    uint8_t state;
    bool owed; /* arrived on this connection, and not acknowledged on it yet */
};

struct ack_gate {
    ack_gate_write_fn *write;
    void *arg;
    bool connected;
    uint16_t first, last; /* acks owed on this connection, in order of arrival */
    size_t owed;          /* so many */
    struct receipt *done, **done_end;
    struct slot slots[IDENTIFIERS];
};

struct ack_gate *ack_gate_create(ack_gate_write_fn *write, void *arg)
{
    struct ack_gate *g = mem_zalloc(sizeof(*g)); /* its pages come into being as they are used */
    g->write = write;
    g->arg = arg;
    g->done_end = &g->done;
    return g;
}

void ack_gate_destroy(struct ack_gate *g)
{
    free(g);
}

static uint64_t token_of(const struct slot *slot, uint16_t packet_id)
{
    return (uint64_t)slot->generation << 16 | packet_id;
}

/* NULL: the broker has forgotten that message, or its identifier names another one by now. */
static struct slot *find(struct ack_gate *g, uint64_t token)
{
    struct slot *slot = &g->slots[token & 0xffff];
    bool known = slot->state == SLOT_IN_FLIGHT && slot->generation == token >> 16;
    return known ? slot : NULL;
}

static void add_done(struct ack_gate *g, struct receipt *receipt)
{
    if (!receipt) return;
    receipt->next = NULL;
    *g->done_end = receipt;
    g->done_end = &receipt->next;
}

static void finish(struct ack_gate *g, struct slot *slot)
{
    add_done(g, slot->receipt);
    slot->receipt = NULL;
}

static void owe(struct ack_gate *g, uint16_t packet_id)
{
    struct slot *slot = &g->slots[packet_id];
    if (slot->owed) return;
    slot->owed = true;
    g->owed++;
    slot->next = 0;
    if (g->last)
        g->slots[g->last].next = packet_id;
    else
        g->first = packet_id;
    g->last = packet_id;
}

static struct slot *pop_owed(struct ack_gate *g)
{
    struct slot *slot = &g->slots[g->first];
    g->first = slot->next;
    if (!g->first) g->last = 0;
    slot->owed = false;
    g->owed--;
    return slot;
}

/* Acks of one connection mean nothing on the next: the broker sends again what it still holds. */
static void forget_owed(struct ack_gate *g)
{
    while (g->first)
        finish(g, pop_owed(g));
}

/* Returns of how many that are still in flight. */
static size_t forget_messages(struct ack_gate *g)
{
    size_t in_flight = 0;
    for (size_t id = 0; id < IDENTIFIERS; id++) {
        in_flight += g->slots[id].state == SLOT_IN_FLIGHT;
        if (g->slots[id].state != SLOT_FREE) g->slots[id].state = SLOT_FREE;
    }
    return in_flight;
}

size_t ack_gate_connected(struct ack_gate *g, bool session_present)
{
    forget_owed(g);
    g->connected = true;
    return session_present ? 0 : forget_messages(g);
}

void ack_gate_disconnected(struct ack_gate *g)
{
    g->connected = false;
    forget_owed(g);
}

/* Of a tick that is good enough for ages, and costs next to nothing. */
static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool ack_gate_oldest(const struct ack_gate *g, struct ack_gate_oldest *oldest)
{
    if (!g->first) return false;
    *oldest = (struct ack_gate_oldest){g->first, g->slots[g->first].since_ms, g->owed - 1};
    return true;
}

bool ack_gate_arrived(struct ack_gate *g, uint16_t packet_id, bool dup, uint64_t fingerprint,
                      uint64_t *token)
{
    struct slot *slot = &g->slots[packet_id];
    bool known = slot->state == SLOT_IN_FLIGHT || slot->state == SLOT_CONFIRMED;
    bool again = dup && known && slot->fingerprint == fingerprint;
    if (!again) {
        finish(g, slot);
        slot->generation++;
        slot->state = SLOT_IN_FLIGHT;
        slot->fingerprint = fingerprint;
        slot->since_ms = now_ms();
        *token = token_of(slot, packet_id);
    }
    owe(g, packet_id);
    return !again;
}

void ack_gate_settle(struct ack_gate *g, struct receipt *receipt)
{
    bool confirmed = receipt->verdict == VERDICT_CONFIRMED;
    struct slot *slot = find(g, receipt->cookie);
    if (slot) slot->state = confirmed ? SLOT_CONFIRMED : SLOT_RELEASED;
    if (slot && slot->owed && confirmed)
        slot->receipt = receipt;
    else
        add_done(g, receipt);
}

static void put_puback(uint8_t *at, uint16_t packet_id)
{
    at[0] = 0x40; /* PUBACK; in MQTT 5 the short form means success */
    at[1] = 2;
    at[2] = (uint8_t)(packet_id >> 8);
    at[3] = (uint8_t)packet_id;
}

/* Puts as many PUBACKs as may leave now; *passed counts the owed acks that they stand for, given
 * back ones among them. */
static size_t put_pubacks(const struct ack_gate *g, uint8_t *bytes, size_t *passed)
{
    size_t count = 0;
    *passed = 0;
    for (uint16_t id = g->first; id && count < PUBACKS_PER_WRITE; id = g->slots[id].next) {
        uint8_t state = g->slots[id].state;
        if (state == SLOT_IN_FLIGHT) break;
        if (state == SLOT_CONFIRMED) put_puback(bytes + PUBACK_BYTES * count++, id);
        ++*passed;
    }
    return count;
}

static void pass(struct ack_gate *g, size_t count)
{
    while (count--) {
        struct slot *slot = pop_owed(g);
        slot->state = SLOT_FREE;
        finish(g, slot);
    }
}

bool ack_gate_drain(struct ack_gate *g)
{
    uint8_t bytes[PUBACK_BYTES * PUBACKS_PER_WRITE];
    size_t passed;
    while (g->connected) {
        size_t count = put_pubacks(g, bytes, &passed);
        if (!passed) break;
        if (count && !g->write(g->arg, bytes, PUBACK_BYTES * count)) return false;
        pass(g, passed);
    }
    return true;
}

struct receipt *ack_gate_take_done(struct ack_gate *g)
{
    struct receipt *done = g->done;
    g->done = NULL;
    g->done_end = &g->done;
    return done;
}

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *at = data;
    for (; len >= 8; at += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (; len; at++, len--)
        hash = (hash ^ *at) * 0x100000001b3u;
    return hash;
}

uint64_t ack_gate_fingerprint(struct bytes topic, struct bytes body)
{
    uint64_t hash = mix(topic.len, topic.ptr, topic.len);
    return mix(hash ^ body.len, body.ptr, body.len);
}
