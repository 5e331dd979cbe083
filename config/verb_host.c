#include "config/verb_host.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"
#include "config/owned.h"
#include "config/value.h"

struct config_host {
    struct verb_host host;
    struct owned owned;
};

static struct config_host *host_of(const struct verb_host *host)
{
    return (struct config_host *)(uintptr_t)host;
}

static void release_config(void *config)
{
    config_free(config);
}

static const void *find_section(const struct verb_host *host, const char *file,
                                const struct section_kind *kind, const char *name)
{
    struct config_messages messages;
    struct config *c = config_load_sections(file, &messages);
    fputs(messages.text, stderr);
    config_messages_free(&messages);
    if (!c) return NULL;
    owned_take(&host_of(host)->owned, c, release_config);
    const struct named_section *s = named_find(&c->named, kind, name);
    if (!s) fprintf(stderr, "%s: there is no %s.%s in it\n", file, kind->name, name);
    return s ? s->conf : NULL;
}

static bool parse_value(const struct verb_host *host, const struct opt *o, const char *text,
                        void *conf, struct error *e)
{
    return value_parse(o, text, conf, &host_of(host)->owned, e);
}

struct verb_host *verb_host_create(void)
{
    struct config_host *h = mem_zalloc(sizeof(*h));
    h->host = (struct verb_host){find_section, parse_value};
    return &h->host;
}

void verb_host_free(struct verb_host *host)
{
    owned_release(&host_of(host)->owned);
    free(host_of(host));
}
