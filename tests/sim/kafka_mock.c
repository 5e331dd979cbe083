/* kafka_mock: hosts librdkafka's mock cluster as a program of its own, so that other processes can
 * use it as a broker.
 *
 * Its limits (librdkafka 2.0.2): no admin API, no TLS, no SASL; every partition keeps 5 MiB and
 * drops the oldest silently, so give topics many partitions; a restart forgets everything and
 * listens on new ports.
 *
 * Commands on stdin, one a line, each answered by "ok" or "error WHY" on stdout:
 *   topic NAME PARTITIONS     make a topic
 *   error API ERR COUNT       fail the next COUNT requests, e.g. "error Produce NOT_ENOUGH_REPLICAS
 * 3" rtt MS                    answer each request so much later down | up                 all
 * brokers refuse connections | take them again */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ERRORS_MAX = 10000,
    LINE_MAX_BYTES = 512,
};

struct mock {
    rd_kafka_t *client; /* the mock cluster lives inside a client instance */
    rd_kafka_mock_cluster_t *cluster;
    int brokers;
};

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

/* The request types that bridges use; any other goes by its number (Kafka protocol guide, "Api
 * Keys"). */
static bool api_key(const char *word, int16_t *out)
{
    static const struct {
        const char *name;
        int16_t key;
    } names[] = {
        {"Produce", 0},         {"Fetch", 1},       {"ListOffsets", 2},      {"Metadata", 3},
        {"OffsetCommit", 8},    {"OffsetFetch", 9}, {"FindCoordinator", 10}, {"JoinGroup", 11},
        {"Heartbeat", 12},      {"LeaveGroup", 13}, {"SyncGroup", 14},       {"ApiVersion", 18},
        {"InitProducerId", 22},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (!strcasecmp(names[i].name, word)) {
            *out = names[i].key;
            return true;
        }
    }
    char *end;
    long key = strtol(word, &end, 10);
    *out = (int16_t)key;
    return end != word && !*end && key >= 0 && key < 100;
}

/* By name as librdkafka prints it (_TRANSPORT closes the connection), or by number. */
static bool error_code(const char *word, rd_kafka_resp_err_t *out)
{
    const struct rd_kafka_err_desc *descs;
    size_t n;
    char *end;
    long code = strtol(word, &end, 10);
    bool is_number = end != word && !*end;
    rd_kafka_get_err_descs(&descs, &n);
    for (size_t i = 0; i < n; i++) {
        if (!descs[i].name ||
            (is_number ? descs[i].code != code : strcmp(descs[i].name, word) != 0))
            continue;
        *out = descs[i].code;
        return true;
    }
    return false;
}

/* -1: not a number, or a negative one. */
static int number(const char *word)
{
    char *end = NULL;
    long value = word ? strtol(word, &end, 10) : -1;
    return end && end != word && !*end && value >= 0 && value <= 1000000 ? (int)value : -1;
}

static const char *make_topic(struct mock *m, const char *name, const char *count)
{
    int partitions = number(count);
    if (!name || partitions < 1) return "expected: topic NAME PARTITIONS";
    rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(m->cluster, name, partitions, 1);
    return err ? rd_kafka_err2str(err) : NULL;
}

static const char *push_errors(struct mock *m, const char *api, const char *err, const char *count)
{
    rd_kafka_resp_err_t errors[ERRORS_MAX];
    int16_t key;
    int n = number(count);
    if (!api || !err || n < 1 || n > ERRORS_MAX) return "expected: error API ERR COUNT";
    if (!api_key(api, &key)) return "no such API";
    if (!error_code(err, &errors[0])) return "no such error";
    for (int i = 1; i < n; i++)
        errors[i] = errors[0];
    rd_kafka_mock_push_request_errors_array(m->cluster, key, (size_t)n, errors);
    return NULL;
}

static const char *each_broker(struct mock *m, const char *what, int ms)
{
    for (int id = 1; id <= m->brokers; id++) {
        rd_kafka_resp_err_t err;
        if (!strcmp(what, "rtt"))
            err = rd_kafka_mock_broker_set_rtt(m->cluster, id, ms);
        else if (!strcmp(what, "down"))
            err = rd_kafka_mock_broker_set_down(m->cluster, id);
        else
            err = rd_kafka_mock_broker_set_up(m->cluster, id);
        if (err) return rd_kafka_err2str(err);
    }
    return NULL;
}

