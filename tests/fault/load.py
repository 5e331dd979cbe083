"""The loader: sends records to the source's broker, and writes down what it tried and what the broker acknowledged.

An "attempted" line is written before a record is sent, an "acked" line after the broker's answer. A record without an
answer is never sent again, so that the loader itself repeats nothing: it may arrive or not, both are right.
"""
import itertools
import threading
import time

from confluent_kafka import Producer

from tests.e2e.headers import to_headers
from tests.e2e.mqtt import Client, properties
from tests.e2e.sqs import impatient, to_attribute

from .journal import Journal
from .records import records

ANSWER_S = 20
SURE = {"enable.idempotence": True, "linger.ms": 2}
PAUSE_S = 0.02


class SqsSender:
    batch = 10

    def __init__(self, queue):
        self.queue = queue
        self.client = impatient(queue)

    def send(self, batch, acked):
        entries = [self._entry(i, r) for i, r in enumerate(batch)]
        answer = self.client.send_message_batch(QueueUrl=self.queue.url, Entries=entries)
        acked([batch[int(done["Id"])] for done in answer.get("Successful", [])])

    def _entry(self, i, record):
        fifo = {"MessageGroupId": record.lane, "MessageDeduplicationId": f"{record.lane}-{record.seq}"}
        attributes = {name: to_attribute(*typed) for name, typed in record.attributes.items()}
        own = {"Id": str(i), "MessageBody": record.body.decode(), "MessageAttributes": attributes}
        return {**own, **(fifo if self.queue.fifo else {})}

    def close(self):
        pass


class KafkaSender:
    """The producer is idempotent: what it sends again by itself is not there twice."""

    batch = 50

    def __init__(self, topic):
        self.topic = topic
        self.producer = Producer({"bootstrap.servers": topic.address, "log_level": 0, **SURE})

    def send(self, batch, acked):
        def report(record):
            return lambda error, _message: None if error else acked([record])

        for r in batch:
            headers = to_headers(r.attributes)
            self.producer.produce(self.topic.name, r.body, key=r.lane, headers=headers, on_delivery=report(r))
        self.producer.flush(ANSWER_S)

    def close(self):
        self.producer.flush(ANSWER_S)
        self.producer = None  # its threads end with it


class MqttSender:
    """A connection that breaks is replaced by a new one: a client that resumes would send again what the broker has."""

    batch = 20

    def __init__(self, topic):
        self.topic = topic
        self.client = None

    def send(self, batch, acked):
        self.client = self.client or Client(self.topic.broker.port(), reconnect=False)
        try:
            waiting = [(r, self.client.publish(f"{self.topic.base}/{r.lane}", r.body, properties(r))) for r in batch]
            for record, info in waiting:
                self._wait(info)
                acked([record])
        except (RuntimeError, ValueError, OSError):
            self.close()
            raise

    def _wait(self, info):
        deadline = time.monotonic() + ANSWER_S
        while not info.is_published():
            if self.client.disconnects or time.monotonic() > deadline:
                raise OSError("no PUBACK")
            info.wait_for_publish(0.2)

    def close(self):
        if self.client:
            self.client.close()
        self.client = None


SENDERS = {"sqs": SqsSender, "kafka": KafkaSender, "mqtt": MqttSender}


class Loader(threading.Thread):
    """Sends until stop(), as fast as `rate` (messages a second) and `room` (a function: how many more just now) allow."""

    def __init__(self, end, journal_path, run, room, rate=800, lanes=4, seed=0, body_bytes=None):
        super().__init__(daemon=True)
        self.journal = Journal(journal_path)
        self.journal.write([{"op": "run", "run": run}])
        self.sender = SENDERS[end.kind](end)
        self.records = records(run, lanes, seed, body_bytes)
        self.room, self.rate = room, rate
        self.attempted, self.acked = set(), set()
        self.failures = 0
        self.stopping, self.going = threading.Event(), threading.Lock()
        self.broken = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self._turn()
            self.sender.close()
        except Exception as e:
            self.broken = e
            raise

    def _turn(self):
        """One batch, or a wait for room."""
        room = min(self.room(), self.sender.batch)
        if room < min(self.sender.batch, 10):
            self.stopping.wait(PAUSE_S)
            return
        began = time.monotonic()
        batch = list(itertools.islice(self.records, room))
        with self.going:
            self._attempt(batch)
        self.stopping.wait(max(0, began + len(batch) / self.rate - time.monotonic()))

    def hold(self):
        """When it returns, every batch has its answer, and no other begins before resume()."""
        self.going.acquire()

    def resume(self):
        self.going.release()

    def _attempt(self, batch):
        self.journal.write([{"op": "attempted", "lane": r.lane, "seq": r.seq} for r in batch])
        self.attempted.update((r.lane, r.seq) for r in batch)
        try:
            self.sender.send(batch, self._acked)
        except Exception as e:  # of three client libraries: whatever it is, the records have no answer
            self.failures += 1
            self.journal.write([{"op": "failed", "why": f"{type(e).__name__}: {e}"[:300]}])
            self.stopping.wait(0.2)

    def _acked(self, batch):
        self.journal.write([{"op": "acked", "lane": r.lane, "seq": r.seq} for r in batch])
        self.acked.update((r.lane, r.seq) for r in batch)

    def stop(self):
        """When it returns, the last answer is in the journal."""
        self.stopping.set()
        self.join(60)
        if self.broken:
            raise self.broken
        self.journal.close()
