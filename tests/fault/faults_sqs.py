"""What SQS may do by itself, by the simulator's rules (tests/sim/README.md): lie, deliver twice, not let messages be kept."""
import time

from tests.e2e.sqs import impatient
from tests.rig import wait_until

SEND, RECEIVE, DELETE = "SendMessageBatch", "ReceiveMessage", "DeleteMessageBatch"
KEEP = "ChangeMessageVisibilityBatch"
FEW = {"from": 2, "upto": 7}  # entries of a batch
LIES = {
    "throttled": [{"kind": "throttle"}],
    "503": [{"kind": "status", "status": 503}],
    "html": [{"kind": "status", "status": 502, "html": "<html><body>Bad Gateway</body></html>"}],
    "partial": [{"kind": "partial", **FEW, "code": "InternalError", "message": "try again"}],
    "unanswered": [{"kind": "omit_before", **FEW}, {"kind": "omit_after", **FEW}],
    "wrong-md5": [{"kind": "wrong_md5"}],
    "garbage": [{"kind": "garbage"}],
    "huge": [{"kind": "huge_length"}],
    "cut-before": [{"kind": "cut_before"}],
    "cut-after": [{"kind": "cut_after"}],
    "cut-mid": [{"kind": "cut_mid"}],
    "slow": [{"kind": "delay", "delay_ms": 1500}],
    "hang": [{"kind": "hang"}],
}
BATCHES_ONLY = ("partial", "unanswered")
NOT_FOR_DELETES = ("wrong-md5",)
SENT_AGAIN = {"omit_after": 5, **dict.fromkeys(("wrong_md5", "garbage", "huge_length", "cut_after", "cut_mid"), 10)}


def queue_of(stage):
    return stage.sink if stage.sink.kind == "sqs" else stage.source


def actions_of(stage):
    """What the bridge asks of the queue, and the loader does not."""
    return (SEND,) if stage.sink.kind == "sqs" else (RECEIVE, DELETE)


def _name(queue):
    return queue.url.rpartition("/")[2]


def add_rules(stage, rules):
    name = _name(queue_of(stage))
    stage.brokers.sqs_sim.control("faults", [{**rule, "queue": name} for rule in rules])


def _counts(stage):
    return stage.brokers.sqs_sim.show(f"queues/{_name(queue_of(stage))}?limit=0")


# --- answers that lie

def lies(name):
    """Some answers of each action, some of them in a row, with good ones between.

    What may repeat is what SQS has accepted, and the answer does not say so. A receive or a delete repeats nothing.
    """

    def actions(stage):
        skipped = {RECEIVE} if name in BATCHES_ONLY else {DELETE} if name in NOT_FOR_DELETES else set()
        return [a for a in actions_of(stage) if a not in skipped]

    def fault(stage):
        for _ in range(stage.count(3)):
            rules = [
                {**rule, "action": action, "skip": skip, "count": count}
                for action in actions(stage) for rule in LIES[name] for skip, count in ((3, 1), (8, 3), (5, 1))
            ]
            again = sum(rule["count"] * SENT_AGAIN.get(rule["kind"], 0) for rule in rules if rule["action"] == SEND)
            stage.allow_repeats_of(again, side="sink")
            add_rules(stage, rules)
            stage.under_way(timeout_s=120)
            stage.under_way(timeout_s=120)

    return fault


# --- a queue that delivers twice, and in any order

def twice(stage):
    """As standard queues may. What is delivered again is known: it is in flight, or among the 2,000 that were deleted last.

    So the row is short: a message that comes again later than those is a new one to the bridge.
    """
    control = stage.brokers.sqs_sim.control
    control("dials", {"shuffle": True, "duplicate": 0.3})
    try:
        for _ in range(stage.count(4)):
            stage.under_way()
        stage.hold_load()
        counts = _counts(stage)
        stage.notes["delivered_again"] = counts["received"] - counts["deleted"]
        assert stage.notes["delivered_again"] > 0, f"no message was delivered twice: {counts}"
        stage.resume_load()
    finally:
        control("dials", {"shuffle": False, "duplicate": 0})


