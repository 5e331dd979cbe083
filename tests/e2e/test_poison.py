"""One message that a sink can't take, among nine that it can: one dead letter with its reason, nine that arrive once, and no more
requests than without it. What a mapping makes possible is no poison, and arrives as it was."""
import base64
import json
import os
import subprocess

import pytest

from tests.e2e.bridge import binary, command
from tests.e2e.libconfig import pipelines

COUNT = 10


def text_or_base64(name, value):
    try:
        return {name: value.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(value).decode()}


def line(body=b"poison", attributes=(), **members):
    """A message as the file connector writes it. attributes: (name, value) or (name, value, type)."""
    made = {} if body is None else text_or_base64("body", body)
    for name, value in members.items():
        made.update(text_or_base64(name, value.encode() if isinstance(value, str) else value))
    listed = []
    for name, value, *kind in attributes:
        listed.append({**text_or_base64("name", name.encode() if isinstance(name, str) else name),
                       **text_or_base64("value", value), "type": kind[0] if kind else "String"})
    if listed:
        made["attributes"] = listed
    return made


class Run:
    """Ten messages from a file to one sink, the poison at its position; what is refused goes to another file."""

    def __init__(self, folder, bridge, sink, poison, position=4, neighbour=None, **options):
        self.dead = folder / "dead.jsonl"
        neighbour = neighbour or {"topic": "fine", "attributes": {"where": "fine"}}
        lines = [{"body": f"neighbour {i}", **neighbour} for i in range(COUNT)]
        lines[position] = poison
        path = folder / "in.jsonl"
        path.write_text("".join(json.dumps(each) + "\n" for each in lines))
        self.neighbours = sorted(each["body"].encode() for i, each in enumerate(lines) if i != position)
        source = {"type": "file", "path": str(path), "format": "jsonl", "max_line_bytes": "64MiB"}
        settings = {"dead_letter_file": str(self.dead), **options}
        self.bridge = bridge(pipelines(p={"source": source, "sink": sink, **settings}))
        self.bridge.start(wait=False)
        self.bridge.process.wait(60)
        assert self.bridge.process.returncode == 0, self.bridge.log()
        self.stats = self.bridge.stats()

    def letters(self):
        return [json.loads(each) for each in self.dead.read_text().splitlines()] if self.dead.exists() else []

    def assert_one_letter(self, reason, poison):
        letters = self.letters()
        assert len(letters) == 1, (letters, self.bridge.log())
        told = json.loads(letters[0]["attributes"].pop("sqsbridge.dead_letter")
                          if isinstance(letters[0]["attributes"], dict) else letters[0]["attributes"][0]["value"])
        said = told.get("reason") or base64.b64decode(told["reason_base64"]).decode(errors="replace")
        assert reason in said, told
        for name in ("body", "body_base64"):
            assert letters[0].get(name) == poison.get(name)
        self.assert_no_retry(rejected=1)

    def assert_no_retry(self, rejected=0):
        assert self.stats["retried"] == 0 and self.stats["rejected"] == rejected, dict(self.stats)
        assert self.stats["acknowledged"] == COUNT


def arrived_bodies(sink, count):
    return sorted(m.body for m in collect(sink, count))


def collect(sink, count):
    """These bodies have no numbers, so that the witness can't count them by those."""
    for _ in range(100):
        if len(sink.arrived) >= count:
            break
        poll = {"sqs": lambda: sink._receive_batch(0), "kafka": lambda: sink._poll(), "mqtt": lambda: None}[sink.kind]
        poll()
    return sink.rest()


