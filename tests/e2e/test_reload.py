"""SIGHUP: the configuration is read again; what did not change runs on untouched, nothing is lost, nothing comes twice."""
import os
import re
import threading
import time
from pathlib import Path

import pytest

from tests.e2e.bridge import binary, command
from tests.e2e.libconfig import pipelines, write
from tests.e2e.messages import Verdict, make_messages
from tests.fault.link import Link
from tests.rig import wait_until

PAIRS = (("sqs", "mqtt"), ("mqtt", "sqs"), ("sqs", "kafka"), ("kafka", "mqtt"), ("mqtt", "kafka"), ("kafka", "sqs"))
NOWHERE = {"type": "file", "path": "/dev/null"}
STEPS = 5
LEEWAY = (5, 5, 6144)  # descriptors, threads, KiB


def idle(number, **options):
    """A pipeline that has nothing to do: an MQTT broker that is not there."""
    source = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topics": ["x"], "client_id": f"idle-{number}"}
    return {"source": source, "sink": NOWHERE, **options}


def counts(line):
    return tuple(int(n) for n in re.findall(r"(\d+) (?:unchanged|changed|new|removed)", line))


class Flow:
    """A source, a sink, and messages on their way between them while the test goes on."""

    def __init__(self, world, source, sink, count):
        self.source, self.sink = world.end(source), world.end(sink)
        self.sent = make_messages(count)
        self.sink.listen()

    def settings(self, **options):
        own = {"source": self.source.as_source(), "sink": self.sink.as_sink(), "max_in_flight": 200}
        return {**own, **options}

    def send(self, first, last):
        self.sender = threading.Thread(target=self.source.send, args=(self.sent[first:last],))
        self.sender.start()

    def send_a_part(self, number, parts):
        size = len(self.sent) // parts
        self.send(number * size, (number + 1) * size)

    def assert_exactly_once(self, b):
        self.sender.join()
        self.sink.wait(len(self.sent))
        b.wait_stats(lambda s: s["in_flight"] == 0)
        b.stop()
        Verdict(self.sent, self.sink.rest()).assert_complete()
        self.source.assert_drained()


@pytest.fixture
def link(folder):
    """link(end): the bridge reaches it through a proxy that counts connections."""
    made = []

    def make(end):
        made.append(Link(folder, end))
        return made[-1]

    yield make
    for one in made:
        one.close()


def ended(links):
    return [one.stats()["connections"] - one.stats()["open"] for one in links]


@pytest.mark.parametrize("source, sink", (("sqs", "mqtt"), ("mqtt", "sqs")))
def test_an_unchanged_pipeline_keeps_its_connections(simulated_world, bridge, link, source, sink):
    flow = Flow(simulated_world, source, sink, 6000)
    links = [link(flow.source), link(flow.sink)]
    through = {side: {**flow.settings()[side], **one.settings()} for side, one in zip(("source", "sink"), links)}
    b = bridge(pipelines(p=flow.settings(**through), other=idle(0))).start(wait=False)
    b.wait_log('pipeline "p": running')
    flow.source.wait_source_ready()
    before = ended(links)
    for step in range(STEPS):
        flow.send_a_part(step, STEPS)
        said = b.reload(pipelines(p=flow.settings(**through), other=idle(0, max_in_flight=100 + step)))
        assert counts(said) == (1, 1, 0, 0)
        flow.sender.join()
    flow.sink.wait(len(flow.sent))
    b.wait_stats(lambda s: s["in_flight"] == 0)
    assert ended(links) == before and len(b.log_lines('pipeline "p": running')) == 1
    flow.assert_exactly_once(b)


@pytest.mark.parametrize("source, sink", PAIRS)
@pytest.mark.parametrize("store", ("off", "always"))
def test_a_changed_pipeline_loses_and_repeats_nothing(simulated_world, bridge, folder, source, sink, store):
    flow = Flow(simulated_world, source, sink, 6000)
    stored = {"store": store, "store_path": str(folder / "store")} if store != "off" else {}
    b = bridge(pipelines(p=flow.settings(**stored))).start()
    flow.source.wait_source_ready()
    for step in range(STEPS):
        flow.send_a_part(step, STEPS)
        b.wait_stats(lambda s: s["acknowledged"] > 0)
        said = b.reload(pipelines(p=flow.settings(**stored, retry_delay=f"{100 + step}ms")))
        assert counts(said) == (0, 1, 0, 0)
        flow.sender.join()
    flow.assert_exactly_once(b)


