#include "connectors/sqs/sqs.h"

#include <stdio.h>

#include "connectors/aws/credentials.h"
#include "connectors/sqs/sqs_limits.h"

static bool ends_with(struct bytes b, const char *end)
{
    size_t len = strlen(end);
    return b.len >= len && memcmp((const char *)b.ptr + b.len - len, end, len) == 0;
}

/* The last part of the path; empty: there is none. */
static struct bytes name_in(const char *url)
{
    struct aws_address a;
    if (!url || !aws_address_parse(url, &a) || !a.path.len) return bytes_of("", 0);
    const char *slash = memrchr(a.path.ptr, '/', a.path.len);
    return bytes_of(slash + 1, a.path.len - (size_t)(slash + 1 - (const char *)a.path.ptr));
}

bool sqs_is_fifo(const struct sqs_conf *conf)
{
    return ends_with(name_in(conf->queue_url), ".fifo");
}

void sqs_describe(const struct sqs_conf *conf, char *text, size_t size)
{
    snprintf(text, size, "sqs %.*s", BYTES_ARGS(name_in(conf->queue_url)));
}

static bool wrong_url(const char *url, struct error *e)
{
    if (strncmp(url, "arn:", 4) == 0)
        return error_set(e, FAULT_CONFIG,
                         "an ARN is not a queue URL: \"%s\" (write "
                         "https://sqs.<region>.amazonaws.com/<account>/<queue>)",
                         url);
    return error_set(e, FAULT_CONFIG,
                     "not the URL of a queue: \"%s\" (it looks like "
                     "https://sqs.eu-west-1.amazonaws.com/123456789012/orders)",
                     url);
}

/* The host that the queue's URL names, or AWS's of the same region where that is an old one, or
 * FIPS or dual-stack is wanted. */
static bool endpoint_of_queue(const struct aws_address *url, unsigned variants,
                              struct sqs_queue *queue, const char **option, struct error *e)
{
    struct aws_address a = *url;
    char host[AWS_HOST_SIZE];
    enum aws_host kind = aws_endpoint_kind("sqs", a.host);
    a.path = BYTES_LIT("/");
    *option = "queue_url";
    if (!a.https && !aws_address_is_loopback(a.host))
        return error_set(e, FAULT_CONFIG,
                         "messages would travel unencrypted: \"%s\" (use https, or set "
                         "endpoint_url to the http address if that is meant)",
                         queue->url);
    if (variants && kind == AWS_HOST_OTHER)
        return aws_endpoint_instead(queue->url, variants, &queue->endpoint, e);
    if (variants || kind == AWS_HOST_LEGACY) {
        *option = "region";
        if (!aws_endpoint_host("sqs", queue->region, variants, host))
            return error_set(e, FAULT_CONFIG, "not a region: \"%s\" (it looks like eu-west-1)",
                             queue->region);
        a.host = bytes_str(host);
        a.port = BYTES_NONE;
    }
    aws_endpoint_set(&queue->endpoint, &a);
    return true;
}

/* What requests are sent to: the configured endpoint, the environment's, or the queue's own host.
 */
static bool find_endpoint(const struct sqs_conf *conf, const struct aws_address *url,
                          struct sqs_queue *queue, const char **option, struct error *e)
{
    unsigned variants =
        aws_endpoint_variants(conf->use_fips_endpoint, conf->use_dualstack_endpoint);
    const char *instead = conf->endpoint_url ? conf->endpoint_url : aws_endpoint_override("sqs");
    *option = "endpoint_url";
    if (instead) return aws_endpoint_instead(instead, variants, &queue->endpoint, e);
    return endpoint_of_queue(url, variants, queue, option, e);
}

bool sqs_queue_resolve(const struct sqs_conf *conf, struct sqs_queue *queue, const char **option,
                       struct error *e)
{
    struct aws_address url;
    *queue = (struct sqs_queue){.url = conf->queue_url};
    *option = "queue_url";
    struct bytes name = name_in(conf->queue_url);
    if (!sqs_check_queue_name(name, e) || !aws_address_parse(conf->queue_url, &url))
        return wrong_url(conf->queue_url, e);
    snprintf(queue->name, sizeof(queue->name), "%.*s", BYTES_ARGS(name));
    queue->fifo = sqs_is_fifo(conf);
    *option = "region";
    if (!aws_region(conf->region, conf->queue_url, queue->region, sizeof(queue->region)) &&
        !credentials_may_tell_region(conf->credentials))
        return error_set(e, FAULT_CONFIG,
                         "the region is not known: queue_url does not tell it (set region, or the "
                         "variable AWS_REGION)");
    return find_endpoint(conf, &url, queue, option, e);
}

bool sqs_service_resolve(const struct sqs_conf *conf, struct sqs_queue *queue, struct error *e)
{
    const char *instead = conf->endpoint_url ? conf->endpoint_url : aws_endpoint_override("sqs");
    struct aws_endpoint_wish wish = {
        .service = "sqs",
        .region = queue->region,
        .url = conf->endpoint_url,
        .fips = conf->use_fips_endpoint,
        .dual_stack = conf->use_dualstack_endpoint,
    };
    *queue = (struct sqs_queue){.url = NULL};
    if (!aws_region(conf->region, instead, queue->region, sizeof(queue->region)))
        return error_set(e, FAULT_CONFIG,
                         "the region is not known (set region, or the variable AWS_REGION)");
    return aws_endpoint_find(&wish, &queue->endpoint, e);
}
