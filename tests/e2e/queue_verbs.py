"""`sqsbridge queue ...` as a user runs it, with boto3 on the other side of the same queues."""
import itertools
import json
import os
import pty
import select
import subprocess
import time
import urllib.request

import boto3
from botocore.config import Config

from tests.e2e.bridge import REPORTS, binary
from tests.rig import SqsSim, wait_until

REGION = "us-east-1"
OK, USAGE, DATA, NO_INPUT, UNAVAILABLE, PARTLY, NOT_ALLOWED, CONFIG = 0, 64, 65, 66, 69, 75, 77, 78

_numbers = itertools.count(1)


class Done:
    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    def json(self):
        assert self.code == OK, self.err
        assert self.out.count("\n") == 1, "not one line"
        return json.loads(self.out)


class Far:
    """A server that speaks SQS: verbs and boto3 work on it side by side."""

    def __init__(self, endpoint, key_id="any", secret="any", strict=False, account="000000000000"):
        self.endpoint, self.key_id, self.secret, self.strict, self.account = endpoint, key_id, secret, strict, account
        config = Config(retries={"max_attempts": 2}, parameter_validation=False)
        self.boto = boto3.client(
            "sqs", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key_id, aws_secret_access_key=secret,
            config=config,
        )

    def environment(self):
        cleared = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {
            **cleared, "AWS_ACCESS_KEY_ID": self.key_id, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def run(self, *arguments, stdin="", env=None):
        words = [str(a) for a in arguments]
        done = Done(subprocess.run(
            [binary(), "queue", *words], input=stdin, capture_output=True, text=True, timeout=90,
            env={**self.environment(), **(env or {})},
        ))
        assert not REPORTS.search(done.err), done.err
        assert done.code >= 0, f"ended by signal {-done.code}: {done.err}"
        return done

    def json(self, *arguments, **more):
        return self.run(*arguments, "--json", **more).json()

    def refused(self, code, *arguments, **more):
        """Ends with that exit code; returns what it said."""
        done = self.run(*arguments, **more)
        assert done.code == code, (done.code, done.out, done.err)
        return done.err

    def on_terminal(self, *arguments, answer=""):
        """Standard input and error are a terminal. Returns the exit code and what the terminal showed."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [binary(), "queue", *[str(a) for a in arguments]], stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs,
            env=self.environment())
        os.close(theirs)
        if answer:
            os.write(ours, answer.encode() + b"\n")
        shown = read_to_end(ours, 60)
        os.close(ours)
        return process.wait(60), shown

    def calls(self):
        """Of all actions together, at the simulator."""
        with urllib.request.urlopen(f"{self.endpoint}/_sim/stats", timeout=10) as answer:
            return sum(json.load(answer)["calls"].values())

    def name(self, suffix=""):
        return f"verbs-{os.getpid()}-{next(_numbers)}{suffix}"

    def queue(self, suffix="", **attributes):
        """Made by boto3; returns its URL."""
        fifo = {"FifoQueue": "true"} if suffix == ".fifo" else {}
        return self.boto.create_queue(QueueName=self.name(suffix), Attributes={**fifo, **attributes})["QueueUrl"]

    def attributes(self, url):
        return self.boto.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]

    def arn(self, url):
        return self.attributes(url)["QueueArn"]

    def receive(self, url, count=10, **more):
        return self.boto.receive_message(
            QueueUrl=url, MaxNumberOfMessages=count, MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"], **{"WaitTimeSeconds": 1, **more},
        ).get("Messages", [])

    def handles(self, url, count):
        """Sends and receives by boto3, until there are so many."""
        for i in range(count):
            group = {"MessageGroupId": "g", "MessageDeduplicationId": str(i)} if url.endswith(".fifo") else {}
            self.boto.send_message(QueueUrl=url, MessageBody=f"body {i}", **group)
        received = []
        while len(received) < count:
            received += self.receive(url, count=min(10, count - len(received)), VisibilityTimeout=300)
        return [m["ReceiptHandle"] for m in received]


def read_to_end(terminal, timeout_s):
    """The other side's closing is an error of the read."""
    shown, deadline = b"", time.monotonic() + timeout_s
    while select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            return shown.decode()
    raise TimeoutError(f"still running after {timeout_s} s: {shown!r}")


def simulated(sim):
    far = Far(sim.endpoint(), SqsSim.KEY_ID, SqsSim.SECRET, strict=True, account="123456789012")
    far.sim = sim
    return far


def counts(far, url):
    found = far.attributes(url)
    return tuple(int(found["ApproximateNumberOfMessages" + kind]) for kind in ("", "NotVisible"))


def received(far, url, count):
    messages = {}

    def all_there():
        messages.update({m["MessageId"]: m for m in far.receive(url, VisibilityTimeout=300)})
        return len(messages) >= count

    wait_until(all_there, 30, f"{count} messages")
    return list(messages.values())


def with_dead_letters(far, count):
    """A queue whose messages were received once too often; returns its URL and that of its dead letters."""
    dead = far.queue()
    policy = json.dumps({"deadLetterTargetArn": far.arn(dead), "maxReceiveCount": 1})
    url = far.queue(RedrivePolicy=policy, VisibilityTimeout="0")
    for i in range(count):
        far.boto.send_message(QueueUrl=url, MessageBody=str(i))

    def all_dead():
        far.receive(url, WaitTimeSeconds=0)
        return counts(far, dead)[0] == count

    wait_until(all_dead, 30, "dead letters")
    return url, dead