LARGE = b"x" * ((1 << 20) + 1)
POISON = {
    "sqs": {
        "too large": (line(LARGE), {}, "too large for SQS"),
        "too large as base64": (line(bytes(range(256)) * 3600), {}, "too large for SQS"),
        "too large with its attributes": (line(b"x" * (1 << 20), [("a", b"1")]), {}, "too large for SQS"),
        "no group": (line(), {"message_group_id": "${attr:where}"}, "where"),
    },
    "kafka": {
        "too large": (line(b"x" * 3000), {"properties": ["message.max.bytes=2000"], "batch_size": 1000}, "larger than"),
        "too large with its attributes": (line(b"x", [("a", b"x" * 3000)]),
                                          {"properties": ["message.max.bytes=2000"], "batch_size": 1000}, "larger than"),
        "a topic with wildcards": (line(topic="a/+/#"), {"topic": "${attr:where:-bad/+}"}, "no name for a topic"),
        "a topic with NUL": (line(attributes=[("where", b"a\0b")]), {"topic": "${attr:where}"}, "no name for a topic"),
        "no topic": (line(), {"topic": "${attr:where}"}, "where"),
        "an empty topic": (line(attributes=[("where", b"")]), {"topic": "${attr:where}"}, "no name for a topic"),
    },
    "mqtt": {
        "a topic with wildcards": (line(topic="a/+/#"), {"topic": "{base}/${topic}"}, "no topic to publish to"),
        "a topic with NUL": (line(topic="a\0b"), {"topic": "{base}/${topic}"}, "no topic to publish to"),
        "a topic with control characters": (line(topic="a\nb"), {"topic": "{base}/${topic}"}, "no topic to publish to"),
        "a topic that is no text": (line(topic=b"a\xff"), {"topic": "{base}/${topic}"}, "no topic to publish to"),
        "a topic too long": (line(topic="x" * 65536), {"topic": "{base}/${topic}"}, "no topic to publish to"),
        "an attribute too long": (line(attributes=[("a", b"x" * 65536)]), {}, "attribute"),
        "an attribute's name with NUL": (line(attributes=[("a\0b", b"x")]), {}, "attribute"),
        "an attribute's name that is no text": (line(attributes=[(b"a\xff", b"x")]), {}, "attribute"),
        "an attribute's name with control characters": (line(attributes=[("a\tb", b"x")]), {}, "attribute"),
        "no topic": (line(), {"topic": "{base}/${attr:where}"}, "where"),
    },
}
CASES = [(kind, what) for kind, cases in POISON.items() for what in cases]


def sink_of(end, more):
    base = getattr(end, "base", "")
    topics = end.kind == "kafka" and "where" in more.get("topic", "")
    more = {name: value.replace("{base}", base) if isinstance(value, str) else value for name, value in more.items()}
    settings = end.as_sink(**more)
    return settings, {"attributes": {"where": end.name}} if topics else None


@pytest.mark.parametrize("kind, what", CASES)
def test_poison(simulated_world, bridge, folder, kind, what):
    poison, more, reason = POISON[kind][what]
    end = simulated_world.end(kind)
    end.listen()
    settings, neighbour = sink_of(end, more)
    run = Run(folder, bridge, settings, poison, neighbour=neighbour)
    run.assert_one_letter(reason, poison)
    assert arrived_bodies(end, COUNT - 1) == run.neighbours


HARMLESS = {
    "control characters": line(b"a\x01\x02\x1fb"),
    "NUL": line(b"a\0b"),
    "no text": line(bytes(range(256))),
    "empty": line(b""),
    "a tombstone": line(None),
    "eleven attributes": line(attributes=[(f"a{i}", b"%d" % i) for i in range(11)]),
    "a hundred attributes": line(attributes=[(f"a{i}", b"%d" % i) for i in range(100)]),
    "illegal names": line(attributes=[("a b", b"1"), ("AWS.x", b"2"), ("..", b"3"), ("ä" * 200, b"4"), ("x" * 300, b"5")]),
    "names that repeat": line(attributes=[("a", b"1"), ("a", b"2"), ("a", b"3")]),
    "a number of forty digits": line(attributes=[("n", b"1" * 40, "Number"), ("m", b"1e400", "Number")]),
    "values that are no text": line(attributes=[("a", b"\0\xff", "Binary"), ("b", b"x\0y"), ("c", b"tab\tline\n"), ("d", b"")]),
    "a type of its own": line(attributes=[("n", b"1", "Number.int"), ("p", b"\x89PNG", "Binary.png")]),
    "a key with spaces": line(key="a group with spaces"),
    "a key that is no text": line(key=b"\xff\0"),
    "properties that MQTT would not have": line(attributes=[
        ("mqtt.response_topic", b"a/+/#"), ("mqtt.content_type", b"a\tb"), ("mqtt.payload_format", b"7"),
        ("mqtt.message_expiry", b"-1")]),
}


