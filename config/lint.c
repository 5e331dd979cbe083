#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "config/commands.h"
#include "config/config.h"

static const char usage[] =
    "usage: sqsbridge lint FILE...\n"
    "Checks configurations without running them, and says what each pipeline guarantees.\n";

static void print_guarantees(const char *path, const struct config *c)
{
    struct guarantee g;
    printf("%s: ok, %zu pipeline%s\n", path, c->pipeline_count, c->pipeline_count == 1 ? "" : "s");
    for (size_t i = 0; i < c->pipeline_count; i++) {
        guarantee_of(&c->pipelines[i], &g);
        printf("  pipeline \"%s\": %s\n", c->pipelines[i].name, g.text);
    }
}

static int lint_file(const char *path)
{
    struct config_messages messages;
    struct config *c = config_load(path, &messages);
    if (c) print_guarantees(path, c);
    fflush(stdout); /* in the order of the files, where both go to one place */
    fputs(messages.text, stderr);
    int code = messages.exit_code;
    config_messages_free(&messages);
    config_free(c);
    return code;
}

int command_lint(int argc, char **argv)
{
    int worst = EX_OK; /* EX_CONFIG is more than EX_NOINPUT */
    if (argc < 2 || argv[1][0] == '-') {
        bool asked = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(usage, asked ? stdout : stderr);
        return asked ? EX_OK : EX_USAGE;
    }
    for (int i = 1; i < argc; i++) {
        int code = lint_file(argv[i]);
        if (code > worst) worst = code;
    }
    return worst;
}
