#include "config/syntax.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libconfig's parser gives up at 2,000 or so, with "memory exhausted". */
enum { MAX_DEPTH = 32 };

struct open_bracket {
    char sign;
    struct place at;
    size_t first_name; /* where its names begin */
};

struct used_name {
    char *text;
    struct place at;
};

static bool same_line(struct place a, struct place b)
{
    return a.file == b.file && a.line == b.line;
}

static void complain(struct syntax *s, struct place at, const char *format, ...) PRINTF_LIKE(3, 4);
static void complain(struct syntax *s, struct place at, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (same_line(s->last_complaint, at)) return;
    s->last_complaint = at;
    complain_at(s->complaints, at, "%s", text);
}

static bool in_group(const struct syntax *s)
{
    return s->depth == 0 || s->open[s->depth - 1].sign == '{';
}

static char closing(char open)
{
    return open == '{' ? '}' : open == '[' ? ']' : ')';
}

static size_t first_name(const struct syntax *s)
{
    return s->depth == 0 ? 0 : s->open[s->depth - 1].first_name;
}

static void forget_names(struct syntax *s, size_t first)
{
    while (s->name_count > first)
        free(s->names[--s->name_count].text);
}

static void remember_name(struct syntax *s, struct place at)
{
    for (size_t i = first_name(s); i < s->name_count; i++) {
        const struct used_name *used = &s->names[i];
        if (strcmp(used->text, s->name) != 0) continue;
        complain(s, at, "%s is given twice (first at %s:%u)", s->name, used->at.file,
                 used->at.line);
        return;
    }
    if (s->name_count == s->name_cap) {
        s->name_cap = s->name_cap ? 2 * s->name_cap : 64;
        s->names = mem_realloc(s->names, s->name_cap * sizeof(*s->names));
    }
    s->names[s->name_count++] = (struct used_name){mem_strdup(s->name), at};
}

static void open_bracket(struct syntax *s, const struct token *t, struct place at)
{
    if (s->depth > 0 && s->open[s->depth - 1].sign == '[') {
        complain(s, at, "[ ] holds only plain values (write ( ) around groups)");
    }
    if (s->depth == MAX_DEPTH) {
        complain(s, at, "brackets go deeper than %d levels", MAX_DEPTH);
        return;
    }
    s->open[s->depth++] = (struct open_bracket){*t->text, at, s->name_count};
    s->expect = *t->text == '{' ? EXPECT_NAME : EXPECT_FIRST_ITEM;
}

static void close_bracket(struct syntax *s, const struct token *t, struct place at)
{
    if (s->depth == 0) {
        complain(s, at, "\"%c\" closes nothing", *t->text);
        return;
    }
    const struct open_bracket *open = &s->open[s->depth - 1];
    if (*t->text != closing(open->sign)) {
        complain(s, at, "\"%c\" does not close the \"%c\" of %s:%u (write \"%c\")", *t->text,
                 open->sign, open->at.file, open->at.line, closing(open->sign));
    }
    forget_names(s, open->first_name);
    s->depth--;
    s->last_value = (struct place){0};
    s->expect = EXPECT_NEXT;
}

/* Only then is a word shown: others may be the rest of a secret that lost its quotes. */
static bool is_assigned(const struct token *t)
{
    const char *next = t->text + t->len;
    next += strspn(next, " \t");
    return *next == '=' || *next == ':';
}

static void set_name(struct syntax *s, const struct token *t, struct place at)
{
    free(s->name);
    s->name = mem_strndup(t->text, t->len);
    s->name_at = at;
    s->expect = EXPECT_ASSIGN;
}

/* bootstrap.servers is the slip that users of librdkafka make. */
static void odd_name(struct syntax *s, const struct token *t, struct place at)
{
    int len = (int)t->len;
    if (!is_assigned(t)) {
        complain(s, at, "this is no name (names start with a letter; text needs double quotes)");
    } else if (memchr(t->text, '.', t->len)) {
        complain(s, at,
                 "%.*s: names have no dots (write _ instead; settings of a library go into "
                 "properties = [\"%.*s=...\"])",
                 len, t->text, len, t->text);
    } else {
        complain(s, at, "%.*s: names start with a letter", len, t->text);
    }
    if (t->len > 1) set_name(s, t, at);
}

static void at_name(struct syntax *s, const struct token *t, struct place at)
{
    switch (t->kind) {
    case TOKEN_NAME:
        set_name(s, t, at);
        if (is_assigned(t)) remember_name(s, at);
        break;
    case TOKEN_CLOSE:
        close_bracket(s, t, at);
        break;
    case TOKEN_WORD:
    case TOKEN_NUMBER:
        odd_name(s, t, at);
        break;
    case TOKEN_SEPARATOR:
        complain(s, at, "\"%c\" follows nothing (delete it)", *t->text);
        break;
    case TOKEN_OPEN:
        complain(s, at, "\"%c\" needs a name before it (write name = %c)", *t->text, *t->text);
        open_bracket(s, t, at);
        break;
    case TOKEN_STRING:
    case TOKEN_BOOL:
    case TOKEN_ASSIGN:
    case TOKEN_INCLUDE:
    case TOKEN_END:
        complain(s, at, "a setting starts with its name (write name = value;)");
        break;
    }
}

