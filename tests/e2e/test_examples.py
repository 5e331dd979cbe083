"""Each file of config/examples does what it says."""
import json
import subprocess

import pytest

from tests.e2e.bridge import binary, command
from tests.e2e.messages import STRING, Verdict, make_messages
from tests.rig import ROOT
from tests.rig.simulators import CredentialsSim
from tests.sim.credentials import defaults

EXAMPLES = ROOT / "config" / "examples"
OTHERS = ("file-to-file", "credentials")
BETWEEN_BROKERS = sorted(p.stem for p in EXAMPLES.glob("*.conf") if p.stem not in OTHERS)
COUNT = 50


def names(end, prefix=""):
    """The environment that an example takes an address from."""
    if end.kind == "sqs":
        return {prefix + "QUEUE_URL": end.url, "AWS_ACCESS_KEY_ID": end.key_id, "AWS_SECRET_ACCESS_KEY": end.secret,
                "AWS_REGION": "us-east-1"}
    if end.kind == "mqtt":
        return {prefix + "MQTT_SERVER": end.broker.url(), prefix + "MQTT_TOPIC": end.base}
    return {prefix + "KAFKA_BOOTSTRAP": end.address, prefix + "KAFKA_TOPIC": end.name}


def make_source(world, kind, example):
    source = world.end(kind)
    source.group = example
    source.client_id = example + ("-in" if example == "mqtt-to-mqtt" else "")
    return source


def make_sink(world, kind, source, site):
    """The examples from a transport to itself choose a name of their own."""
    if kind != source.kind or kind == "sqs":
        return world.end(kind)
    return world.kafka_topic(f"copy-of-{source.name}") if kind == "kafka" else world.mqtt_topic(f"sites/{site}")


def kinds(example):
    if example == "fan-out":
        return "sqs", ["kafka", "mqtt"]
    source, sink = example.split("-to-")
    return source, [sink]


def expected(example, source, sent):
    """mqtt-to-sqs keeps the topic as an attribute."""
    if example == "mqtt-to-sqs":
        for m in sent:
            m.attributes["topic"] = (STRING, f"{source.base}/{m.lane}".encode())
    return sent


@pytest.mark.parametrize("example", BETWEEN_BROKERS)
def test_example_between_brokers(world, bridge, folder, example, request):
    source_kind, sink_kinds = kinds(example)
    site = request.node.callspec.id
    source = make_source(world, source_kind, example)
    sinks = [make_sink(world, kind, source, site) for kind in sink_kinds]
    dead = {"DEAD_LETTER_QUEUE_URL": world.queue().url, "DEAD_LETTER_FILE": str(folder / "dead.jsonl")}
    environment = {"SITE": site, **dead}
    for sink in sinks:
        environment.update(names(sink, "TARGET_" if sink.kind == source.kind else ""))
        sink.listen()
    environment.update(names(source))
    path = EXAMPLES / f"{example}.conf"
    assert command("lint", path, env=environment).returncode == 0
    b = bridge(path.read_text(), env=environment).start()
    source.wait_source_ready()
    sent = make_messages(COUNT)
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= COUNT)
    b.stop()
    for sink in sinks:
        sink.wait(COUNT, 10)
        Verdict(expected(example, source, sent), sink.rest()).assert_complete()
    source.assert_drained()


def test_example_of_credentials(simulated_world, sqs_sim, folder, bridge):
    """Read with keys of one section; sent with those of a role that the other asks for."""
    sts = CredentialsSim(folder / "sts", sqs_sim)
    sts.start()
    try:
        source, sink = simulated_world.queue(), simulated_world.queue()
        base = {"base_key": {"access_key": source.key_id, "secret": source.secret}}
        sts.control("settings", base)
        environment = {**names(source), **names(sink, "TARGET_"), "AWS_ENDPOINT_URL_STS": sts.endpoint(),
                       "ROLE_ARN": defaults.ROLE_WITH_EXTERNAL_ID, "EXTERNAL_ID": defaults.EXTERNAL_ID}
        path = EXAMPLES / "credentials.conf"
        assert command("lint", path, env=environment).returncode == 0
        b = bridge(path.read_text(), env=environment).start()
        sent = make_messages(COUNT)
        source.send(sent)
        b.wait_stats(lambda s: s["acknowledged"] >= COUNT)
        b.stop()
        sink.wait(COUNT, 10)
        Verdict(sent, sink.rest()).assert_complete()
        assert [c["seen"]["tags"] for c in sts.calls("sts")] == [{"plant": "graz"}]
    finally:
        sts.stop()


def test_example_of_a_pipe():
    path = EXAMPLES / "file-to-file.conf"
    assert command("lint", path).returncode == 0
    done = subprocess.run([binary(), "run", path], input="one\ntwo\n", capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    assert [m["body"] for m in messages] == ["one", "two"] and "berlin" in done.stdout, done.stdout
