#include "config/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct complaint {
    struct place at;
    size_t seq; /* keeps those of one place in the order in which they were made */
    char *text;
};

void complain_at(struct complaints *c, struct place at, const char *format, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) text = mem_strdup(format);
    va_end(args);
    if (c->count == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 16;
        c->items = mem_realloc(c->items, c->cap * sizeof(*c->items));
    }
    c->items[c->count] = (struct complaint){.at = at, .seq = c->count, .text = text};
    c->count++;
}

static int compare(const void *left, const void *right)
{
    const struct complaint *a = left, *b = right;
    if (a->at.order != b->at.order) return a->at.order < b->at.order ? -1 : 1;
    return a->seq < b->seq ? -1 : 1;
}

/* A complaint is one line, whatever it quotes. */
static void write_line(const struct complaint *item, struct buf *out)
{
    struct buf line = {0};
    if (item->at.line == 0)
        buf_printf(&line, "%s: %s", item->at.file, item->text);
    else
        buf_printf(&line, "%s:%u: %s", item->at.file, item->at.line, item->text);
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_add(out, &line.ptr[i], 1);
    }
    buf_add(out, "\n", 1);
    free(line.ptr);
}

char *complaints_text(struct complaints *c)
{
    struct buf out = {0};
    if (c->count > 0) qsort(c->items, c->count, sizeof(*c->items), compare);
    for (size_t i = 0; i < c->count; i++)
        write_line(&c->items[i], &out);
    buf_add(&out, "", 1);
    return out.ptr;
}

void complaints_release(struct complaints *c)
{
    for (size_t i = 0; i < c->count; i++)
        free(c->items[i].text);
    free(c->items);
    *c = (struct complaints){0};
}
