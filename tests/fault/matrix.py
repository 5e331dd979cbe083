"""The rows of the matrix. A row is played with each of its pairs; tests/fault/README.md says what they stand for."""
from dataclasses import dataclass, field

from . import (
    faults, faults_brokers, faults_credentials, faults_memory, faults_network, faults_poison, faults_sqs, faults_store, faults_system
)
from .stage import ALL_PAIRS, FIFO_PAIRS, PAIRS, Stage

FROM_SQS = ("sqs-kafka", "sqs-mqtt")
TO_SQS = ("kafka-sqs", "mqtt-sqs")
FROM_KAFKA = ("kafka-sqs", "kafka-mqtt")
FROM_MQTT = ("mqtt-kafka", "mqtt-sqs")
WITH_SQS = (*FROM_SQS, *TO_SQS)
FROM_FIFO = ("fifo-kafka", "fifo-mqtt")
WITH_KAFKA = ("sqs-kafka", "kafka-sqs", "mqtt-kafka", "kafka-mqtt")
TO_KAFKA = ("sqs-kafka", "mqtt-kafka")
TO_MQTT = ("kafka-mqtt", "sqs-mqtt")
NOT_FROM_SQS = (*FROM_KAFKA, *FROM_MQTT)
NOT_TO_SQS = ("sqs-kafka", "mqtt-kafka", "kafka-mqtt", "sqs-mqtt")
SIDES = ("source", "sink")
BUSY_MS = 40
BOTH, STORED = ("off", "always"), ("always",)
OVERFLOW = ("overflow",)
WITH_STORE = ("refused", "half-open", "answers-lost", "cut-rst")  # of the sink's link
WITH_FIFO = ("rst", "cut-rst", "answers-lost")
LIES_WITH_FIFO = ("throttled", "partial", "unanswered", "garbage", "cut-before", "cut-after")
WITH_OVERFLOW = ("refused", "half-open")
LINK_PREPARATIONS = {"dns": faults_network.by_own_names, "lossy": faults_network.with_packet_loss}


@dataclass(frozen=True)
class Row:
    name: str
    says: str
    fault: object
    pairs: tuple = PAIRS
    stage: dict = field(default_factory=dict)  # more for the Stage
    prepare: object = None  # called with the stage before anything runs
    stores: tuple = ("off",)


def busy(name, says, fault, stores=BOTH):
    """With a sink that is slow enough for the window to be in use at any time."""
    return Row(name, says, fault, ALL_PAIRS, stage={"slow_ms": BUSY_MS}, stores=stores)


def link_rows():
    for name, says, fault in (
        ("rst", "all connections to the {} reset", faults.resets),
        ("fin", "all connections to the {} closed", faults.closings),
        ("cut-rst", "connections to the {} reset in the middle of a frame", faults.cut_by_rst),
        ("cut-fin", "connections to the {} closed in the middle of a frame", faults.cut_by_fin),
        ("refused", "the {} refuses connections for 0.5, 3 and 8 s", faults.refused),
        ("half-open", "every byte to and from the {} vanishes, nobody says so", faults.half_open),
        ("answers-lost", "the {} executes requests, its answers are lost", faults.answers_lost),
        ("requests-lost", "what goes to the {} is lost, acknowledgements too", faults.requests_lost),
        ("slow", "150-450 ms on the way to the {}, each way", faults.slow_link),
        ("narrow", "64 kbit/s to the {}", faults.narrow_link),
        ("bytes", "single bytes to and from the {}", faults.single_bytes),
        ("dns", "the name of the {} is unknown, slow, has another address", faults_network.names_change),
        ("lossy", "30 % of the packets to and from the {} are lost", faults_network.lossy),
    ):
        for side in SIDES:
            stores = BOTH if side == "sink" and name in WITH_STORE else ("off",)
            stores += OVERFLOW if side == "sink" and name in WITH_OVERFLOW else ()
            pairs = ALL_PAIRS if name in WITH_FIFO else PAIRS
            stage = {"proxied": (side,), "by_name": name == "dns"}
            done = faults.on_side(side, fault)
            yield Row(f"{name}-{side}", says.format(side), done, pairs, stage, LINK_PREPARATIONS.get(name), stores)


