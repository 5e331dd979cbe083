#include "config/section.h"

#include <stdlib.h>
#include <string.h>

#include "config/suggest.h"
#include "config/value.h"

static char *file_name(const struct opt *secret)
{
    return mem_printf("%s_file", secret->name);
}

static config_setting_t *file_member(const struct section *s, const struct opt *secret)
{
    char *name = file_name(secret);
    config_setting_t *found = config_setting_get_member(s->group, name);
    free(name);
    return found;
}

static bool is_file_of(const struct opt *o, const char *name)
{
    size_t len = strlen(o->name);
    return (o->flags & OPT_SECRET) && strncmp(name, o->name, len) == 0 &&
           strcmp(name + len, "_file") == 0;
}

static const struct opt *find(const struct opt *opts, const char *name)
{
    for (; opts && opts->name; opts++)
        if (strcmp(opts->name, name) == 0 || is_file_of(opts, name)) return opts;
    return NULL;
}

static bool is_known(const struct section *s, const char *name)
{
    for (const char *const *more = s->more; more && *more; more++)
        if (strcmp(*more, name) == 0) return true;
    return find(s->opts, name) != NULL;
}

static void complain_of_unknown(const struct section *s, const config_setting_t *at)
{
    struct suggestion nearest = suggest_begin(at->name);
    suggest_offer_all(&nearest, s->more);
    for (const struct opt *o = s->opts; o->name; o++) {
        suggest_offer(&nearest, o->name);
        if (o->flags & OPT_SECRET)
            suggest_offer(&nearest, owned_take(s->reader->owned, file_name(o), free));
    }
    struct place place = setting_place(s->reader, at);
    struct complaints *c = s->reader->complaints;
    if (find(s->elsewhere, at->name)) {
        complain_at(c, place, "%s is no option of the %s, but of %s (move it there)", at->name,
                    s->title, s->elsewhere_title);
    } else if (nearest.nearest) {
        complain_at(c, place, "unknown option \"%s\" of the %s (did you mean \"%s\"?)", at->name,
                    s->title, nearest.nearest);
    } else {
        complain_at(c, place, "unknown option \"%s\" of the %s (see `sqsbridge options`)", at->name,
                    s->title);
    }
}

static bool use_default(const struct section *s, const struct opt *o, void *conf)
{
    struct error e;
    struct place place = setting_place(s->reader, s->group);
    bool secret = o->flags & OPT_SECRET;
    if (o->flags & OPT_REQUIRED) {
        complain_at(s->reader->complaints, place, "the %s lacks %s%s%s%s (%s)", s->title, o->name,
                    secret ? " or " : "", secret ? o->name : "", secret ? "_file" : "", o->help);
        return false;
    }
    if (!o->fallback || value_parse(o, o->fallback, conf, s->reader->owned, &e)) return true;
    complain_at(s->reader->complaints, place, "the default of %s: %s", o->name, e.text);
    return false;
}

static bool read_option(const struct section *s, const struct opt *o, void *conf)
{
    config_setting_t *at = config_setting_get_member(s->group, o->name);
    config_setting_t *file = o->flags & OPT_SECRET ? file_member(s, o) : NULL;
    if (at && file) {
        complain_at(s->reader->complaints, setting_place(s->reader, file),
                    "%s and %s are both given (keep one)", at->name, file->name);
        return false;
    }
    if (at) return setting_read(s->reader, o, at, conf);
    if (file) return setting_read_secret_file(s->reader, o, file, conf);
    return use_default(s, o, conf);
}

bool section_read(const struct section *s, void *conf)
{
    bool right = true;
    for (int i = 0; i < config_setting_length(s->group); i++) {
        const config_setting_t *at = s->group->value.list->elements[i];
        if (!is_known(s, at->name)) complain_of_unknown(s, at);
    }
    for (const struct opt *o = s->opts; o->name; o++)
        right = read_option(s, o, conf) && right;
    return right;
}

static void complain_of_option(struct opt_report *report, const char *option, const char *text)
{
    struct section_report *r = (struct section_report *)report;
    const struct section *s = r->section;
    r->complained = true;
    const struct opt *o = option ? find(s->opts, option) : NULL;
    const config_setting_t *at = option ? config_setting_get_member(s->group, option) : NULL;
    if (!at && o && (o->flags & OPT_SECRET)) at = file_member(s, o);
    struct place place = setting_place(s->reader, at ? at : s->group);
    const char *subject = option ? option : s->title;
    bool said = strncmp(text, subject, strlen(subject)) == 0;
    complain_at(s->reader->complaints, place, "%s%s%s", said ? "" : subject, said ? "" : ": ",
                text);
}

struct section_report section_report(const struct section *s)
{
    return (struct section_report){.report = {complain_of_option}, .section = s};
}
