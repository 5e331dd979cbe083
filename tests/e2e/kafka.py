"""confluent-kafka as a witness: produces numbered messages, and consumes what is produced."""
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from .headers import from_headers, to_headers
from .messages import Message
from .sqs import distinct


def create_topic(address, name, partitions):
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(20)


class KafkaTopic:
    """Lanes are keys. The group of a bridge that reads it is named like the topic.

    A member that was killed, and on the mock one that left, is waited for until its session ends.
    """

    kind = "kafka"

    def __init__(self, broker, name, partitions=1):
        self.broker, self.address = broker, broker.address()
        self.name = self.group = name
        self.partitions = [TopicPartition(name, i, OFFSET_BEGINNING) for i in range(partitions)]
        self.arrived = []
        self.consumer = None

    def as_source(self, **more):
        own = {"bootstrap_servers": self.address, "topics": [self.name], "group_id": self.group}
        quick = {"session_timeout": "3s", "properties": ["heartbeat.interval.ms=500"]}
        return {"type": "kafka", **own, **quick, **more}

    def as_sink(self, **more):
        return {"type": "kafka", "bootstrap_servers": self.address, "topic": self.name, **more}

    def wait_source_ready(self):
        """A topic keeps what is produced before anybody reads."""

    def listen(self):
        """Nothing to do: see wait_source_ready."""

    def send(self, messages):
        producer = Producer({"bootstrap.servers": self.address, "enable.idempotence": True, "linger.ms": 5})
        failed = []

        def delivered(error, _message):
            if error:
                failed.append(error)

        for m in messages:
            headers = to_headers(m.attributes)
            producer.produce(self.name, m.body, key=m.lane, headers=headers, on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(60) == 0 and not failed, failed[:3]

    def _consumer(self, group):
        return Consumer({"bootstrap.servers": self.address, "group.id": group, "enable.auto.commit": False})

    def _poll(self):
        if self.consumer is None:
            self.consumer = self._consumer("witness")
            self.consumer.assign(self.partitions)
        for m in self.consumer.consume(500, 0.2):
            if not m.error():
                self.arrived.append(Message(m.value(), from_headers(m.headers() or [])))

    def wait(self, count, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        while distinct(self.arrived) < count and time.monotonic() < deadline:
            self._poll()

    def rest(self):
        """Reads up to the present end of each partition."""
        deadline = time.monotonic() + 30
        while len(self.arrived) < self.high_watermark() and time.monotonic() < deadline:
            self._poll()
        return self.arrived

    def high_watermark(self):
        """Messages in the topic: the test's topics start at 0 and hold no transaction marks."""
        self.consumer or self._poll()
        return sum(self.consumer.get_watermark_offsets(p, timeout=10)[1] for p in self.partitions)

    def assert_drained(self):
        consumer = self._consumer(self.group)
        committed = consumer.committed([TopicPartition(self.name, p.partition) for p in self.partitions], timeout=10)
        high = {p.partition: consumer.get_watermark_offsets(p, timeout=10)[1] for p in self.partitions}
        consumer.close()
        lag = {p.partition: high[p.partition] - max(p.offset, 0) for p in committed}
        assert not any(lag.values()), f"lag by partition: {lag}"

    def close(self):
        if self.consumer:
            self.consumer.close()
