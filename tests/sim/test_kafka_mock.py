"""The host of librdkafka's mock cluster, seen by confluent-kafka. KAFKA_MOCK names the binary."""
import os
import subprocess
import time

import pytest
from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient


class Mock:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [os.environ["KAFKA_MOCK"], "--exit-with-parent", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        self.address = self.process.stdout.readline().split()[1]

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def settings(self, **more):
        return {"bootstrap.servers": self.address, **{name.replace("_", "."): value for name, value in more.items()}}

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


@pytest.fixture
def mock():
    m = Mock("--topic", "t:4", "--brokers", "2")
    yield m
    m.close()


def produce(mock, topic, count, **settings):
    """The error codes of the delivery reports; None where the message was delivered."""
    reports = []
    producer = Producer(mock.settings(**settings))
    for i in range(count):
        producer.produce(topic, str(i).encode(), on_delivery=lambda error, _: reports.append(error and error.code()))
    assert producer.flush(20) == 0
    return reports


def test_messages_come_back(mock):
    assert produce(mock, "t", 100) == [None] * 100
    consumer = Consumer(mock.settings(group_id="g", auto_offset_reset="earliest"))
    consumer.subscribe(["t"])
    seen, deadline = set(), time.monotonic() + 30
    while len(seen) < 100 and time.monotonic() < deadline:
        message = consumer.poll(1)
        if message and not message.error():
            seen.add(int(message.value()))
    consumer.close()
    assert seen == set(range(100))


def test_topics_are_made_on_command(mock):
    assert mock.tell("topic more 7") == "ok"
    topics = AdminClient(mock.settings()).list_topics(timeout=10).topics
    assert (len(topics["t"].partitions), len(topics["more"].partitions)) == (4, 7)


def test_errors_on_command(mock):
    assert mock.tell("error Produce TOPIC_AUTHORIZATION_FAILED 1") == "ok"
    assert produce(mock, "t", 1) == [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    assert mock.tell("error 0 NOT_ENOUGH_REPLICAS 2") == "ok"
    assert produce(mock, "t", 1) == [None]


def test_down_and_up(mock):
    assert mock.tell("down") == "ok"
    assert produce(mock, "t", 1, message_timeout_ms=1000) == [KafkaError._MSG_TIMED_OUT]
    assert mock.tell("up") == "ok"
    assert produce(mock, "t", 1) == [None]


def test_bad_commands(mock):
    assert mock.tell("nonsense") == "error no such command"
    assert mock.tell("error Produce NONSENSE 1") == "error no such error"
    assert mock.tell("error Nonsense _TRANSPORT 1") == "error no such API"
    assert mock.tell("topic t") == "error expected: topic NAME PARTITIONS"
    assert mock.tell("rtt 1") == "ok"


def test_a_signal_ends_it(mock):
    other = Mock()
    other.process.terminate()
    other.close()
