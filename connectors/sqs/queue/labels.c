/* Verbs about what is attached to a queue: tags and permissions. */
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/pairs.h"
#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

static void done(const struct queue_run *run)
{
    if (run->options->json) puts("{}");
}

static void run_tags(struct queue_run *run)
{
    struct sqs_tags answer;
    if (!queue_open(run, run->operands[0])) return;
    struct sqs_queue_url request = {queue_url_of(run)};
    bool ok = queue_call(run, SQS_LIST_QUEUE_TAGS, &request, &answer);
    if (ok && run->options->json)
        queue_print_shape(sqs_admin_shapes[SQS_LIST_QUEUE_TAGS].answer, &answer);
    else if (ok)
        queue_print_pairs(&answer.tags);
    queue_answer_free(SQS_LIST_QUEUE_TAGS, &answer);
}

static void run_tag(struct queue_run *run)
{
    struct sqs_nothing nothing;
    struct sqs_tag_queue request = {0};
    bool ok = true;
    for (int i = 1; ok && i < run->operand_count; i++)
        ok = queue_add_tag(run, run->operands[i], &request.tags);
    ok = ok && queue_open(run, run->operands[0]);
    request.queue_url = queue_url_of(run);
    if (ok && queue_call(run, SQS_TAG_QUEUE, &request, &nothing)) done(run);
    free(request.tags.items);
}

static void run_untag(struct queue_run *run)
{
    struct sqs_nothing nothing;
    if (!queue_open(run, run->operands[0])) return;
    struct sqs_untag_queue request = {.queue_url = queue_url_of(run)};
    for (int i = 1; i < run->operand_count; i++)
        sqs_texts_add(&request.keys, bytes_str(run->operands[i]));
    if (queue_call(run, SQS_UNTAG_QUEUE, &request, &nothing)) done(run);
    free(request.keys.items);
}

/* ---- permissions ---- */

enum { MAX_ACTIONS = 7 };

struct permit_options {
    struct queue_options common;
    struct opt_list to, actions;
};

static const struct opt permit_opts[] = {
    {.name = "to",
     .offset = offsetof(struct permit_options, to),
     .type = OPT_LIST,
     .help = "account that is allowed, twelve digits; may repeat"},
    {.name = "action",
     .offset = offsetof(struct permit_options, actions),
     .type = OPT_LIST,
     .help = "what it may do, as in SendMessage, or *; may repeat, up to seven"},
    OPT_END,
};

typedef bool check_fn(struct bytes text, struct error *e);

static bool add_all(struct queue_run *run, const struct opt_list *list, check_fn *check,
                    struct sqs_texts *texts)
{
    struct error e;
    for (size_t i = 0; i < list->count; i++) {
        struct bytes text = bytes_str(list->items[i]);
        if (!check(text, &e)) return queue_fail(run, EX_USAGE, "%s", e.text);
        sqs_texts_add(texts, text);
    }
    return true;
}

static bool read_permission(struct queue_run *run, struct sqs_permission *request)
{
    struct error e;
    const struct permit_options *o = (const struct permit_options *)run->options;
    request->label = bytes_str(run->operands[1]);
    if (!sqs_check_label(request->label, &e)) return queue_fail(run, EX_USAGE, "%s", e.text);
    if (!o->to.count || !o->actions.count)
        return queue_fail(run, EX_USAGE, "--to and --action are both needed");
    if (o->actions.count > MAX_ACTIONS)
        return queue_fail(run, EX_USAGE, "%zu actions, and a permission has seven at most",
                          o->actions.count);
    return add_all(run, &o->to, sqs_check_account, &request->accounts) &&
           add_all(run, &o->actions, sqs_check_permitted, &request->actions);
}

static void run_permit(struct queue_run *run)
{
    struct sqs_nothing nothing;
    struct sqs_permission request = {0};
    bool ok = read_permission(run, &request) && queue_open(run, run->operands[0]);
    request.queue_url = queue_url_of(run);
    if (ok && queue_call(run, SQS_ADD_PERMISSION, &request, &nothing)) done(run);
    free(request.accounts.items);
    free(request.actions.items);
}

static void run_revoke(struct queue_run *run)
{
    struct error e;
    struct sqs_nothing nothing;
    struct bytes label = bytes_str(run->operands[1]);
    if (!sqs_check_label(label, &e)) {
        queue_fail(run, EX_USAGE, "%s", e.text);
        return;
    }
    if (!queue_open(run, run->operands[0])) return;
    struct sqs_permission request = {.queue_url = queue_url_of(run), .label = label};
    if (queue_call(run, SQS_REMOVE_PERMISSION, &request, &nothing)) done(run);
}

const struct queue_verb queue_tags = {
    .name = "tags",
    .operands = "QUEUE",
    .help = "show a queue's tags (ListQueueTags)",
    .conf_size = sizeof(struct queue_options),
    .least = 1,
    .most = 1,
    .run = run_tags,
};

const struct queue_verb queue_tag = {
    .name = "tag",
    .operands = "QUEUE KEY=VALUE...",
    .help = "add tags to a queue, or change them (TagQueue)",
    .conf_size = sizeof(struct queue_options),
    .least = 2,
    .most = 1 + SQS_MAX_TAGS,
    .run = run_tag,
};

const struct queue_verb queue_untag = {
    .name = "untag",
    .operands = "QUEUE KEY...",
    .help = "remove tags from a queue (UntagQueue)",
    .conf_size = sizeof(struct queue_options),
    .least = 2,
    .most = 1 + SQS_MAX_TAGS,
    .run = run_untag,
};

const struct queue_verb queue_permit = {
    .name = "permit",
    .operands = "QUEUE LABEL --to ACCOUNT --action NAME",
    .help = "allow another account to use a queue (AddPermission)",
    .opts = permit_opts,
    .conf_size = sizeof(struct permit_options),
    .least = 2,
    .most = 2,
    .run = run_permit,
};

const struct queue_verb queue_revoke = {
    .name = "revoke",
    .operands = "QUEUE LABEL",
    .help = "take back what was allowed under that label (RemovePermission)",
    .conf_size = sizeof(struct queue_options),
    .least = 2,
    .most = 2,
    .run = run_revoke,
};
