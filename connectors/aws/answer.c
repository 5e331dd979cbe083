#include "connectors/aws/answer.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

#include "bridge/json.h"
#include "connectors/aws/xml.h"

const struct answer_names answer_names_camel = {{
    [ANSWER_ID] = "accessKeyId",
    [ANSWER_SECRET] = "secretAccessKey",
    [ANSWER_TOKEN] = "sessionToken",
    [ANSWER_EXPIRATION] = "expiration",
    [ANSWER_MESSAGE] = "message",
}};

void answer_free(struct answer *a)
{
    for (size_t i = 0; i < ANSWER_FIELDS; i++)
        secret_free(a->fields[i]);
    *a = (struct answer){0};
}

/* The field of that name that is still empty; NULL: none. */
static char **field_named(struct answer *a, const struct answer_names *names, struct bytes name)
{
    for (size_t i = 0; i < ANSWER_FIELDS; i++)
        if (names->fields[i] && !a->fields[i] && bytes_eq(bytes_str(names->fields[i]), name))
            return &a->fields[i];
    return NULL;
}

/* A text with a NUL inside is none. */
static void keep(char **field, struct bytes text)
{
    if (field && !*field && !memchr(text.ptr, 0, text.len))
        *field = mem_strndup(text.ptr, text.len);
}

/* ---- JSON ---- */

static enum json_token read_member(struct json_reader *r, const struct answer_names *names,
                                   struct answer *a)
{
    char **field = field_named(a, names, r->text);
    enum json_token token = json_next(r);
    if ((token == JSON_STRING || token == JSON_NUMBER) && r->text.len) keep(field, r->text);
    return token;
}

bool answer_read_json(char *text, size_t len, const struct answer_names *names, struct answer *a,
                      struct error *e)
{
    struct json_reader r;
    *a = (struct answer){0};
    json_read(&r, text, len);
    enum json_token token = json_next(&r);
    bool object = token == JSON_OBJECT;
    while (token != JSON_ERROR && token != JSON_END)
        token = token == JSON_KEY ? read_member(&r, names, a) : json_next(&r);
    OPENSSL_cleanse(text, len);
    if (token == JSON_END && object) return true;
    answer_free(a);
    if (token == JSON_END) return error_set(e, FAULT_DOWN, "the answer is no JSON object");
    return error_set(e, FAULT_DOWN, "the answer is not JSON: %s at byte %zu", r.error,
                     r.error_offset);
}

/* ---- XML ---- */

/* The text of the element that was just opened, where it has nothing else inside. */
static enum xml_token read_element(struct xml_reader *r, char **field)
{
    enum xml_token token = xml_next(r);
    if (token == XML_TEXT) {
        struct bytes text = r->text;
        token = xml_next(r);
        if (token == XML_CLOSE) keep(field, text);
    }
    return token;
}

bool answer_read_xml(char *text, size_t len, const struct answer_names *names, struct answer *a,
                     struct error *e)
{
    struct xml_reader r;
    *a = (struct answer){0};
    xml_read(&r, text, len);
    enum xml_token token = xml_next(&r);
    while (token != XML_ERROR && token != XML_END) {
        char **field = token == XML_OPEN ? field_named(a, names, r.text) : NULL;
        token = field ? read_element(&r, field) : xml_next(&r);
    }
    OPENSSL_cleanse(text, len);
    if (token == XML_END) return true;
    answer_free(a);
    return error_set(e, FAULT_DOWN, "the answer is not XML: %s", r.error);
}

/* ---- what it says ---- */

static bool take_number(const char **at, unsigned digits, int *value)
{
    *value = 0;
    for (; digits; digits--, (*at)++) {
        if (!isdigit((unsigned char)**at)) return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool take(const char **at, char c)
{
    if (**at != c) return false;
    (*at)++;
    return true;
}

/* "Z", "+01:00", "-0130": seconds to take off. */
static bool take_offset(const char **at, int64_t *offset_s)
{
    int hours, minutes;
    *offset_s = 0;
    if (take(at, 'Z') || take(at, 'z')) return true;
    int sign = **at == '-' ? -1 : 1;
    if (!take(at, '+') && !take(at, '-')) return false;
    if (!take_number(at, 2, &hours)) return false;
    take(at, ':');
    if (!take_number(at, 2, &minutes)) return false;
    *offset_s = (int64_t)sign * ((int64_t)hours * 3600 + (int64_t)minutes * 60);
    return true;
}

static bool take_date(const char **at, struct tm *t)
{
    return take_number(at, 4, &t->tm_year) && take(at, '-') && take_number(at, 2, &t->tm_mon) &&
           take(at, '-') && take_number(at, 2, &t->tm_mday) && (take(at, 'T') || take(at, ' ')) &&
           take_number(at, 2, &t->tm_hour) && take(at, ':') && take_number(at, 2, &t->tm_min) &&
           take(at, ':') && take_number(at, 2, &t->tm_sec);
}

bool answer_time(const char *text, int64_t *at_s)
{
    struct tm t = {0};
    int64_t offset_s;
    if (!take_date(&text, &t)) return false;
    if (take(&text, '.'))
        while (isdigit((unsigned char)*text))
            text++;
    if (!take_offset(&text, &offset_s) || *text) return false;
    if (t.tm_year < 1970 || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 ||
        t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
        return false;
    t.tm_year -= 1900;
    t.tm_mon -= 1;
    *at_s = timegm(&t) - offset_s;
    return true;
}

bool answer_keys(const struct answer *a, const struct answer_names *names, struct fresh_keys *k,
                 struct error *e)
{
    struct keys_source source = {
        a->fields[ANSWER_ID],     a->fields[ANSWER_SECRET],     a->fields[ANSWER_TOKEN],
        names->fields[ANSWER_ID], names->fields[ANSWER_SECRET], names->fields[ANSWER_TOKEN],
    };
    const char *expiration = a->fields[ANSWER_EXPIRATION];
    for (size_t i = ANSWER_ID; i <= ANSWER_SECRET; i++)
        if (!a->fields[i]) return error_set(e, FAULT_DOWN, "the answer lacks %s", names->fields[i]);
    if (!keys_from(&source, k, e)) return false;
    if (!expiration || answer_time(expiration, &k->expires_s)) return true;
    keys_free(k);
    return error_set(e, FAULT_DOWN, "the answer's %s is no time", names->fields[ANSWER_EXPIRATION]);
}

bool answer_keys_of_service(const struct answer *a, const struct answer_names *names,
                            struct fresh_keys *k, struct error *e)
{
    return k->of_a_service = answer_keys(a, names, k, e);
}
