/* Checks the order of the words of a configuration, and says what is missing where. It goes on
 * after a mistake as if it had been written right, so that one run finds them all.
 * Thread: the one that loads. */
#ifndef CONFIG_SYNTAX_H
#define CONFIG_SYNTAX_H

#include "config/lexer.h"

/* What the next word should be. */
enum expect {
    EXPECT_NAME, /* or the end of the group */
    EXPECT_ASSIGN,
    EXPECT_VALUE,
    EXPECT_FIRST_ITEM, /* or the end of the list */
    EXPECT_NEXT,       /* after a value: a separator, the end, in a group also a name */
};

struct syntax {
    struct complaints *complaints;
    enum expect expect;
    struct place last_complaint; /* one a line is enough */
    struct place last_value;     /* the last plain one */
    struct place lost;           /* nothing more is said of this line */
    char *name;                  /* of the setting at hand */
    struct place name_at;
    struct open_bracket *open;
    size_t depth;
    struct used_name *names; /* of all groups that are open, outer ones first */
    size_t name_count, name_cap;
    bool after_string;
};

void syntax_begin(struct syntax *s, struct complaints *c);
void syntax_token(struct syntax *s, const struct token *t, struct place at);
void syntax_end(struct syntax *s, struct place at); /* at: the end of the whole text */
void syntax_release(struct syntax *s);

#endif
