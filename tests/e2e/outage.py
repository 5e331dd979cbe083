"""Far ends that go away and come back at the same address."""
import selectors
import socket
import threading
from urllib.parse import urlsplit, urlunsplit

from tests.rig import KafkaMock


class Proxy:
    """Passes connections on to a port of 127.0.0.1. down() breaks them and refuses new ones; up() is the way back."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.port = 0
        self.listener = None
        self.up()

    def up(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]
        self.wake, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def down(self):
        if self.listener:
            self.wake.close()
            self.thread.join()
            self.listener = None

    def _run(self):
        self.peers = {}
        with selectors.DefaultSelector() as self.ready:
            self.ready.register(self.listener, selectors.EVENT_READ)
            self.ready.register(self.woken, selectors.EVENT_READ)
            while self._serve([key.fileobj for key, _ in self.ready.select()]):
                pass
        for s in (self.listener, self.woken, *self.peers):
            s.close()

    def _serve(self, readable):
        """False: down() was called."""
        for s in readable:
            if s is self.woken:
                return False
            if s is self.listener:
                self._accept()
            elif s in self.peers:
                self._pass_on(s)
        return True

    def _accept(self):
        client, _ = self.listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", self.target_port))
        except OSError:
            client.close()
            return
        self.peers.update({client: server, server: client})
        for s in (client, server):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.ready.register(s, selectors.EVENT_READ)

    def _pass_on(self, s):
        try:
            data = s.recv(65536)
            if data:
                self.peers[s].sendall(data)
                return
        except OSError:
            pass
        for end in (s, self.peers[s]):
            self.ready.unregister(end)
            self.peers.pop(end, None)
            end.close()


class ProxiedEnd:
    """A queue or an MQTT topic that the bridge reaches through a proxy, and the witness directly."""

    def __init__(self, end):
        self.end = end
        self.setting = {"sqs": "queue_url", "mqtt": "server"}[end.kind]
        self.address = end.url if end.kind == "sqs" else end.broker.url()
        self.proxy = Proxy(urlsplit(self.address).port)
        self.down, self.up = self.proxy.down, self.proxy.up

    def settings(self):
        """What the configuration has to say instead."""
        parts = urlsplit(self.address)
        return {self.setting: urlunsplit(parts._replace(netloc=f"127.0.0.1:{self.proxy.port}"))}

    def close(self):
        self.down()


class BrokerItself:
    """Kafka tells its clients its own address, so here no proxy helps."""

    def __init__(self, broker):
        self.broker, self.is_down = broker, False

    def down(self):
        self.is_down = True
        self.broker.tell("down") if isinstance(self.broker, KafkaMock) else self.broker.stop()

    def up(self):
        self.is_down = False
        self.broker.tell("up") if isinstance(self.broker, KafkaMock) else self.broker.start()

    def settings(self):
        return {}

    def close(self):
        """The broker is everybody's."""
        if self.is_down:
            self.up()


def outage_of(end):
    return BrokerItself(end.broker) if end.kind == "kafka" else ProxiedEnd(end)
