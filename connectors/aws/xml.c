#include "connectors/aws/xml.h"

#include "bridge/text.h"

void xml_read(struct xml_reader *r, char *text, size_t len)
{
    *r = (struct xml_reader){.at = text, .end = text + len};
}

static enum xml_token fail(struct xml_reader *r, const char *why)
{
    if (!r->error) r->error = why;
    r->at = r->end;
    return XML_ERROR;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_name(char c)
{
    char letter = (char)(c | 0x20);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

static bool starts(const struct xml_reader *r, const char *with)
{
    size_t len = strlen(with);
    return (size_t)(r->end - r->at) >= len && memcmp(r->at, with, len) == 0;
}

/* To behind the words; false: they do not come. */
static bool skip_past(struct xml_reader *r, const char *words)
{
    char *found = memmem(r->at, (size_t)(r->end - r->at), words, strlen(words));
    if (!found) return false;
    r->at = found + strlen(words);
    return true;
}

/* ---- entities ---- */

static size_t put_utf8(char *to, unsigned long c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    size_t len = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char first[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = len - 1; i > 0; i--, c >>= 6)
        to[i] = (char)(0x80 | (c & 0x3F));
    to[0] = (char)(first[len] | c);
    return len;
}

/* "#65" and "#x41"; 0: none that may be. */
static unsigned long code_of(const char *at, size_t len)
{
    unsigned base = 10;
    unsigned long code = 0;
    if (len < 2 || at[0] != '#') return 0;
    size_t i = 1;
    if (at[1] == 'x') {
        base = 16;
        i = 2;
    }
    if (i == len) return 0;
    for (; i < len; i++) {
        char c = at[i], letter = (char)(c | 0x20);
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0')
                         : base == 16 && letter >= 'a' && letter <= 'f'
                             ? (unsigned)(letter - 'a' + 10)
                             : 99;
        if (digit == 99 || code > 0x10FFFF) return 0;
        code = code * base + digit;
    }
    return code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : code;
}

static unsigned long entity(const char *at, size_t len)
{
    static const struct {
        struct bytes name;
        char c;
    } known[] = {{BYTES_INIT("amp"), '&'},
                 {BYTES_INIT("lt"), '<'},
                 {BYTES_INIT("gt"), '>'},
                 {BYTES_INIT("quot"), '"'},
                 {BYTES_INIT("apos"), '\''}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (bytes_eq(known[i].name, bytes_of(at, len))) return (unsigned char)known[i].c;
    return code_of(at, len);
}

/* In place: no entity is shorter than what it stands for. */
static bool decode(char *at, const char *end, size_t *len)
{
    char *to = at, *start = at;
    while (at < end) {
        if (*at != '&') {
            *to++ = *at++;
            continue;
        }
        const char *semicolon = memchr(at, ';', (size_t)(end - at));
        unsigned long c = semicolon ? entity(at + 1, (size_t)(semicolon - at - 1)) : 0;
        if (!c) return false;
        to += put_utf8(to, c);
        at += semicolon + 1 - at;
    }
    *len = (size_t)(to - start);
    return true;
}

/* ---- tags ---- */

static struct bytes without_prefix(struct bytes name)
{
    const char *at = name.ptr, *colon = memchr(at, ':', name.len);
    return colon ? bytes_of(colon + 1, name.len - (size_t)(colon + 1 - at)) : name;
}

static struct bytes take_name(struct xml_reader *r)
{
    const char *begin = r->at;
    while (r->at < r->end && is_name(*r->at))
        r->at++;
    return bytes_of(begin, (size_t)(r->at - begin));
}

/* Attributes up to ">" or "/>"; what is in quotes may hold either. */
static bool skip_attributes(struct xml_reader *r)
{
    for (; r->at < r->end; r->at++) {
        char c = *r->at;
        if (c == '>' || starts(r, "/>")) return true;
        if (c == '<') return false;
        if (c != '"' && c != '\'') continue;
        r->at++;
        r->at = memchr(r->at, c, (size_t)(r->end - r->at));
        if (!r->at) {
            r->at = r->end;
            return false;
        }
    }
    return false;
}

static enum xml_token open_element(struct xml_reader *r)
{
    r->at++;
    struct bytes name = take_name(r);
    if (!name.len) return fail(r, "a tag without a name");
    if (r->had_root && !r->depth) return fail(r, "more than one element at the top");
    if (r->depth == XML_MAX_DEPTH) return fail(r, "too deep");
    if (!skip_attributes(r)) return fail(r, "a tag without an end");
    r->empty_element = *r->at == '/';
    r->at += r->empty_element ? 2 : 1;
    r->had_root = true;
    r->open[r->depth++] = name;
    r->text = without_prefix(name);
    return XML_OPEN;
}

static enum xml_token close_element(struct xml_reader *r)
{
    r->text = without_prefix(r->open[--r->depth]);
    return XML_CLOSE;
}

static enum xml_token read_close(struct xml_reader *r)
{
    r->at += 2;
    struct bytes name = take_name(r);
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
    if (r->at == r->end || *r->at != '>') return fail(r, "a tag without an end");
    if (!r->depth || !bytes_eq(name, r->open[r->depth - 1]))
        return fail(r, "an end without its beginning");
    r->at++;
    return close_element(r);
}

static enum xml_token read_cdata(struct xml_reader *r)
{
    char *begin = r->at + strlen("<![CDATA[");
    if (!skip_past(r, "]]>")) return fail(r, "CDATA without an end");
    r->text = bytes_of(begin, (size_t)(r->at - 3 - begin));
    return XML_TEXT;
}

static enum xml_token read_text(struct xml_reader *r)
{
    char *begin = r->at, *end = memchr(begin, '<', (size_t)(r->end - begin));
    size_t len;
    if (!end) end = r->end;
    r->at = end;
    if (!decode(begin, end, &len)) return fail(r, "an entity that is not known");
    r->text = bytes_of(begin, len);
    return XML_TEXT;
}

/* Comments, processing instructions, and blanks outside of the element. */
static bool skip_the_rest(struct xml_reader *r)
{
    for (;;) {
        while (!r->depth && r->at < r->end && is_blank(*r->at))
            r->at++;
        if (starts(r, "<!--")) {
            if (!skip_past(r, "-->")) return false;
        } else if (starts(r, "<?")) {
            if (!skip_past(r, "?>")) return false;
        } else {
            return true;
        }
    }
}

static enum xml_token at_end(struct xml_reader *r)
{
    if (r->depth || !r->had_root) return fail(r, "it ends too early");
    return XML_END;
}

enum xml_token xml_next(struct xml_reader *r)
{
    if (r->error) return XML_ERROR;
    if (r->empty_element) {
        r->empty_element = false;
        return close_element(r);
    }
    if (!skip_the_rest(r)) return fail(r, "a comment without an end");
    if (r->at == r->end) return at_end(r);
    if (starts(r, "</")) return read_close(r);
    if (r->depth && starts(r, "<![CDATA[")) return read_cdata(r);
    if (starts(r, "<!")) return fail(r, "a DTD");
    if (*r->at == '<') return open_element(r);
    if (!r->depth) return fail(r, "text outside of the element");
    return read_text(r);
}
