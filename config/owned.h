/* Memory with one owner and one end: whatever a configuration points to is released together.
 * Thread: the one that loads. */
#ifndef CONFIG_OWNED_H
#define CONFIG_OWNED_H

#include "bridge/mem.h"

/* Zero-initialise. */
struct owned {
    struct owned_item *items;
    size_t count, cap;
};

/* Takes ptr: release(ptr) is called at the end. Returns ptr. */
void *owned_take(struct owned *o, void *ptr, void (*release)(void *ptr));

/* Zeroed, like mem_zalloc(). */
void *owned_alloc(struct owned *o, size_t size) __attribute__((returns_nonnull));
char *owned_strdup(struct owned *o, const char *text) __attribute__((returns_nonnull));

void owned_release(struct owned *o);

#endif
