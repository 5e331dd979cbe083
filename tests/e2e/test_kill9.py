"""kill -9 under load: after a restart nothing is missing, and no more came twice than was in flight."""
import pytest

from tests.e2e.bridge import nogate_binary
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages

PAIRS = (("mqtt", "sqs"), ("sqs", "kafka"), ("kafka", "sqs"), ("mqtt", "kafka"))
COUNT = 6000
KILLS = 5
WINDOW = 200


def configuration(source, sink):
    quick_return = {"visibility_timeout": "5s"} if source.kind == "sqs" else {}
    settings = source.as_source(**quick_return)
    return pipelines(p={"source": settings, "sink": sink.as_sink(), "max_in_flight": WINDOW})


def load(b, source, sent):
    """All of it waits at the source before the first kill. An MQTT broker keeps it only for a session that exists."""
    if source.kind == "mqtt":
        b.start()
        source.wait_source_ready()
        b.kill9()
    source.send(sent)


def kill_under_load(b):
    """Kills as soon as anything was acknowledged; returns how much was."""
    b.start()
    acknowledged = b.wait_stats(lambda s: s["acknowledged"] > 0)["acknowledged"]
    b.kill9()
    return acknowledged


def arrived_after_kills(b, source, sink):
    """What arrived when the source has nothing left to give; the last run ends in good order."""
    b.start()
    sink.wait(COUNT, 90)
    b.wait_stats(lambda s: s["in_flight"] == 0, 30)
    b.stop()
    return sink.rest()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("source, sink", PAIRS)
def test_nothing_is_lost(world, bridge, source, sink):
    source, sink = world.end(source), world.end(sink)
    sent = make_messages(COUNT)
    b = bridge(configuration(source, sink))
    sink.listen()
    load(b, source, sent)
    acknowledged = sum(kill_under_load(b) for _ in range(KILLS))
    assert acknowledged < COUNT, "it was over before the last kill"
    verdict = Verdict(sent, arrived_after_kills(b, source, sink))
    print(verdict)
    verdict.assert_complete(max_repeated=KILLS * WINDOW)
    source.assert_drained()


@pytest.mark.parametrize("source, sink", (("mqtt", "sqs"), ("mqtt", "kafka")))
def test_the_test_sees_a_missing_gate(simulated_world, bridge, source, sink):
    """The same with a build that acknowledges before the sink has confirmed: the verdict must be loss."""
    assert nogate_binary().exists(), f"{nogate_binary()} is not there (script/build dev)"
    source, sink = simulated_world.end(source), simulated_world.end(sink)
    sent = make_messages(COUNT)
    b = bridge(configuration(source, sink), program=nogate_binary())
    sink.listen()
    load(b, source, sent)
    for _ in range(KILLS):
        kill_under_load(b)
    b.start()
    b.wait_stats(lambda s: s["received"] > 0 and s["in_flight"] == 0)
    sink.wait(COUNT, 5)
    b.stop()
    assert Verdict(sent, sink.rest()).missing
