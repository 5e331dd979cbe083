"""Every way in that a broker offers with passwords and certificates, and the ways that must stay shut."""
import pytest

from tests.e2e.kafka import KafkaTopic, create_topic
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.test_errors import assert_said_clearly

COUNT = 100


def round_trip(bridge, source, sink, source_settings, sink_settings, attributes=True):
    sent = make_messages(COUNT)
    for m in sent if not attributes else ():
        m.attributes = {}
    sink.listen()
    pipeline = {"source": source.as_source(**source_settings), "sink": sink.as_sink(**sink_settings)}
    b = bridge(pipelines(p=pipeline)).start()
    source.wait_source_ready()
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] >= COUNT)
    b.stop()
    Verdict(sent, sink.rest()).assert_complete()


def mqtt_ways(mosquitto, certs):
    trusted = {"tls_ca": certs.ca}
    client = {"tls_cert": certs.client, "tls_key": certs.client_key}
    return {
        "password": {"username": "alice", "password": mosquitto.ALICE},
        "tls": trusted,
        "mtls": {**trusted, **client},
        "ws": {},
        "wss": trusted,
    }


@pytest.mark.parametrize("side", ("source", "sink"))
@pytest.mark.parametrize("protocol", ("5", "3.1.1"))
@pytest.mark.parametrize("listener", ("password", "tls", "mtls", "ws", "wss"))
def test_mqtt_listener(simulated_world, mosquitto, certs, bridge, listener, protocol, side):
    """One side comes in by this door, the other by the plain one. MQTT 3.1.1 carries no attributes."""
    settings = {"server": mosquitto.url(listener), **mqtt_ways(mosquitto, certs)[listener], "protocol": protocol}
    source, sink = simulated_world.mqtt_topic(), simulated_world.mqtt_topic()
    sides = {"source": {}, "sink": {}, side: settings}
    round_trip(bridge, source, sink, sides["source"], sides["sink"], attributes=protocol == "5")


@pytest.mark.parametrize("listener, settings, complaint", (
    ("tls", {}, "(?i)certificate"),
    ("tls", {"tls_ca": "wrong_ca"}, "(?i)certificate"),
    ("expired", {"tls_ca": "ca"}, "(?i)expired"),
    ("mtls", {"tls_ca": "ca"}, "(?i)certificate"),
    ("mtls", {"tls_ca": "ca", "tls_cert": "wrong_client", "tls_key": "wrong_client_key"}, "(?i)certificate"),
))
def test_mqtt_stays_shut(mosquitto, certs, bridge, listener, settings, complaint):
    files = {name: getattr(certs, value) for name, value in settings.items()}
    source = {"type": "mqtt", "server": mosquitto.url(listener), "topics": ["in/#"], "client_id": "shut", **files}
    b = bridge(pipelines(p={"source": source, "sink": {"type": "file", "path": "/dev/null"}}))
    assert_said_clearly(b, complaint)


def kafka_ways(kafka, certs):
    """Listener and options."""
    sasl = {"security_protocol": "sasl_ssl", "tls_ca": certs.ca, "sasl_username": "alice", "sasl_password": kafka.ALICE}
    tls = {"security_protocol": "ssl", "tls_ca": certs.ca}
    client = {"tls_cert": certs.client, "tls_key": certs.client_key}
    return {
        "PLAIN": ("sasl", {**sasl, "sasl_mechanism": "PLAIN"}),
        "SCRAM-SHA-256": ("sasl", {**sasl, "sasl_mechanism": "SCRAM-SHA-256"}),
        "SCRAM-SHA-512": ("sasl", {**sasl, "sasl_mechanism": "SCRAM-SHA-512"}),
        "mTLS": ("mtls", {**tls, **client}),
        "wrong password": ("sasl", {**sasl, "sasl_mechanism": "PLAIN", "sasl_password": "wrong"}),
        "no client certificate": ("mtls", tls),
        "wrong authority": ("mtls", {**tls, "tls_ca": certs.wrong_ca}),
    }


@pytest.mark.java
@pytest.mark.parametrize("way", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "mTLS"))
def test_kafka_listener(kafka, certs, bridge, way):
    listener, options = kafka_ways(kafka, certs)[way]
    ends = []
    for side in ("source", "sink"):
        name = f"{way}-{side}"
        create_topic(kafka.address(), name, 1)
        ends.append(KafkaTopic(kafka, name))
    settings = {"bootstrap_servers": kafka.address(listener), **options}
    round_trip(bridge, *ends, settings, settings)
    ends[0].assert_drained()
    ends[1].close()


@pytest.mark.java
@pytest.mark.parametrize("way, complaint", (
    ("wrong password", "(?i)authentication"),
    ("no client certificate", "(?i)certificate"),
    ("wrong authority", "(?i)certificate"),
))
def test_kafka_stays_shut(kafka, certs, bridge, way, complaint):
    listener, options = kafka_ways(kafka, certs)[way]
    source = {"type": "kafka", "bootstrap_servers": kafka.address(listener), "topics": ["t"], "group_id": "shut"}
    source.update(options)
    b = bridge(pipelines(p={"source": source, "sink": {"type": "file", "path": "/dev/null"}}))
    assert_said_clearly(b, complaint)
