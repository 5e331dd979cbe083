#include "connectors/sqs/queue/print.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BAR = 30 };

/* ---- tables ---- */

static bool is_control(unsigned char c)
{
    return c < 0x20 || c == 0x7f;
}

/* C1 controls are two bytes in UTF-8: C2 80 to C2 9F. */
static size_t control_at(const unsigned char *at, size_t left)
{
    if (is_control(*at)) return 1;
    return left > 1 && at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0 ? 2 : 0;
}

static void add_visible(struct buf *out, struct bytes text)
{
    const unsigned char *at = text.ptr;
    for (size_t i = 0; i < text.len; i++) {
        size_t control = control_at(at + i, text.len - i);
        if (!control) buf_add(out, at + i, 1);
        if (control == 1) buf_printf(out, "\\x%02x", at[i]);
        if (control == 2) buf_printf(out, "\\x%02x", at[++i]);
    }
}

void queue_table_cell(struct queue_table *t, struct bytes text)
{
    add_visible(&t->text, text);
    if (t->cells == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 32;
        t->ends = mem_realloc(t->ends, t->cap * sizeof(*t->ends));
    }
    t->ends[t->cells++] = t->text.len;
}

void queue_table_text(struct queue_table *t, const char *text)
{
    queue_table_cell(t, bytes_str(text));
}

void queue_table_pair(struct queue_table *t, const char *name, struct bytes value)
{
    if (!value.ptr) return;
    t->columns = 2;
    queue_table_text(t, name);
    queue_table_cell(t, value);
}

static struct bytes cell(const struct queue_table *t, size_t i)
{
    size_t begin = i ? t->ends[i - 1] : 0;
    return bytes_of(t->text.ptr + begin, t->ends[i] - begin);
}

/* Columns on a screen, not bytes: continuation bytes of UTF-8 take none. */
static int width(struct bytes text)
{
    int columns = 0;
    for (size_t i = 0; i < text.len; i++)
        columns += (((const unsigned char *)text.ptr)[i] & 0xc0) != 0x80;
    return columns;
}

void queue_table_print(struct queue_table *t)
{
    int widest[QUEUE_COLUMNS] = {0};
    for (size_t i = 0; i < t->cells; i++) {
        int *w = &widest[i % t->columns], own = width(cell(t, i));
        if (own > *w) *w = own;
    }
    for (size_t i = 0; i < t->cells; i++) {
        struct bytes text = cell(t, i);
        bool last = i % t->columns == t->columns - 1;
        int padding = last ? 0 : widest[i % t->columns] - width(text) + 2;
        printf("%.*s%*s%s", BYTES_ARGS(text), padding, "", last ? "\n" : "");
    }
    free(t->text.ptr);
    free(t->ends);
    *t = (struct queue_table){.columns = t->columns};
}

static int by_name(const void *a, const void *b)
{
    const struct sqs_pair *x = a, *y = b;
    size_t least = x->name.len < y->name.len ? x->name.len : y->name.len;
    int order = memcmp(x->name.ptr, y->name.ptr, least);
    return order ? order : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

void queue_print_pairs(const struct sqs_pairs *pairs)
{
    struct queue_table t = {.columns = 2};
    if (pairs->count) qsort(pairs->items, pairs->count, sizeof(*pairs->items), by_name);
    for (size_t i = 0; i < pairs->count; i++) {
        queue_table_cell(&t, pairs->items[i].name);
        queue_table_cell(&t, pairs->items[i].value);
    }
    queue_table_print(&t);
}

/* ---- lines ---- */

void queue_print_line(struct bytes text)
{
    struct queue_table t = {.columns = 1};
    queue_table_cell(&t, text);
    queue_table_print(&t);
}

void queue_print_json(const struct buf *json)
{
    fwrite(json->ptr, 1, json->len, stdout);
    putchar('\n');
}

void queue_print_shape(const struct sqs_shape *shape, const void *answer)
{
    struct buf out = {0};
    sqs_shape_encode(shape, answer, &out);
    queue_print_json(&out);
    free(out.ptr);
}

/* ---- progress ---- */

static void print_bar(int64_t n, int64_t total)
{
    int filled = (int)(n >= total ? BAR : n * BAR / total);
    fprintf(stderr, " [%.*s%.*s]", filled, "##############################", BAR - filled,
            "..............................");
}

void queue_progress(const char *what, int64_t n, int64_t total)
{
    if (!isatty(STDERR_FILENO)) return;
    fprintf(stderr, "\r%s %lld", what, (long long)n);
    if (total > 0) fprintf(stderr, " of %lld", (long long)total);
    if (total > 0) print_bar(n, total);
    fputs("\033[K", stderr);
}

void queue_progress_end(void)
{
    if (isatty(STDERR_FILENO)) fputc('\n', stderr);
}
