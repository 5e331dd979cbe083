"""One proxy between the bridge and one broker; loader and reader go to the broker directly."""
import json
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit, urlunsplit

from tests.rig import free_ports, spawn, wait_until


def free_link_port():
    return free_ports(1)[0]


class Link:
    def __init__(self, folder, end):
        self.end, self.host = end, "127.0.0.1"
        target, port = self._route()
        command = [sys.executable, "-m", "tests.fault.proxy", "--target", str(target), "--port", str(port)]
        self.process = spawn(command, folder / "proxy.log", stdout=subprocess.PIPE)
        words = self.process.stdout.readline().split()
        assert words and words[0] == b"listening", (folder / "proxy.log").read_text()
        self.port, control = int(words[1]), int(words[2])
        self.control = socket.create_connection(("127.0.0.1", control), 10)
        self.answers = self.control.makefile("r")

    def _route(self):
        """Kafka tells its clients where it is, so its proxy listens where Kafka was told that it does."""
        if self.end.kind == "kafka":
            return self.end.broker.proxied_port(), self.end.broker.through
        return urlsplit(self._address()).port, 0

    def _address(self):
        return self.end.url if self.end.kind == "sqs" else self.end.broker.url()

    def settings(self):
        """What the configuration of the bridge says instead of the broker's address."""
        here = f"{self.host}:{self.port}"
        if self.end.kind == "kafka":
            return {"bootstrap_servers": here}
        there = urlsplit(self._address())._replace(netloc=here)
        if self.end.kind == "mqtt":
            return {"server": urlunsplit(there)}
        meant = {"endpoint_url": f"http://{here}"} if self.host != "127.0.0.1" else {}  # without TLS, to another machine
        return {"queue_url": urlunsplit(there), **meant}

    def tell(self, do, **more):
        self.control.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
        answer = json.loads(self.answers.readline())
        if "error" in answer:
            raise ValueError(f"proxy: {do}: {answer['error']}")
        return answer

    def set(self, **harm):
        return self.tell("set", **harm)

    def reset(self):
        return self.tell("reset")

    def stats(self):
        return self.tell("stats")

    def wait_bytes(self, way, more=1, timeout_s=30):
        """Until so many more bytes went that way: also into a hole's other end."""
        before = self.stats()[way]
        wait_until(lambda: self.stats()[way] >= before + more, timeout_s, f"{more} bytes {way}")

    def wait_connections(self, more=1, timeout_s=60):
        before, began = self.stats()["connections"], time.monotonic()
        wait_until(lambda: self.stats()["connections"] >= before + more, timeout_s, "a new connection")
        return time.monotonic() - began

    def close(self):
        self.control.close()
        self.process.kill()
        self.process.wait()
