"""Every way to sign in, from the service that hands out the keys to messages that arrive.

The strict SQS simulator knows no other key of the bridge's than those that the way under test was given.
"""
import pytest

from tests.e2e.messages import Verdict, make_messages
from tests.e2e.sign_in import NULL_SINK, WAYS, configuration, queue_settings

COUNT = 60


def assert_transferred(b, source, sink, sent):
    b.wait_stats(lambda s: s["acknowledged"] >= len(sent))
    b.stop()
    sink.wait(len(sent), 10)
    Verdict(sent, sink.rest()).assert_complete()
    source.assert_drained()


@pytest.mark.parametrize("name", WAYS)
def test_way(simulated_world, sign_in, bridge, name):
    """Queue to topic, by this way and no other; without a complaint."""
    way = sign_in.way(name)
    source, sink = simulated_world.queue(), simulated_world.mqtt_topic()
    sink.listen()
    sent = make_messages(COUNT)
    source.send(sent)
    settings = queue_settings(source, "plant" if way.section else None)
    config = configuration(way, {"p": {"source": settings, "sink": sink.as_sink()}})
    b = bridge(config, env=sign_in.environment(way)).start()
    assert_transferred(b, source, sink, sent)
    assert not b.log_lines(" (warn|error) ")
    assert_asked_as_it_should(sign_in.sim, way)


def assert_asked_as_it_should(sim, way):
    calls = [c for c in sim.show("log") if c["status"] in (200, 201)]
    assert {c["service"] for c in calls} == {way.service, way.before} - {None}
    assert not way.service or way.seen.items() <= calls[-1]["seen"].items(), calls[-1]["seen"]


def test_one_session_for_all(simulated_world, sign_in, bridge):
    """Two pipelines, sources and sinks, four workers: the section signs in once."""
    way = sign_in.assume_role()
    middle, ends = simulated_world.queue(), [simulated_world.queue(), simulated_world.queue()]
    sent = make_messages(COUNT)
    ends[0].send(sent)
    settings = [queue_settings(q, "plant") for q in (ends[0], middle, middle, ends[1])]
    first = {"source": settings[0], "sink": settings[1], "workers": 2}
    second = {"source": settings[2], "sink": settings[3], "workers": 2}
    b = bridge(configuration(way, {"first": first, "second": second}), env=sign_in.environment(way)).start()
    b.wait_stats(lambda s: s["acknowledged"] >= 2 * COUNT)
    b.stop()
    ends[1].wait(COUNT, 10)
    Verdict(sent, ends[1].rest()).assert_complete()
    assert len(sign_in.sim.calls("sts")) == 1


def test_token_file_that_changes(simulated_world, sign_in, bridge):
    """EKS replaces the token's file; the service takes only the newest text."""
    way = sign_in.container()
    sign_in.sim.control("settings", {"container": {"lifetime_s": 4}})
    queue = simulated_world.queue()
    config = configuration(way, {"p": {"source": queue_settings(queue, "plant"), "sink": NULL_SINK}})
    b = bridge(config, env=sign_in.environment(way)).start()
    b.wait(lambda: len(sign_in.sim.calls("container")) >= 1, 10, "the first keys")
    sign_in.file("pod-token", "another-token")
    got = len(sign_in.sim.calls("container"))
    b.wait(lambda: len(sign_in.sim.calls("container")) > got, 15, "the next keys")
    b.wait(lambda: sign_in.sim.calls("container")[-1]["status"], 5, "their answer")
    assert [c["status"] for c in sign_in.sim.calls("container")] == [200] * (got + 1)
    b.stop()
