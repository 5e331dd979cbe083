#include "config/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/lexer.h"
#include "config/syntax.h"

enum { MAX_FILE = 8 << 20, MAX_INCLUDES = 1000, MAX_INCLUDE_DEPTH = 10 };

struct reading {
    struct input *in;
    struct owned *owned;
    struct complaints *complaints;
    struct syntax syntax;
    struct place end; /* of the file that ended last: when all is read, the first one */
    unsigned depth, includes;
    bool lost; /* nothing more is to be said */
};

char *input_slurp(const char *path, size_t max, size_t *len)
{
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    if (!file) return NULL;
    size_t got;
    do {
        buf_reserve(&text, 65536);
        got = fread(text.ptr + text.len, 1, 65535, file);
        text.len += got;
    } while (got > 0 && text.len <= max);
    int why = ferror(file) ? errno : text.len > max ? EFBIG : 0;
    fclose(file);
    text.ptr[text.len] = '\0';
    if (why == 0 && strlen(text.ptr) != text.len) why = EILSEQ;
    *len = text.len;
    if (why == 0) return text.ptr;
    free(text.ptr);
    errno = why;
    return NULL;
}

struct place input_place(const struct input *in, unsigned line)
{
    if (line == 0 || in->count == 0) return in->start;
    return in->places[line <= in->count ? line - 1 : in->count - 1];
}

static void add_token(struct input *in, const struct token *t, struct place at)
{
    if (in->count == in->cap) {
        in->cap = in->cap ? 2 * in->cap : 256;
        in->places = mem_realloc(in->places, in->cap * sizeof(*in->places));
    }
    in->places[in->count++] = at;
    lexer_write(t, &in->text);
    buf_add(&in->text, "\n", 1);
}

static bool read_file(struct reading *r, const char *path, struct place at);

static char *relative_to(struct owned *owned, const char *file, const char *path, size_t len)
{
    const char *slash = strrchr(file, '/');
    int dir = slash && *path != '/' ? (int)(slash - file) + 1 : 0;
    return owned_take(owned, mem_printf("%.*s%.*s", dir, file, (int)len, path), free);
}

static void include(struct reading *r, struct lexer *x, unsigned line)
{
    struct place at = lexer_place(x, line);
    struct lexer before = *x;
    struct token t = lexer_next(x);
    if (x->lost) return;
    if (t.line != line) *x = before; /* it is no file, but what follows */
    if (t.line != line || t.kind != TOKEN_STRING || t.len < 3) {
        complain_at(r->complaints, at, "@include needs a file (write @include \"file\")");
    } else if (r->depth == MAX_INCLUDE_DEPTH || r->includes++ == MAX_INCLUDES) {
        complain_at(r->complaints, at, "includes go too deep (does a file include itself?)");
    } else {
        (void)read_file(r, relative_to(r->owned, x->file, t.text + 1, t.len - 2), at);
    }
}

static void read_tokens(struct reading *r, struct lexer *x)
{
    struct token t = lexer_next(x);
    for (; t.kind != TOKEN_END && !r->lost; t = lexer_next(x)) {
        struct place at = lexer_place(x, t.line);
        if (t.kind == TOKEN_INCLUDE) {
            include(r, x, t.line);
        } else {
            syntax_token(&r->syntax, &t, at);
            add_token(r->in, &t, at);
        }
    }
    r->lost |= x->lost;
    r->end = lexer_place(x, t.line);
}

static const char *why_unreadable(int number)
{
    if (number == EFBIG) return "it is over 8 MiB";
    if (number == EILSEQ) return "it holds a NUL byte, so it is not text";
    return strerror(number);
}

/* False: it could not be opened, which is said at the place that asked for it. */
static bool read_file(struct reading *r, const char *path, struct place at)
{
    size_t len;
    char *text = input_slurp(path, MAX_FILE, &len);
    if (!text) {
        complain_at(r->complaints, at, "reading \"%s\": %s", path, why_unreadable(errno));
        return false;
    }
    bool marked = strncmp(text, "\xef\xbb\xbf", 3) == 0; /* editors of Windows */
    struct lexer x = {.at = text + (marked ? 3 : 0),
                      .file = path,
                      .line = 1,
                      .order = &r->in->count,
                      .complaints = r->complaints};
    r->depth++;
    read_tokens(r, &x);
    r->depth--;
    free(text);
    return true;
}

bool input_read(struct input *in, const char *path, struct owned *owned, struct complaints *c,
                bool *opened)
{
    struct reading r = {.in = in, .owned = owned, .complaints = c};
    const char *name = owned_strdup(owned, path);
    size_t before = c->count;
    *in = (struct input){.start = {.file = name, .line = 1}};
    syntax_begin(&r.syntax, c);
    *opened = read_file(&r, name, (struct place){.file = name});
    if (*opened && !r.lost) syntax_end(&r.syntax, r.end);
    syntax_release(&r.syntax);
    buf_add(&in->text, "", 1);
    return c->count == before;
}

void input_release(struct input *in)
{
    free(in->text.ptr);
    free(in->places);
    *in = (struct input){0};
}
