#include "connectors/aws/words.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
    const char *at;
    struct buf word;
    const char **items;
    size_t count;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void add(struct splitter *s, char c)
{
    buf_add(&s->word, &c, 1);
}

/* Behind the opening quote. Within "", a backslash keeps its meaning before these four only. */
static bool take_quoted(struct splitter *s, char quote)
{
    for (; *s->at && *s->at != quote; s->at++) {
        bool escape = quote == '"' && s->at[0] == '\\' && s->at[1] && strchr("\"\\$`", s->at[1]);
        if (escape) s->at++;
        add(s, *s->at);
    }
    if (!*s->at) return false;
    s->at++;
    return true;
}

static bool take_word(struct splitter *s)
{
    s->word.len = 0;
    while (*s->at && !is_blank(*s->at)) {
        char c = *s->at++;
        if (c == '\'' || c == '"') {
            if (!take_quoted(s, c)) return false;
        } else if (c == '\\' && *s->at) {
            add(s, *s->at++);
        } else {
            add(s, c);
        }
    }
    s->items = mem_realloc(s->items, (s->count + 2) * sizeof(s->items[0]));
    s->items[s->count++] = mem_strndup(s->word.ptr ? s->word.ptr : "", s->word.len);
    return true;
}

static void skip_blanks(struct splitter *s)
{
    while (is_blank(*s->at))
        s->at++;
}

bool words_split(const char *line, struct opt_list *words, struct error *e)
{
    struct splitter s = {.at = line};
    bool fine = true;
    for (skip_blanks(&s); *s.at && fine; skip_blanks(&s))
        fine = take_word(&s);
    free(s.word.ptr);
    *words = (struct opt_list){s.items, s.count};
    if (fine && s.count) return true;
    words_free(words);
    return error_set(e, FAULT_CONFIG,
                     fine ? "the command is empty" : "a quote in the command has no end");
}

void words_free(struct opt_list *words)
{
    for (size_t i = 0; i < words->count; i++)
        free((char *)(uintptr_t)words->items[i]);
    free((void *)(uintptr_t)words->items);
    *words = (struct opt_list){0};
}
