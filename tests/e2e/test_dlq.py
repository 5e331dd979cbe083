"""Dead letters: a message that a sink refuses is kept whole in each kind of place, can be looked at, and sent again."""
import json
import signal

import pytest

from tests.e2e.bridge import binary, command
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import BINARY, NUMBER, STRING, Message
from tests.rig import spawn, wait_until

PLACES = ("sqs", "kafka", "mqtt", "file")
LIMIT = 2000  # of the sink, until it is mended
ATTRIBUTES = {
    "device": (STRING, "sensor-ä".encode()),
    "celsius": (NUMBER, b"21.5"),
    "raw": (BINARY, bytes(range(256))),
    **{f"more-{i}": (STRING, b"%d" % i) for i in range(9)},
}


def messages(binary=False):
    """Number 3 and 7 of ten are larger than the sink takes."""
    filler = bytes(range(256)) * 20 if binary else "grüße\t".encode() * 700
    made = []
    for i in range(10):
        payload = filler if i in (3, 7) else b"small"
        attributes = dict(ATTRIBUTES) if binary else dict(list(ATTRIBUTES.items())[:10])
        made.append(Message(b"%08d lane-%d 0\n" % (i, i % 2) + payload, attributes))
    return made


class Place:
    """Where dead letters go."""

    def __init__(self, world, kind, folder):
        self.kind = kind
        self.path = folder / "dead.jsonl"
        self.end = None if kind == "file" else world.end(kind)

    def settings(self):
        if self.kind == "file":
            return {"dead_letter_file": str(self.path)}
        more = {"topic": f"{self.end.base}/dead"} if self.kind == "mqtt" else {}
        return {"dead_letter": self.end.as_sink(**more), "dead_letter_file": str(self.path) + ".more"}


class Setup:
    def __init__(self, world, bridge, folder, source, kind):
        self.folder, self.make_bridge = folder, bridge
        self.source, self.sink = source, world.kafka_topic()
        self.place = Place(world, kind, folder)
        self.limited = self._write("limited.conf", LIMIT)
        self.mended = self._write("mended.conf", 1000000)

    def _config(self, limit):
        sink = self.sink.as_sink(properties=[f"message.max.bytes={limit}"], batch_size=1000)
        p = {"source": self.source.as_source(), "sink": sink, **self.place.settings()}
        return pipelines(p=p)

    def _write(self, name, limit):
        path = self.folder / name
        path.write_text(self._config(limit))
        return path

    def refuse(self, sent, rejected):
        """Runs until what was sent has arrived, or is a dead letter."""
        if self.place.kind == "mqtt":
            self.replay(self.limited)  # makes the session that letters wait in
        b = self.make_bridge(self._config(LIMIT)).start()
        self.source.wait_source_ready()
        self.source.send(sent)
        b.wait_stats(lambda s: s["acknowledged"] >= len(sent))
        b.stop()
        assert b.stats()["dead_lettered"] == b.stats()["rejected"] == rejected
        return b

    def dlq(self, *arguments, config=None, code=0):
        done = command("dlq", *arguments, "--idle", "1500ms", config or self.mended, "p")
        assert done.returncode == code, done
        return done.stdout

    def show(self, *arguments):
        return [json.loads(line) for line in self.dlq("show", "--json", *arguments).splitlines()]

    def replay(self, config=None, *arguments, code=0):
        return self.dlq("replay", *arguments, config=config, code=code)


def facts(arrived):
    """What an undisturbed run would have brought: body, attributes with their types."""
    return sorted((m.body, sorted(m.attributes.items())) for m in arrived)


def run_round_trip(setup, sent):
    setup.refuse(sent, rejected=2)
    if setup.place.kind != "mqtt":
        shown = setup.show()
        assert [s["attempts"] for s in shown] == [1, 1] and len(setup.show("--limit", "1")) == 1
        assert all("larger than message.max.bytes" in s["reason"] and s["origin"] for s in shown)
        assert all(s["sink"] == f"kafka {setup.sink.name}" and s["source"] for s in shown)
        assert all(0 < s["first_ms"] <= s["last_ms"] for s in shown)
        assert sorted(s["origin"] for s in setup.show()) == sorted(s["origin"] for s in shown), "looking took some away"
    assert "replayed 0, failed again and went back 2" in setup.replay(setup.limited, code=75)
    if setup.place.kind != "mqtt":
        assert [s["attempts"] for s in setup.show()] == [2, 2]
    assert setup.replay(None, "--match", "no such reason").startswith("replayed 0")
    assert setup.replay().startswith("replayed 2, failed again and went back 0")
    assert setup.replay().startswith("replayed 0, failed again and went back 0")
    setup.sink.wait(len(sent), 20)
    assert facts(setup.sink.rest()) == facts(sent)


@pytest.mark.parametrize("kind", PLACES)
def test_round_trip_from_a_queue(world, bridge, folder, kind):
    source = world.queue()
    run_round_trip(Setup(world, bridge, folder, source, kind), messages())


