/* One run of `sqsbridge queue VERB ...`: its command line, its connection to SQS, its exit code.
 * Everything is synchronous: a call runs the loop until its answer is there.
 * Thread: the main one. Owner: queue_verb_run() makes the run and ends it. */
#ifndef CONNECTORS_SQS_QUEUE_RUN_H
#define CONNECTORS_SQS_QUEUE_RUN_H

#include "bridge/verb.h"
#include "connectors/sqs/sqs_admin.h"
#include "connectors/sqs/sqs_client.h"
#include "connectors/sqs/sqs_digest.h"
#include "connectors/sqs/sqs_limits.h"
#include "connectors/sqs/sqs_retry.h"

struct queue_run;

/* What each verb's options begin with. */
struct queue_options {
    struct sqs_conf sqs; /* first, since the connector's own table fills it */
    const char *config, *credentials_name, *account;
    bool json, yes;
};

struct queue_verb {
    const char *name;       /* "send", "redrive start" */
    const char *operands;   /* "QUEUE [BODY]" */
    const char *help;       /* one line */
    const char *notes;      /* more lines for --help; NULL: none */
    const struct opt *opts; /* its own, beyond those of all verbs */
    size_t conf_size;       /* of the struct that begins with struct queue_options */
    int least, most;        /* operands; most -1: any number */
    void (*run)(struct queue_run *run);
};

struct queue_run {
    const struct queue_verb *verb;
    const struct verb_host *host;
    struct queue_options *options; /* the verb's own struct */
    char **operands;
    int operand_count;
    const struct opt *given[64]; /* options on the command line */
    size_t given_count;
    int code; /* of the process, as in sysexits.h */

    struct loop *loop;
    struct sqs_queue queue;
    struct sqs_client *client; /* NULL: not opened */
    struct sqs_digest *digest;
    struct sqs_call call;
    struct sqs_call *current; /* the one that the loop runs for */
    struct loop_timer pause;
    const struct sqs_shape *answer_shape;
    void *answer;
    struct sqs_retry retry; /* of entries of batches */
    void *verb_state;       /* of the verb at hand */
};

/* The outcome is an error: says so on standard error, and sets the exit code if there is none yet.
 * Both return false. */
bool queue_fail(struct queue_run *run, int code, const char *format, ...) PRINTF_LIKE(3, 4);
bool queue_fail_call(struct queue_run *run, const struct sqs_call *call);
int queue_exit_code(enum sqs_class class, const char *code); /* code: of SQS, short */

/* "--delay-seconds" of "delay_seconds". Returns text. */
enum { QUEUE_OPTION_SIZE = 56 };
const char *queue_option(const char *name, char text[QUEUE_OPTION_SIZE]);

/* Whether the option was on the command line; name as in its table. */
bool queue_given(const struct queue_run *run, const char *option);

/* Connects, to no queue in particular. */
bool queue_open_service(struct queue_run *run) MUST_USE;

/* Connects to the queue of that URL or name: run->queue. */
bool queue_open(struct queue_run *run, const char *queue) MUST_USE;

/* One action of sqs_admin.h. answer wants queue_answer_free() afterwards, failed or not; views in
 * it last until the next call. */
bool queue_call(struct queue_run *run, enum sqs_action action, const void *request,
                void *answer) MUST_USE;
void queue_answer_free(enum sqs_action action, void *answer);

/* A call whose action, body and decode are set; true: SQS_OK. */
bool queue_run_call(struct queue_run *run, struct sqs_call *call) MUST_USE;

void queue_wait_ms(struct queue_run *run, uint64_t ms);

/* The queue's URL as its struct bytes. */
struct bytes queue_url_of(const struct queue_run *run);

/* The ARN of what is written as an ARN, a URL or a name; NULL: complained. The caller frees. */
char *queue_arn(struct queue_run *run, const char *text) MUST_USE;

/* Something that cannot be undone: asks on a terminal, else wants --yes. */
bool queue_confirm(struct queue_run *run, const char *what) MUST_USE;

/* A whole file, "-" for standard input, into out. */
bool queue_read_file(struct queue_run *run, const char *path, struct buf *out) MUST_USE;

/* arguments.c: fills run from the command line; false: complained (run->code is set), or helped. */
bool queue_arguments(struct queue_run *run, int argc, char **argv) MUST_USE;

#endif
