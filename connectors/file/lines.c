#include "connectors/file/lines.h"

char *lines_room(struct lines *l, size_t n)
{
    if (l->at) {
        l->in.len -= l->at;
        memmove(l->in.ptr, l->in.ptr + l->at, l->in.len);
        l->at = 0;
    }
    buf_reserve(&l->in, n);
    return l->in.ptr + l->in.len;
}

void lines_added(struct lines *l, size_t n)
{
    l->in.len += n;
}

static void drop_to_newline(struct lines *l)
{
    size_t left = l->in.len - l->at;
    const char *newline = left ? memchr(l->in.ptr + l->at, '\n', left) : NULL;
    l->at = newline ? (size_t)(newline - l->in.ptr) + 1 : l->in.len;
    if (!newline && !l->ended) return;
    l->dropping = false;
    l->taken++;
}

enum line_found lines_peek(struct lines *l, char **line, size_t *len)
{
    if (l->dropping) drop_to_newline(l);
    size_t left = l->in.len - l->at;
    if (left == 0 || l->dropping) return LINE_NONE;
    *line = l->in.ptr + l->at;
    const char *newline = memchr(*line, '\n', left <= l->max_bytes ? left : l->max_bytes + 1);
    if (!newline && left > l->max_bytes) return LINE_TOO_LONG;
    if (!newline && !l->ended) return LINE_NONE;
    *len = newline ? (size_t)(newline - *line) : left;
    l->next = l->at + *len + (newline ? 1 : 0);
    return LINE_WHOLE;
}

void lines_take(struct lines *l)
{
    l->at = l->next;
    l->taken++;
}

void lines_drop(struct lines *l)
{
    l->dropping = true;
}
