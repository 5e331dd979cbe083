/* Command lines by option tables: the verb's own, and what every verb takes from the connector's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/run.h"

static const struct opt common_opts[] = {
    {OPT_FIELD(struct queue_options, account), .type = OPT_STRING,
     .help = "account of a queue that is named without its URL; default: that of the credentials"},
    {OPT_FIELD(struct queue_options, config), .type = OPT_STRING,
     .help = "configuration file that --credentials is in"},
    {.name = "credentials",
     .offset = offsetof(struct queue_options, credentials_name),
     .type = OPT_STRING,
     .help = "named section of credentials in the file of --config"},
    {OPT_FIELD(struct queue_options, json), .type = OPT_BOOL,
     .help = "print the whole answer as one line of JSON, with the names that AWS uses"},
    {OPT_FIELD(struct queue_options, yes), .type = OPT_BOOL,
     .help = "do not ask before what cannot be undone"},
    OPT_END,
};

/* The connector's options up to the end of struct sqs_conf; both begin at offset 0. */
static bool is_common(const struct opt *o)
{
    return o->offset < sizeof(struct sqs_conf) && o->type != OPT_SECTION &&
           strcmp(o->name, "queue_url") != 0;
}

/* Option names have underscores in tables and hyphens on command lines. */
static bool same_name(const char *name, const char *text, size_t len)
{
    if (strlen(name) != len) return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] != text[i] && !(name[i] == '_' && text[i] == '-')) return false;
    return true;
}

static const struct opt *find_in(const struct opt *table, bool common, const char *text, size_t len)
{
    for (const struct opt *o = table; o && o->name; o++)
        if ((!common || is_common(o)) && same_name(o->name, text, len)) return o;
    return NULL;
}

static const struct opt *find(const struct queue_verb *verb, const char *text, size_t len)
{
    const struct opt *o = find_in(verb->opts, false, text, len);
    if (!o) o = find_in(common_opts, false, text, len);
    return o ? o : find_in(sqs_source_opts, true, text, len);
}

bool queue_given(const struct queue_run *run, const char *option)
{
    for (size_t i = 0; i < run->given_count; i++)
        if (strcmp(run->given[i]->name, option) == 0) return true;
    return false;
}

const char *queue_option(const char *name, char text[QUEUE_OPTION_SIZE])
{
    snprintf(text, QUEUE_OPTION_SIZE, "--%s", name);
    for (char *at = text; *at; at++)
        if (*at == '_') *at = '-';
    return text;
}

static bool parse(struct queue_run *run, const struct opt *o, const char *text)
{
    struct error e;
    char name[QUEUE_OPTION_SIZE];
    if (!run->host->parse(run->host, o, text, run->options, &e))
        return queue_fail(run, EX_USAGE, "%s: %s", queue_option(o->name, name), e.text);
    if (run->given_count == sizeof(run->given) / sizeof(run->given[0]))
        return queue_fail(run, EX_USAGE, "too many options");
    if (!queue_given(run, o->name)) run->given[run->given_count++] = o;
    return true;
}

/* "--secret-access-key-file FILE": what nobody should see in the list of processes. */
static bool parse_secret_file(struct queue_run *run, const char *name, size_t len, const char *path)
{
    struct buf text = {0};
    const struct opt *o = len > 5 ? find(run->verb, name, len - 5) : NULL;
    if (!o || !(o->flags & OPT_SECRET) || memcmp(name + len - 5, "-file", 5) != 0)
        return queue_fail(run, EX_USAGE, "no such option: --%.*s (see --help)", (int)len, name);
    if (!path) return queue_fail(run, EX_USAGE, "--%.*s: a file is expected", (int)len, name);
    bool ok = queue_read_file(run, path, &text);
    while (text.len && text.ptr[text.len - 1] == '\n')
        text.len--;
    buf_add(&text, "", 1);
    ok = ok && parse(run, o, text.ptr);
    free(text.ptr);
    return ok;
}

