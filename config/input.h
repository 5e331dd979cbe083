/* A configuration file with its includes, as one text for libconfig in which every word has a line
 * of its own: the line that libconfig names leads back to the file and line of that very word.
 * Thread: the one that loads. Owner: the caller; places point to names in the struct owned. */
#ifndef CONFIG_INPUT_H
#define CONFIG_INPUT_H

#include "config/complaints.h"
#include "config/owned.h"

struct input {
    struct buf text; /* ends with NUL */
    struct place start;
    struct place *places; /* of each line of text */
    unsigned count;
    size_t cap;
};

/* False: complaints say why. *opened: the file itself could be read. @include "x" is relative to
 * the file that includes. */
bool input_read(struct input *in, const char *path, struct owned *owned, struct complaints *c,
                bool *opened) MUST_USE;
void input_release(struct input *in);

/* libconfig counts from 1; 0, its root, is the start of the file. */
struct place input_place(const struct input *in, unsigned line);

/* The whole file with NUL at the end; NULL and errno (EFBIG: over max bytes; EILSEQ: holds NUL).
 * *len without that NUL. Free with free(). */
char *input_slurp(const char *path, size_t max, size_t *len) MUST_USE;

#endif
