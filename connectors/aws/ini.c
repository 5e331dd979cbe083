#include "connectors/aws/ini.h"

void ini_read(struct ini_reader *r, const char *text, size_t len)
{
    *r = (struct ini_reader){.at = text, .end = text + len};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_comment(char c)
{
    return c == '#' || c == ';';
}

static struct bytes trim(const char *at, const char *end)
{
    while (at < end && is_blank(*at))
        at++;
    while (end > at && is_blank(end[-1]))
        end--;
    return bytes_of(at, (size_t)(end - at));
}

static struct bytes next_line(struct ini_reader *r)
{
    const char *begin = r->at, *newline = memchr(begin, '\n', (size_t)(r->end - begin));
    r->at = newline ? newline + 1 : r->end;
    r->line++;
    return bytes_of(begin, (size_t)((newline ? newline : r->end) - begin));
}

/* A value ends at a comment, which has a blank before it: a secret may hold # itself. */
static struct bytes value_of(const char *at, const char *end)
{
    for (const char *c = at; c < end; c++)
        if (is_comment(*c) && (c == at || is_blank(c[-1]))) return trim(at, c);
    return trim(at, end);
}

static enum ini_token read_section(struct ini_reader *r, struct bytes line)
{
    const char *at = line.ptr, *end = at + line.len, *bracket = memchr(at, ']', line.len);
    if (!bracket) return INI_ERROR;
    struct bytes rest = trim(bracket + 1, end);
    r->name = trim(at + 1, bracket);
    return r->name.len && (!rest.len || is_comment(*(const char *)rest.ptr)) ? INI_SECTION
                                                                             : INI_ERROR;
}

static enum ini_token read_setting(struct ini_reader *r, struct bytes line)
{
    const char *at = line.ptr, *end = at + line.len, *equals = memchr(at, '=', line.len);
    if (!equals) return INI_ERROR;
    r->name = trim(at, equals);
    r->value = value_of(equals + 1, end);
    return r->name.len ? INI_SETTING : INI_ERROR;
}

enum ini_token ini_next(struct ini_reader *r)
{
    while (r->at < r->end) {
        struct bytes line = next_line(r);
        const char *at = line.ptr;
        if (line.len && is_blank(*at)) continue; /* nested, or empty */
        line = trim(at, at + line.len);
        if (!line.len || is_comment(*at)) continue;
        if (memchr(at, 0, line.len)) return INI_ERROR;
        return *at == '[' ? read_section(r, line) : read_setting(r, line);
    }
    return INI_END;
}