/* One option; *used: whether the next word is its value. */
static bool read_option(struct queue_run *run, const char *word, const char *next, bool *used)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct opt *o = find(run->verb, name, len);
    bool flag = o && o->type == OPT_BOOL;
    const char *value = equals ? equals + 1 : flag ? "true" : next;
    *used = !equals && !flag;
    if (!o) return parse_secret_file(run, name, len, value);
    if (!value) return queue_fail(run, EX_USAGE, "--%.*s: a value is expected", (int)len, name);
    return parse(run, o, value);
}

/* Defaults of the tables; a field without one stays zero. */
static bool fill_defaults(struct queue_run *run)
{
    struct error e;
    const struct opt *tables[] = {run->verb->opts, common_opts, sqs_source_opts};
    for (int t = 0; t < 3; t++)
        for (const struct opt *o = tables[t]; o && o->name; o++)
            if (o->fallback && (t < 2 || is_common(o)) &&
                !run->host->parse(run->host, o, o->fallback, run->options, &e))
                return queue_fail(run, EX_SOFTWARE, "--%s: %s", o->name, e.text);
    return true;
}

static bool count_operands(struct queue_run *run)
{
    const struct queue_verb *v = run->verb;
    if (run->operand_count >= v->least && (v->most < 0 || run->operand_count <= v->most))
        return true;
    return queue_fail(run, EX_USAGE, "usage: sqsbridge queue %s %s [OPTION]... (see --help)",
                      v->name, v->operands);
}

/* ---- help ---- */

static const char *value_of(const struct opt *o)
{
    switch (o->type) {
    case OPT_BOOL:
        return "";
    case OPT_PATH:
        return " FILE";
    case OPT_INT:
        return " N";
    case OPT_DURATION:
    case OPT_SECONDS:
        return " TIME";
    case OPT_SIZE:
        return " SIZE";
    case OPT_ENUM:
        return " WORD";
    case OPT_STRING:
    case OPT_TEMPLATE:
    case OPT_LIST:
    case OPT_SECTION:
        break;
    }
    return " TEXT";
}

static void print_option(const struct opt *o)
{
    char name[QUEUE_OPTION_SIZE], whole[QUEUE_OPTION_SIZE + 8];
    snprintf(whole, sizeof(whole), "%s%s", queue_option(o->name, name), value_of(o));
    printf("  %-34s %s", whole, o->help);
    for (const char *const *c = o->choices; c && *c; c++)
        printf("%s%s", c == o->choices ? " (" : ", ", *c);
    printf("%s\n", o->choices ? ")" : "");
}

static void print_help(const struct queue_verb *verb)
{
    printf("usage: sqsbridge queue %s%s%s [OPTION]...\n\n%s\n%s%s", verb->name,
           *verb->operands ? " " : "", verb->operands, verb->help, verb->notes ? "\n" : "",
           verb->notes ? verb->notes : "");
    if (verb->opts) printf("\n");
    for (const struct opt *o = verb->opts; o && o->name; o++)
        print_option(o);
    printf("\nof every verb:\n");
    for (const struct opt *o = common_opts; o->name; o++)
        print_option(o);
    for (const struct opt *o = sqs_source_opts; o->name; o++)
        if (is_common(o)) print_option(o);
}

/* ---- all of them ---- */

bool queue_arguments(struct queue_run *run, int argc, char **argv)
{
    bool options = true, used;
    if (!fill_defaults(run)) return false;
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options && strcmp(word, "--help") == 0) {
            print_help(run->verb);
            return false;
        }
        if (!options || strncmp(word, "--", 2) != 0) {
            run->operands[run->operand_count++] = argv[i];
        } else if (word[2] == '\0') {
            options = false;
        } else if (!read_option(run, word, i + 1 < argc ? argv[i + 1] : NULL, &used)) {
            return false;
        } else {
            i += used;
        }
    }
    return count_operands(run);
}