@pytest.mark.parametrize("kind", PLACES)
def test_round_trip_from_a_topic(world, bridge, folder, kind):
    """Binary bodies, more attributes than SQS takes, keys and times: all of it comes back."""
    source = world.kafka_topic()
    sent = messages(binary=True)
    setup = Setup(world, bridge, folder, source, kind)
    run_round_trip(setup, sent)
    assert keys_and_times(setup.sink) == keys_and_times(source)


def keys_and_times(topic):
    """Of each message, by its number."""
    consumer = topic._consumer("keys")
    consumer.assign(topic.partitions)
    found = {}
    while len(found) < 10:
        m = consumer.poll(10)
        assert m is not None and not m.error(), f"{len(found)} of 10 messages in {topic.name}"
        found[m.value()[:8]] = m.key(), m.timestamp()[1]
    consumer.close()
    return found


def test_a_fifo_queue_takes_the_letters_of_a_replay(simulated_world, bridge, folder):
    """What fails again within five minutes is no repetition to SQS."""
    source, dead = simulated_world.queue(), simulated_world.queue(fifo=True)
    setup = Setup(simulated_world, bridge, folder, source, "file")
    settings = dead.settings()
    text = pipelines(p={
        "source": source.as_source(), "sink": setup.sink.as_sink(properties=[f"message.max.bytes={LIMIT}"], batch_size=1000),
        "dead_letter": settings, "dead_letter_file": str(folder / "rest.jsonl"),
    })
    conf = folder / "fifo.conf"
    conf.write_text(text)
    source.send(messages())
    b = bridge(text).start()
    b.wait_stats(lambda s: s["acknowledged"] >= 10)
    b.stop()
    assert dead.depth() == 2
    for _ in range(2):
        assert "went back 2" in setup.replay(conf, code=75)
        assert dead.depth() == 2
    conf.write_text(text.replace(f"message.max.bytes={LIMIT}", "message.max.bytes=1000000"))
    assert setup.replay(conf).startswith("replayed 2")
    assert dead.depth() == 0


def test_only_the_sink_that_refused_gets_it_again(simulated_world, bridge, folder):
    source, good, bad = simulated_world.queue(), simulated_world.kafka_topic(), simulated_world.kafka_topic()

    def config(limit):
        sinks = [good.as_sink(), bad.as_sink(properties=[f"message.max.bytes={limit}"], batch_size=1000)]
        return pipelines(p={"source": source.as_source(), "sinks": sinks, "dead_letter_file": str(folder / "dead.jsonl")})

    source.send(messages())
    b = bridge(config(LIMIT)).start()
    b.wait_stats(lambda s: s["acknowledged"] >= 10)
    b.stop()
    conf = folder / "mended.conf"
    conf.write_text(config(1000000))
    assert command("dlq", "replay", conf, "p").stdout.startswith("replayed 2,")
    bad.wait(10, 20)
    assert len(bad.rest()) == 10 and len(good.rest()) == 10


def test_the_bridge_goes_on_while_its_file_is_replayed(simulated_world, bridge, folder):
    """The replay sets the file aside; a bridge that has it open makes it anew, and nothing is lost."""
    source = simulated_world.queue()
    setup = Setup(simulated_world, bridge, folder, source, "file")
    b = bridge(setup.limited.read_text()).start()
    source.send(messages())
    b.wait_stats(lambda s: s["acknowledged"] >= 10)
    assert setup.replay().startswith("replayed 2,")
    source.send(messages())
    b.wait_stats(lambda s: s["acknowledged"] >= 20 and s["dead_lettered"] == 4)
    assert setup.replay().startswith("replayed 2,")
    b.stop()
    assert setup.place.path.read_text() == ""


def test_a_replay_that_was_killed_is_gone_on_with(simulated_world, bridge, folder):
    """It has set the file aside and sent one of two: the next one sends both, and loses none."""
    setup = Setup(simulated_world, bridge, folder, simulated_world.queue(), "file")
    setup.refuse(messages(), rejected=2)
    letters = setup.place.path.read_bytes()
    setup.sink.broker.tell("rtt 5000")
    aside = folder / "dead.jsonl.replay"
    replay = spawn([binary(), "dlq", "replay", setup.mended, "p"], folder / "replay.log")
    wait_until(aside.exists, 20, "the file to be set aside")
    assert "another replay has them" in command("dlq", "replay", setup.mended, "p").stderr
    replay.kill()
    replay.wait()
    setup.sink.broker.tell("rtt 0")
    assert aside.read_bytes() == letters
    assert setup.replay().startswith("replayed 2,")
    assert not aside.exists()
    setup.sink.wait(10, 20)
    assert len({m.body for m in setup.sink.rest()}) == 10


