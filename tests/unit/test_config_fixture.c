#include "test_config_fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOURCE(field) OPT_FIELD(struct queue_source_conf, field)
#define SINK(field) OPT_FIELD(struct queue_sink_conf, field)

static const char *const modes[] = {"one", "two", "3.1.1", NULL};
static const char *const colours[] = {"red", "green", NULL};

#define KEYS(field) OPT_FIELD(struct keys_conf, field)

static void check_keys(const void *conf, struct opt_report *r)
{
    const struct keys_conf *c = conf;
    if (strlen(c->secret) <= strlen(c->name)) opt_complain(r, "secret", "is too short");
    if (c->base == c) opt_complain(r, "base", "the section refers to itself");
}

static const struct section_kind keys_kind;

static const struct opt keys_opts[] = {
    {KEYS(secret), .type = OPT_STRING, .flags = OPT_SECRET | OPT_REQUIRED, .help = "proves it"},
    {KEYS(base), .type = OPT_SECTION, .kind = &keys_kind, .help = "others that these build on"},
    OPT_END,
};

static const struct section_kind keys_kind = {
    .name = "keys",
    .opts = keys_opts,
    .conf_size = sizeof(struct keys_conf),
    .check = check_keys,
    .help = "who may",
};

static const struct opt queue_source_opts[] = {
    {SOURCE(url), .type = OPT_STRING, .flags = OPT_REQUIRED, .help = "where the queue is"},
    {SOURCE(user), .type = OPT_STRING, .help = "who asks"},
    {SOURCE(password), .type = OPT_STRING, .flags = OPT_SECRET, .help = "proves it"},
    {SOURCE(ca), .type = OPT_PATH, .help = "certificates to trust"},
    {SOURCE(topic), .type = OPT_TEMPLATE, .fallback = "all/${key}", .help = "a template"},
    {SOURCE(fast), .type = OPT_BOOL, .fallback = "true", .help = "a bool"},
    {SOURCE(low), .type = OPT_INT, .fallback = "1", .max = 100, .help = "an integer"},
    {SOURCE(high), .type = OPT_INT, .fallback = "0x10", .max = 100, .help = "an integer"},
    {SOURCE(big), .type = OPT_INT, .min = INT64_MIN, .max = INT64_MAX, .help = "any integer"},
    {SOURCE(linger), .type = OPT_DURATION, .fallback = "5ms", .max = 60000, .help = "a duration"},
    {SOURCE(wait), .type = OPT_SECONDS, .fallback = "20", .max = 20, .help = "seconds"},
    {SOURCE(room), .type = OPT_SIZE, .fallback = "64KiB", .min = 1, .max = INT64_C(1) << 40,
     .help = "a size"},
    {SOURCE(mode), .type = OPT_ENUM, .fallback = "two", .choices = modes, .help = "a choice"},
    {SOURCE(topics), .type = OPT_LIST, .choices = colours, .help = "a list"},
    {SOURCE(keys), .type = OPT_SECTION, .kind = &keys_kind, .help = "a section"},
    OPT_END,
};

static const struct opt queue_sink_opts[] = {
    {SINK(url), .type = OPT_STRING, .flags = OPT_REQUIRED, .help = "where the queue is"},
    {SINK(group), .type = OPT_TEMPLATE, .help = "a template"},
    OPT_END,
};

static const struct opt no_opts[] = {
    {.name = "name", .type = OPT_STRING, .help = "a name"},
    OPT_END,
};

static void check_source(const void *conf, struct opt_report *r)
{
    const struct queue_source_conf *c = conf;
    if (c->low > c->high) opt_complain(r, "low", "is more than high (%d)", (int)c->high);
    if (strcmp(c->url, "bad") == 0) opt_complain(r, NULL, "that url is no use");
    if (c->password && !c->user) opt_complain(r, "password", "needs user too");
}

