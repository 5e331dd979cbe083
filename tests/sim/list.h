/* An intrusive doubly linked list: the owner embeds a struct link and owns the memory. */
#ifndef SIM_LIST_H
#define SIM_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link {
    struct link *prev, *next;
};

/* The struct that a link or node is embedded in; the node may be const, what it is in is not. */
#define LIST_ENTRY(node, type, member) ((type *)((uintptr_t)(node)-offsetof(type, member)))

static inline void list_init(struct link *head)
{
    head->prev = head->next = head;
}

static inline bool list_empty(const struct link *head)
{
    return head->next == head;
}

static inline void list_add_tail(struct link *head, struct link *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

/* The node becomes a list of its own, so removing it twice is harmless. */
static inline void list_remove(struct link *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

#endif
