#include "connectors/sqs/queue/queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "connectors/sqs/queue/verbs.h"

static const struct queue_verb *const verbs[] = {
    &queue_create,
    &queue_set,
    &queue_delete,
    &queue_purge,
    &queue_attributes,
    &queue_list,
    &queue_url,
    &queue_tags,
    &queue_tag,
    &queue_untag,
    &queue_permit,
    &queue_revoke,
    &queue_sources,
    &queue_send,
    &queue_send_batch,
    &queue_receive,
    &queue_delete_message,
    &queue_delete_batch,
    &queue_visibility,
    &queue_visibility_batch,
    &queue_redrive_start,
    &queue_redrive_list,
    &queue_redrive_cancel,
};
enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static void print_usage(FILE *to)
{
    fputs("usage: sqsbridge queue VERB ... (sqsbridge queue VERB --help says more)\n\n", to);
    for (size_t i = 0; i < VERBS; i++)
        fprintf(to, "  %-16s %s\n", verbs[i]->name, verbs[i]->help);
    fputs("\nQUEUE is the URL of a queue, or its name in the account of the credentials.\n"
          "delete-message and delete-batch delete messages; delete deletes a queue.\n"
          "exit codes: 0 done, 64 wrong usage, 65 refused, 66 no such queue or task, 69 SQS is "
          "away,\n            75 partly done, 77 not allowed, 78 no region or credentials\n",
          to);
}

/* "redrive start" is two words; *words: how many it took. */
static const struct queue_verb *find(int argc, char **argv, int *words)
{
    char two[64] = "";
    if (argc > 1) snprintf(two, sizeof(two), "%s %s", argv[0], argv[1]);
    for (size_t i = 0; i < VERBS; i++) {
        *words = strchr(verbs[i]->name, ' ') ? 2 : 1;
        if (strcmp(verbs[i]->name, *words == 2 ? two : argv[0]) == 0) return verbs[i];
    }
    return NULL;
}

static void client_closed(void *arg)
{
    struct queue_run *run = arg;
    run->client = NULL;
    loop_stop(run->loop);
}

static void end(struct queue_run *run)
{
    if (run->client) sqs_client_close(run->client, client_closed, run);
    while (run->client)
        loop_run(run->loop);
    sqs_call_free(&run->call);
    sqs_digest_destroy(run->digest);
    loop_destroy(run->loop);
    free(run->options);
    free(run->operands);
}

static int run_verb(const struct queue_verb *verb, int argc, char **argv,
                    const struct verb_host *host)
{
    struct queue_run *run = mem_zalloc(sizeof(*run));
    run->verb = verb;
    run->host = host;
    run->options = mem_zalloc(verb->conf_size);
    run->operands = mem_zalloc(sizeof(*run->operands) * ((size_t)argc + 1));
    run->loop = loop_create();
    run->digest = sqs_digest_create();
    sqs_retry_init(&run->retry, (uint64_t)time(NULL));
    if (queue_arguments(run, argc, argv)) verb->run(run);
    if (fflush(stdout) || ferror(stdout))
        queue_fail(run, EX_IOERR, "standard output: cannot be written");
    int code = run->code;
    end(run);
    free(run);
    return code;
}

static int run_queue(int argc, char **argv, const struct verb_host *host)
{
    int words;
    if (argc < 2) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return EX_OK;
    }
    const struct queue_verb *verb = find(argc - 1, argv + 1, &words);
    if (verb) return run_verb(verb, argc - 1 - words, argv + 1 + words, host);
    fprintf(stderr, "sqsbridge queue: no such verb: \"%s\" (sqsbridge queue --help lists them)\n",
            argv[1]);
    return EX_USAGE;
}

const struct verb queue_verbs[] = {
    {"queue", "queue VERB ...", "do anything that Amazon SQS can do with queues and messages",
     run_queue},
    {NULL, NULL, NULL, NULL},
};
