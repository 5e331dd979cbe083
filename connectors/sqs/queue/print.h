/* What verbs print on standard output: aligned tables for people, one line of JSON for scripts; and
 * progress on standard error, only where that is a terminal. Thread: the main one. */
#ifndef CONNECTORS_SQS_QUEUE_PRINT_H
#define CONNECTORS_SQS_QUEUE_PRINT_H

#include "bridge/json.h"
#include "connectors/sqs/sqs_shape.h"

/* Up to four columns; the last is not padded. Zero-initialise. */
enum { QUEUE_COLUMNS = 4 };
struct queue_table {
    struct buf text;
    size_t *ends; /* of cells in text */
    size_t cells, cap;
    unsigned columns;
};

/* Adds a cell: rows fill up from the left. Control characters are shown as \xNN, so that nothing
 * that came from a queue can drive a terminal. */
void queue_table_cell(struct queue_table *t, struct bytes text);
void queue_table_text(struct queue_table *t, const char *text);
void queue_table_print(struct queue_table *t); /* prints and empties it */

/* "name  value"; nothing where there is no value. */
void queue_table_pair(struct queue_table *t, const char *name, struct bytes value);

/* Pairs, sorted by name. */
void queue_print_pairs(const struct sqs_pairs *pairs);

void queue_print_line(struct bytes text);
void queue_print_json(const struct buf *json); /* with a newline */
void queue_print_shape(const struct sqs_shape *shape, const void *answer);

/* "moved 120 of 500"; total 0: not known. Overwrites itself; done: the line ends. */
void queue_progress(const char *what, int64_t n, int64_t total);
void queue_progress_end(void);

#endif