def undeleted(visibility_s, repeats):
    """SQS says that it has deleted a message, and delivers it again when its visibility timeout is over.

    What was deleted in the last ten seconds is known, and only deleted again. What comes later, while others are deleted, is
    a new message to the bridge: that many repeat, not one more or less.
    """

    def prepare(stage):
        stage.options["source"] = {"visibility_timeout": f"{visibility_s}s"}

    def fault(stage):
        times = stage.count(30)
        expected = times if repeats else 0
        add_rules(stage, [{"kind": "pretend", "action": DELETE, "upto": 1, "skip": 3, "count": times}])
        stage.allow_repeats_of(expected)
        wait_until(lambda: _rule_struck(stage) == times, 60, f"{times} deletes that are none")
        wait_until(lambda: _repeated(stage) >= expected, 60, f"{expected} repeats")
        stage.hold_load()
        wait_until(lambda: stage.source.depth() == 0, 60, "the second delete of all")
        assert _repeated(stage) == expected, f"{_repeated(stage)} of {times} came to the sink again"
        stage.resume_load()

    return prepare, fault


def _repeated(stage):
    return stage.reader.lines - len(stage.reader.seen)


def _rule_struck(stage):
    return sum(rule["hits"] for rule in stage.brokers.sqs_sim.show("faults") if rule["kind"] == "pretend")


# --- messages that take longer than their visibility timeout

VISIBILITY_S = 2


def with_short_visibility(stage):
    """The sink takes longer. A Kafka takes all at once, and each takes so long; an MQTT broker takes twenty at a time."""
    stage.slow_ms *= 5 if stage.sink.kind == "kafka" else 1
    stage.options["source"] = {"visibility_timeout": f"{VISIBILITY_S}s"}
    if stage.sink.kind == "mqtt":
        stage.options["sink"] = {"keep_alive": "60s", "connect_timeout": "60s"}
    stage.outstanding = 200


def kept(stage):
    """Heartbeats keep what is in flight: no message is delivered twice by the queue."""
    before = stage.brokers.sqs_sim.show("stats")["calls"].get(KEEP, 0)
    for _ in range(stage.count(5)):
        stage.under_way(50, timeout_s=120)
    stage.hold_load()
    counts, calls = _counts(stage), stage.brokers.sqs_sim.show("stats")["calls"].get(KEEP, 0)
    stage.notes["heartbeats"] = calls - before
    assert calls > before, "no heartbeat was needed"
    assert counts["received"] == counts["deleted"], f"messages were delivered twice: {counts}"
    stage.resume_load()


def _taken(consumer, queue):
    wanted = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 2 * VISIBILITY_S, "WaitTimeSeconds": 5}
    return len(consumer.receive_message(QueueUrl=queue.url, **wanted).get("Messages", []))


REFUSALS = ({"kind": "throttle"}, {"kind": "status", "status": 503}, {"kind": "cut_before"}, {"kind": "hang"})


def not_kept(stage):
    """No heartbeat gets through for longer than the timeout: the queue delivers again what is in flight, to another consumer too,
    which keeps it for a while and does nothing with it.

    The bridge knows what comes again, sends none of it twice, and deletes with the new handle only.
    """
    other, taken = impatient(stage.source), 0
    for refusal in REFUSALS[:stage.count(len(REFUSALS))]:
        add_rules(stage, [{**refusal, "action": KEEP, "count": -1}])
        stage.pause(2 * VISIBILITY_S, VISIBILITY_S)
        taken += sum(_taken(other, stage.source) for _ in range(3))
        stage.pause(2 * VISIBILITY_S, VISIBILITY_S)
        stage.brokers.sqs_sim.control("faults/clear")
        stage.under_way(50, timeout_s=120, began=time.monotonic())
    stage.hold_load()
    wait_until(lambda: stage.source.depth() == 0, 60, "the delete of all with their new handles")
    counts = _counts(stage)
    stage.notes |= {"delivered_again": counts["received"] - counts["deleted"], "to_another": taken}
    assert stage.notes["delivered_again"] > 0, f"no message was delivered again: {counts}"
    assert taken or stage.source.fifo, "nothing for another consumer"  # of a few groups the bridge may get all
    assert counts["stale_deletes"] == 0, f"deleted with handles of earlier receives: {counts}"
    stage.resume_load()
