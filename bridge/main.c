/* sqsbridge: the commands. The one file of this folder that sees all the others. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "bridge/supervisor.h"
#include "bridge/verb.h"
#include "config/commands.h"
#include "config/config.h"
#include "config/verb_host.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *usage, *help;
};

static int command_run(int argc, char **argv);
static int command_version(int argc, char **argv);
static int command_help(int argc, char **argv);

static const struct command commands[] = {
    {"run", command_run, "run FILE", "run the pipelines of a configuration file"},
    {"lint", command_lint, "lint FILE...", "check files; print what each pipeline guarantees"},
    {"print-config", command_print_config, "print-config FILE",
     "print a file with all defaults filled in, secrets masked"},
    {"dlq", command_dlq, "dlq show|replay FILE NAME",
     "list the dead letters of a pipeline, or send them again"},
    {"options", command_options, "options [CONNECTOR]",
     "list the options of pipelines and connectors"},
    {"store", command_store, "store VERB FILE", "show, verify, export or drain what stores hold"},
    {"version", command_version, "version", "print the version and what it was built with"},
    {"help", command_help, "help", "print this"},
};
enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *to)
{
    fprintf(to, "usage: sqsbridge COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-26s %s\n", commands[i].usage, commands[i].help);
    for (const struct connector *const *c = connectors; *c; c++)
        for (const struct verb *v = (*c)->verbs; v && v->name; v++)
            fprintf(to, "  %-26s %s\n", v->usage, v->help);
    fprintf(to, "\nrun takes: --stats-interval TIME (counters every so often, as in 1s)\n"
                "           --stats-file FILE     (append them there as JSON lines)\n"
                "           --log-level LEVEL     (error, warn, info, debug)\n"
                "SIGTERM ends it when what is in flight has arrived; SIGHUP reads FILE again\n");
}

static int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    print_usage(stdout);
    return EX_OK;
}

static int command_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("sqsbridge %s (", SQSBRIDGE_VERSION);
    for (const struct connector *const *c = connectors; *c; c++)
        printf("%s%s", c == connectors ? "" : ", ", (*c)->name);
    printf(")\n");
    return EX_OK;
}

/* ---- run ---- */

struct run_arguments {
    const char *file, *stats_file, *stats_interval, *log_level;
    bool was_read; /* the file, once */
};

static bool read_arguments(int argc, char **argv, struct run_arguments *a)
{
    static const struct option options[] = {
        {"stats-interval", required_argument, NULL, 'i'},
        {"stats-file", required_argument, NULL, 'f'},
        {"log-level", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'i':
            a->stats_interval = optarg;
            break;
        case 'f':
            a->stats_file = optarg;
            break;
        case 'l':
            a->log_level = optarg;
            break;
        default:
            return false;
        }
    }
    if (optind != argc - 1) return false;
    a->file = argv[optind];
    return true;
}

static bool override_with(const struct run_arguments *a, struct config *c)
{
    struct error e;
    if (a->stats_file) c->stats_file = a->stats_file;
    if (a->stats_interval && !config_parse(c, "stats_interval", a->stats_interval, &e)) {
        fprintf(stderr, "sqsbridge: --stats-interval: %s\n", e.text);
        return false;
    }
    if (a->log_level && !config_parse(c, "log_level", a->log_level, &e)) {
        fprintf(stderr, "sqsbridge: --log-level: %s\n", e.text);
        return false;
    }
    if (c->stats_file && !c->stats_interval) c->stats_interval = 1000;
    return true;
}

/* A configuration, and what of it is to run. */
struct loaded {
    struct plan plan; /* first: that is what the supervisor knows */
    struct config *config;
};

static struct config *load_config(const struct run_arguments *a, int *code)
{
    struct config_messages messages;
    struct config *c = config_load(a->file, &messages);
    if (messages.count) fputs(messages.text, stderr);
    *code = messages.exit_code;
    config_messages_free(&messages);
    if (!c || override_with(a, c)) return c;
    config_free(c);
    *code = EX_USAGE;
    return NULL;
}

/* Another read of standard input or a pipe would find nothing, or wait for ever. */
static bool can_be_read_again(const char *file)
{
    struct stat st;
    if (stat(file, &st) != 0 || S_ISREG(st.st_mode)) return true;
    log_error("sqsbridge", "%s is no file, and can't be read a second time (start again)", file);
    return false;
}

static struct plan *load_plan(void *arg, int *code)
{
    struct run_arguments *a = arg;
    *code = EX_NOINPUT;
    if (a->was_read && !can_be_read_again(a->file)) return NULL;
    a->was_read = true;
    struct config *c = load_config(a, code);
    if (!c) return NULL;
    struct loaded *l = mem_zalloc(sizeof(*l));
    l->config = c;
    l->plan = (struct plan){
        .pipelines = c->pipelines,
        .count = c->pipeline_count,
        .log_level = (enum log_level)c->log_level,
        .stats_interval_ms = c->stats_interval,
        .stats_file = c->stats_file,
    };
    return &l->plan;
}

static void release_plan(struct plan *plan)
{
    struct loaded *l = (struct loaded *)plan;
    config_free(l->config);
    free(l);
}

static int command_run(int argc, char **argv)
{
    struct run_arguments a = {0};
    if (!read_arguments(argc, argv, &a)) {
        fprintf(stderr, "usage: sqsbridge run [--stats-interval TIME] [--stats-file FILE] "
                        "[--log-level LEVEL] FILE\n");
        return EX_USAGE;
    }
    struct plan_source source = {load_plan, release_plan, &a, a.file};
    signal(SIGHUP, SIG_IGN); /* until it is heard: the file is about to be read */
    return supervisor_run(&source);
}

/* ---- commands of connectors ---- */

static const struct verb *find_verb(const char *name)
{
    for (const struct connector *const *c = connectors; *c; c++)
        for (const struct verb *v = (*c)->verbs; v && v->name; v++)
            if (strcmp(v->name, name) == 0) return v;
    return NULL;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
    struct verb_host *host = verb_host_create();
    int code = v->run(argc, argv, host);
    verb_host_free(host);
    return code;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    const struct verb *verb = argc > 1 ? find_verb(argv[1]) : NULL;
    if (verb) return run_verb(verb, argc - 1, argv + 1);
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return command_help(argc, argv);
    if (argc > 1 && strcmp(argv[1], "--version") == 0) return command_version(argc, argv);
    if (argc > 1) fprintf(stderr, "sqsbridge: no such command: \"%s\"\n", argv[1]);
    print_usage(stderr);
    return EX_USAGE;
}
