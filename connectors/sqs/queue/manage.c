/* Verbs about one queue as a whole: delete, purge, attributes, url. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

/* An action that takes nothing but the queue and returns nothing. */
static void run_on_queue(struct queue_run *run, enum sqs_action action, const char *what)
{
    char question[160];
    struct sqs_nothing nothing;
    if (!queue_open(run, run->operands[0])) return;
    snprintf(question, sizeof(question), "%s \"%s\"", what, run->queue.name);
    struct sqs_queue_url request = {queue_url_of(run)};
    if (!queue_confirm(run, question) || !queue_call(run, action, &request, &nothing)) return;
    if (run->options->json) puts("{}");
}

static void run_delete(struct queue_run *run)
{
    run_on_queue(run, SQS_DELETE_QUEUE, "delete the queue and all messages of");
}

static void run_purge(struct queue_run *run)
{
    run_on_queue(run, SQS_PURGE_QUEUE, "delete all messages of");
}

static void print_attributes(const struct queue_run *run, const struct sqs_attributes *answer)
{
    if (run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_GET_QUEUE_ATTRIBUTES].answer, answer);
    else
        queue_print_pairs(&answer->attributes);
}

static void run_attributes(struct queue_run *run)
{
    struct sqs_attributes answer;
    if (!queue_open(run, run->operands[0])) return;
    struct sqs_get_attributes request = {.queue_url = queue_url_of(run)};
    for (int i = 1; i < run->operand_count; i++)
        sqs_texts_add(&request.names, bytes_str(run->operands[i]));
    if (!request.names.count) sqs_texts_add(&request.names, BYTES_LIT("All"));
    if (queue_call(run, SQS_GET_QUEUE_ATTRIBUTES, &request, &answer))
        print_attributes(run, &answer);
    queue_answer_free(SQS_GET_QUEUE_ATTRIBUTES, &answer);
    free(request.names.items);
}

static void run_url(struct queue_run *run)
{
    struct error e;
    struct sqs_queue_url answer;
    struct sqs_get_queue_url request = {
        .name = bytes_str(run->operands[0]),
        .owner_account = bytes_str(run->options->account),
    };
    if (!sqs_check_queue_name(request.name, &e) ||
        (run->options->account && !sqs_check_account(request.owner_account, &e))) {
        queue_fail(run, EX_USAGE, "%s", e.text);
        return;
    }
    if (!queue_open_service(run)) return;
    bool ok = queue_call(run, SQS_GET_QUEUE_URL, &request, &answer);
    if (ok && run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_GET_QUEUE_URL].answer, &answer);
    else if (ok)
        queue_print_line(answer.queue_url);
    queue_answer_free(SQS_GET_QUEUE_URL, &answer);
}

const struct queue_verb queue_delete = {
    .name = "delete",
    .operands = "QUEUE",
    .help = "delete a queue with all its messages (DeleteQueue)",
    .conf_size = sizeof(struct queue_options),
    .least = 1,
    .most = 1,
    .run = run_delete,
};

const struct queue_verb queue_purge = {
    .name = "purge",
    .operands = "QUEUE",
    .help = "delete all messages of a queue (PurgeQueue)",
    .conf_size = sizeof(struct queue_options),
    .least = 1,
    .most = 1,
    .run = run_purge,
};

const struct queue_verb queue_attributes = {
    .name = "attributes",
    .operands = "QUEUE [NAME]...",
    .help = "show a queue's attributes, all or those named (GetQueueAttributes)",
    .conf_size = sizeof(struct queue_options),
    .least = 1,
    .most = -1,
    .run = run_attributes,
};

const struct queue_verb queue_url = {
    .name = "url",
    .operands = "NAME",
    .help = "print the URL of a queue; --account: of that account's (GetQueueUrl)",
    .conf_size = sizeof(struct queue_options),
    .least = 1,
    .most = 1,
    .run = run_url,
};
