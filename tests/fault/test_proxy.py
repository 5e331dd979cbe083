"""The proxy does the harm that it says it does."""
import socket
import threading
from contextlib import suppress
from types import SimpleNamespace

import pytest

from tests.fault.link import Link
from tests.rig import wait_until


class Echo:
    """Sends back what it gets. Its port looks like that of a broker."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    @staticmethod
    def _serve(connection):
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass


@pytest.fixture
def link(tmp_path):
    echo = Echo()
    url = f"mqtt://127.0.0.1:{echo.port}"
    end = SimpleNamespace(kind="mqtt", broker=SimpleNamespace(url=lambda: url))
    made = Link(tmp_path, end)
    assert made.settings() == {"server": f"mqtt://127.0.0.1:{made.port}"}
    yield made
    made.close()
    echo.listener.close()


@pytest.fixture
def wire(link):
    with connect(link) as s:
        assert ask(s, b"hello") == b"hello"
        yield s


def connect(link):
    return socket.create_connection(("127.0.0.1", link.port), 10)


def ask(s, data, size=None):
    s.sendall(data)
    return receive(s, len(data) if size is None else size)


def receive(s, size):
    got = b""
    while len(got) < size:
        part = s.recv(size - len(got))
        if not part:
            break
        got += part
    return got


@pytest.mark.parametrize("harm", (
    {}, {"slice": 1}, {"delay_ms": 20, "jitter_ms": 30}, {"rate": 200_000}, {"slice": 7, "delay_ms": 5},
))
def test_what_passes_is_whole(link, wire, harm):
    data = bytes(range(256)) * 60
    link.set(**harm)
    assert ask(wire, data) == data
    assert link.stats()["up"] == link.stats()["down"] == len(data) + 5


def test_reset_and_close(link, wire):
    link.tell("rst")
    with pytest.raises(ConnectionResetError):
        wire.recv(1)
    with connect(link) as other:
        ask(other, b"x")
        link.tell("fin")
        assert other.recv(1) == b""


def test_refuse_and_accept(link, wire):
    link.tell("refuse")
    with pytest.raises(ConnectionRefusedError):
        connect(link)
    link.tell("accept")
    with connect(link) as again:
        assert ask(again, b"back") == b"back"


@pytest.mark.parametrize("way, up, down", (("up", 0, 0), ("down", 4, 0), ("both", 0, 0)))
def test_hole(link, wire, way, up, down):
    """Bytes vanish without a word; a connection that lost some ends when the hole closes."""
    before = link.stats()
    link.set(hole=way)
    wire.sendall(b"lost")
    if up:
        wait_until(lambda: link.stats()["up"] == before["up"] + up, 10, "bytes up")
    wire.settimeout(0.3)
    with pytest.raises(TimeoutError):
        wire.recv(1)
    assert link.stats()["down"] == before["down"] + down
    wire.settimeout(10)
    link.reset()
    with pytest.raises(ConnectionResetError):
        wire.recv(1)


@pytest.mark.parametrize("how", ("rst", "fin"))
def test_cut_in_the_middle(link, wire, how):
    """What comes before the cut arrives, also where it came in one piece with what is behind it."""
    before = link.stats()
    link.set(cut=1000, cut_way="up", cut_how=how)
    wire.sendall(bytes(5000))
    with suppress(ConnectionResetError):
        while wire.recv(5000):
            pass
    after = link.stats()
    assert 1 <= after["up"] - before["up"] <= 2000
    assert after["cuts"] == 1


def test_flip(link, wire):
    link.set(flip=3)
    assert ask(wire, b"aaaaa") == b"aa`aa"
    assert ask(wire, b"aaaaa") == b"aaaaa"
    assert link.stats()["flips"] == 1