def broker_rows():
    for side in SIDES:
        yield Row(
            f"restart-{side}", f"the {side}'s broker restarts (Kafka: kill -9)", faults_brokers.restarted(side),
            pairs=NOT_FROM_SQS if side == "source" else NOT_TO_SQS, stage={"real_kafka": True},
            stores=("off", *(OVERFLOW if side == "sink" else ())),
        )
        yield Row(f"frozen-{side}", f"the {side}'s broker stands still for 5-9 s", faults_brokers.frozen(side), ALL_PAIRS)
    yield Row("rebalance", "another consumer joins and leaves the group", faults_brokers.rebalance,
              (*FROM_KAFKA, "kafka-fifo"), stage={"real_kafka": True})
    yield Row("kafka-errors", "requests that Kafka refuses for now", faults_brokers.kafka_errors, WITH_KAFKA)
    yield Row("too-few-replicas", "Kafka has fewer replicas than the topic asks for, for a while", faults_brokers.too_few_replicas,
              TO_KAFKA, stage={"real_kafka": True})
    for side, says, pairs in (
        ("source", "another MQTT client takes the source's session", FROM_MQTT),
        ("sink", "another MQTT client takes the sink's name", TO_MQTT),
    ):
        yield Row(f"takeover-{side}", says, faults_brokers.session_taken_over(side), pairs)
    yield Row("session-lost", "the MQTT broker forgets its sessions", faults_brokers.session_lost, FROM_MQTT)


def sqs_rows():
    for name in faults_sqs.LIES:
        pairs = (*WITH_SQS, *(FIFO_PAIRS if name in LIES_WITH_FIFO else ()))
        yield Row(f"sqs-{name}", f"SQS answers: {name}", faults_sqs.lies(name), pairs)
    yield Row("sqs-duplicates", "the queue delivers three of ten twice, and in any order", faults_sqs.twice, FROM_SQS, stores=BOTH)
    for name, says, more in (
        ("sqs-undeleted", "deletes that are none; the messages come again within 10 s", (5, False)),
        ("sqs-undeleted-late", "deletes that are none; the messages come again after 10 s", (15, True)),
    ):
        prepare, fault = faults_sqs.undeleted(*more)
        yield Row(name, says, fault, FROM_SQS, prepare=prepare)
    for name, says, fault in (
        ("slow-sink-visibility", "each message takes longer than its visibility timeout", faults_sqs.kept),
        ("heartbeats-refused", "that, and no heartbeat gets through for a while", faults_sqs.not_kept),
    ):
        yield Row(name, says, fault, (*FROM_SQS, *FROM_FIFO), stage={"slow_ms": 1000}, prepare=faults_sqs.with_short_visibility)
    for name in faults_credentials.SERVICES:
        yield Row(f"credentials-{name}", f"keys of seconds from {name}, which is away at times; SQS refuses some",
                  faults_credentials.keys_end, WITH_SQS, prepare=faults_credentials.with_keys_of(name))


def poison_rows():
    for name, says, fault, receives in (
        ("poison", "messages that the sink will never take", faults_poison.poison, faults_poison.RECEIVES),
        ("poison-kill9", "messages that the sink will never take, and kill -9", faults_poison.poison_and_kill9,
         faults_poison.RECEIVES_WITH_KILLS),
    ):
        yield Row(name, says, fault, ALL_PAIRS, prepare=faults_poison.with_letters(receives))


