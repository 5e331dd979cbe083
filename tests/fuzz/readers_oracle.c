#include "tests/fuzz/readers_oracle.h"

#include <stdlib.h>

#include "connectors/aws/answer.h"
#include "connectors/aws/ini.h"
#include "connectors/aws/words.h"
#include "connectors/aws/xml.h"

static void must(bool fact)
{
    if (!fact) abort();
}

/* Exactly as long as the text: what looks beyond it is caught. */
static char *exact_copy(const char *text, size_t len)
{
    char *copy = mem_alloc(len ? len : 1);
    memcpy(copy, text, len);
    return copy;
}

static bool is_within(struct bytes view, const char *text, size_t len)
{
    const char *at = view.ptr;
    return !view.len || (at >= text && at + view.len <= text + len);
}

/* ---- XML: each end has its beginning; once over, it stays over ---- */

static bool check_xml(const char *text, size_t len)
{
    struct xml_reader r;
    char *copy = exact_copy(text, len);
    size_t tokens = 0, opened = 0, closed = 0;
    xml_read(&r, copy, len);
    enum xml_token token = xml_next(&r);
    for (; token != XML_END && token != XML_ERROR; token = xml_next(&r)) {
        must(is_within(r.text, copy, len));
        must(++tokens <= 2 * len + 2);
        opened += token == XML_OPEN;
        closed += token == XML_CLOSE;
        must(opened - closed == r.depth && r.depth <= XML_MAX_DEPTH);
    }
    must(token != XML_END || (opened == closed && opened > 0));
    must(token != XML_ERROR || r.error);
    must(xml_next(&r) == token);
    free(copy);
    return token == XML_END;
}

/* ---- ini: no more tokens than lines; nothing holds a line break ---- */

static bool check_ini(const char *text, size_t len)
{
    struct ini_reader r;
    char *copy = exact_copy(text, len);
    size_t tokens = 0, lines = 1;
    bool good = len > 0;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    ini_read(&r, copy, len);
    for (enum ini_token token = ini_next(&r); token != INI_END; token = ini_next(&r)) {
        must(++tokens <= lines && r.line <= lines);
        if (token == INI_ERROR) {
            good = false;
            continue;
        }
        must(r.name.len && is_within(r.name, copy, len) && !memchr(r.name.ptr, '\n', r.name.len));
        if (token == INI_SETTING)
            must(is_within(r.value, copy, len) &&
                 (!r.value.len || !memchr(r.value.ptr, '\n', r.value.len)));
    }
    free(copy);
    return good;
}

/* ---- words: put in quotes and cut again, they are the same ---- */

static char *quoted(const struct opt_list *words)
{
    struct buf b = {0};
    for (size_t i = 0; i < words->count; i++) {
        buf_add(&b, " '", 2);
        for (const char *c = words->items[i]; *c; c++) {
            if (*c == '\'')
                buf_add(&b, "'\\''", 4);
            else
                buf_add(&b, c, 1);
        }
        buf_add(&b, "'", 1);
    }
    buf_add(&b, "", 1);
    return b.ptr;
}

static bool check_words(const char *text, size_t len)
{
    struct opt_list words, again;
    struct error e;
    char *line = mem_strndup(text, len);
    bool good = words_split(line, &words, &e);
    if (good) {
        char *other = quoted(&words);
        must(words_split(other, &again, &e) && again.count == words.count);
        for (size_t i = 0; i < words.count; i++)
            must(strcmp(words.items[i], again.items[i]) == 0);
        words_free(&again);
        words_free(&words);
        free(other);
    }
    free(line);
    return good;
}

/* ---- keys: what is given out can go into a header; the text is gone ---- */

static const struct answer_names names = {{
    [ANSWER_ID] = "AccessKeyId",
    [ANSWER_SECRET] = "SecretAccessKey",
    [ANSWER_TOKEN] = "Token",
    [ANSWER_EXPIRATION] = "Expiration",
    [ANSWER_CODE] = "Code",
    [ANSWER_MESSAGE] = "Message",
}};

static void must_be_clean(const char *text)
{
    for (; text && *text; text++)
        must(*text > ' ' && *text <= '~');
}

static bool check_keys(const char *text, size_t len,
                       bool (*read)(char *, size_t, const struct answer_names *, struct answer *,
                                    struct error *))
{
    struct answer a;
    struct error e;
    struct fresh_keys keys = {0};
    char *copy = exact_copy(text, len);
    bool good = read(copy, len, &names, &a, &e) && answer_keys(&a, &names, &keys, &e);
    for (size_t i = 0; i < len; i++)
        must(copy[i] == 0);
    must(good == (keys.keys.secret_access_key != NULL));
    must_be_clean(keys.keys.access_key_id);
    must_be_clean(keys.keys.secret_access_key);
    must_be_clean(keys.keys.session_token);
    answer_free(&a);
    keys_free(&keys);
    free(copy);
    return good;
}

static bool check_time(const char *text, size_t len)
{
    char *copy = mem_strndup(text, len);
    int64_t at_s;
    bool good = answer_time(copy, &at_s);
    must(!good || (at_s > -86400 && at_s < 253402387200)); /* of 1970 to 9999 */
    free(copy);
    return good;
}

static bool check_all(const char *text, size_t len)
{
    bool any = check_xml(text, len);
    any |= check_ini(text, len);
    any |= check_words(text, len);
    any |= check_keys(text, len, answer_read_json);
    any |= check_keys(text, len, answer_read_xml);
    any |= check_time(text, len);
    return any;
}

bool readers_oracle_check(const char *text, size_t len)
{
    char which = len ? *text : 0;
    const char *rest = text + 1;
    switch (which) {
    case 'x':
        return check_xml(rest, len - 1);
    case 'i':
        return check_ini(rest, len - 1);
    case 'w':
        return check_words(rest, len - 1);
    case 'j':
        return check_keys(rest, len - 1, answer_read_json);
    case 'k':
        return check_keys(rest, len - 1, answer_read_xml);
    case 't':
        return check_time(rest, len - 1);
    default:
        return check_all(text, len);
    }
}