def test_a_replay_that_is_stopped_leaves_what_has_no_answer(simulated_world, bridge, folder):
    """SIGINT while the sink does not answer: it ends, says what is still there, and takes nothing away."""
    source, sink, dead = (simulated_world.queue() for _ in range(3))

    def config(limit):
        return pipelines(p={
            "source": source.as_source(), "sink": sink.as_sink(max_message_bytes=limit), "dead_letter": dead.as_sink(),
            "dead_letter_file": str(folder / "rest.jsonl"), "drain_timeout": "200ms",
        })

    source.send([m for m in messages() if m.number in (3, 7)])
    b = bridge(config("1KiB")).start()
    b.wait_stats(lambda s: s["dead_lettered"] == 2)
    b.stop()
    conf, log = folder / "p.conf", folder / "replay.log"
    conf.write_text(config("1MiB"))
    name = sink.url.rpartition("/")[2]
    simulated_world.sqs_sim.control("faults", {"kind": "hang", "action": "SendMessageBatch", "queue": name, "count": -1})
    replay = spawn([binary(), "dlq", "replay", conf, "p"], log)
    wait_until(lambda: dead.hidden() == 2, 20, "the letters to be received")
    replay.send_signal(signal.SIGINT)
    assert replay.wait(30) == 75, log.read_text()
    said = "replayed 0, failed again and went back 0 (stopped early), without an answer, and still there 2"
    assert said in log.read_text(), log.read_text()
    simulated_world.sqs_sim.control("faults/clear")
    assert command("dlq", "replay", "--idle", "1500ms", conf, "p").stdout.startswith("replayed 2,")
    assert sink.depth() == 2 and dead.depth() == 0


def test_a_limit_leaves_the_rest(world, bridge, folder):
    """In a topic too, which has but a position."""
    setup = Setup(world, bridge, folder, world.queue(), "kafka")
    setup.refuse(messages(), rejected=2)
    for left in (1, 0):
        assert setup.replay(None, "--limit", "1").startswith("replayed 1,")
        assert len(setup.show()) == left


def test_what_the_queue_cannot_take_goes_to_the_file(simulated_world, bridge, folder):
    """A message as large as SQS allows has no room there for what is said about it."""
    source, dead = simulated_world.queue(), simulated_world.queue()
    path = folder / "rest.jsonl"
    body = b"x" * (1 << 20)
    source.client.send_message(QueueUrl=source.url, MessageBody=body.decode())
    sink = {"type": "mqtt", "server": simulated_world.mosquitto.url(), "topic": "no/${attr:device}", "client_id": "large"}
    b = bridge(pipelines(p={
        "source": source.as_source(), "sink": sink, "dead_letter": dead.as_sink(), "dead_letter_file": str(path)
    })).start()
    b.wait_stats(lambda s: s["acknowledged"] == 1)
    b.stop()
    letter = json.loads(path.read_text())
    assert letter["body"].encode() == body and dead.depth() == 0
    assert "device" in letter["attributes"]["sqsbridge.reason"]


def test_lint_asks_for_somewhere_to_go(simulated_world, folder):
    source, dead = simulated_world.queue(), simulated_world.queue()
    p = {"source": source.as_source(), "sink": {"type": "file", "path": "out"}, "dead_letter": dead.as_sink()}
    path = folder / "p.conf"
    path.write_text(pipelines(p=p))
    done = command("lint", path)
    assert done.returncode == 78 and 'dead_letter_file = "/path.jsonl"' in done.stderr, done
    path.write_text(pipelines(p={**p, "dead_letter_file": str(folder / "rest.jsonl")}))
    done = command("lint", path)
    assert done.returncode == 0 and f'dead letter: sqs {dead.url.rpartition("/")[2]}, else file' in done.stdout, done
    path.write_text(pipelines(p={**p, "max_message_bytes": "256KiB"}))
    assert command("lint", path).returncode == 0


def test_dropped_only_where_asked_for(simulated_world, bridge, folder):
    source = simulated_world.queue()
    setup = Setup(simulated_world, bridge, folder, source, "file")
    sink = setup.sink.as_sink(properties=[f"message.max.bytes={LIMIT}"], batch_size=1000)
    source.send(messages())
    b = bridge(pipelines(p={"source": source.as_source(), "sink": sink, "on_reject": "drop"})).start()
    stats = b.wait_stats(lambda s: s["acknowledged"] == 10)
    assert stats["dropped"] == stats["dropped_rejected"] == 2
    assert b.log_lines("what a sink refuses is dropped") and b.log_lines("is dropped .on_reject.: kafka")
    b.stop()
    assert source.depth() == 0


def test_mqtt_cannot_be_looked_at(simulated_world, bridge, folder):
    setup = Setup(simulated_world, bridge, folder, simulated_world.queue(), "mqtt")
    done = command("dlq", "show", setup.mended, "p")
    assert done.returncode == 78 and "can't be looked at without taking" in done.stderr, done


def test_commands_that_are_wrong(folder):
    path = folder / "p.conf"
    path.write_text(pipelines(p={"source": {"type": "file", "path": "-"}, "sink": {"type": "file", "path": "-"}}))
    for arguments, code, text in (
        ((), 64, "usage"), (("show", path), 64, "usage"), (("show", path, "q"), 64, 'no pipeline "q"'),
        (("show", path, "p"), 64, "no dead_letter"), (("replay", "--limit", "0", path, "p"), 64, "--limit"),
        (("show", "--idle", "soon", path, "p"), 64, "--idle"), (("show", "/nowhere.conf", "p"), 66, "nowhere"),
    ):
        done = command("dlq", *arguments)
        assert done.returncode == code and text in done.stderr, done
