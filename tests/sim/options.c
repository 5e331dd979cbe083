#include "tests/sim/options.h"

#include "tests/sim/queue.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void options_help(void)
{
    puts("usage: sqs_sim [option]...\n"
         "  --port N               port on 127.0.0.1 (default: a free one)\n"
         "  --queue NAME[,A=V]...  make a queue with these attributes; may be repeated\n"
         "  --access-key K --secret S [--token T]\n"
         "                         the known key (default AKIDSIM / simsecret)\n"
         "  --region R             default us-east-1\n"
         "  --no-auth              take any request\n"
         "  --tls CERT KEY         serve https with these PEM files\n"
         "  --seed N               make random choices repeatable\n"
         "  --shuffle              standard queues out of order, short polls that miss messages\n"
         "  --duplicate P          deliver standard messages twice, with this probability\n"
         "  --max-in-flight N      per queue (default 120000)\n"
         "  --exit-with-parent     end when stdin closes\n"
         "Prints \"listening URL\" when ready. Control: see README.md beside the source.");
}

enum letter {
    PORT = 1,
    QUEUE,
    ACCESS_KEY,
    SECRET,
    TOKEN,
    REGION,
    NO_AUTH,
    TLS,
    SEED,
    SHUFFLE,
    DUPLICATE,
    MAX_IN_FLIGHT,
    EXIT_WITH_PARENT,
    HELP,
};

static const struct option long_options[] = {
    {"port", required_argument, NULL, PORT},
    {"queue", required_argument, NULL, QUEUE},
    {"access-key", required_argument, NULL, ACCESS_KEY},
    {"secret", required_argument, NULL, SECRET},
    {"token", required_argument, NULL, TOKEN},
    {"region", required_argument, NULL, REGION},
    {"no-auth", no_argument, NULL, NO_AUTH},
    {"tls", required_argument, NULL, TLS},
    {"seed", required_argument, NULL, SEED},
    {"shuffle", no_argument, NULL, SHUFFLE},
    {"duplicate", required_argument, NULL, DUPLICATE},
    {"max-in-flight", required_argument, NULL, MAX_IN_FLIGHT},
    {"exit-with-parent", no_argument, NULL, EXIT_WITH_PARENT},
    {"help", no_argument, NULL, HELP},
    {0},
};

static bool take_queue(struct options *o, const char *spec)
{
    if (o->n_queues == sizeof(o->queues) / sizeof(o->queues[0])) {
        fputs("sqs_sim: too many queues\n", stderr);
        return false;
    }
    o->queues[o->n_queues++] = spec;
    return true;
}

/* --tls takes two words; getopt knows only one. */
static bool take_tls(struct options *o, int argc, char **argv)
{
    if (optind >= argc) {
        fputs("sqs_sim: --tls needs a certificate and a key\n", stderr);
        return false;
    }
    o->tls_cert = optarg;
    o->tls_key = argv[optind++];
    return true;
}

static bool take(struct options *o, int letter, int argc, char **argv)
{
    switch (letter) {
    case PORT:
        o->port = (int)strtol(optarg, NULL, 10);
        return true;
    case QUEUE:
        return take_queue(o, optarg);
    case ACCESS_KEY:
        o->access_key = optarg;
        return true;
    case SECRET:
        o->secret = optarg;
        return true;
    case TOKEN:
        o->token = optarg;
        return true;
    case REGION:
        o->region = optarg;
        return true;
    case NO_AUTH:
        o->no_auth = true;
        return true;
    case TLS:
        return take_tls(o, argc, argv);
    case SEED:
        o->seed = strtoull(optarg, NULL, 10);
        return true;
    case SHUFFLE:
        o->shuffle = true;
        return true;
    case DUPLICATE:
        o->duplicate = strtod(optarg, NULL);
        return true;
    case MAX_IN_FLIGHT:
        o->max_in_flight = (unsigned)strtoul(optarg, NULL, 10);
        return true;
    case EXIT_WITH_PARENT:
        o->exit_with_parent = true;
        return true;
    case HELP:
        o->help = true;
        return true;
    default: /* getopt has said what is wrong */
        return false;
    }
}

bool options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){
        .region = "us-east-1",
        .access_key = "AKIDSIM",
        .secret = "simsecret",
        .token = "",
        .max_in_flight = 120000,
        .seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)clock(),
    };
    for (int letter; (letter = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (!take(o, letter, argc, argv)) return false;
    }
    if (optind < argc) fprintf(stderr, "sqs_sim: unexpected argument \"%s\"\n", argv[optind]);
    return optind == argc;
}

/* A comma starts a new attribute only before NAME=, so that JSON values may hold commas. */
static struct text take_pair(struct text *rest)
{
    struct text pair = {rest->ptr, 0};
    while (pair.len < rest->len) {
        size_t word = pair.len + 1;
        while (word < rest->len && isalpha((unsigned char)rest->ptr[word]))
            word++;
        bool ends = rest->ptr[pair.len] == ',' && word > pair.len + 1 && word < rest->len &&
                    rest->ptr[word] == '=';
        if (ends) break;
        pair.len++;
    }
    size_t used = pair.len < rest->len ? pair.len + 1 : pair.len;
    rest->ptr += used;
    rest->len -= used;
    return pair;
}

static bool make_queue(struct account *a, struct text spec, struct api_error *e)
{
    struct text name = text_cut(&spec, ',');
    struct queue *q = account_find(a, name);
    if (!q) q = account_add(a, name);
    while (spec.len) {
        struct text value = take_pair(&spec);
        struct text attribute = text_cut(&value, '=');
        if (!settings_set(&q->settings, attribute, value, e)) return false;
    }
    return settings_settle(&q->settings, e);
}

static bool make_queues(const struct options *o, struct account *a)
{
    for (size_t i = 0; i < o->n_queues; i++) {
        struct api_error e;
        if (make_queue(a, text_of(o->queues[i]), &e)) continue;
        fprintf(stderr, "sqs_sim: --queue %s: %s\n", o->queues[i], e.text);
        return false;
    }
    return true;
}

bool options_apply(const struct options *o, struct sim *sim)
{
    sim->account.shuffle = o->shuffle;
    sim->account.duplicate = o->duplicate;
    sim->account.max_in_flight = o->max_in_flight;
    sim->auth.off = o->no_auth;
    auth_forget_keys(&sim->auth);
    auth_add(&sim->auth, text_of(o->access_key), text_of(o->secret), text_of(o->token), AUTH_NEVER);
    return make_queues(o, &sim->account);
}
