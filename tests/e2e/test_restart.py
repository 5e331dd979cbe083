"""Brokers that are away at start, that restart in the middle, and the bridge's own end in good order."""
import signal
import threading

import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.outage import outage_of

AWAY = r"(warn|error) .*(refused|closed|disconnect|reset|lost|down|unreachable|transport|away)"
WINDOW = 200
SIDES = ("source", "sink")
KINDS = ("sqs", "mqtt", "kafka")


@pytest.fixture
def pipe(request, bridge):
    """pipe(world, side, kind): a pipeline one side of which can go away; the other is SQS, or MQTT where SQS goes."""
    outages = []

    def make(world, side, kind):
        other = "mqtt" if kind == "sqs" else "sqs"
        ends = {side: world.end(kind), "sink" if side == "source" else "source": world.end(other)}
        source, sink = ends["source"], ends["sink"]
        outages.append(outage_of(ends[side]))
        more = {"source": {}, "sink": {}, side: outages[0].settings()}
        sink.listen()
        b = bridge(pipelines(p={
            "source": source.as_source(**more["source"]), "sink": sink.as_sink(**more["sink"]), "max_in_flight": WINDOW,
        }))
        return b, source, sink, outages[0]

    yield make
    for outage in outages:
        outage.close()


def away_at_start(pipe, world, side, kind):
    b, source, sink, outage = pipe(world, side, kind)
    sent = make_messages(200)
    outage.down()
    b.start(wait=False)
    b.wait_log(AWAY)
    assert b.stats()["acknowledged"] == 0
    outage.up()
    b.wait_log("running", 60)
    source.wait_source_ready()
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= len(sent))
    b.stop()
    Verdict(sent, sink.rest()).assert_complete()


def away_in_the_middle(pipe, world, side, kind):
    b, source, sink, outage = pipe(world, side, kind)
    sent = make_messages(2000)
    b.start()
    source.wait_source_ready()
    source.send(sent[:1000])
    b.wait_stats(lambda s: s["acknowledged"] >= 100)
    outage.down()
    b.wait_log(AWAY)
    outage.up()
    source.send(sent[1000:])
    sink.wait(len(sent))
    stats = b.wait_stats(lambda s: s["received"] >= len(sent) and s["in_flight"] == 0)
    b.stop()
    Verdict(sent, sink.rest()).assert_complete(max_repeated=WINDOW)
    assert stats["rejected"] == 0, "an outage is nobody's fault"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", SIDES)
def test_far_end_away_at_start(pipe, simulated_world, side, kind):
    away_at_start(pipe, simulated_world, side, kind)


@pytest.mark.java
@pytest.mark.parametrize("side", SIDES)
def test_kafka_away_at_start(pipe, real_world, side):
    away_at_start(pipe, real_world, side, "kafka")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", SIDES)
def test_far_end_restarts(pipe, simulated_world, side, kind):
    away_in_the_middle(pipe, simulated_world, side, kind)


@pytest.mark.java
@pytest.mark.parametrize("side", SIDES)
def test_kafka_restarts(pipe, real_world, side):
    away_in_the_middle(pipe, real_world, side, "kafka")


@pytest.mark.parametrize("source, sink", (("sqs", "kafka"), ("kafka", "mqtt"), ("mqtt", "sqs")))
def test_sigterm_under_load_repeats_nothing(world, bridge, source, sink):
    source, sink = world.end(source), world.end(sink)
    sent = make_messages(6000)
    sink.listen()
    b = bridge(pipelines(p={"source": source.as_source(), "sink": sink.as_sink(), "max_in_flight": WINDOW})).start()
    source.wait_source_ready()
    for part in (sent[:2000], sent[2000:4000], sent[4000:]):
        sender = threading.Thread(target=source.send, args=(part,))
        sender.start()
        b.wait_stats(lambda s: s["acknowledged"] > 0)
        b.stop()
        sender.join()
        assert b.stats()["in_flight"] == 0, "the drain left something behind"
        b.start()
    sink.wait(len(sent))
    b.wait_stats(lambda s: s["in_flight"] == 0)
    b.stop()
    Verdict(sent, sink.rest()).assert_complete()
    source.assert_drained()


def test_sigterm_with_the_sink_away_loses_nothing(pipe, simulated_world):
    """The drain gives up at its deadline; what was not confirmed is still at the source."""
    b, source, sink, outage = pipe(simulated_world, "sink", "mqtt")
    sent = make_messages(1000)
    b.config_path.write_text(b.config_path.read_text().replace("max_in_flight", 'drain_timeout = "1s"; max_in_flight'))
    b.start()
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] > 0)
    outage.down()
    b.wait_log(AWAY)
    b.stop(15)
    outage.up()
    b.start()
    sink.wait(len(sent))
    b.wait_stats(lambda s: s["in_flight"] == 0)
    b.stop()
    Verdict(sent, sink.rest()).assert_complete(max_repeated=WINDOW)


def test_second_signal_ends_at_once(pipe, simulated_world):
    b, source, _, outage = pipe(simulated_world, "sink", "mqtt")
    b.config_path.write_text(b.config_path.read_text().replace("max_in_flight", 'drain_timeout = "10m"; max_in_flight'))
    b.start()
    outage.down()
    source.send(make_messages(50))
    b.wait_log(AWAY)
    b.process.send_signal(signal.SIGTERM)
    b.wait_log("(?i)stopp|drain|signal|ending")
    b.process.send_signal(signal.SIGTERM)
    b.process.wait(10)
    assert b.process.returncode is not None
