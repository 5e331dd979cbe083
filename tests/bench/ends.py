"""The far ends of the benchmark: how each is made, filled with readings, and named in a configuration."""
import base64
import json
import subprocess

from tests.e2e.kafka import create_topic
from tests.e2e.libconfig import pipelines


KEYS = {"region": "us-east-1", "access_key_id": "AKIDSIM", "secret_access_key": "simsecret"}
BODY_BYTES = 256
PARTITIONS = 4


def readings(path, count):
    """JSON lines: bodies of 256 bytes, two attributes each."""
    filler = base64.b64encode(b"sqsbridge benchmark body " * 10).decode()
    with open(path, "w") as out:
        for i in range(count):
            body = f"{i:012d} {filler}"[:BODY_BYTES]
            attributes = {"device": f"sensor-{i % 1000}", "count": {"type": "Number", "value": str(i)}}
            out.write(json.dumps({"body": body, "attributes": attributes}) + "\n")
    return path


class Sqs:
    """The strict simulator: it checks every signature, and is faster than any emulator."""

    def __init__(self, sim):
        self.sim = sim

    def url(self, name):
        return f"{self.sim.endpoint()}/123456789012/{name}"

    def source(self, name):
        return {"type": "sqs", "queue_url": self.url(name), "visibility_timeout": 300, **KEYS}

    def sink(self, name):
        return {"type": "sqs", "queue_url": self.url(name), **KEYS}

    def prepare(self, bridge, name):
        pass


class KafkaEnd:
    def __init__(self, kafka):
        self.kafka = kafka

    def source(self, name):
        return {"type": "kafka", "bootstrap_servers": self.kafka.address(), "topics": [name], "group_id": f"bench-{name}"}

    def sink(self, name):
        return {"type": "kafka", "bootstrap_servers": self.kafka.address(), "topic": name}

    def prepare(self, bridge, name):
        create_topic(self.kafka.address(), name, PARTITIONS)


class Mqtt:
    def __init__(self, broker):
        self.broker = broker

    def source(self, name):
        return {"type": "mqtt", "server": self.broker.url(), "topics": [f"{name}/#"], "client_id": f"bench-{name}"}

    def sink(self, name):
        return {"type": "mqtt", "server": self.broker.url(), "topic": f"{name}/reading", "client_id": f"bench-to-{name}"}

    def prepare(self, bridge, name):
        """A session that keeps what is published while its client is away."""
        bridge.run_until_running("subscribe", {"source": self.source(name), "sink": {"type": "file", "path": "/dev/null"}})


def feed(program, folder, lines, sink):
    """Fills a far end with the bridge itself: a file's lines to that sink."""
    config = folder / "feed.conf"
    config.write_text(pipelines(feed={"source": {"type": "file", "path": str(lines), "format": "jsonl"}, "sink": sink}))
    with open(folder / "feed.log", "ab") as log:
        subprocess.run([program, "run", config], stdin=subprocess.DEVNULL, stderr=log, check=True, timeout=600)
