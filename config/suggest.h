/* The nearest right name for a wrong one. Thread: any; no state. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include <stddef.h>

/* Feed it every right name; nearest is then the best, or NULL where none is near enough to be
 * meant. Start with suggest_begin(). */
struct suggestion {
    const char *wrong;
    const char *nearest;
    size_t distance; /* of nearest; before there is one, the first that is too far */
};

struct suggestion suggest_begin(const char *wrong);
void suggest_offer(struct suggestion *s, const char *name);
void suggest_offer_all(struct suggestion *s, const char *const *names); /* NULL at the end */

/* Edits (insert, delete, replace, swap of neighbours) from a to b; names over 64 characters are
 * only compared that far. */
size_t suggest_distance(const char *a, const char *b);

#endif
