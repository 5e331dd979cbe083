"""What is done to the brokers, and what they do by themselves to their clients."""
import os
import signal
import time

from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource

from tests.e2e.mqtt import Client
from tests.rig import wait_until

from .sinklog import READERS


def _signal(server, number):
    os.kill(server.process.pid, number)


def _restart(server, crash):
    server.kill() if crash else server.stop()
    time.sleep(1)  # away for a while: that is the fault
    server.start()


def restarted(side):
    """Kafka is killed (its page cache survives that); Mosquitto ends in good order, since a kill loses what it keeps."""

    def fault(stage):
        end = getattr(stage, side)
        for _ in range(stage.count(2)):
            stage.allow_repeats(side=side)
            _restart(end.broker, crash=end.kind == "kafka")
            stage.under_way(began=time.monotonic())

    return fault


def server_of(stage, side):
    end = getattr(stage, side)
    return stage.brokers.sqs_sim if end.kind == "sqs" else end.broker


def frozen(side):
    """The broker's process stands still: connections stay open, and nobody answers."""

    def fault(stage):
        server = server_of(stage, side)
        for _ in range(stage.count(2)):
            stage.allow_repeats(side=side)
            _signal(server, signal.SIGSTOP)
            try:
                stage.pause(9, 5)
            finally:
                _signal(server, signal.SIGCONT)
            stage.under_way(began=time.monotonic())

    return fault


# --- Kafka

def rebalance(stage):
    """Another member joins the group of the bridge, reads some, commits nothing, and leaves."""
    topic = stage.source
    own = {"bootstrap.servers": topic.address, "group.id": topic.group, "enable.auto.commit": False, "log_level": 0}
    for _ in range(stage.count(3)):
        stage.allow_repeats(2)
        other = Consumer({**own, "session.timeout.ms": 6000, "partition.assignment.strategy": "range"})
        other.subscribe([topic.name])
        wait_until(lambda: other.consume(10, 0.1) and other.assignment(), 60, "partitions for the second member")
        stage.pause(1.5, 0.3)
        began = time.monotonic()
        other.close()
        stage.under_way(began=began)


def kafka_errors(stage):
    """Requests that the broker refuses for now.

    None of produce requests: an idempotent producer takes one that failed for written when the next one succeeds, since a
    broker would have refused that out of sequence. The mock cluster does not look at sequences (too_few_replicas() does it).
    """
    for api, error in (
        ("Produce", "_TRANSPORT"), ("Metadata", "_TRANSPORT"), ("FindCoordinator", "COORDINATOR_NOT_AVAILABLE"),
        ("Fetch", "NOT_LEADER_FOR_PARTITION"), ("OffsetCommit", "COORDINATOR_LOAD_IN_PROGRESS"),
        ("OffsetCommit", "_TRANSPORT"), ("Heartbeat", "_TRANSPORT"),
    ):
        for end in (stage.source, stage.sink):
            if end.kind == "kafka":
                stage.allow_repeats()
                end.broker.tell(f"error {api} {error} {stage.count(4)}")
        stage.under_way()


def too_few_replicas(stage):
    """The topic asks for more replicas than there are: every produce request is refused, and nothing is blamed for it."""
    topic, admin = stage.sink, AdminClient({"bootstrap.servers": stage.sink.address, "log_level": 0})

    def ask_for(replicas):
        setting = ConfigEntry("min.insync.replicas", str(replicas), incremental_operation=AlterConfigOpType.SET)
        topics = [ConfigResource(ConfigResource.Type.TOPIC, topic.name, incremental_configs=[setting])]
        for done in admin.incremental_alter_configs(topics).values():
            done.result(20)

    for _ in range(stage.count(3)):
        ask_for(2)
        stage.pause(3, 1)
        began = time.monotonic()
        ask_for(1)
        stage.under_way(began=began)


# --- MQTT

def session_taken_over(side):
    """Another client connects with the bridge's name, acknowledges nothing, and is thrown out by the bridge's return."""

    def fault(stage):
        end = getattr(stage, side)
        name = end.client_id + ("-out" if side == "sink" else "")
        for _ in range(stage.count(4)):
            stage.pause(0.5, 0.05)
            stage.allow_repeats()
            kept = {"clean": False, "expiry_s": 3600, "manual_ack": True}
            thief = Client(end.broker.port(), client_id=name, reconnect=False, **kept)
            wait_until(lambda thief=thief: thief.disconnects, 30, "the bridge's return")
            thief.close()
            stage.under_way()

    return fault


def session_lost(stage):
    """The broker comes back without its memory.

    What it had acknowledged to the loader is gone with it, so the loader waits until all of that has arrived, and then
    until the bridge has subscribed again.
    """
    broker = stage.source.broker
    for _ in range(stage.count(3)):
        stage.allow_repeats()
        stage.hold_load()
        broker.stop()
        (broker.folder / "mosquitto.db").unlink(missing_ok=True)
        began, before = time.monotonic(), stage.source.subscriptions()
        broker.start()
        wait_until(lambda: stage.source.subscriptions() > before, 60, "the bridge's new subscription")
        stage.resume_load()
        stage.under_way(began=began)
