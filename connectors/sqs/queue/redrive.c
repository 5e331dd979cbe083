/* Moving dead letters back: redrive start, list, cancel. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

enum { WATCH_MS = 1000 };

struct redrive_options {
    struct queue_options common;
    const char *to;
    int64_t max_per_second, max_results;
    bool wait;
};

/* ---- watching ---- */

static bool is_text(struct bytes text, const char *word)
{
    return bytes_eq(text, bytes_str(word));
}

static void report_end(struct queue_run *run, const struct sqs_move_task *task)
{
    if (run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_LIST_MESSAGE_MOVE_TASKS].answer->members->of, task);
    else
        printf("%.*s, %lld messages moved\n", BYTES_ARGS(task->status),
               (long long)task->moved.value);
    if (!is_text(task->status, "COMPLETED"))
        queue_fail(run, EX_TEMPFAIL, "the move has ended as %.*s%s%.*s", BYTES_ARGS(task->status),
                   task->failure_reason.len ? ": " : "", BYTES_ARGS(task->failure_reason));
}

/* Of the newest task of that queue; true: it has ended, or cannot be watched. */
static bool watch_once(struct queue_run *run, struct bytes source_arn)
{
    struct sqs_move_tasks answer;
    struct sqs_list_moves request = {.source_arn = source_arn, .max_results = {true, 1}};
    bool ok = queue_call(run, SQS_LIST_MESSAGE_MOVE_TASKS, &request, &answer);
    const struct sqs_move_task *task = ok && answer.results.count ? answer.results.items : NULL;
    bool ended =
        !task || !(is_text(task->status, "RUNNING") || is_text(task->status, "CANCELLING"));
    if (task) queue_progress("moved", task->moved.value, task->to_move.value);
    if (ended) queue_progress_end();
    if (ok && !task) queue_fail(run, EX_UNAVAILABLE, "the task is in no list of SQS");
    if (task && ended) report_end(run, task);
    queue_answer_free(SQS_LIST_MESSAGE_MOVE_TASKS, &answer);
    return ended;
}

static void watch(struct queue_run *run, struct bytes source_arn)
{
    while (!watch_once(run, source_arn))
        queue_wait_ms(run, WATCH_MS);
}

/* ---- start ---- */

static const struct opt start_opts[] = {
    {OPT_FIELD(struct redrive_options, to), .type = OPT_STRING,
     .help = "queue that the messages go to: ARN, URL or name; default: where each came from"},
    {OPT_FIELD(struct redrive_options, max_per_second), .type = OPT_INT, .min = 1, .max = 500,
     .help = "messages per second, up to 500; default: as SQS sees fit"},
    {OPT_FIELD(struct redrive_options, wait), .type = OPT_BOOL,
     .help = "stay until the move has ended, and show how far it is"},
    OPT_END,
};

static void start(struct queue_run *run, const char *source, const char *destination)
{
    const struct redrive_options *o = (const struct redrive_options *)run->options;
    struct sqs_task_handle answer = {0};
    struct sqs_start_move request = {
        .source_arn = bytes_str(source),
        .destination_arn = bytes_str(destination),
        .max_per_second = {o->max_per_second > 0, o->max_per_second},
    };
    bool ok = queue_call(run, SQS_START_MESSAGE_MOVE_TASK, &request, &answer);
    if (ok && run->options->json && !o->wait)
        queue_print_shape(sqs_admin_shapes[SQS_START_MESSAGE_MOVE_TASK].answer, &answer);
    else if (ok && !o->wait)
        queue_print_line(answer.task_handle);
    queue_answer_free(SQS_START_MESSAGE_MOVE_TASK, &answer);
    if (ok && o->wait) watch(run, bytes_str(source));
}

/* As an ARN that is one; NULL: complained. */
static char *checked_arn(struct queue_run *run, const char *text)
{
    struct error e;
    char *arn = queue_arn(run, text);
    if (!arn || sqs_check_arn(bytes_str(arn), &e)) return arn;
    queue_fail(run, EX_USAGE, "%s", e.text);
    free(arn);
    return NULL;
}

static void run_start(struct queue_run *run)
{
    const struct redrive_options *o = (const struct redrive_options *)run->options;
    if (!queue_open_service(run)) return;
    char *source = checked_arn(run, run->operands[0]);
    char *destination = source && o->to ? checked_arn(run, o->to) : NULL;
    if (source && (destination || !o->to)) start(run, source, destination);
    free(source);
    free(destination);
}

