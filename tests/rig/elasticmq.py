"""ElasticMQ: an SQS that others wrote. It keeps its queues in memory only and checks no signature."""
import urllib.request

from .java import JavaServer

# A configuration of one's own replaces the built-in one, hence the include; and it binds every interface unless told.
_CONFIG = """
include classpath("application.conf")
pekko.http.server.request-timeout = 40s
pekko.http.server.idle-timeout = 75s
pekko.http.server.parsing.max-content-length = 8m
node-address {{ protocol = http, host = 127.0.0.1, port = {port}, context-path = "" }}
rest-sqs {{ enabled = true, bind-hostname = "127.0.0.1", bind-port = {port}, sqs-limits = strict }}
rest-stats {{ enabled = false, bind-hostname = "127.0.0.1", bind-port = 0 }}
generate-node-address = false
queues {{ }}
queues-storage {{ enabled = false }}
messages-storage {{ enabled = false }}
aws {{ region = us-east-1, accountId = "000000000000" }}
"""

_LOG = """
<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{HH:mm:ss.SSS} %-5level %logger{20} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"""


class ElasticMQ(JavaServer):
    library_name = "elasticmq"
    heap = "192m"

    def endpoint(self):
        return f"http://127.0.0.1:{self.ports[0]}"

    def queue_url(self, name):
        return f"{self.endpoint()}/000000000000/{name}"

    def configure(self):
        (self.folder / "elasticmq.conf").write_text(_CONFIG.format(port=self.ports[0]))
        (self.folder / "logback.xml").write_text(_LOG)

    def command(self):
        config = f"-Dconfig.file={self.folder}/elasticmq.conf"
        log = f"-Dlogback.configurationFile={self.folder}/logback.xml"
        return self.java(config, log, "org.elasticmq.server.Main")

    def ready(self):
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.ListQueues"}
        request = urllib.request.Request(self.endpoint(), b"{}", headers)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False