def test_new_and_removed_pipelines(simulated_world, bridge):
    """One hands its queue over to another of a new name, in the middle of it."""
    flow = Flow(simulated_world, "sqs", "mqtt", 4000)
    b = bridge(pipelines(before=flow.settings(), stays=idle(0))).start(wait=False)
    flow.send(0, 4000)
    b.wait_stats(lambda s: s["acknowledged"] > 100)
    assert counts(b.reload(pipelines(after=flow.settings(), stays=idle(0), more=idle(1)))) == (1, 0, 2, 1)
    b.wait_log('pipeline "after": running')
    assert counts(b.reload(pipelines(after=flow.settings(), stays=idle(0)))) == (2, 0, 0, 1)
    flow.assert_exactly_once(b)


BAD = {
    "an option that there is not": 'pipelines = {\n p = { source = { type = "file"; pth = "x"; }; sink = { type = "file"; }; }; };\n',
    "half of a file": 'pipelines = {\n p = { source = {', "an include that is away": '@include "nowhere.conf"\n',
    "no pipelines": 'log_level = "info";\n', "nothing": "",
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_configuration_is_refused_with_the_words_of_lint(simulated_world, bridge, bad):
    flow = Flow(simulated_world, "sqs", "mqtt", 2000)
    b = bridge(pipelines(p=flow.settings())).start()
    good = b.config_path.read_text()
    flow.send(0, 2000)
    b.wait_stats(lambda s: s["acknowledged"] > 0)
    b.reload(bad, expected="not reloaded")
    complaints = command("lint", b.config_path).stderr
    assert re.match(rf"{re.escape(str(b.config_path.parent))}/\S+:(\d+:)? ", complaints), complaints
    assert complaints in b.log()
    assert counts(b.reload(good)) == (1, 0, 0, 0)
    assert len(b.log_lines('pipeline "p": running')) == 1
    flow.assert_exactly_once(b)


def test_a_missing_file_is_refused(bridge):
    b = bridge(pipelines(p=idle(0))).start(wait=False)
    b.wait_log("at-least-once|at-most-once")
    b.config_path.rename(b.folder / "away")
    b.reload(expected="not reloaded")
    assert f"{b.config_path}: reading" in b.log()
    b.stop()


def test_what_is_no_file_cannot_be_reloaded(bridge, folder):
    """A pipe is read once: another read would wait for ever."""
    b = bridge(pipelines(p=idle(0)))
    text, pipe = b.config_path.read_text(), folder / "pipe"
    os.mkfifo(pipe)
    b.config_path = pipe
    b.start(wait=False)
    pipe.write_text(text)
    b.wait_log("at-least-once|at-most-once")
    b.reload(expected="not reloaded")
    assert "can't be read a second time" in b.log()
    b.stop()


def test_secrets_and_named_sections_count(simulated_world, bridge, folder):
    """Secrets are compared, those of named sections, too, and never printed."""
    source = simulated_world.end("sqs")
    keyless = {k: v for k, v in source.as_source().items() if not k.endswith("key") and not k.endswith("key_id")}
    secret = folder / "secret"

    def config(text, section="plant", **more):
        secret.write_text(text + "\n")
        keys = {"provider": "static", "access_key_id": source.key_id, "secret_access_key_file": str(secret), **more}
        named = write({"credentials": {section: keys, "unused": {"provider": "default"}}})
        return named + pipelines(p={"source": {**keyless, "credentials": section}, "sink": NOWHERE}, q=idle(0))

    b = bridge(config(source.secret)).start(wait=False)
    b.wait_log('"p": running')
    assert counts(b.reload(config(source.secret))) == (2, 0, 0, 0)
    assert counts(b.reload(config("another-secret"))) == (1, 1, 0, 0)
    assert counts(b.reload(config("another-secret", access_key_id="another"))) == (1, 1, 0, 0)
    assert counts(b.reload(config(source.secret, section="lab"))) == (1, 1, 0, 0)
    b.wait(lambda: len(b.log_lines('"p": running')) >= 2, 30, "the right secret to work again")
    assert source.secret not in b.log() and "another-secret" not in b.log()
    b.stop()


def test_settings_of_the_process(bridge, folder):
    """Applied at once, and no pipeline notices. A file of counters that was moved away is made anew."""
    b = bridge(pipelines(p=idle(0))).start(wait=False)
    b.wait_log("at-least-once|at-most-once")
    counters = b.stats_path(1)
    wait_until(counters.exists, 10, "counters")
    counters.rename(folder / "rotated")
    assert counts(b.reload('log_level = "debug";\n' + pipelines(p=idle(0)))) == (1, 0, 0, 0)
    wait_until(lambda: counters.exists() and counters.stat().st_size, 10, "counters in a new file")
    assert counts(b.reload(pipelines(p=idle(0), q=idle(1)))) == (1, 0, 1, 0)
    b.config_path.write_text('log_level = "error";\n' + pipelines(p=idle(0)))
    b.hang_up()
    b.wait(lambda: '"q"' not in counters.read_text().splitlines()[-1], 10, "the end of q")
    assert len(b.log_lines("reloaded ")) == 2, "the third was not to be heard of"
    b.stop()


@pytest.mark.parametrize("before_the_end", (False, True))
def test_two_at_once_and_an_end_in_between(simulated_world, bridge, before_the_end):
    """The newest wins, also over what still drains; and SIGTERM over all."""
    flow = Flow(simulated_world, "mqtt", "sqs", 6000)
    b = bridge(pipelines(p=flow.settings(), q=idle(0))).start(wait=False)
    b.wait_log('"p": running')
    flow.source.wait_source_ready()
    flow.send(0, 6000)
    for step in range(STEPS):
        b.wait_stats(lambda s: s["acknowledged"] > 0)
        for twice in "ab":
            b.config_path.write_text(pipelines(p=flow.settings(retry_delay=f"{100 + step}ms"), **{f"{twice}{step}": idle(1)}))
            b.hang_up()
        if before_the_end:
            b.stop()
            b.start(wait=False)
        b.wait_log(f'pipeline "b{step}": at-')
    flow.assert_exactly_once(b)


def test_what_cannot_start_after_a_reload_is_on_its_own(simulated_world, bridge, folder):
    """A store whose folder can't be made: the others go on. The status says so, unless it was mended."""
    flow = Flow(simulated_world, "sqs", "mqtt", 2000)
    (folder / "file").write_text("")
    broken = idle(0, store="always", store_path=str(folder / "file" / "store"))
    b = bridge(pipelines(p=flow.settings())).start()
    flow.send(0, 2000)
    b.reload(pipelines(p=flow.settings(), broken=broken))
    b.wait_log('"broken": cannot start')
    flow.sink.wait(2000)
    assert counts(b.reload(pipelines(p=flow.settings(), broken=idle(0)))) == (1, 1, 0, 0)
    b.wait_log('"broken": at-')
    b.reload(pipelines(p=flow.settings(), broken=broken))
    b.wait(lambda: len(b.log_lines('"broken": cannot start')) == 2, 30, "another failure")
    b.reload(pipelines(p=flow.settings(), broken=idle(0)))
    flow.assert_exactly_once(b)
    b.config_path.write_text(pipelines(p=flow.settings()))
    b.start()
    b.reload(pipelines(p=flow.settings(), broken=broken))
    b.wait_log('"broken": cannot start')
    b.process.terminate()
    assert b.process.wait(30) != 0


def resources(b):
    """Descriptors, threads, and memory in use, in KiB."""
    process = Path(f"/proc/{b.process.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    return len(list((process / "fd").iterdir())), int(status["Threads"]), int(status["VmRSS"].split()[0])


@pytest.mark.timeout(300)
def test_a_hundred_reloads_leave_nothing_behind(simulated_world, bridge, folder):
    """All transports and the store; what reads from SQS takes a second to end, and is changed each tenth time. Memory settles
    after some fifty."""
    kinds = {"sqs": "sqs", "kafka": "kafka", **{f"mqtt-{i}": "mqtt" for i in range(4)}}
    ends = {name: simulated_world.end(kind) for name, kind in kinds.items()}
    stored = {"store": "always", "store_path": str(folder / "store")}

    def pipeline(source, sink, number, **options):
        return {"source": ends[source].as_source(), "sink": ends[sink].as_sink(), "retry_delay": f"{100 + number}ms", **options}

    def config(number):
        return pipelines(
            a=pipeline("sqs", "mqtt-0", number // 10), b=pipeline("kafka", "mqtt-1", number),
            c=pipeline("mqtt-2", "kafka", number, **stored), d=pipeline("mqtt-3", "sqs", number), still=idle(0),
        )

    b = bridge(config(0), env={"ASAN_OPTIONS": f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=1"})
    b.start(wait=False)
    b.wait_log('"still": at-')
    used = {}
    for number in range(101):
        if number:
            assert counts(b.reload(config(number))) == ((2, 3, 0, 0) if number % 10 else (1, 4, 0, 0))
        for name in "cd":
            b.wait(lambda: len(b.log_lines(f'"{name}": running')) > number, 30, f"{name} to run")
        used[number] = settled(b)
    b.stop()
    print({n: u for n, u in used.items() if n % 10 == 0})
    # ThreadSanitizer's own memory grows with what it has seen.
    leeway = LEEWAY[:2] if "tsan" in binary().parts else LEEWAY
    assert all(then <= now + more for now, then, more in zip(used[50], used[100], leeway)), used


def settled(b):
    """What is just being closed has a moment for it: the same twice in a row."""
    before = None
    while (now := resources(b))[:2] != before:
        before = now[:2]
        time.sleep(0.02)
    return now
