"""Readers: write down what the sink really holds while the bridge works, and what the source still holds afterwards.

Each has a group, a session or receipts of its own, goes directly to the broker, and survives the broker's restarts.
"""
import base64
import threading
import time

import paho.mqtt.client as paho
from confluent_kafka import Consumer, TopicPartition
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.e2e.headers import from_headers
from tests.e2e.mqtt import MARK, Client
from tests.e2e.sqs import from_sqs, impatient
from tests.rig import wait_until

from .journal import Journal
from .records import attributes_as_json, identify

SQS_THREADS = 3


def consumer_of(topic, group):
    own = {"bootstrap.servers": topic.address, "group.id": group, "enable.auto.commit": False}
    return Consumer({**own, "auto.offset.reset": "earliest", "reconnect.backoff.max.ms": 500, "log_level": 0})


def line_of(body, attributes, **more):
    return {"body": base64.b64encode(body).decode(), "attributes": attributes_as_json(attributes), **more}


class Reader:
    """seen: (lane, seq) of what has arrived, for those who wait; the verdict comes from the journal alone."""

    def __init__(self, end, journal_path):
        self.end = end
        self.journal = Journal(journal_path)
        self.seen = set()
        self.lines = 0

    def take(self, lines):
        self.journal.write(lines)
        for line in lines:
            who = identify(base64.b64decode(line["body"]))
            if who:
                self.seen.add(who[1:])
        self.lines += len(lines)

    def close(self):
        self.journal.close()


class ThreadedReader(Reader):
    """step() takes what is there, waiting a little; an exception of a broker that is away is a pause."""

    threads = 1

    def start(self):
        self.stopping = threading.Event()
        self.running = [threading.Thread(target=self._run, daemon=True) for _ in range(self.threads)]
        for thread in self.running:
            thread.start()
        return self

    def _run(self):
        while not self.stopping.is_set():
            try:
                self.step()
            except Exception as e:  # of two client libraries, and it is no verdict: what arrives, arrives later
                self.last_failure = e
                self.stopping.wait(0.2)

    def join(self):
        self.stopping.set()
        for thread in self.running:
            thread.join(30)


class SqsReader(ThreadedReader):
    threads = SQS_THREADS

    def __init__(self, queue, journal_path):
        super().__init__(queue, journal_path)
        self.client = impatient(queue)

    def step(self, wait_s=1):
        answer = self.client.receive_message(
            QueueUrl=self.end.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s, MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        arrived = [(m["MessageId"], from_sqs(m)) for m in messages]
        self.take([line_of(m.body, m.attributes, name=name) for name, m in arrived])
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        if entries:
            self.client.delete_message_batch(QueueUrl=self.end.url, Entries=entries)
        return len(messages)

    def finish(self):
        """Takes all that is left now that nobody sends any more."""
        self.join()
        wait_until(lambda: not self.step(0) and self.end.depth() == 0, 60, "an empty queue")
        self.close()


class KafkaReader(ThreadedReader):
    def __init__(self, topic, journal_path):
        super().__init__(topic, journal_path)
        self.consumer = consumer_of(topic, "sinklog")
        self.consumer.assign(topic.partitions)
        self.next = {p.partition: 0 for p in topic.partitions}

    def step(self):
        records = [m for m in self.consumer.consume(500, 0.1) if not m.error()]
        self.take([
            line_of(m.value(), from_headers(m.headers() or []), name=f"{m.partition()}:{m.offset()}") for m in records
        ])
        for m in records:
            self.next[m.partition()] = m.offset() + 1

    def _at_end(self):
        self.step()
        high = {p.partition: self.consumer.get_watermark_offsets(p, timeout=10)[1] for p in self.end.partitions}
        return all(self.next[partition] >= offset for partition, offset in high.items())

    def finish(self):
        self.join()
        wait_until(self._at_end, 60, "the end of the topic")
        self.consumer.close()
        self.close()


class MqttReader(Reader):
    """A persistent session: the broker keeps for it what is published while the connection is down."""

    def start(self):
        self.marked = threading.Event()
        client_id = f"sinklog-{self.end.base}"
        self.paho = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5)
        self.paho.on_message, self.paho.on_connect = self._on_message, self._on_connect
        subscribed = threading.Event()
        self.paho.on_subscribe = lambda *_: subscribed.set()
        self.paho.reconnect_delay_set(0.1, 1)
        expiry = Properties(PacketTypes.CONNECT)
        expiry.SessionExpiryInterval = 3600
        expiry.ReceiveMaximum = 1000
        self.paho.connect("127.0.0.1", self.end.broker.port(), clean_start=False, properties=expiry)
        self.paho.loop_start()
        assert subscribed.wait(10), "no SUBACK"
        return self

    def _on_connect(self, *_):
        self.paho.subscribe(f"{self.end.base}/#", options=SubscribeOptions(qos=1))

    def _on_message(self, _client, _userdata, m):
        if m.payload == MARK:
            self.marked.set()
            return
        pairs = getattr(m.properties, "UserProperty", [])
        attributes = from_headers([(k, v.encode()) for k, v in pairs])
        self.take([line_of(m.payload, attributes, redelivered=bool(m.dup))])

    def finish(self):
        """What was published before the mark has arrived when the mark has."""
        publisher = Client(self.end.broker.port())
        publisher.publish(f"{self.end.base}/mark", MARK).wait_for_publish(10)
        publisher.close()
        assert self.marked.wait(60), "the broker does not deliver to the sink's reader"
        self.paho.disconnect()
        self.paho.loop_stop()
        self.close()


