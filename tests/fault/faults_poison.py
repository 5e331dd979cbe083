"""Messages that the sink will never take, among those of the loader: each must leave one letter, and block nobody.

From SQS they go back (on_reject = "release") until the redrive policy of their queue puts them away; from elsewhere they go to a
dead-letter queue. Either queue is read here, without the bridge.
"""
from tests.e2e.sqs import from_sqs, impatient

from .load import SENDERS
from .records import STRING, Record, identify

RUN = "poison"  # at the sink it would be a PHANTOM
FIRST = 1_000_000  # no number of the loader's
RECEIVES, RECEIVES_WITH_KILLS = 3, 8
LIMIT = 1 << 16
REFUSES = {
    "sqs": {"max_message_bytes": "64KiB"},
    "kafka": {"properties": [f"message.max.bytes={LIMIT}"], "batch_size": LIMIT // 2},
    "mqtt": {},  # an attribute that is too long for it
}


def _arn(queue):
    answer = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def with_letters(receives):
    def prepare(stage):
        stage.options["sink"] = {**REFUSES[stage.sink.kind], **stage.options.get("sink", {})}
        if stage.source.kind == "sqs":
            stage.letters = Letters(stage.world.queue(fifo=stage.source.fifo))
            policy = f'{{"deadLetterTargetArn": "{_arn(stage.letters.queue)}", "maxReceiveCount": {receives}}}'
            stage.source.client.set_queue_attributes(QueueUrl=stage.source.url, Attributes={"RedrivePolicy": policy})
            stage.options |= {"on_reject": "release", "retry_max_delay": "2s"}
        else:
            stage.letters = Letters(stage.world.queue())
            stage.options |= {"dead_letter": stage.letters.queue.settings(), "max_message_bytes": "300KiB"}

    return prepare


class Letters:
    """got: (lane, seq) of the letters so far, as often as they came."""

    def __init__(self, queue):
        self.queue = queue
        self.client = impatient(queue)
        self.got = []

    def read(self):
        while True:
            answer = self.client.receive_message(
                QueueUrl=self.queue.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
            )
            if not answer.get("Messages"):
                return self.got
            for m in answer["Messages"]:
                run, *who = identify(from_sqs(m).body)
                assert run == RUN, f"a letter about {who}, which the sink takes"
                self.got.append(tuple(who))
                self.client.delete_message(QueueUrl=self.queue.url, ReceiptHandle=m["ReceiptHandle"])


class Poisoner:
    """Sends beside the loader, into its lanes."""

    def __init__(self, stage):
        self.stage = stage
        self.sender = SENDERS[stage.source.kind](stage.source)
        self.sent = []
        stage.at_end(self.sender.close)

    def _record(self, i):
        long = {"long": (STRING, b"x" * (LIMIT + 1))} if self.stage.sink.kind == "mqtt" else {}
        return Record(RUN, f"lane-{i % 2}", FIRST + i, long, "x" * 2 * LIMIT)

    def send(self):
        record = self._record(len(self.sent))
        self.sender.send([record], lambda acked: self.sent.extend((r.lane, r.seq) for r in acked))
        assert (record.lane, record.seq) in self.sent, "the source's broker did not take the poison"


def _settle(stage, poisoner):
    """Until each has its letter, and nothing is on its way that could make a further one."""
    stage._wait(lambda: set(poisoner.sent) <= set(stage.letters.read()), stage.arrival_s, "a letter for each poison")
    stage.hold_load()
    got = sorted(stage.letters.read())
    stage.notes["letters"] = len(got)
    stage.resume_load()
    return got


def poison(stage):
    poisoner = Poisoner(stage)
    for _ in range(stage.count(8)):
        poisoner.send()
        stage.under_way(50)
    assert _settle(stage, poisoner) == sorted(poisoner.sent), "not one letter for each poison"


def poison_and_kill9(stage):
    poisoner = Poisoner(stage)
    for _ in range(stage.count(4)):
        poisoner.send()
        stage.pause(0.5, 0.05)
        stage.allow_repeats()
        stage.bridge.kill9()
        stage.recover()
    assert set(_settle(stage, poisoner)) == set(poisoner.sent), "a letter about something else"
