#include "config/setting.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config/environment.h"
#include "config/suggest.h"
#include "config/value.h"

enum { MAX_SECRET = 64 << 10, MAX_SHOWN = 80 };

struct place setting_place(const struct reader *r, const config_setting_t *at)
{
    return input_place(r->input, at->line);
}

static const char *text_of(const config_setting_t *at)
{
    return mem_must(at->value.sval);
}

static bool complain(const struct reader *r, const config_setting_t *at, const struct error *e)
{
    complain_at(r->complaints, setting_place(r, at), "%s: %s", at->name, e->text);
    return false;
}

/* With the value, as it is after the environment: but not of a secret, and not all of a long one.
 */
static bool complain_of(const struct reader *r, const struct opt *o, const config_setting_t *at,
                        const char *value, const struct error *e)
{
    if (o->flags & OPT_SECRET) return complain(r, at, e);
    bool quoted = at->type == CONFIG_TYPE_STRING || o->type == OPT_LIST;
    struct buf shown = {0};
    if (quoted)
        value_write_text(value, false, &shown);
    else
        buf_add(&shown, value, strlen(value));
    bool whole = shown.len <= MAX_SHOWN;
    complain_at(r->complaints, setting_place(r, at), "%s = %.*s%s: %s", at->name,
                whole ? (int)shown.len : MAX_SHOWN, shown.ptr, whole ? "" : "...", e->text);
    free(shown.ptr);
    return false;
}

/* As value_parse() reads it. A float keeps its point, so that it never passes for an integer; one
 * of this size was an integer of more than 64 bits, which doesn't pass either. */
static bool write_plain(const struct opt *o, const config_setting_t *at, struct buf *out,
                        struct error *e)
{
    bool template = o->type == OPT_TEMPLATE;
    switch (config_setting_type(at)) {
    case CONFIG_TYPE_STRING:
        return environment_expand(text_of(at), template ? ENVIRONMENT_TEMPLATE : ENVIRONMENT_PLAIN,
                                  out, e);
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        buf_printf(out, "%lld", config_setting_get_int64(at));
        break;
    case CONFIG_TYPE_FLOAT:
        buf_printf(out, fabs(at->value.fval) < 0x1p63 ? "%#.4g" : "%.0f", at->value.fval);
        break;
    case CONFIG_TYPE_BOOL:
        buf_printf(out, config_setting_get_bool(at) ? "true" : "false");
        break;
    default:
        buf_printf(out, config_setting_is_group(at) ? "{...}" : "[...]");
        break;
    }
    return true;
}

static bool read_plain(const struct reader *r, const struct opt *o, const config_setting_t *at,
                       void *conf)
{
    struct error e;
    struct buf text = {0};
    bool right = false;
    if (!write_plain(o, at, &text, &e)) {
        complain(r, at, &e);
    } else if (value_is_text(o) && at->type != CONFIG_TYPE_STRING) {
        value_refuse(o, NULL, &e);
        complain_of(r, o, at, text.ptr, &e);
    } else if (!value_parse(o, text.ptr, conf, r->owned, &e)) {
        complain_of(r, o, at, text.ptr, &e);
    } else {
        right = true;
    }
    free(text.ptr);
    return right;
}

const char *setting_text(const struct reader *r, const config_setting_t *at)
{
    struct error e;
    struct buf text = {0};
    bool right =
        at->type == CONFIG_TYPE_STRING || error_set(&e, FAULT_CONFIG, "expected text in quotes");
    if (right && environment_expand(text_of(at), ENVIRONMENT_PLAIN, &text, &e))
        return owned_take(r->owned, text.ptr, free);
    complain(r, at, &e);
    free(text.ptr);
    return NULL;
}

static bool holds_only_text(const config_setting_t *list)
{
    if (!config_setting_is_array(list) && !config_setting_is_list(list)) return false;
    for (int i = 0; i < config_setting_length(list); i++)
        if (list->value.list->elements[i]->type != CONFIG_TYPE_STRING) return false;
    return true;
}

static bool no_such_section(const struct reader *r, const struct opt *o, const config_setting_t *at,
                            const char *name)
{
    struct suggestion s = suggest_begin(name);
    for (size_t i = 0; i < r->named->count; i++)
        if (r->named->items[i].kind == o->kind) suggest_offer(&s, r->named->items[i].name);
    if (s.nearest)
        complain_at(r->complaints, setting_place(r, at),
                    "%s = \"%s\": there is no such section (did you mean \"%s\"?)", at->name, name,
                    s.nearest);
    else
        complain_at(r->complaints, setting_place(r, at),
                    "%s = \"%s\": there is no such section (write %s = { %s = { ... }; }; at the "
                    "top level)",
                    at->name, name, o->kind->name, name);
    return false;
}

/* One that is wrong itself was complained of already. */
static bool read_reference(const struct reader *r, const struct opt *o, const config_setting_t *at,
                           void *conf)
{
    const char *name = setting_text(r, at);
    if (!name) return false;
    const struct named_section *s = named_find(r->named, o->kind, name);
    if (!s) return no_such_section(r, o, at, name);
    const void *section = s->conf;
    memcpy((char *)conf + o->offset, &section, sizeof(section));
    return s->right;
}

/* Lists may hold templates (set_attributes), so their fields of the message stay. */
static bool read_list(const struct reader *r, const struct opt *o, const config_setting_t *at,
                      void *conf)
{
    struct error e;
    if (!holds_only_text(at)) {
        value_refuse(o, NULL, &e);
        return complain(r, at, &e);
    }
    bool right = true;
    value_clear_list(o, conf, r->owned);
    for (int i = 0; i < config_setting_length(at); i++) {
        struct buf text = {0};
        const char *written = text_of(at->value.list->elements[i]);
        if (!environment_expand(written, ENVIRONMENT_TEMPLATE, &text, &e)) {
            right = complain(r, at, &e);
        } else if (!value_parse(o, text.ptr, conf, r->owned, &e)) {
            right = complain_of(r, o, at, text.ptr, &e);
        }
        free(text.ptr);
    }
    return right;
}

bool setting_read(const struct reader *r, const struct opt *o, const config_setting_t *at,
                  void *conf)
{
    if (o->type == OPT_SECTION) return read_reference(r, o, at, conf);
    return o->type == OPT_LIST ? read_list(r, o, at, conf) : read_plain(r, o, at, conf);
}

static const char *why_unreadable(int number)
{
    if (number == EFBIG) return "it is over 64 KiB";
    if (number == EILSEQ) return "it holds a NUL byte";
    return strerror(number);
}

/* Editors and `echo` end a file with a newline that is no part of the secret. */
static size_t without_newline(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n') len--;
    if (len > 0 && text[len - 1] == '\r') len--;
    return len;
}

bool setting_read_secret_file(const struct reader *r, const struct opt *o,
                              const config_setting_t *at, void *conf)
{
    struct error e;
    size_t len = 0;
    const char *path = setting_text(r, at);
    if (!path) return false;
    char *secret = input_slurp(path, MAX_SECRET, &len);
    if (!secret) {
        error_set(&e, FAULT_CONFIG, "reading \"%s\": %s", path, why_unreadable(errno));
        return complain(r, at, &e);
    }
    secret[without_newline(secret, len)] = '\0';
    bool right = *secret ? value_parse(o, secret, conf, r->owned, &e)
                         : error_set(&e, FAULT_CONFIG, "reading \"%s\": it is empty", path);
    explicit_bzero(secret, len);
    free(secret);
    return right || complain(r, at, &e);
}