READERS = {"sqs": SqsReader, "kafka": KafkaReader, "mqtt": MqttReader}


def held_in_queue(queue):
    """Takes all of it, what was in flight included, once it becomes visible. A group shows its next when one is deleted."""
    client, held = impatient(queue), []

    def take():
        answer = client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        messages = answer.get("Messages", [])
        held.extend(from_sqs(m) for m in messages)
        for m in messages:
            client.delete_message(QueueUrl=queue.url, ReceiptHandle=m["ReceiptHandle"])
        return messages

    def all_taken():
        while take():
            pass
        return queue.depth() == 0

    if queue.depth():
        wait_until(all_taken, 60, "messages left in the queue")
    return held


def held_in_topic(topic):
    """What the bridge's group has not committed."""
    consumer, held = consumer_of(topic, topic.group), []
    try:
        wanted = [TopicPartition(topic.name, p.partition) for p in topic.partitions]
        committed = {p.partition: max(p.offset, 0) for p in consumer.committed(wanted, timeout=20)}
        high = {p.partition: consumer.get_watermark_offsets(p, timeout=20)[1] for p in topic.partitions}
        behind = {n: offset for n, offset in committed.items() if offset < high[n]}
        consumer.assign([TopicPartition(topic.name, n, offset) for n, offset in behind.items()])
        deadline = time.monotonic() + 60
        while any(committed[n] < high[n] for n in behind) and time.monotonic() < deadline:
            for m in consumer.consume(500, 0.2):
                if not m.error():
                    committed[m.partition()] = m.offset() + 1
                    held.append(m)
    finally:
        consumer.close()
    return [_Held(m.value(), from_headers(m.headers() or [])) for m in held]


class _Held:
    def __init__(self, body, attributes):
        self.body, self.attributes = body, attributes


def held_in_session(topic):
    """What waits in the bridge's session: its heir gets that first, then the mark."""
    held, mark = [], threading.Event()

    def on_message(_client, _userdata, m):
        pairs = getattr(m.properties, "UserProperty", [])
        attributes = from_headers([(k, v.encode()) for k, v in pairs])
        mark.set() if m.payload == MARK else held.append(_Held(m.payload, attributes))

    heir = Client(topic.broker.port(), client_id=topic.client_id, clean=False, on_message=on_message)
    heir.publish(f"{topic.base}/mark", MARK)
    assert mark.wait(60), "the session of the bridge has no subscription"
    heir.close()
    return held


HELD = {"sqs": held_in_queue, "kafka": held_in_topic, "mqtt": held_in_session}


def write_held(end, path):
    """source.jsonl: what the source still holds; the bridge has ended."""
    journal = Journal(path)
    journal.write([line_of(m.body, m.attributes) for m in HELD[end.kind](end)])
    journal.close()
