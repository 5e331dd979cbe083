/* The words of a configuration file, with their places. libconfig reads the file in the end; this
 * comes before it because libconfig 1.5 says only "syntax error", stops at the first, wraps
 * integers (4294967297 reads as 1) and takes a comment without an end for the rest of the file.
 * Thread: the one that loads. Source: libconfig manual, "Configuration File Grammar". */
#ifndef CONFIG_LEXER_H
#define CONFIG_LEXER_H

#include "config/complaints.h"

enum token_kind {
    TOKEN_NAME,
    TOKEN_STRING, /* in quotes, escapes as written */
    TOKEN_NUMBER,
    TOKEN_BOOL,
    TOKEN_WORD, /* neither: text that lacks its quotes, or a name with dots */
    TOKEN_ASSIGN,
    TOKEN_OPEN,  /* { [ ( */
    TOKEN_CLOSE, /* } ] ) */
    TOKEN_SEPARATOR,
    TOKEN_INCLUDE, /* the word @include; its file follows as a string */
    TOKEN_END,
};

/* A view into the text of the lexer. */
struct token {
    enum token_kind kind;
    const char *text;
    size_t len;
    unsigned line;
};

struct lexer {
    const char *at; /* ends with NUL */
    const char *file;
    unsigned line;
    const unsigned *order; /* of places, counted by the caller */
    struct complaints *complaints;
    bool lost; /* after a string without an end: what follows may be the rest of a secret */
};

/* The next token; TOKEN_END again and again at the end, and once it is lost. Complains of strings
 * and comments without an end. */
struct token lexer_next(struct lexer *x);

struct place lexer_place(const struct lexer *x, unsigned line);

/* Appends the token as libconfig 1.5 reads it right: integers of more than 32 bits get their suffix
 * L; one of more than 64 bits becomes a float, which no option accepts. */
void lexer_write(const struct token *t, struct buf *out);

#endif
