/* Bytes in, lines out: what was read and has not yet become messages. Bounded by the longest line
 * allowed and one read. Thread: any; the state is the caller's. Zero-initialise; free(in.ptr) in
 * the end. */
#ifndef CONNECTORS_FILE_LINES_H
#define CONNECTORS_FILE_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "bridge/bytes.h"
#include "bridge/mem.h"

struct lines {
    struct buf in;
    size_t at, next;  /* where the next line begins, and the one after it */
    uint64_t taken;   /* lines that are done with: the next one is number taken + 1 */
    bool ended;       /* nothing more comes: what is left is a line too */
    bool dropping;    /* up to the next newline */
    size_t max_bytes; /* of a line, without its newline */
};

enum line_found { LINE_NONE, LINE_WHOLE, LINE_TOO_LONG };

/* Room for n more bytes; lines_added() says how many came. Moves what lines_peek() gave. */
char *lines_room(struct lines *l, size_t n);
void lines_added(struct lines *l, size_t n);

/* The same again and again until lines_take(), or lines_drop() where it is too long. The line is
 * writable, without its newline, and stays until lines_room(). */
enum line_found lines_peek(struct lines *l, char **line, size_t *len);
void lines_take(struct lines *l);
void lines_drop(struct lines *l);

#endif