static struct source_promise promise_ordered(const void *conf)
{
    (void)conf;
    return (struct source_promise){
        .at_least_once = true, .ordered_by = "shelf", .takes_back = "the shelf"};
}

static struct source_promise promise_nothing(const void *conf)
{
    (void)conf;
    return (struct source_promise){.why = "a tap drips"};
}

static struct sink_promise promise_stream(const void *conf)
{
    const char *const *first = conf; /* url or name */
    const char *name = *first ? *first : "";
    return (struct sink_promise){
        .order = ORDER_STREAM,
        .confirmed = true,
        .max_message_bytes = strcmp(name, "small") == 0     ? 1000000
                             : strcmp(name, "unknown") == 0 ? 0
                                                            : SINK_TAKES_ALL,
        .body_only = strcmp(name, "flat") == 0 ? "it is flat (bend it)" : NULL,
    };
}

static void describe(const void *conf, char *text, size_t size)
{
    const char *const *first = conf; /* url or name */
    snprintf(text, size, "thing %s", *first ? *first : "");
}

static const struct source_ops queue_source = {
    .opts = queue_source_opts,
    .conf_size = sizeof(struct queue_source_conf),
    .check = check_source,
    .promise = promise_ordered,
    .describe = describe,
};
static const struct sink_ops queue_sink = {
    .opts = queue_sink_opts,
    .conf_size = sizeof(struct queue_sink_conf),
    .promise = promise_stream,
    .describe = describe,
};
static const struct source_ops tap_source = {
    .opts = no_opts,
    .conf_size = sizeof(char *),
    .promise = promise_nothing,
    .describe = describe,
};
static const struct sink_ops sinkhole_sink = {
    .opts = no_opts,
    .conf_size = sizeof(char *),
    .promise = promise_stream,
    .describe = describe,
};

static const struct connector queue = {"queue", "a queue", &queue_source, &queue_sink, NULL};
static const struct connector tap = {"tap", "drips", &tap_source, NULL, NULL};
static const struct connector sinkhole = {"sinkhole", "takes all", NULL, &sinkhole_sink, NULL};

const struct connector *const connectors[] = {&queue, &tap, &sinkhole, NULL};

static char folder[] = "/tmp/sqsbridge-config-XXXXXX";

int fixture_setup(void **state)
{
    (void)state;
    memset(folder + sizeof(folder) - 7, 'X', 6);
    return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static void remove_all(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        unlink(path);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        char inner[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        snprintf(inner, sizeof(inner), "%s/%s", path, entry->d_name);
        remove_all(inner);
    }
    closedir(dir);
    rmdir(path);
}

int fixture_teardown(void **state)
{
    (void)state;
    if (chdir("/") != 0) return -1;
    remove_all(folder);
    return 0;
}

void fixture_write_bytes(const char *name, const void *ptr, size_t len)
{
    unlink(name); /* ext4 waits for the disk where a file is made empty and written again */
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(ptr, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

void fixture_write(const char *name, const char *text)
{
    fixture_write_bytes(name, text, strlen(text));
}

char *fixture_complaints(const char *text)
{
    struct config_messages messages;
    fixture_write("main.conf", text);
    struct config *c = config_load("main.conf", &messages);
    assert_true((c == NULL) == (messages.count > 0));
    config_free(c);
    return messages.text;
}

struct config *fixture_load(const char *text)
{
    struct config_messages messages;
    fixture_write("main.conf", text);
    struct config *c = config_load("main.conf", &messages);
    if (!c) print_error("%s", messages.text);
    config_messages_free(&messages);
    assert_non_null(c);
    return c;
}

const char *fixture_source(const char *lines)
{
    static char text[8192];
    snprintf(text, sizeof(text),
             "pipelines = { p = {\n"
             "source = { type = \"queue\"; url = \"u\";\n"
             "%s\n};\n"
             "sink = { type = \"sinkhole\"; };\n"
             "}; };\n",
             lines);
    return text;
}
