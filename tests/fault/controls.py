"""The harness against itself: bridges, brokers and links that do wrong, each of which must be found guilty of just that.

    script/fault --controls

And the limits of what is promised: what a broker or a setting loses, and no bridge can help. They are shown the same way.

    script/fault --limits
"""
from dataclasses import dataclass, field

from confluent_kafka import TopicPartition

from tests.e2e.bridge import nogate_binary
from tests.e2e.mqtt import Client, properties
from tests.rig import wait_until

from . import faults, faults_sqs, faults_store
from .records import make_record
from .sinklog import consumer_of, impatient
from .stage import Stage

GIVE_UP_S = 8  # what is lost does not arrive later


@dataclass(frozen=True)
class Control:
    name: str
    verdict: str  # that must be among those that fail
    says: str
    pair: str
    fault: object
    stage: dict = field(default_factory=dict)
    prepare: object = None


def early_acks(stage):
    """The queue answers late, and PUBACKs do not wait for that."""
    faults.kill9(stage)


def forgetful_queue(stage):
    """SQS has accepted a message, and it is gone: somebody else has taken it."""
    thief = impatient(stage.sink)

    def steal():
        answer = thief.receive_message(QueueUrl=stage.sink.url, MaxNumberOfMessages=1)
        for m in answer.get("Messages", []):
            thief.delete_message(QueueUrl=stage.sink.url, ReceiptHandle=m["ReceiptHandle"])
            return True

    wait_until(steal, 30, "a message to steal")


def _move_offsets(stage, by):
    """As if the bridge had committed so many more, or less, of each partition than it has delivered; it has ended."""
    consumer = consumer_of(stage.source, stage.source.group)
    wanted = [TopicPartition(stage.source.name, p.partition) for p in stage.source.partitions]
    committed = consumer.committed(wanted, timeout=20)
    moved = [TopicPartition(p.topic, p.partition, max(p.offset + by, 0)) for p in committed if p.offset >= 0]
    consumer.commit(offsets=moved, asynchronous=False)
    consumer.close()


def _offsets_moved(*steps):
    def fault(stage):
        for by in steps:
            stage.bridge.stop()
            stage.under_load(200)
            _move_offsets(stage, by)
            stage.recover()

    return fault


def stranger(stage):
    """The sink has a record that nobody sent."""
    record = make_record(stage.run, "lane-9", 5, stage.random)
    client = Client(stage.sink.broker.port())
    client.publish(f"{stage.sink.base}/out", record.body, properties(record)).wait_for_publish(10)
    client.close()


def flipped_bits(stage):
    """Nothing protects the bodies of MQTT without TLS."""
    link = stage.links["sink"]
    for _ in range(10):
        flips = link.stats()["flips"]
        link.set(flip=stage.random.randrange(2000, 20_000))
        wait_until(lambda flips=flips: link.stats()["flips"] > flips, 30, "a flipped bit")
        stage.under_way()


def dropped_deletes(stage):
    """SQS never gets to know that a message was delivered; every kill brings back more than the row allows."""
    rule = {"kind": "cut_before", "action": "DeleteMessageBatch", "count": -1}
    stage.brokers.sqs_sim.control("faults", rule)
    stage.under_way(120)
    stage.bridge.kill9()
    stage.brokers.sqs_sim.control("faults/clear")
    stage.recover()


REAL = {"real_kafka": True}

CONTROLS = [
    Control("early-acks", "LOSS", "PUBACK before the sink has confirmed", "mqtt-sqs", early_acks,
            {"slow_ms": 300, "source": {"accept_loss": True}, "program": nogate_binary()}),
    Control("forgetful-queue", "LOSS", "SQS forgets an accepted message", "kafka-sqs", forgetful_queue),
    Control("skipped-offsets", "LOSS", "offsets committed beyond what was delivered", "kafka-mqtt", _offsets_moved(20), REAL),
    Control("no-fsync", "LOSS", "power cuts, and fsync does nothing", "mqtt-kafka", faults_store.power_cuts,
            {"store": "always", "proxied": ("sink",)}, faults_store.on_ext4_without_sync),
    Control("stranger", "PHANTOM", "a record that nobody sent", "sqs-mqtt", stranger),
    Control("flipped-bits", "CORRUPT", "bits that change on the way to the sink", "sqs-mqtt", flipped_bits,
            {"proxied": ("sink",)}),
    Control("dropped-deletes", "DUP", "deletes that SQS never sees", "sqs-mqtt", dropped_deletes),
    Control("rewound-offsets", "DUP", "offsets committed anew from the beginning", "kafka-mqtt", _offsets_moved(-10_000), REAL),
    Control("moved-offsets", "ORDER", "some records skipped, and delivered later", "kafka-mqtt", _offsets_moved(20, -200), REAL),
]


def killed_broker(stage):
    """Mosquitto saves its queues when it ends in good order, and every half hour.

    What it has acknowledged in between, a crash forgets.
    """
    stage.under_load(1500)
    stage.source.broker.kill()
    before = stage.source.subscriptions()
    stage.source.broker.start()
    wait_until(lambda: stage.source.subscriptions() > before, 30, "the bridge's subscription")
    stage.under_way()


LIMITS = [
    Control("qos-0", "LOSS", "a subscription with QoS 0, and a bridge that is killed", "mqtt-sqs", faults.kill9,
            {"slow_ms": 300, "source": {"qos": 0}}),
    Control("killed-broker", "LOSS", "an MQTT broker that is killed with messages in memory", "mqtt-sqs", killed_broker,
            {"slow_ms": 1000}),
    Control("fifo-batch", "ORDER", "a batch with ten of a group (fifo_batch_same_group), some of which SQS refuses", "kafka-fifo",
            faults_sqs.lies("partial"), {"sink": {"fifo_batch_same_group": True}}),
]


def play(control, brokers, folder, seed):
    """The report, which passes when the verifier has found what there is to find."""
    stage = Stage(brokers, folder, control.pair, seed=seed, size=0.5, **control.stage)
    stage.arrival_s = GIVE_UP_S
    stage.outstanding = 10_000  # what is lost is outstanding for good
    if control.prepare:
        control.prepare(stage)
    report = stage.play(control.fault)
    found = control.verdict in report["failed"]
    return {**report, "found": report["failed"], "verdict": "pass" if found else "fail"}