/* ---- list ---- */

static const struct opt list_opts[] = {
    {OPT_FIELD(struct redrive_options, max_results), .type = OPT_INT, .fallback = "10", .min = 1,
     .max = 10, .help = "tasks in the answer, the newest first"},
    OPT_END,
};

static void add_number(struct queue_table *t, const char *name, struct sqs_number n)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)n.value);
    if (n.given) queue_table_pair(t, name, bytes_str(digits));
}

static void add_time(struct queue_table *t, const char *name, struct sqs_number ms)
{
    char text[32];
    time_t seconds = ms.value / 1000;
    struct tm utc;
    if (!ms.given || !gmtime_r(&seconds, &utc)) return;
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
    queue_table_pair(t, name, bytes_str(text));
}

static void print_task(const struct sqs_move_task *task)
{
    struct queue_table t = {0};
    queue_table_pair(&t, "status", task->status);
    queue_table_pair(&t, "source", task->source_arn);
    queue_table_pair(&t, "destination", task->destination_arn);
    add_number(&t, "moved", task->moved);
    add_number(&t, "to move", task->to_move);
    add_number(&t, "at most per second", task->max_per_second);
    add_time(&t, "started", task->started_ms);
    queue_table_pair(&t, "why it failed", task->failure_reason);
    queue_table_pair(&t, "task handle", task->task_handle);
    queue_table_print(&t);
}

static void print_tasks(const struct sqs_move_tasks *answer)
{
    const struct sqs_move_task *tasks = answer->results.items;
    for (size_t i = 0; i < answer->results.count; i++) {
        if (i) putchar('\n');
        print_task(&tasks[i]);
    }
}

static void run_list(struct queue_run *run)
{
    const struct redrive_options *o = (const struct redrive_options *)run->options;
    struct sqs_move_tasks answer = {0};
    char *source = queue_open_service(run) ? checked_arn(run, run->operands[0]) : NULL;
    if (!source) return;
    struct sqs_list_moves request = {bytes_str(source), {true, o->max_results}};
    bool ok = queue_call(run, SQS_LIST_MESSAGE_MOVE_TASKS, &request, &answer);
    if (ok && run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_LIST_MESSAGE_MOVE_TASKS].answer, &answer);
    else if (ok)
        print_tasks(&answer);
    queue_answer_free(SQS_LIST_MESSAGE_MOVE_TASKS, &answer);
    free(source);
}

/* ---- cancel ---- */

static void run_cancel(struct queue_run *run)
{
    struct sqs_cancelled_move answer = {0};
    struct sqs_task_handle request = {bytes_str(run->operands[0])};
    if (!queue_open_service(run)) return;
    bool ok = queue_call(run, SQS_CANCEL_MESSAGE_MOVE_TASK, &request, &answer);
    if (ok && run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_CANCEL_MESSAGE_MOVE_TASK].answer, &answer);
    else if (ok)
        printf("cancelled, %lld messages moved\n", (long long)answer.moved.value);
    queue_answer_free(SQS_CANCEL_MESSAGE_MOVE_TASK, &answer);
}

const struct queue_verb queue_redrive_start = {
    .name = "redrive start",
    .operands = "DEAD-LETTER-QUEUE",
    .help = "move dead letters back, and print the task's handle (StartMessageMoveTask)",
    .notes = "The queue is named by its ARN, its URL or its name.\n",
    .opts = start_opts,
    .conf_size = sizeof(struct redrive_options),
    .least = 1,
    .most = 1,
    .run = run_start,
};

const struct queue_verb queue_redrive_list = {
    .name = "redrive list",
    .operands = "DEAD-LETTER-QUEUE",
    .help = "show the latest moves of dead letters (ListMessageMoveTasks)",
    .opts = list_opts,
    .conf_size = sizeof(struct redrive_options),
    .least = 1,
    .most = 1,
    .run = run_list,
};

const struct queue_verb queue_redrive_cancel = {
    .name = "redrive cancel",
    .operands = "TASK-HANDLE",
    .help = "stop a move of dead letters (CancelMessageMoveTask)",
    .conf_size = sizeof(struct redrive_options),
    .least = 1,
    .most = 1,
    .run = run_cancel,
};