def system_rows():
    yield Row("clock", "the clock jumps by seconds, an hour, a day, both ways", faults_system.clock_jumps,
              prepare=faults_system.with_faketime)
    yield Row("no-memory", "one allocation in 20,000 fails", faults_system.ends_by_itself,
              prepare=faults_system.with_failing("libc/mm/*", 0.00005))
    yield Row("oom-kill", "the kernel kills it by a memory limit, ten times as much waits", faults_memory.oom_kill,
              prepare=faults_memory.in_cgroup, stage=faults_memory.UNBOUNDED)
    yield Row("memory-bounded", "that load, max_in_flight_bytes, and a limit that it never reaches",
              faults_memory.memory_bounded, prepare=faults_memory.in_cgroup, stage=faults_memory.BOUNDED, stores=BOTH)
    yield Row("io-errors", "one call in 300 to a socket or a file fails", faults_system.complains,
              prepare=faults_system.with_failing("posix/io/*", 0.003))


def store_rows():
    away = {"proxied": ("sink",)}
    yield Row("power-cut", "power cuts while only the disk has the messages", faults_store.power_cuts,
              prepare=faults_store.on_ext4, stage=away, stores=STORED + OVERFLOW)
    yield Row("disk-full", "the disk fills up while the sink is away", faults_store.disk_full,
              prepare=faults_store.on_small_disk, stage=away, stores=STORED)
    yield Row("store-full", "the store is full, the source waits", faults_store.store_full,
              prepare=faults_store.with_small_store, stage=away, stores=STORED + OVERFLOW)
    yield Row("store-damaged", "kill -9, and the store's file or log is damaged: what is still whole arrives",
              faults_store.damaged, prepare=faults_store.with_many_stored, stage=away, stores=STORED)
    yield Row("sync-errors", "three fsyncs in a hundred fail with EIO", faults_system.ends_by_itself,
              prepare=faults_store.with_failing_disk, stores=STORED)


ROWS = [
    busy("steady", "normal running", faults.nothing),
    busy("kill9", "kill -9 under load, and a restart", faults.kill9, BOTH + OVERFLOW),
    busy("kill9-quick", "kill -9 at any time, also while it starts", faults.kill9_quickly),
    busy("sigterm", "a clean stop under load, and a restart", faults.sigterm, BOTH + OVERFLOW),
    busy("reload", "SIGHUP under load: nothing changed, a setting changed, a bad configuration", faults.reload),
    busy("sigstop", "the bridge stands still for 5-7 s", faults.sigstop),
    *link_rows(), *broker_rows(), *sqs_rows(), *poison_rows(), *system_rows(), *store_rows(),
]

# What script/test runs: no Java, one pair or two of each, a part of the size.
SHORT = [
    ("kill9", "mqtt-sqs", "off", 0.5), ("kill9", "sqs-kafka", "off", 0.5), ("kill9", "kafka-mqtt", "always", 0.3),
    ("kill9", "sqs-mqtt", "always", 0.5), ("sigterm", "sqs-mqtt", "off", 0.5), ("sigterm", "mqtt-kafka", "always", 0.5),
    ("reload", "mqtt-sqs", "off", 0.25),
    ("half-open-sink", "sqs-mqtt", "off", 0.5), ("answers-lost-sink", "mqtt-sqs", "off", 0.5),
    ("cut-rst-source", "mqtt-sqs", "off", 0.4), ("cut-rst-sink", "sqs-mqtt", "off", 0.4),
    ("sqs-partial", "mqtt-sqs", "off", 0.4), ("sqs-cut-after", "sqs-kafka", "off", 0.4),
    ("takeover-source", "mqtt-sqs", "off", 0.5), ("store-full", "mqtt-sqs", "always", 0.4),
    ("answers-lost-sink", "kafka-fifo", "off", 0.4),
    ("poison", "fifo-mqtt", "off", 0.3),
]


def row_of(name):
    return next((row for row in ROWS if row.name == name), None)


def play(row, pair, store, brokers, folder, seed, size=1.0):
    """One row with one pair: the report."""
    stage = Stage(brokers, folder, pair, seed=seed, size=size, store=store, **row.stage)
    if row.prepare:
        row.prepare(stage)
    return stage.play(row.fault)
