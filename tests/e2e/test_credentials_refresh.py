"""Keys that end while messages flow: none is lost, none is acknowledged wrongly, and nobody is asked more than needed.
"""
import signal
import threading
import time

import pytest

from tests.e2e.messages import Verdict, make_messages
from tests.e2e.sign_in import configuration, queue_settings


class Feeder:
    """Sends messages to a queue, a few at a time, until it is told to stop."""

    def __init__(self, queue, messages, pause_s=0.05):
        self.queue, self.messages, self.pause_s = queue, messages, pause_s
        self.sent = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self.stopped.wait(self.pause_s) and self.sent < len(self.messages):
            self.queue.send(self.messages[self.sent : self.sent + 10])
            self.sent += 10

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def taken(self):
        return self.messages[: self.sent]


class Rig:
    """One pipeline, queue to topic, whose keys come from the way of that name."""

    def __init__(self, world, sign_in, bridge):
        self.sign_in, self.sim, self.sqs = sign_in, sign_in.sim, sign_in.sqs
        self.source, self.sink = world.queue(), world.mqtt_topic()
        self.make = bridge

    def start(self, name, wait=True):
        """wait: until it runs, which it does not without keys that are good."""
        self.way = self.sign_in.way(name)
        self.service = self.way.service
        self.sink.listen()
        one = {"source": queue_settings(self.source, "plant", visibility_timeout="60s"), "sink": self.sink.as_sink()}
        config = configuration(self.way, {"p": one})
        self.bridge = self.make(config, env=self.sign_in.environment(self.way)).start(wait)
        return self.bridge

    def calls(self):
        return [c for c in self.sim.calls(self.service) if c["action"] not in ("token", "role")]

    def wait_calls(self, count, timeout_s=30):
        self.bridge.wait(lambda: len(self.calls()) >= count, timeout_s, f"{count} calls of {self.service}")

    def wait_answered(self, sent):
        self.bridge.wait_stats(lambda s: s["acknowledged"] >= len(sent))

    def assert_exactly_once(self, sent):
        self.wait_answered(sent)
        self.bridge.stop()
        self.sink.wait(len(sent), 10)
        Verdict(sent, self.sink.rest()).assert_complete()
        self.source.assert_drained()


@pytest.fixture
def rig(simulated_world, sign_in, bridge):
    return Rig(simulated_world, sign_in, bridge)


@pytest.mark.parametrize("name", ("assume_role", "web_identity", "container", "imds", "iot", "roles_anywhere_rsa"))
def test_refresh_under_load(rig, name):
    """Keys of six seconds: they are replaced in time, so that no request is refused and nobody notices."""
    rig.sim.control("settings", {service_of(name): {"lifetime_s": 6}})
    b = rig.start(name)
    with Feeder(rig.source, make_messages(5000)) as feeder:
        rig.wait_calls(4)
    rig.assert_exactly_once(feeder.taken())
    assert feeder.sent > 100
    assert b.stats()["failed_requests"] == 0
    assert not b.log_lines(" (warn|error) ")


def service_of(name):
    return {"assume_role": "sts", "web_identity": "sts", "roles_anywhere_rsa": "roles_anywhere"}.get(name, name)


def polls_waiting(rig):
    return rig.sqs.show(f"queues/{rig.source.url.rpartition('/')[2]}")["polls_waiting"]


def test_expiry_during_a_long_poll(rig):
    """The poll was signed with keys that have ended when its message comes; the delete takes those of now."""
    rig.sim.control("settings", {"sts": {"lifetime_s": 4}})
    b = rig.start("assume_role")
    b.wait(lambda: polls_waiting(rig) >= 1, 10, "a long poll")
    first = rig.sim.show("issued")[0]
    b.wait(lambda: time.time() > first["expires_s"] + 1, 15, "the end of the first keys")
    sent = make_messages(30)
    rig.source.send(sent)
    rig.assert_exactly_once(sent)


def test_no_valid_keys_when_the_message_arrives(rig):
    """The service is gone, the keys have ended; a poll of before brings messages. They are delivered once, and
    deleted as soon as there are keys again."""
    rig.sim.control("settings", {"sts": {"lifetime_s": 4}})
    rig.sim.control("faults", {"service": "sts", "kind": "status", "skip": 1, "count": -1})
    b = rig.start("assume_role")
    b.wait(lambda: polls_waiting(rig) >= 1, 10, "a long poll")
    first = rig.sim.show("issued")[0]
    b.wait(lambda: time.time() > first["expires_s"] + 1, 15, "the end of the keys")
    sent = make_messages(10)
    rig.source.send(sent)
    b.wait_stats(lambda s: s["confirmed"] >= 1)
    assert b.stats()["acknowledged"] == 0
    rig.sim.control("settings", {"sts": {"lifetime_s": 0}})
    rig.sim.control("faults/clear")
    rig.assert_exactly_once(sent)


