"""boto3 as a witness: sends numbered messages to a queue, and takes what arrives in one."""
import base64
import itertools
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

from tests.rig import wait_until

from .messages import BINARY, Message

REGION = "us-east-1"
ENCODING = "sqsbridge.encoding"  # the body is base64: SQS carries no binary bodies
THREADS = 4


def client(endpoint, key_id, secret):
    return boto3.client(
        "sqs", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key_id, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 8}, max_pool_connections=THREADS),
    )


def impatient(queue):
    """A client of this queue that asks once and waits ten seconds: whoever uses it deals with failures."""
    return boto3.client(
        "sqs", endpoint_url=queue.client.meta.endpoint_url, region_name=REGION,
        aws_access_key_id=queue.key_id, aws_secret_access_key=queue.secret,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=10, max_pool_connections=THREADS),
    )


class SqsQueue:
    kind = "sqs"

    def __init__(self, endpoint, key_id, secret, name, attributes=None):
        self.key_id, self.secret = key_id, secret
        self.fifo = name.endswith(".fifo")
        self.client = client(endpoint, key_id, secret)
        attributes = {**({"FifoQueue": "true"} if self.fifo else {}), **(attributes or {})}
        self.url = self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arrived = []

    def settings(self, **more):
        keys = {"access_key_id": self.key_id, "secret_access_key": self.secret}
        return {"type": "sqs", "queue_url": self.url, "region": REGION, **keys, **more}

    def as_source(self, **more):
        return self.settings(**more)

    def as_sink(self, **more):
        group = {"message_group_id": "${attr:lane}"} if self.fifo else {}
        return self.settings(**{**group, **more})

    def wait_source_ready(self):
        """A queue keeps what is sent before anybody asks."""

    def listen(self):
        """Nothing to do: see wait_source_ready."""

    def send(self, messages):
        batches = list(chunks(messages, 10))
        if self.fifo:
            for batch in batches:
                self._send_batch(batch)
        else:
            with ThreadPoolExecutor(THREADS) as pool:
                list(pool.map(self._send_batch, batches))

    def _send_batch(self, messages):
        entries = [self._entry(i, m) for i, m in enumerate(messages)]
        answer = self.client.send_message_batch(QueueUrl=self.url, Entries=entries)
        assert not answer.get("Failed"), answer["Failed"]

    def _entry(self, i, m):
        fifo = {"MessageGroupId": m.lane, "MessageDeduplicationId": str(m.number)} if self.fifo else {}
        attributes = {name: to_attribute(*typed) for name, typed in m.attributes.items()}
        return {"Id": str(i), "MessageBody": m.body.decode(), "MessageAttributes": attributes, **fifo}

    def wait(self, count, timeout_s=60):
        """Until so many different messages have arrived, or time is up: the verdict is not given here."""
        try:
            wait_until(lambda: self._receive() or distinct(self.arrived) >= count, timeout_s, "messages in the queue")
        except TimeoutError:
            pass

    def _receive(self, wait_s=1):
        """Takes a round of batches; a false value, so that it goes well with `or`."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda _: self._receive_batch(wait_s), range(THREADS)))

    def _receive_batch(self, wait_s):
        answer = self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s, MessageAttributeNames=["All"]
        )
        messages = answer.get("Messages", [])
        self.arrived += [from_sqs(m) for m in messages]
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        if entries:
            self.client.delete_message_batch(QueueUrl=self.url, Entries=entries)
        return len(messages)

    def rest(self):
        """Takes all that is left, after the bridge has ended; returns everything that arrived."""
        while self._receive_batch(0):
            pass
        return self.arrived

    def depth(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)
        return sum(int(answer["Attributes"][name]) for name in names)

    def hidden(self):
        """Received and not deleted."""
        name = "ApproximateNumberOfMessagesNotVisible"
        return int(self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])["Attributes"][name])

    def assert_drained(self):
        assert self.depth() == 0, f"{self.depth()} messages are left in {self.url}"


def to_attribute(kind, value):
    return {"DataType": kind, **({"BinaryValue": value} if kind == BINARY else {"StringValue": value.decode()})}


def from_attribute(attribute):
    kind = attribute["DataType"]
    return kind, attribute["BinaryValue"] if kind.startswith(BINARY) else attribute["StringValue"].encode()


def from_sqs(message):
    attributes = {name: from_attribute(a) for name, a in message.get("MessageAttributes", {}).items()}
    body = message["Body"].encode()
    if attributes.pop(ENCODING, None):
        body = base64.b64decode(body)
    return Message(body, attributes)


def chunks(items, size):
    items = iter(items)
    return iter(lambda: list(itertools.islice(items, size)), [])


def distinct(arrived):
    return len({m.number for m in arrived})