def normal(message):
    """Attributes in any order, but those of one name in theirs; a plain string is one with a type."""
    attributes = message.get("attributes", [])
    if isinstance(attributes, dict):
        attributes = [{"name": name, **(value if isinstance(value, dict) else {"value": value, "type": "String"})}
                      for name, value in attributes.items()]
    listed = [(a.get("name", a.get("name_base64")), json.dumps(dict(sorted(a.items())))) for a in attributes]
    return (message.get("body"), message.get("body_base64"), sorted(listed, key=lambda pair: pair[0]))


def carry_on(folder, bridge, end, count):
    """What arrived, as a second bridge reads it: the mapping is undone there."""
    out = folder / "out.jsonl"
    sink = {"type": "file", "path": str(out), "format": "jsonl"}
    b = bridge(pipelines(p={"source": end.as_source(), "sink": sink})).start()
    b.wait_stats(lambda s: s["acknowledged"] >= count)
    b.stop()
    return [json.loads(each) for each in out.read_text().splitlines()]


@pytest.mark.parametrize("kind", ("sqs", "fifo", "kafka"))
def test_what_a_mapping_makes_possible(simulated_world, bridge, folder, kind):
    """All of them at once through one sink: no dead letter, and every one arrives as it was."""
    end = simulated_world.queue(fifo=True) if kind == "fifo" else simulated_world.end(kind)
    path, dead = folder / "in.jsonl", folder / "dead.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in HARMLESS.values()))
    source = {"type": "file", "path": str(path), "format": "jsonl"}
    sink = end.settings() if kind == "fifo" else end.as_sink()
    b = bridge(pipelines(p={"source": source, "sink": sink, "dead_letter_file": str(dead)}))
    b.start(wait=False)
    b.process.wait(60)
    assert not dead.exists() or dead.read_text() == ""
    assert b.stats()["retried"] == 0
    read = carry_on(folder, bridge, end, len(HARMLESS))
    assert sorted(map(normal, read), key=str) == sorted(map(normal, HARMLESS.values()), key=str)


@pytest.mark.parametrize("what", HARMLESS)
def test_mqtt_takes_it(simulated_world, bridge, folder, what):
    """Each among nine neighbours: a broker that hangs up would take those along."""
    source = simulated_world.mqtt_topic()
    b = bridge(pipelines(p={
        "source": source.as_source(), "sink": {"type": "file", "path": str(folder / "out.jsonl"), "format": "jsonl"}
    })).start()
    source.wait_source_ready()
    run = Run(folder, bridge, source.as_sink(), HARMLESS[what])
    run.assert_no_retry()
    assert not run.letters()
    b.wait_stats(lambda s: s["acknowledged"] >= COUNT)
    b.stop()
    read = [json.loads(each) for each in (folder / "out.jsonl").read_text().splitlines()]
    assert len(read) == COUNT
    if what != "a tombstone":  # MQTT has none: it arrives empty
        assert normal(HARMLESS[what]) in [normal(each) for each in read]


@pytest.mark.parametrize("position", range(COUNT))
def test_each_position_of_a_batch(simulated_world, bridge, folder, position):
    """SQS itself refuses one entry of ten: the queue takes less than the bridge was told."""
    queue = simulated_world.queue(MaximumMessageSize="1024")
    poison = line(b"x" * 2000)
    run = Run(folder, bridge, queue.as_sink(linger="500ms"), poison, position)
    run.assert_one_letter("InvalidParameterValue", poison)
    assert run.stats["requests"] == 2, "a question for the queue, and one batch"
    assert sorted(m.body for m in queue.rest()) == run.neighbours