def test_refresh_fails_while_old_keys_are_good(rig):
    """Messages go on with the old keys; the failure is said, not over and over; then there are new ones."""
    rig.sim.control("settings", {"sts": {"lifetime_s": 20}})
    rig.sim.control("faults", {"service": "sts", "kind": "throttle", "skip": 1, "count": -1})
    b = rig.start("assume_role")
    with Feeder(rig.source, make_messages(5000)) as feeder:
        rig.wait_calls(3)
        before = b.stats()["acknowledged"]
        b.wait_stats(lambda s: s["acknowledged"] >= before + 50)
        rig.sim.control("faults/clear")
        failed = len(rig.calls())
        rig.wait_calls(failed + 1)
    rig.assert_exactly_once(feeder.taken())
    assert b.stats()["failed_requests"] == 0
    assert 1 <= len(b.log_lines(" warn .*Throttling")) <= 3


def test_expired_keys_force_one_refresh(simulated_world, sign_in, bridge):
    """Three pipelines are refused at once, and share one section: it signs in again, once."""
    way = sign_in.assume_role()
    sources, sinks = zip(*[(simulated_world.queue(), simulated_world.mqtt_topic()) for _ in range(3)])
    lines = {f"p{i}": {"source": queue_settings(source, "plant"), "sink": sink.as_sink()}
             for i, (source, sink) in enumerate(zip(sources, sinks))}
    b = bridge(configuration(way, lines), env=sign_in.environment(way)).start()
    send_and_wait(b, sources, sinks, make_messages(20), 60)
    assert len(sign_in.sim.calls("sts")) == 1
    sign_in.sim.control("expire")
    send_and_wait(b, sources, (), make_messages(20), 120)
    assert len(sign_in.sim.calls("sts")) == 2
    b.stop()
    for source, sink in zip(sources, sinks):
        assert len(sink.rest()) == 40
        source.assert_drained()


def send_and_wait(b, sources, sinks, messages, acknowledged):
    for sink in sinks:
        sink.listen()
    for source in sources:
        source.send(messages)
    b.wait_stats(lambda s: s["acknowledged"] >= acknowledged)


@pytest.mark.parametrize("kind", ("wrong_key", "wrong_token"))
def test_wrong_keys_are_replaced(rig, kind):
    """AWS does not know the keys that were handed out: one refresh brings better ones."""
    rig.sim.control("faults", {"service": "sts", "kind": kind})
    rig.start("assume_role")
    sent = make_messages(20)
    rig.source.send(sent)
    rig.assert_exactly_once(sent)
    assert len(rig.calls()) == 2


def test_refused_forever_asks_seldom(rig):
    """Keys that SQS never takes: said clearly, tried again, but the service is not asked in a loop."""
    rig.sim.control("faults", {"service": "sts", "kind": "wrong_key", "count": -1})
    b = rig.start("assume_role", wait=False)
    sent = make_messages(20)
    rig.source.send(sent)
    b.wait_log("(?i)security token.*invalid|InvalidClientTokenId|UnrecognizedClient")
    began = b.wait_stats(lambda s: s["time_ms"])["time_ms"]
    b.wait_stats(lambda s: s["time_ms"] - began > 5000)
    assert 2 <= len(rig.calls()) <= 6
    rig.sim.control("faults/clear")
    rig.assert_exactly_once(sent)


def test_no_keys_at_the_start(rig):
    """The service comes up later than the bridge."""
    rig.sim.control("faults", {"service": "sts", "kind": "status", "count": -1})
    b = rig.start("assume_role", wait=False)
    line = b.wait_log(" (warn|error) .*503")
    assert "plant" in line, line
    sent = make_messages(20)
    rig.source.send(sent)
    rig.sim.control("faults/clear")
    rig.assert_exactly_once(sent)


def test_crash_in_the_middle_of_a_refresh(rig):
    """A kill while the service hangs: the next start asks anew."""
    rig.sim.control("settings", {"sts": {"lifetime_s": 6}})
    rig.sim.control("faults", {"service": "sts", "kind": "hang", "skip": 1, "count": 1})
    b = rig.start("assume_role")
    sent = make_messages(40)
    rig.source.send(sent[:20])
    rig.wait_answered(sent[:20])
    rig.wait_calls(2)
    b.kill9()
    rig.source.send(sent[20:])
    b.start()
    b.wait_stats(lambda s: s["acknowledged"] >= 20)
    b.stop()
    rig.sink.wait(len(sent), 10)
    Verdict(sent, rig.sink.rest()).assert_complete()
    rig.source.assert_drained()


def test_stop_while_the_service_hangs(rig):
    """The end does not wait for a service that does not answer."""
    rig.sim.control("faults", {"service": "sts", "kind": "hang", "count": -1})
    b = rig.start("assume_role", wait=False)
    rig.wait_calls(1)
    b.stop(timeout_s=5)


@pytest.mark.parametrize("name", ("assume_role_over_tls", "imds"))
def test_stop_at_any_moment_of_the_start(rig, name):
    """From before the signal is heeded until the service hangs; also while the connection to it is being made."""
    rig.sim.control("faults", {"kind": "hang", "count": -1})
    b = rig.start(name, wait=False)
    b.kill9()
    for moment in range(8):
        b.start(wait=False)
        time.sleep(moment * 0.03)
        b.process.send_signal(signal.SIGTERM)
        assert b.process.wait(5) in (0, -signal.SIGTERM), b.log()
        b.assert_no_report()