/* NULL: done; else what was wrong. */
static const char *run(struct mock *m, char *line)
{
    char *rest = NULL;
    const char *word = strtok_r(line, " \t\r\n", &rest);
    const char *a = strtok_r(NULL, " \t\r\n", &rest);
    const char *b = strtok_r(NULL, " \t\r\n", &rest);
    const char *c = strtok_r(NULL, " \t\r\n", &rest);
    if (!word) return "empty line";
    if (!strcmp(word, "topic")) return make_topic(m, a, b);
    if (!strcmp(word, "error")) return push_errors(m, a, b, c);
    if (!strcmp(word, "rtt"))
        return number(a) >= 0 ? each_broker(m, word, number(a)) : "expected: rtt MS";
    if (!strcmp(word, "down") || !strcmp(word, "up")) return each_broker(m, word, 0);
    return "no such command";
}

static void answer(struct mock *m, char *line)
{
    const char *why = run(m, line);
    if (why)
        printf("error %s\n", why);
    else
        puts("ok");
    fflush(stdout);
}

/* Takes what stdin has; false at its end. */
static bool read_commands(struct mock *m, char *pending, size_t *len)
{
    ssize_t n = read(STDIN_FILENO, pending + *len, LINE_MAX_BYTES - 1 - *len);
    if (n <= 0) return n < 0 && errno == EINTR;
    *len += (size_t)n;
    for (char *end; (end = memchr(pending, '\n', *len));) {
        *end = 0;
        size_t used = (size_t)(end - pending) + 1;
        answer(m, pending);
        *len -= used;
        memmove(pending, pending + used, *len);
    }
    if (*len == LINE_MAX_BYTES - 1) *len = 0; /* not a command of ours */
    return true;
}

/* Signals arrive only inside ppoll(), so none is missed between the test and the wait. */
static void serve(struct mock *m, bool exit_with_parent)
{
    char pending[LINE_MAX_BYTES];
    size_t len = 0;
    sigset_t none;
    sigemptyset(&none);
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!stopping) {
        if (ppoll(&in, 1, NULL, &none) < 0 || !in.revents) continue;
        if (read_commands(m, pending, &len)) continue;
        if (exit_with_parent) return;
        in.fd = -1; /* nobody commands any more; run until a signal */
    }
}

static bool start(struct mock *m)
{
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "log_level", "3", why,
                      sizeof(why)); /* it would miss bootstrap.servers */
    m->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!m->client) {
        fprintf(stderr, "kafka_mock: %s\n", why);
        return false;
    }
    m->cluster = rd_kafka_mock_cluster_new(m->client, m->brokers);
    if (!m->cluster)
        fprintf(stderr, "kafka_mock: cannot make a cluster of %d brokers\n", m->brokers);
    return m->cluster;
}

static void stop(struct mock *m)
{
    if (m->cluster) rd_kafka_mock_cluster_destroy(m->cluster);
    if (m->client) rd_kafka_destroy(m->client);
}

static bool make_topics(struct mock *m, char **topics, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *colon = strrchr(topics[i], ':');
        if (colon) *colon = 0;
        const char *why = make_topic(m, topics[i], colon ? colon + 1 : NULL);
        if (why) {
            fprintf(stderr, "kafka_mock: --topic %s: %s\n", topics[i], why);
            return false;
        }
    }
    return true;
}

static void take_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal};
    sigset_t ours;
    sigaction(SIGTERM, &act, NULL);
    sigaction(SIGINT, &act, NULL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours,
                NULL); /* before librdkafka starts its threads, which inherit it */
}

/* Where stdin has no end to wait for (/dev/null, a file), the kernel tells when the parent dies. */
static bool stdin_has_an_end(void)
{
    struct stat st;
    return fstat(STDIN_FILENO, &st) == 0 &&
           (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(STDIN_FILENO));
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"topic", required_argument, NULL, 't'},
        {"brokers", required_argument, NULL, 'b'},
        {"exit-with-parent", no_argument, NULL, 'x'},
        {0},
    };
    struct mock m = {.brokers = 1};
    char *topics[256];
    size_t n = 0;
    bool exit_with_parent = false;
    for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (letter == 't' && n < sizeof(topics) / sizeof(topics[0]))
            topics[n++] = optarg;
        else if (letter == 'b')
            m.brokers = number(optarg);
        else if (letter == 'x')
            exit_with_parent = true;
        else
            return 2;
    }
    take_signals();
    if (exit_with_parent && !stdin_has_an_end()) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        exit_with_parent = false;
    }
    bool ok = start(&m) && make_topics(&m, topics, n);
    if (ok) {
        printf("listening %s\n", rd_kafka_mock_cluster_bootstraps(m.cluster));
        fflush(stdout);
        serve(&m, exit_with_parent);
    }
    stop(&m);
    return ok ? 0 : 1;
}
