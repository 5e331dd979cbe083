#include "config/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct place lexer_place(const struct lexer *x, unsigned line)
{
    return (struct place){.file = x->file, .line = line, .order = *x->order};
}

static bool is_name_start(char c)
{
    return isalpha((unsigned char)c) || c == '*';
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("_-*.+", c));
}

static void skip_block_comment(struct lexer *x)
{
    unsigned line = x->line;
    const char *end = strstr(x->at + 2, "*/");
    if (!end) {
        complain_at(x->complaints, lexer_place(x, line), "the comment has no end (write */)");
        end = x->at + strlen(x->at) - 2;
    }
    for (; x->at < end; x->at++)
        x->line += *x->at == '\n';
    x->at = end + 2;
}

static void skip_blank(struct lexer *x)
{
    for (;;) {
        if (*x->at == '\n') {
            x->line++;
            x->at++;
        } else if (*x->at != '\0' && strchr(" \t\r\f", *x->at)) {
            x->at++;
        } else if (*x->at == '#' || (x->at[0] == '/' && x->at[1] == '/')) {
            x->at += strcspn(x->at, "\n");
        } else if (x->at[0] == '/' && x->at[1] == '*') {
            skip_block_comment(x);
        } else {
            return;
        }
    }
}

/* Strings end on their line here, though libconfig would let them go on: a forgotten quote is then
 * found where it is. */
static struct token read_string(struct lexer *x)
{
    const char *at = x->at + 1;
    while (*at != '"' && *at != '\n' && *at != '\0') {
        if (strncmp(at, "\\x00", 4) == 0) {
            complain_at(x->complaints, lexer_place(x, x->line), "text can't hold \\x00");
        }
        at += at[0] == '\\' && at[1] != '\n' && at[1] != '\0' ? 2 : 1;
    }
    if (*at != '"') {
        complain_at(
            x->complaints, lexer_place(x, x->line),
            "the text has no end on its line (add the missing \"; what follows was not checked)");
        x->lost = true;
    }
    struct token t = {TOKEN_STRING, x->at, (size_t)(at - x->at) + (*at == '"'), x->line};
    x->at += t.len;
    return t;
}

/* Decimal or hex, with the suffix L or LL or without. */
static bool is_integer(const char *text, size_t len)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *at = text + (hex ? 2 : (*text == '+' || *text == '-'));
    const char *digits = at;
    while (hex ? isxdigit((unsigned char)*at) : isdigit((unsigned char)*at))
        at++;
    if (at == digits) return false;
    if (*at == 'L') at += at[1] == 'L' ? 2 : 1;
    return at == text + len;
}

static bool is_float(const char *text, size_t len)
{
    char *end;
    if (strspn(text, "0123456789+-.eE") < len) return false;
    (void)strtod(text, &end);
    return end == text + len;
}

static enum token_kind word_kind(const char *text, size_t len)
{
    if (is_integer(text, len) || is_float(text, len)) return TOKEN_NUMBER;
    if (len == 4 && strncasecmp(text, "true", 4) == 0) return TOKEN_BOOL;
    if (len == 5 && strncasecmp(text, "false", 5) == 0) return TOKEN_BOOL;
    bool name = is_name_start(*text);
    for (size_t i = 0; i < len && name; i++)
        name = text[i] != '.' && text[i] != '+';
    return name ? TOKEN_NAME : TOKEN_WORD;
}

static struct token read_word(struct lexer *x)
{
    struct token t = {.text = x->at, .line = x->line};
    while (is_word(t.text[t.len]))
        t.len++;
    t.kind = word_kind(t.text, t.len);
    x->at += t.len;
    return t;
}

static enum token_kind sign_kind(char c)
{
    if (c == '=' || c == ':') return TOKEN_ASSIGN;
    if (c == ';' || c == ',') return TOKEN_SEPARATOR;
    if (strchr("{[(", c)) return TOKEN_OPEN;
    if (strchr("}])", c)) return TOKEN_CLOSE;
    return TOKEN_WORD;
}

struct token lexer_next(struct lexer *x)
{
    skip_blank(x);
    if (*x->at == '\0' || x->lost) return (struct token){TOKEN_END, x->at, 0, x->line};
    if (*x->at == '"') return read_string(x);
    if (is_word(*x->at)) return read_word(x);
    size_t len = 1;
    enum token_kind kind = sign_kind(*x->at);
    if (strncmp(x->at, "@include", 8) == 0 && !is_word(x->at[8])) {
        kind = TOKEN_INCLUDE;
        len = 8;
    }
    struct token t = {kind, x->at, len, x->line};
    x->at += len;
    return t;
}

static void write_integer(const char *text, struct buf *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    long long value = strtoll(text, NULL, hex ? 16 : 10);
    if (errno == ERANGE) {
        buf_printf(out, "%.1f", strtod(text, NULL));
    } else {
        buf_printf(out, "%lld%s", value, value < INT32_MIN || value > INT32_MAX ? "L" : "");
    }
}

void lexer_write(const struct token *t, struct buf *out)
{
    if (t->kind == TOKEN_NUMBER && is_integer(t->text, t->len)) {
        write_integer(t->text, out);
    } else {
        buf_add(out, t->text, t->len);
    }
}
