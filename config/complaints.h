/* What is wrong with a configuration: one line each, with its place, all of them in one run.
 * Thread: the one that loads. Owner: the caller of config_load(). */
#ifndef CONFIG_COMPLAINTS_H
#define CONFIG_COMPLAINTS_H

#include <stdbool.h>

#include "bridge/mem.h"

/* Where something is written. file belongs to the struct owned of the load. */
struct place {
    const char *file;
    unsigned line; /* 0: the file as a whole */
    unsigned
        order; /* position in the whole text, includes in their place: lines are sorted by it */
};

/* Zero-initialise. */
struct complaints {
    struct complaint *items;
    size_t count, cap;
};

/* "file:line: text" */
void complain_at(struct complaints *c, struct place at, const char *format, ...) PRINTF_LIKE(3, 4);

/* All lines in the order of the files, each with its newline. Free with free(). */
char *complaints_text(struct complaints *c);
void complaints_release(struct complaints *c);

#endif
