#include "tests/unit/test_sqs_fixture.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

/* ---- the process ---- */

#define STRICT(name, dead)                                                                         \
    name ",VisibilityTimeout=1,RedrivePolicy={\"deadLetterTargetArn\":"                            \
         "\"arn:aws:sqs:us-east-1:123456789012:" dead "\",\"maxReceiveCount\":2}"

static void spawn(struct sim *sim, int input, int output)
{
    static char path[] = SQS_SIM, queue[] = "--queue", standard[] = "q", fifo[] = "q.fifo",
                end[] = "--exit-with-parent", dead[] = "dead", dead_fifo[] = "dead.fifo",
                strict[] = STRICT("strict", "dead"),
                strict_fifo[] = STRICT("strict.fifo", "dead.fifo");
    char *argv[] = {path,  end,    queue, standard,  queue, fifo,        queue, dead,
                    queue, strict, queue, dead_fifo, queue, strict_fifo, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    assert_int_equal(posix_spawn(&sim->pid, path, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
}

static void read_url(struct sim *sim, int output)
{
    char line[128];
    FILE *file = fdopen(output, "r");
    assert_non_null(fgets(line, sizeof(line), file));
    assert_int_equal(sscanf(line, "listening %63s", sim->url), 1);
    fclose(file);
    snprintf(sim->standard, sizeof(sim->standard), "%s/123456789012/q", sim->url);
    snprintf(sim->fifo, sizeof(sim->fifo), "%s/123456789012/q.fifo", sim->url);
}

int sim_start(void **state)
{
    struct sim *sim = mem_zalloc(sizeof(*sim));
    int input[2], output[2];
    if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC)) return -1;
    spawn(sim, input[0], output[1]);
    close(input[0]);
    close(output[1]);
    sim->input = input[1];
    read_url(sim, output[0]);
    *state = sim;
    return 0;
}

int sim_stop(void **state)
{
    struct sim *sim = *state;
    kill(sim->pid, SIGTERM);
    waitpid(sim->pid, NULL, 0);
    close(sim->input);
    free(sim);
    return 0;
}

/* ---- control ---- */

static size_t collect(char *data, size_t size, size_t n, void *arg)
{
    buf_add(arg, data, size * n);
    return size * n;
}

char *sim_ask(const struct sim *sim, const char *path, const char *json)
{
    char url[256];
    struct buf answer = {0};
    long status = 0;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof(url), "%s/_sim/%s", sim->url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
    if (json) curl_easy_setopt(curl, CURLOPT_POSTFIELDS, json);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    buf_add(&answer, "", 1);
    if (status != 200) fail_msg("%s: %s", path, answer.ptr);
    return answer.ptr;
}

void sim_fault(const struct sim *sim, const char *rule)
{
    free(sim_ask(sim, "faults", rule));
}

void sim_expire(const struct sim *sim, const char *queue)
{
    char json[64];
    snprintf(json, sizeof(json), "{\"queue\":\"%s\"}", queue);
    free(sim_ask(sim, "expire", json));
}

unsigned sim_count(const struct sim *sim, const char *queue, const char *what)
{
    char path[64], key[32];
    snprintf(path, sizeof(path), "queues/%s?limit=0", queue);
    snprintf(key, sizeof(key), "\"%s\":", what);
    char *answer = sim_ask(sim, path, NULL), *at = strstr(answer, key);
    assert_non_null(at);
    unsigned count = (unsigned)strtoul(at + strlen(key), NULL, 10);
    free(answer);
    return count;
}

bool sim_is_empty(const struct sim *sim, const char *queue)
{
    return !sim_count(sim, queue, "ready") && !sim_count(sim, queue, "in_flight");
}

/* ---- pipelines ---- */

static struct sqs_conf conf_of(const char *queue_url)
{
    return (struct sqs_conf){
        .queue_url = queue_url,
        .region = "us-east-1",
        .access_key_id = "AKIDSIM",
        .secret_access_key = "simsecret",
        .connect_timeout = 10000,
    };
}

struct sqs_source_conf sim_source(const char *queue_url)
{
    return (struct sqs_source_conf){
        .queue = conf_of(queue_url), .wait_time_seconds = 20, .max_pollers = 8};
}

struct sqs_sink_conf sim_sink(const char *queue_url)
{
    return (struct sqs_sink_conf){.queue = conf_of(queue_url),
                                  .linger = 2,
                                  .max_connections = 4,
                                  .max_message_bytes = 1 << 20};
}

struct pipeline_conf sim_from(const struct sqs_source_conf *source, struct scripted_sink_conf *sink)
{
    struct pipeline_conf conf = scripted_pipeline(NULL, sink);
    conf.source = (struct source_conf){&connector_sqs, source};
    return conf;
}

struct pipeline_conf sim_to(struct scripted_source_conf *source, const struct sqs_sink_conf *sink)
{
    struct pipeline_conf conf = scripted_pipeline(source, NULL);
    conf.sinks[0] = (struct sink_conf){&connector_sqs, sink};
    return conf;
}

void sim_fill(const char *queue_url, const char *name, unsigned n)
{
    struct scripted_source_conf source = {.total = n, .chunk = 10, .lanes = 1, .finish = true};
    struct sqs_sink_conf sink = sim_sink(queue_url);
    struct pipeline_conf conf = sim_to(&source, &sink);
    conf.name = name;
    scripted_run(&conf, NULL, NULL);
    assert_int_equal(source.confirmed, n);
    free(source.verdicts);
}
