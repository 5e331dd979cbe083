"""Our own simulators (tests/sim), for tests that need no Java, for the demo and for the benchmark."""
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

from .process import BUILD, ROOT, Server, spawn


def simulator_path(name):
    """SQSBRIDGE_SIM says which folder to take them from; else the release build, then the dev build."""
    folders = [BUILD / preset / "tests" / "sim" for preset in ("release", "dev")]
    if "SQSBRIDGE_SIM" in os.environ:
        folders = [Path(os.environ["SQSBRIDGE_SIM"])]
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(f"{name} is not in {folders[0]} (script/build)")


class Simulator(Server):
    """A program that prints `listening <where>` when it is ready, and chooses its first port itself."""

    program = ""
    port_count = 0
    start_timeout_s = 10

    def __init__(self, folder, *arguments):
        super().__init__(folder)
        self.arguments = arguments
        self.where = ""
        self.environment = None

    def launch(self):
        pipe = subprocess.PIPE
        return spawn(self.command(), self.log_path, stdin=pipe, stdout=pipe, env=self.environment)

    def command(self):
        return [simulator_path(self.program), *self.arguments]

    def ready(self):
        line = self.process.stdout.readline().decode().strip()
        word, _, self.where = line.partition(" ")
        return word == "listening"


def request(url, body=None):
    """JSON in and out: POST where there is a body, else GET."""
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(url, data, timeout=10) as answer:
        return json.load(answer)


class SqsSim(Simulator):
    """queues: "name" or "name,attribute=value,..." each. It answers nobody who does not sign with the key below."""

    KEY_ID = "AKIDSIM"
    SECRET = "simsecret"
    program = "sqs_sim"

    def __init__(self, folder, queues=(), arguments=()):
        super().__init__(folder, *arguments)
        self.queues = queues

    def command(self):
        port = self.where.rpartition(":")[2].rstrip("/") or "0"
        queues = [word for queue in self.queues for word in ("--queue", queue)]
        return [*super().command(), "--port", port, *queues]

    def endpoint(self):
        return self.where.rstrip("/")

    def control(self, command, arguments=None):
        """See tests/sim/README.md: "faults", "faults/clear", ..."""
        return request(f"{self.endpoint()}/_sim/{command}", arguments or {})

    def show(self, what):
        return request(f"{self.endpoint()}/_sim/{what}")


class CredentialsSim(Simulator):
    """STS, Roles Anywhere, IMDS, container endpoint and IoT. sqs: the SqsSim that learns the keys it hands out.

    Needs the `cryptography` package, so it runs by the Python that runs us.
    """

    def __init__(self, folder, sqs=None, certs=None, trust_anchor=None, arguments=()):
        super().__init__(folder, *arguments)
        self.sqs, self.certs, self.trust_anchor = sqs, certs, trust_anchor
        self.environment = {"PYTHONPATH": str(ROOT)}

    def command(self):
        words = [sys.executable, "-m", "tests.sim.credentials", *self.arguments]
        ports = [url.rpartition(":")[2] for url in self.where.split()]
        for option, port in zip(("--port", "--tls-port"), ports):
            words += [option, port]
        if self.sqs:
            words += ["--sqs", self.sqs.endpoint()]
        if self.certs:
            words += ["--tls", self.certs.server, self.certs.server_key, "--client-ca", self.certs.ca]
        if self.trust_anchor:
            words += ["--trust-anchor", self.trust_anchor]
        return words

    def endpoint(self):
        return self.where.split()[0]

    def tls_endpoint(self):
        return self.where.split()[1]

    def control(self, command, arguments=None):
        """See tests/sim/README.md: "settings", "faults", "expire", ..."""
        return request(f"{self.endpoint()}/_sim/{command}", arguments or {})

    def show(self, what):
        """What it has: "log", "issued", "faults", "settings"."""
        return request(f"{self.endpoint()}/_sim/{what}")

    def calls(self, service, action=None):
        """What the log has of this service, oldest first."""
        return [c for c in self.show("log") if c["service"] == service and action in (None, c["action"])]


class KafkaMock(Simulator):
    """topics: "name:partitions" each."""

    program = "kafka_mock"

    def __init__(self, folder, topics=(), arguments=()):
        super().__init__(folder, *arguments)
        self.topics = topics

    def command(self):
        return [*super().command(), *(word for topic in self.topics for word in ("--topic", topic))]

    def address(self):
        return self.where

    def tell(self, command):
        """A command on its standard input: "down", "up", "rtt 50", ..."""
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().strip()
        if answer != "ok":
            raise ValueError(f"kafka_mock: {command}: {answer}")