static void at_value(struct syntax *s, const struct token *t, struct place at);

static void at_assign(struct syntax *s, const struct token *t, struct place at)
{
    s->expect = EXPECT_VALUE;
    if (t->kind == TOKEN_ASSIGN) return;
    complain(s, s->name_at, "a name needs an = and a value after it");
    if (t->kind == TOKEN_NAME)
        at_name(s, t, at);
    else
        at_value(s, t, at);
}

static void at_next(struct syntax *s, const struct token *t, struct place at);

static void complain_of_no_value(struct syntax *s, struct place at)
{
    if (in_group(s))
        complain(s, s->name_at, "%s has no value", s->name);
    else
        complain(s, at, "an item is missing here, or a separator is one too many");
}

static void at_value(struct syntax *s, const struct token *t, struct place at)
{
    bool may_close = s->expect == EXPECT_FIRST_ITEM;
    s->expect = EXPECT_NEXT;
    switch (t->kind) {
    case TOKEN_STRING:
    case TOKEN_NUMBER:
    case TOKEN_BOOL:
        s->last_value = at;
        break;
    case TOKEN_OPEN:
        open_bracket(s, t, at);
        break;
    case TOKEN_NAME:
    case TOKEN_WORD: /* not shown: it may be a secret */
        complain(s, at, "%s: text needs double quotes, and so do numbers with a unit (\"30s\")",
                 s->name);
        s->lost = at;
        break;
    case TOKEN_CLOSE:
        if (!may_close) complain_of_no_value(s, at);
        close_bracket(s, t, at);
        break;
    case TOKEN_SEPARATOR:
        complain_of_no_value(s, at);
        at_next(s, t, at);
        break;
    case TOKEN_ASSIGN:
    case TOKEN_INCLUDE:
    case TOKEN_END:
        complain(s, at, "\"=\" is in the place of a value");
        break;
    }
}

/* After a value in a list: only a comma or the end. */
static void at_next_item(struct syntax *s, const struct token *t, struct place at)
{
    if (t->kind == TOKEN_SEPARATOR) {
        if (*t->text == ';') complain(s, at, "items of a list are separated by \",\"");
        s->expect = EXPECT_VALUE;
    } else {
        complain(s, at, "a \",\" is missing between the items, or a \"%c\" after the last",
                 closing(s->open[s->depth - 1].sign));
        s->expect = EXPECT_FIRST_ITEM;
        if (t->kind != TOKEN_ASSIGN) at_value(s, t, at);
    }
}

/* Without a separator, the next setting begins on a line of its own: libconfig would take it on the
 * same line too, but there it is rather the rest of a text with a quote in it. */
static void at_next(struct syntax *s, const struct token *t, struct place at)
{
    if (t->kind == TOKEN_CLOSE) {
        close_bracket(s, t, at);
    } else if (t->kind == TOKEN_STRING && s->after_string) {
        s->last_value = at; /* "a" "b" is one text */
    } else if (!in_group(s)) {
        at_next_item(s, t, at);
    } else if (t->kind == TOKEN_SEPARATOR) {
        s->expect = EXPECT_NAME;
    } else if (same_line(s->last_value, at)) {
        complain(s, at,
                 "a \";\" is missing after the value (or a \" in a text, which is written "
                 "\\\")");
        s->lost = at;
    } else {
        at_name(s, t, at);
    }
}

void syntax_begin(struct syntax *s, struct complaints *c)
{
    *s = (struct syntax){.complaints = c, .expect = EXPECT_NAME};
    s->open = mem_alloc(MAX_DEPTH * sizeof(*s->open));
}

void syntax_token(struct syntax *s, const struct token *t, struct place at)
{
    bool bracket = t->kind == TOKEN_OPEN || t->kind == TOKEN_CLOSE;
    if (same_line(s->lost, at) && !bracket) return;
    switch (s->expect) {
    case EXPECT_NAME:
        at_name(s, t, at);
        break;
    case EXPECT_ASSIGN:
        at_assign(s, t, at);
        break;
    case EXPECT_VALUE:
    case EXPECT_FIRST_ITEM:
        at_value(s, t, at);
        break;
    case EXPECT_NEXT:
        at_next(s, t, at);
        break;
    }
    s->after_string = t->kind == TOKEN_STRING;
}

void syntax_end(struct syntax *s, struct place at)
{
    if (s->depth > 0) {
        const struct open_bracket *open = &s->open[s->depth - 1];
        complain(s, at, "\"%c\" is missing: the \"%c\" of %s:%u is never closed",
                 closing(open->sign), open->sign, open->at.file, open->at.line);
    } else if (s->expect == EXPECT_ASSIGN) {
        complain(s, s->name_at, "a name needs an = and a value after it");
    } else if (s->expect == EXPECT_VALUE) {
        complain_of_no_value(s, at);
    }
}

void syntax_release(struct syntax *s)
{
    forget_names(s, 0);
    free(s->names);
    free(s->open);
    free(s->name);
}
