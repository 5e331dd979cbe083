#include "config/suggest.h"

#include <string.h>

enum { MAX_LEN = 64 };

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Dashes are the usual slip for underscores, as is the case of letters: neither counts as far. */
static char plain(char c)
{
    if (c == '-' || c == '.') return '_';
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_LEN + 1]; /* the row at hand and the two before it */
    size_t *now = rows[0], *last = rows[1], *older = rows[2];
    size_t a_len = strnlen(a, MAX_LEN), b_len = strnlen(b, MAX_LEN);

    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_len; j++)
        now[j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *spare = older;
        older = last;
        last = now;
        now = spare;
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = plain(a[i - 1]), y = plain(b[j - 1]);
            now[j] = min3(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == plain(b[j - 2]) && plain(a[i - 2]) == y &&
                older[j - 2] + 1 < now[j]) {
                now[j] = older[j - 2] + 1;
            }
        }
    }
    return now[b_len];
}

/* Short names are near one another by chance, so they allow fewer edits. */
struct suggestion suggest_begin(const char *wrong)
{
    size_t allowed = 1 + strnlen(wrong, MAX_LEN) / 5;
    return (struct suggestion){.wrong = wrong, .distance = allowed + 1};
}

void suggest_offer(struct suggestion *s, const char *name)
{
    size_t distance = suggest_distance(s->wrong, name);
    if (distance >= s->distance) return;
    s->distance = distance;
    s->nearest = name;
}

void suggest_offer_all(struct suggestion *s, const char *const *names)
{
    for (; names && *names; names++)
        suggest_offer(s, *names);
}
