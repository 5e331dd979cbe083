#include "config/units.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    int64_t factor;
};

/* Largest first, for writing; sizes of a thousand are read but not written. */
static const struct unit time_units[] = {{"d", 86400000}, {"h", 3600000}, {"m", 60000},
                                         {"s", 1000},     {"ms", 1},      {0}};
static const struct unit size_units[] = {{"GiB", 1 << 30}, {"MiB", 1 << 20},   {"KiB", 1 << 10},
                                         {"B", 1},         {"GB", 1000000000}, {"MB", 1000000},
                                         {"KB", 1000},     {"kB", 1000},       {0}};

/* Sets *rest to what follows the number. */
static bool parse_digits(const char *text, int base, int64_t *value, char **rest)
{
    errno = 0;
    *value = strtoll(text, rest, base);
    return *rest != text && errno == 0;
}

bool units_parse_integer(const char *text, int64_t *value)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = text + (*text == '-' || *text == '+');
    char *rest;
    if (!isdigit((unsigned char)*digits)) return false; /* strtoll() skips spaces */
    return parse_digits(text, hex ? 16 : 10, value, &rest) && *rest == '\0';
}

static bool parse(const char *text, const struct unit *units, int64_t *value, const char **hint)
{
    char *rest;
    if (!isdigit((unsigned char)*text)) return false;
    if (!parse_digits(text, 10, value, &rest)) {
        *hint = "the number is too large";
        return false;
    }
    for (; units->name; units++) {
        if (strcmp(units->name, rest) != 0) continue;
        if (!__builtin_mul_overflow(*value, units->factor, value)) return true;
        *hint = "the number is too large";
        return false;
    }
    if (*rest == '.')
        *hint = "whole numbers only: take a smaller unit";
    else
        *hint = *rest ? "no such unit" : "the unit is missing";
    return false;
}

bool units_parse_duration(const char *text, int64_t *ms, const char **hint)
{
    return parse(text, time_units, ms, hint);
}

bool units_parse_seconds(const char *text, int64_t *seconds, const char **hint)
{
    if (units_parse_integer(text, seconds)) return true;
    if (!parse(text, time_units, seconds, hint)) return false;
    if (*seconds % 1000 != 0) *hint = "whole seconds only";
    bool whole = *seconds % 1000 == 0;
    *seconds /= 1000;
    return whole;
}

bool units_parse_size(const char *text, int64_t *bytes, const char **hint)
{
    return units_parse_integer(text, bytes) || parse(text, size_units, bytes, hint);
}

static void write_units(int64_t value, const struct unit *units, struct buf *out)
{
    while (units->factor > 1 && value % units->factor != 0)
        units++;
    buf_printf(out, "%lld%s", (long long)(value / units->factor), units->name);
}

void units_write_duration(int64_t ms, struct buf *out)
{
    write_units(ms, ms == 0 ? &time_units[3] : time_units, out);
}

void units_write_size(int64_t bytes, struct buf *out)
{
    write_units(bytes, bytes == 0 ? &size_units[3] : size_units, out);
}
