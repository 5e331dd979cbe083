/* Names the hosts of services: "sqs eu-west-1 fips dualstack" a line on standard input, the host of
 * each on standard output. It lets tests/e2e/test_endpoints_botocore.py compare our rules with
 * botocore's. */
#include <stdio.h>
#include <stdlib.h>

#include "connectors/aws/endpoint.h"

int main(void)
{
    char line[256], service[64], region[64], host[AWS_HOST_SIZE];
    while (fgets(line, sizeof(line), stdin)) {
        unsigned variants = (strstr(line, " fips") ? AWS_FIPS : 0U) |
                            (strstr(line, " dualstack") ? AWS_DUAL_STACK : 0U);
        if (sscanf(line, "%63s %63s", service, region) != 2 ||
            !aws_endpoint_host(service, region, variants, host)) {
            fprintf(stderr, "endpoint_tool: not a service and a region: %s", line);
            return EXIT_FAILURE;
        }
        puts(host);
        if (aws_endpoint_kind(service, bytes_str(host)) != AWS_HOST_OWN) {
            fprintf(stderr, "endpoint_tool: not taken for AWS's own: %s\n", host);
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}
