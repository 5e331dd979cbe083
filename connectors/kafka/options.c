/* The option tables of both sides, and the rules between options. */
#include <ctype.h>
#include <regex.h>

#include "connectors/kafka/conf.h"

const char *const kafka_protocols[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl", NULL};
const char *const kafka_mechanisms[] = {"PLAIN",       "SCRAM-SHA-256", "SCRAM-SHA-512",
                                        "OAUTHBEARER", "GSSAPI",        NULL};
const char *const kafka_offset_resets[] = {"earliest", "latest", "error", NULL};
static const char *const lost_offsets[] = {"stop", "reset", NULL};
const char *const kafka_compressions[] = {"none", "gzip", "snappy", "lz4", "zstd", NULL};

#define CLIENT(side, field) .name = #field, .offset = offsetof(struct side, client.field)

/* What both sides have. */
#define CLIENT_OPTS(side)                                                                          \
    {CLIENT(side, bootstrap_servers), .type = OPT_STRING, .flags = OPT_REQUIRED,                   \
     .help = "brokers to ask first, \"host:port\" with commas between"},                           \
        {CLIENT(side, client_id), .type = OPT_STRING,                                              \
         .help = "name in the brokers' logs and quotas (default: sqsbridge-<pipeline>)"},          \
        {CLIENT(side, security_protocol), .type = OPT_ENUM, .choices = kafka_protocols,            \
         .fallback = "plaintext", .help = "how to speak to the brokers"},                          \
        {CLIENT(side, sasl_mechanism), .type = OPT_ENUM, .choices = kafka_mechanisms,              \
         .fallback = "PLAIN", .help = "how to log in, with sasl_plaintext and sasl_ssl"},          \
        {CLIENT(side, sasl_username), .type = OPT_STRING,                                          \
         .help = "user name for PLAIN and SCRAM"},                                                 \
        {CLIENT(side, sasl_password), .type = OPT_STRING, .flags = OPT_SECRET,                     \
         .help = "password for PLAIN and SCRAM"},                                                  \
        {CLIENT(side, sasl_token_file), .type = OPT_PATH,                                          \
         .help = "file with the token (JWT) for OAUTHBEARER, read again before it expires"},       \
        {CLIENT(side, tls_ca), .type = OPT_PATH,                                                   \
         .help = "PEM file of the authorities that sign the brokers' certificates (default: the "  \
                 "system's)"},                                                                     \
        {CLIENT(side, tls_cert), .type = OPT_PATH, .help = "PEM file of our own certificate"},     \
        {CLIENT(side, tls_key), .type = OPT_PATH, .help = "PEM file of its private key"},          \
        {CLIENT(side, tls_key_password), .type = OPT_STRING, .flags = OPT_SECRET,                  \
         .help = "password of tls_key"},                                                           \
    {                                                                                              \
        CLIENT(side, properties),                                                                  \
            .type = OPT_LIST,                                                                      \
            .help = "any other property of librdkafka, as \"name=value\"; it wins over the "       \
                    "options here"                                                                 \
    }

const struct opt kafka_source_opts[] = {
    {OPT_FIELD(struct kafka_source_conf, topics), .type = OPT_LIST, .flags = OPT_REQUIRED,
     .help = "topics to read; one that begins with ^ is a regular expression"},
    {OPT_FIELD(struct kafka_source_conf, group_id), .type = OPT_STRING, .flags = OPT_REQUIRED,
     .help = "consumer group: its members share the partitions, its offsets survive a restart"},
    CLIENT_OPTS(kafka_source_conf),
    {OPT_FIELD(struct kafka_source_conf, group_instance_id), .type = OPT_STRING,
     .help = "static member: a restart within session_timeout keeps its partitions; one for each "
             "consumer of the group"},
    {OPT_FIELD(struct kafka_source_conf, auto_offset_reset), .type = OPT_ENUM,
     .choices = kafka_offset_resets, .fallback = "earliest",
     .help = "where to begin when the group has no offset yet"},
    {OPT_FIELD(struct kafka_source_conf, lost_offset), .type = OPT_ENUM, .choices = lost_offsets,
     .fallback = "stop",
     .help = "when the offset to go on from is gone (retention was faster, or the topic was made "
             "anew): stop reads that partition no more, and says so; reset goes on where "
             "auto_offset_reset says, over what is lost"},
    {OPT_FIELD(struct kafka_source_conf, session_timeout), .type = OPT_DURATION, .fallback = "45s",
     .min = 1000, .max = 3600000,
     .help = "a member that was silent for so long loses its partitions"},
    {OPT_FIELD(struct kafka_source_conf, commit_interval), .type = OPT_DURATION,
     .fallback = "250ms", .min = 10, .max = 60000,
     .help =
         "commit confirmed messages at least so often (a quarter of the window does it sooner)"},
    OPT_END,
};

const struct opt kafka_sink_opts[] = {
    {OPT_FIELD(struct kafka_sink_conf, topic), .type = OPT_TEMPLATE, .flags = OPT_REQUIRED,
     .help = "topic to write to"},
    {OPT_FIELD(struct kafka_sink_conf, key), .type = OPT_TEMPLATE,
     .help = "key, which chooses the partition (default: the message's own; without one, what the "
             "source keeps in order stays in one partition)"},
    CLIENT_OPTS(kafka_sink_conf),
    {OPT_FIELD(struct kafka_sink_conf, compression), .type = OPT_ENUM,
     .choices = kafka_compressions, .fallback = "none", .help = "compression of batches"},
    {OPT_FIELD(struct kafka_sink_conf, linger), .type = OPT_DURATION, .fallback = "5ms",
     .max = 900000, .help = "how long a message waits for company in a batch"},
    {OPT_FIELD(struct kafka_sink_conf, batch_size), .type = OPT_SIZE, .fallback = "1000000",
     .min = 1, .max = INT32_MAX,
     .help = "largest batch; keep it below the topic's max.message.bytes"},
    OPT_END,
};

bool kafka_topic_is_legal(struct bytes name)
{
    enum { LONGEST = 249 };
    const char *c = name.ptr;
    if (name.len == 0 || name.len > LONGEST) return false;
    for (size_t i = 0; i < name.len; i++)
        if (!isalnum((unsigned char)c[i]) && c[i] != '.' && c[i] != '_' && c[i] != '-')
            return false;
    return !bytes_eq(name, BYTES_LIT(".")) && !bytes_eq(name, BYTES_LIT(".."));
}

/* False: it was reported, and no client can be made. */
static bool check_login(const struct kafka_client_conf *c, struct opt_report *r)
{
    bool sasl = c->security_protocol >= KAFKA_SASL_PLAINTEXT;
    bool by_password = c->sasl_mechanism <= KAFKA_SCRAM_512;
    if (!sasl && (c->sasl_username || c->sasl_password || c->sasl_token_file))
        opt_complain(r, "security_protocol",
                     "the sasl_ options need security_protocol = \"sasl_ssl\" or "
                     "\"sasl_plaintext\"");
    else if (sasl && by_password && !(c->sasl_username && c->sasl_password))
        opt_complain(r, "sasl_mechanism", "%s needs sasl_username and sasl_password",
                     kafka_mechanisms[c->sasl_mechanism]);
    else if (sasl && c->sasl_mechanism == KAFKA_OAUTHBEARER && !c->sasl_token_file)
        opt_complain(r, "sasl_mechanism", "OAUTHBEARER needs sasl_token_file");
    else
        return true;
    return false;
}

static bool check_tls(const struct kafka_client_conf *c, struct opt_report *r)
{
    bool tls = c->security_protocol == KAFKA_SSL || c->security_protocol == KAFKA_SASL_SSL;
    if (!tls && (c->tls_ca || c->tls_cert || c->tls_key))
        opt_complain(r, "security_protocol",
                     "the tls_ options need security_protocol = \"ssl\" or \"sasl_ssl\"");
    else if (c->tls_cert && !c->tls_key)
        opt_complain(r, "tls_cert", "tls_cert needs tls_key");
    else if (c->tls_key && !c->tls_cert)
        opt_complain(r, "tls_key", "tls_key needs tls_cert");
    else
        return true;
    return false;
}

static bool check_client(const struct kafka_client_conf *c, struct opt_report *r)
{
    bool login = check_login(c, r), tls = check_tls(c, r);
    return login && tls;
}

static void check_pattern(const char *pattern, struct opt_report *r)
{
    regex_t compiled;
    char why[200];
    int failed = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    if (!failed) {
        regfree(&compiled);
        return;
    }
    regerror(failed, &compiled, why, sizeof(why));
    opt_complain(r, "topics", "\"%s\" is no regular expression: %s", pattern, why);
}

static void check_topic(const char *option, struct bytes name, struct opt_report *r)
{
    if (!kafka_topic_is_legal(name))
        opt_complain(
            r, option,
            "\"%.*s\" is no name for a topic (letters, digits, \".\", \"_\" and \"-\", 249 "
            "at most)",
            BYTES_ARGS(name));
}

void kafka_source_check(const void *conf, struct opt_report *r)
{
    const struct kafka_source_conf *c = conf;
    if (c->topics.count == 0) opt_complain(r, "topics", "name at least one topic");
    for (size_t i = 0; i < c->topics.count; i++) {
        if (c->topics.items[i][0] == '^')
            check_pattern(c->topics.items[i], r);
        else
            check_topic("topics", bytes_str(c->topics.items[i]), r);
    }
    kafka_conf_check_consumer(c, check_client(&c->client, r), r);
}

void kafka_sink_check(const void *conf, struct opt_report *r)
{
    const struct kafka_sink_conf *c = conf;
    struct bytes topic;
    if (c->topic && template_is_constant(c->topic, &topic)) check_topic("topic", topic, r);
    kafka_conf_check_producer(c, check_client(&c->client, r), r);
}
