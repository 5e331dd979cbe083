/* Verbs that list queues, a page or all pages: list, sources. */
#include <stdlib.h>
#include <sysexits.h>

#include "connectors/sqs/queue/print.h"
#include "connectors/sqs/queue/verbs.h"

enum { PAGE_MAX = 1000 };

struct list_options {
    struct queue_options common;
    const char *prefix, *next_token;
    int64_t max_results; /* 0: not asked for */
    bool all;
};

#define PAGE_OPTS                                                                                  \
    {OPT_FIELD(struct list_options, max_results), .type = OPT_INT, .min = 1, .max = PAGE_MAX,      \
     .help = "queues in the answer, 1 to 1000"},                                                   \
        {OPT_FIELD(struct list_options, next_token), .type = OPT_STRING,                           \
         .help = "go on where an answer with this NextToken ended; needs --max-results"},          \
    {                                                                                              \
        OPT_FIELD(struct list_options, all), .type = OPT_BOOL, .help = "ask for page after page"   \
    }

static const struct opt list_opts[] = {
    {OPT_FIELD(struct list_options, prefix), .type = OPT_STRING,
     .help = "only queues whose names begin with this"},
    PAGE_OPTS,
    OPT_END,
};

static const struct opt sources_opts[] = {PAGE_OPTS, OPT_END};

/* A page after the other, until one has no token or one was enough. */
struct listing {
    struct queue_run *run;
    enum sqs_action action;
    struct sqs_queue_urls whole; /* views into texts */
    struct sqs_texts texts;      /* copies, to be freed */
    struct buf token;
    int64_t max;
};

static struct bytes keep(struct listing *l, struct bytes text)
{
    char *copy = mem_strndup(text.ptr, text.len);
    sqs_texts_add(&l->texts, bytes_of(copy, text.len));
    return bytes_of(copy, text.len);
}

static struct bytes token_of(const struct listing *l)
{
    return l->token.len ? bytes_of(l->token.ptr, l->token.len) : BYTES_NONE;
}

static bool ask(struct listing *l, struct sqs_queue_urls *page)
{
    const struct list_options *o = (const struct list_options *)l->run->options;
    struct sqs_number max = {l->max > 0, l->max};
    if (l->action == SQS_LIST_QUEUES) {
        struct sqs_list_queues request = {bytes_str(o->prefix), token_of(l), max};
        return queue_call(l->run, l->action, &request, page);
    }
    struct sqs_list_sources request = {queue_url_of(l->run), token_of(l), max};
    return queue_call(l->run, l->action, &request, page);
}

static bool take_page(struct listing *l)
{
    struct sqs_queue_urls page;
    bool ok = ask(l, &page);
    for (size_t i = 0; ok && i < page.queue_urls.count; i++)
        sqs_texts_add(&l->whole.queue_urls, keep(l, page.queue_urls.items[i]));
    l->token.len = 0;
    if (ok && page.next_token.len) buf_add(&l->token, page.next_token.ptr, page.next_token.len);
    queue_answer_free(l->action, &page);
    return ok;
}

static void print_whole(const struct listing *l)
{
    if (l->run->options->json) {
        queue_print_shape(sqs_admin_shapes[l->action].answer, &l->whole);
        return;
    }
    for (size_t i = 0; i < l->whole.queue_urls.count; i++)
        queue_print_line(l->whole.queue_urls.items[i]);
    if (l->whole.next_token.len)
        fprintf(stderr, "there are more: --max-results %lld --next-token %.*s, or --all\n",
                (long long)l->max, BYTES_ARGS(l->whole.next_token));
}

static void free_listing(struct listing *l)
{
    for (size_t i = 0; i < l->texts.count; i++) {
        union {
            const void *borrowed;
            void *owned;
        } text = {.borrowed = l->texts.items[i].ptr};
        free(text.owned);
    }
    free(l->texts.items);
    free(l->whole.queue_urls.items);
    free(l->token.ptr);
}

static void list(struct queue_run *run, enum sqs_action action)
{
    const struct list_options *o = (const struct list_options *)run->options;
    struct listing l = {.run = run, .action = action, .max = o->max_results};
    if (o->all && !l.max) l.max = PAGE_MAX; /* without it, SQS makes no pages */
    if (o->next_token) buf_add(&l.token, o->next_token, strlen(o->next_token));
    bool ok = take_page(&l), paged = o->all && l.token.len;
    while (ok && o->all && l.token.len) {
        queue_progress("queues", (int64_t)l.whole.queue_urls.count, 0);
        ok = take_page(&l);
    }
    if (paged) queue_progress_end();
    l.whole.next_token = token_of(&l);
    if (ok) print_whole(&l);
    free_listing(&l);
}

static bool check_paging(struct queue_run *run)
{
    const struct list_options *o = (const struct list_options *)run->options;
    return !o->next_token || o->max_results || o->all ||
           queue_fail(run, EX_USAGE,
                      "--next-token needs --max-results (SQS makes pages only where "
                      "their size is given)");
}

static void run_list(struct queue_run *run)
{
    if (check_paging(run) && queue_open_service(run)) list(run, SQS_LIST_QUEUES);
}

static void run_sources(struct queue_run *run)
{
    if (check_paging(run) && queue_open(run, run->operands[0]))
        list(run, SQS_LIST_DEAD_LETTER_SOURCE_QUEUES);
}

const struct queue_verb queue_list = {
    .name = "list",
    .operands = "",
    .help = "list queues (ListQueues)",
    .opts = list_opts,
    .conf_size = sizeof(struct list_options),
    .run = run_list,
};

const struct queue_verb queue_sources = {
    .name = "sources",
    .operands = "QUEUE",
    .help = "list the queues whose dead letters go to this one (ListDeadLetterSourceQueues)",
    .opts = sources_opts,
    .conf_size = sizeof(struct list_options),
    .least = 1,
    .most = 1,
    .run = run_sources,
};
