"""MQTT's own matters, with a real Mosquitto: WebSockets, sessions that are lost or taken over, refusals."""
import time

import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.mqtt import Client
from tests.e2e.outage import Proxy
from tests.rig import wait_until


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


@pytest.mark.parametrize("listener", ("plain", "tls", "ws"))
def test_a_backlog_while_the_sink_is_away(simulated_world, bridge, mosquitto, listener):
    """Much more than may wait here, for longer than the keep-alive: the connection stays, and all arrive."""
    source, sink = simulated_world.mqtt_topic(), simulated_world.mqtt_topic()
    proxy = Proxy(mosquitto.port())
    sent = make_messages(6000, size=4000)  # before the bridge is there: Paho is late with its first PINGREQ
    tls = {"tls_ca": str(mosquitto.certs.folder / "ca.crt")} if listener == "tls" else {}
    b = bridge(pipelines(p={
        "source": source.as_source(server=mosquitto.url(listener), keep_alive="2s", **tls),
        "sink": sink.as_sink(server=f"mqtt://127.0.0.1:{proxy.port}", reconnect_max_delay="1s"),
    }))
    sink.listen()
    b.start()
    source.wait_source_ready()
    proxy.down()
    b.wait_log("sink mqtt.*(lost|refused)")
    source.send(sent)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 8, 15, "four keep-alive intervals")
    assert not b.log_lines("source mqtt")
    assert b.stats()["acknowledged"] == 0
    proxy.up()
    b.wait_stats(lambda s: s["acknowledged"] >= len(sent))
    assert not b.log_lines("source mqtt")
    b.stop()
    proxy.down()
    verdict = Verdict(sent, sink.rest())
    verdict.assert_complete()
    verdict.assert_ordered()
    source.assert_drained()


def one(source, sink, **more):
    return pipelines(p={"source": source.as_source(**more), "sink": sink.as_sink()})


def test_a_session_that_the_broker_has_lost(simulated_world, bridge, mosquitto):
    """Somebody with our client_id asks for a clean start, and goes: the queue of the session goes with it."""
    source, sink = simulated_world.mqtt_topic(), simulated_world.mqtt_topic()
    sink.listen()
    b = bridge(one(source, sink)).start()
    source.wait_source_ready()
    assert b.log_lines("a new session for")
    sent = make_messages(50)
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= 50)
    Client(mosquitto.port(), client_id=source.client_id, clean=True).close()
    b.wait_log(rf'error .*the broker has lost the session of "{source.client_id}" \(1 times now\)')
    more = make_messages(100)[50:]
    source.send(more)
    b.wait_stats(lambda s: s["acknowledged"] >= 100)
    b.stop()
    Verdict(sent + more, sink.rest()).assert_complete()


def test_two_clients_of_one_name_take_turns(simulated_world, bridge):
    """Each takes the session of the other, at a pace that goes down; the log says what is wrong."""
    source, sink = simulated_world.mqtt_topic(), simulated_world.mqtt_topic()
    pause = {"reconnect_delay": "100ms", "reconnect_max_delay": "10s"}
    members = [bridge(one(source, sink, **pause)) for _ in range(2)]
    for member in members:
        member.start()
    for member in members:
        member.wait_log(f'again and again .does another client use the client_id "{source.client_id}"')
    line = f"{source.client_id} 1 {source.base}/#"
    log = source.broker.log_path

    def sessions():
        return log.read_text(errors="replace").count(line)

    before, since = sessions(), time.monotonic()
    wait_until(lambda: sessions() >= before + 4, 60, "four more takeovers")
    took = time.monotonic() - since
    assert took > 1, f"four takeovers within {took:.1f} s"
    for member in members:
        member.stop()


def test_a_topic_that_the_user_may_not_write_to(simulated_world, bridge, mosquitto):
    """A user who may not write there: the broker says so for each message, and none is lost or blamed."""
    source = simulated_world.queue()
    b = bridge(pipelines(p={
        "source": source.as_source(),
        "sink": {"type": "mqtt", "server": mosquitto.url("password"), "topic": "out/x", "username": "reader",
                 "password": mosquitto.READER},
    })).start()
    source.send(make_messages(5))
    b.wait_log(r"not authorised \(check username, and the broker's access rules\)")
    stats = b.stats()
    assert stats["acknowledged"] == 0
    b.stop()
