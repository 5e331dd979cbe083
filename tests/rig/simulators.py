"""Our own simulators (tests/sim), for tests that need no Java, for the demo and for the benchmark."""
import json
import os
import subprocess
import urllib.request
from pathlib import Path

from .process import BUILD, Server, spawn


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
        self.path = simulator_path(self.program)
        self.arguments = arguments
        self.where = ""

    def launch(self):
        return spawn(self.command(), self.log_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def command(self):
        return [self.path, *self.arguments]

    def ready(self):
        line = self.process.stdout.readline().decode().strip()
        word, _, self.where = line.partition(" ")
        return word == "listening"


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
        body = json.dumps(arguments or {}).encode()
        with urllib.request.urlopen(f"{self.endpoint()}/_sim/{command}", body, timeout=10) as answer:
            return json.load(answer)


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