@pytest.mark.java
def test_a_topic_that_takes_less_than_the_bridge_was_told(real_world, bridge, folder):
    """A broker would refuse the whole batch because of one message, so its size is known before."""
    from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

    topic = real_world.kafka_topic()
    entry = ConfigEntry("max.message.bytes", "3000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": topic.address})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(20)
    poison = line(bytes(range(256)) * 20)
    run = Run(folder, bridge, topic.as_sink(linger="200ms"), poison)
    run.assert_one_letter("is larger than the max.message.bytes = 3000 of topic", poison)
    assert arrived_bodies(topic, COUNT - 1) == run.neighbours


def test_a_line_that_is_none(folder, bridge):
    """The file sink of lines: a body with a newline."""
    out = folder / "out"
    poison = line(b"two\nlines")
    run = Run(folder, bridge, {"type": "file", "path": str(out)}, poison)
    run.assert_one_letter("newline", poison)
    assert sorted(out.read_bytes().splitlines()) == run.neighbours


def test_a_file_that_stops_the_source_ends_with_a_failure(folder, bridge):
    """And the other pipeline goes on: the process ends when both have."""
    bad, good = folder / "bad.jsonl", folder / "good.jsonl"
    bad.write_text('{"body": "1"}\nnonsense\n{"body": "2"}\n')
    good.write_text('{"body": "3"}\n' * 1000)

    def end(path):
        return {"type": "file", "path": str(path), "format": "jsonl"}

    path = folder / "p.conf"
    path.write_text(pipelines(
        a={"source": end(bad), "sink": end(folder / "out-a")}, b={"source": end(good), "sink": end(folder / "out-b")}
    ))
    done = command("run", path)
    assert done.returncode == 78 and "line 2: not JSON" in done.stderr and "the pipeline ends" in done.stderr, done
    assert len((folder / "out-a").read_text().splitlines()) == 1
    assert len((folder / "out-b").read_text().splitlines()) == 1000


def test_a_reader_that_is_gone_ends_the_pipeline_with_a_failure(simulated_world, folder):
    """As with `sqsbridge run FILE | head -1`: what nobody reads is not acknowledged."""
    queue = simulated_world.queue()
    for i in range(20):
        queue.client.send_message(QueueUrl=queue.url, MessageBody=f"message {i}")
    path = folder / "p.conf"
    path.write_text(pipelines(p={"source": queue.as_source(), "sink": {"type": "file", "path": "-"}}))
    out, into = os.pipe()
    os.close(out)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([binary(), "run", path], stdin=subprocess.DEVNULL, stdout=into, stderr=log)
    os.close(into)
    assert process.wait(30) == 69, (folder / "log").read_text()
    assert "its reader is gone" in (folder / "log").read_text()
    assert queue.depth() == 20


def test_what_is_held_is_reported_with_its_lane_and_age(simulated_world, bridge, folder):
    """Without a dead letter: the message stays, the source waits, and it is tried again, slowly."""
    queue, topic = simulated_world.queue(fifo=True), simulated_world.kafka_topic()
    queue.client.send_message(
        QueueUrl=queue.url, MessageBody="x" * 3000, MessageGroupId="group-7", MessageDeduplicationId="1")
    sink = topic.as_sink(properties=["message.max.bytes=2000"], batch_size=1000)
    b = bridge(pipelines(p={"source": queue.as_source(), "sink": sink, "retry_max_delay": "200ms"}))
    b.start(wait=False)
    said = b.wait_log(r"message \S+ \(lane group-7\) is stuck at kafka \S+ for \d+ s, and the source is stopped")
    assert "give the pipeline a dead_letter sink" in said
    began = b.wait_stats(lambda s: s["time_ms"])["time_ms"]
    b.wait_stats(lambda s: s["time_ms"] - began > 1500)
    assert len(b.log_lines("is stuck")) == 1, "it is tried often, and spoken of seldom"
    assert queue.depth() == 1
    b.stop()
    assert queue.depth() == 1
