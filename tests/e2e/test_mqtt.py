"""MQTT's own matters, with a real Mosquitto: WebSockets on both sides of one process."""
import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages


@pytest.mark.parametrize("listener", ("ws", "wss"))
def test_websockets_on_both_sides(simulated_world, bridge, mosquitto, listener):
    """Four WebSockets in one process, with messages that need more than one read."""
    world, url = simulated_world, mosquitto.url(listener)
    tls = {"tls_ca": str(mosquitto.certs.folder / "ca.crt")} if listener == "wss" else {}
    ends = [(world.mqtt_topic(), world.mqtt_topic()) for _ in range(2)]
    b = bridge(pipelines(**{
        f"p{i}": {"source": source.as_source(server=url, **tls), "sink": sink.as_sink(server=url, **tls)}
        for i, (source, sink) in enumerate(ends)
    }))
    sent = make_messages(1000, binary=True, size=3000)
    for _, sink in ends:
        sink.listen()
    b.start()
    b.wait_log('"p0": running')
    b.wait_log('"p1": running')
    for source, _ in ends:
        source.wait_source_ready()
        source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= 2 * len(sent))
    b.stop()
    for source, sink in ends:
        verdict = Verdict(sent, sink.rest())
        verdict.assert_complete()
        verdict.assert_ordered()
        source.assert_drained()
