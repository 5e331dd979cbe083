"""Every transport to every other: all that was sent arrives once, as it was sent, and the source forgets it."""
import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages

KINDS = ("sqs", "mqtt", "kafka")
COUNT = 400


def transfer(bridge, source, sinks, sent):
    """Sends through one pipeline until it has acknowledged everything; returns what arrived at each sink."""
    for sink in sinks:
        sink.listen()
    settings = [sink.as_sink() for sink in sinks]
    out = {"sink": settings[0]} if len(sinks) == 1 else {"sinks": settings}
    b = bridge(pipelines(p={"source": source.as_source(), **out})).start()
    source.wait_source_ready()
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= len(sent))
    b.stop()
    for sink in sinks:
        sink.wait(len(sent), 10)
    return [sink.rest() for sink in sinks]


@pytest.mark.parametrize("sink", KINDS)
@pytest.mark.parametrize("source", KINDS)
def test_pair(world, bridge, source, sink):
    source, sink = world.end(source), world.end(sink)
    sent = make_messages(COUNT)
    arrived = transfer(bridge, source, [sink], sent)[0]
    verdict = Verdict(sent, arrived)
    verdict.assert_complete()
    source.assert_drained()
    if source.kind != "sqs" and sink.kind != "sqs":
        verdict.assert_ordered()


@pytest.mark.parametrize("sink", KINDS)
@pytest.mark.parametrize("source", ("mqtt", "kafka"))
def test_binary_bodies(world, bridge, source, sink):
    source, sink = world.end(source), world.end(sink)
    sent = make_messages(100, binary=True)
    Verdict(sent, transfer(bridge, source, [sink], sent)[0]).assert_complete()
    source.assert_drained()


@pytest.mark.parametrize("source", KINDS)
def test_fan_out(world, bridge, source):
    """Acknowledged only when both sinks have it: each gets all of it."""
    source = world.end(source)
    sinks = [world.end(kind) for kind in KINDS if kind != source.kind]
    sent = make_messages(COUNT)
    for arrived in transfer(bridge, source, sinks, sent):
        Verdict(sent, arrived).assert_complete()
    source.assert_drained()


@pytest.mark.parametrize("sink", ("kafka", "mqtt", "sqs"))
def test_order_of_message_groups(world, bridge, sink):
    source = world.queue(fifo=True)
    sink = world.queue(fifo=True) if sink == "sqs" else world.end(sink)
    sent = with_lane(make_messages(200))
    verdict = Verdict(sent, transfer(bridge, source, [sink], sent)[0])
    verdict.assert_complete()
    verdict.assert_ordered()


@pytest.mark.parametrize("source", ("kafka", "mqtt"))
def test_order_into_message_groups(world, bridge, source):
    source, sink = world.end(source), world.queue(fifo=True)
    sent = with_lane(make_messages(200))
    verdict = Verdict(sent, transfer(bridge, source, [sink], sent)[0])
    verdict.assert_complete()
    verdict.assert_ordered()


def with_lane(messages):
    """With an attribute that names the lane: the sink takes its message group from it."""
    for m in messages:
        m.attributes["lane"] = ("String", m.lane.encode())
    return messages
