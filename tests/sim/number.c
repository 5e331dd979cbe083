#include "tests/sim/number.h"

#include <stdlib.h>

/* [sign] whole [. fraction] [e exponent] */
struct parts {
    bool negative, valid;
    struct text whole, fraction;
    bool has_exponent;
    long exponent;
};

static struct text take_digits(struct text *rest)
{
    struct text digits = {rest->ptr, 0};
    while (digits.len < rest->len && rest->ptr[digits.len] >= '0' && rest->ptr[digits.len] <= '9')
        digits.len++;
    rest->ptr += digits.len;
    rest->len -= digits.len;
    return digits;
}

static bool take(struct text *rest, const char *any)
{
    for (; *any && rest->len; any++) {
        if (*rest->ptr == *any) {
            rest->ptr++;
            rest->len--;
            return true;
        }
    }
    return false;
}

static struct parts split(struct text t)
{
    struct parts p = {0};
    p.negative = t.len && *t.ptr == '-';
    take(&t, "+-");
    p.whole = take_digits(&t);
    p.fraction = take(&t, ".") ? take_digits(&t) : (struct text){"", 0};
    p.has_exponent = take(&t, "eE");
    p.valid = p.whole.len + p.fraction.len > 0;
    if (p.has_exponent) {
        bool down = t.len && *t.ptr == '-';
        take(&t, "+-");
        struct text digits = take_digits(&t);
        p.valid = p.valid && digits.len >= 1 && digits.len <= 3;
        for (size_t i = 0; i < digits.len && i < 3; i++)
            p.exponent = p.exponent * 10 + (digits.ptr[i] - '0');
        p.exponent = down ? -p.exponent : p.exponent;
    }
    p.valid = p.valid && t.len == 0;
    return p;
}

static struct text without_leading_zeros(struct text t)
{
    while (t.len && *t.ptr == '0') {
        t.ptr++;
        t.len--;
    }
    return t;
}

static struct text without_trailing_zeros(struct text t)
{
    while (t.len && t.ptr[t.len - 1] == '0')
        t.len--;
    return t;
}

bool number_ok(struct text t)
{
    struct parts p = split(t);
    if (!p.valid) return false;
    struct text whole = without_leading_zeros(p.whole);
    struct text fraction = without_trailing_zeros(p.fraction);
    if (!whole.len && !without_leading_zeros(fraction).len) return true;
    size_t digits = whole.len ? whole.len + fraction.len : without_leading_zeros(fraction).len;
    /* the power of ten of the first digit that is not zero */
    long magnitude =
        p.exponent + (whole.len ? (long)whole.len - 1
                                : -(long)(fraction.len - without_leading_zeros(fraction).len) - 1);
    return digits <= 38 && magnitude >= -128 && magnitude <= 126;
}

bool number_trim(struct text t, struct buf *out)
{
    struct parts p = split(t);
    if (p.has_exponent) return false;
    struct text whole = without_leading_zeros(p.whole);
    struct text fraction = without_trailing_zeros(p.fraction);
    size_t start = out->len;
    if (p.negative && whole.len + fraction.len) buf_add_char(out, '-');
    buf_add_text(out, whole.len ? whole : text_of("0"));
    if (fraction.len) {
        buf_add_char(out, '.');
        buf_add_text(out, fraction);
    }
    if (!text_equal((struct text){out->ptr + start, out->len - start}, t)) return true;
    out->len = start;
    return false;
}
