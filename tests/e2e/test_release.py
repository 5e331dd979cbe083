"""on_reject = "release": what a sink refuses goes back to its SQS queue, comes again later and later, and ends in the queue's own
dead-letter queue; its neighbours arrive once, and in the order of their groups."""
import json
import re
from datetime import datetime

import pytest

from tests.e2e.bridge import command
from tests.e2e.libconfig import pipelines
from tests.e2e.sqs import SqsQueue

GROUPS, EACH = 3, 9
POISON = "poison " + "x" * 3000
BACK = r"message \S+ goes back to the source"


@pytest.fixture(params=[pytest.param("elasticmq", marks=pytest.mark.java), "simulated"])
def make_queue(request, folder):
    """make_queue(name, **attributes): on either, of a name of its own."""

    def make(name, fifo, **attributes):
        name = re.sub(r"\W", "-", f"{folder.name}-{name}")[-70:] + (".fifo" if fifo else "")
        if request.param == "elasticmq":
            return SqsQueue(request.getfixturevalue("elasticmq").endpoint(), "any", "any", name, attributes)
        sim = request.getfixturevalue("sqs_sim")
        return SqsQueue(sim.endpoint(), sim.KEY_ID, sim.SECRET, name, attributes)

    return make


def arn(queue):
    answer = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


class Release:
    """A queue with a redrive policy (receives None: without), and a sink that refuses what is larger than 1 KiB."""

    def __init__(self, make_queue, bridge, fifo, receives=3, visibility_timeout="30", **options):
        self.dead = make_queue("dead", fifo)
        policy = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": arn(self.dead), "maxReceiveCount": receives})}
        self.queue = make_queue("source", fifo, VisibilityTimeout=visibility_timeout, **(policy if receives else {}))
        self.sink = make_queue("sink", fifo)
        self.bridge = bridge(pipelines(p={
            "source": self.queue.as_source(wait_time_seconds="1s"),
            "sink": self.sink.settings(max_message_bytes="1KiB"),
            "on_reject": "release", "retry_delay": "2s", "retry_max_delay": "20s", **options,
        }))

    def send(self):
        """The poison is the fourth of the first group."""
        bodies = {group: [f"{group} {i}" for i in range(EACH)] for group in range(GROUPS)}
        bodies[0].insert(3, POISON)
        for group, listed in bodies.items():
            for i, body in enumerate(listed):
                named = {"MessageGroupId": f"g{group}", "MessageDeduplicationId": f"{group}-{i}"} if self.queue.fifo else {}
                self.queue.client.send_message(QueueUrl=self.queue.url, MessageBody=body, **named)

    def wait_put_away(self):
        self.bridge.wait(lambda: self.dead.depth() == 1 and self.queue.depth() == 0, 60, "a dead letter of the queue's own")

    def assert_put_away_alone(self):
        assert [m.body.decode() for m in self.dead.rest()] == [POISON]
        assert self.queue.depth() == 0

    def arrived(self):
        """Of each group, in order."""
        bodies = [m.body.decode() for m in self.sink.rest()]
        return [[int(b.split()[1]) for b in bodies if b.startswith(f"{group} ")] for group in range(GROUPS)]

    def times(self):
        lines = self.bridge.log_lines(BACK)
        return [datetime.fromisoformat(line.split()[0].replace("Z", "+00:00")) for line in lines]


@pytest.mark.parametrize("fifo", (False, True), ids=("standard", "fifo"))
def test_poison_ends_in_the_dead_letter_queue_of_its_queue(make_queue, bridge, fifo):
    r = Release(make_queue, bridge, fifo)
    r.send()
    r.bridge.start()
    assert r.bridge.log_lines("what a sink refuses goes back to the queue")
    r.wait_put_away()
    counted = {"in_flight": 0, "acknowledged": GROUPS * EACH, "released_rejected": 3, "rejected": 3}
    r.bridge.wait_stats(lambda s: all(s[name] == number for name, number in counted.items()))
    first, second, third = r.times()
    assert (third - second) > (second - first), "it comes again later and later"
    r.bridge.stop()
    r.assert_put_away_alone()
    groups = r.arrived()
    assert (groups if fifo else [sorted(group) for group in groups]) == [list(range(EACH))] * GROUPS
    assert not r.bridge.log_lines("no redrive policy")


@pytest.mark.parametrize("fifo", (False, True), ids=("standard", "fifo"))
def test_kill9_while_it_waits(make_queue, bridge, fifo):
    """Neighbours may repeat, and nothing is lost. A receive of a bridge that is killed counts, too."""
    r = Release(make_queue, bridge, fifo, receives=4, visibility_timeout="3", retry_delay="1s")
    r.send()
    for _ in range(2):
        r.bridge.start()
        r.bridge.wait_log(BACK)
        r.bridge.kill9()
    r.bridge.start()
    r.wait_put_away()
    r.bridge.stop()
    r.assert_put_away_alone()
    assert [sorted(set(group)) for group in r.arrived()] == [list(range(EACH))] * GROUPS


def test_a_stop_while_it_waits(make_queue, bridge):
    """It is hidden, at SQS; nothing of it is left here. And a queue without a redrive policy is spoken of."""
    r = Release(make_queue, bridge, False, receives=None, retry_delay="60s", retry_max_delay="60s", drain_timeout="60s")
    r.send()
    r.bridge.start()
    assert r.bridge.log_lines("has no redrive policy")
    r.bridge.wait_stats(lambda s: s["released"] == 1 and s["acknowledged"] == GROUPS * EACH and s["in_flight"] == 0)
    r.bridge.stop(10)
    assert r.queue.depth() == r.queue.hidden() == 1
    assert not r.bridge.log_lines("not confirmed and acknowledged")


def test_its_letters_are_not_here(make_queue, bridge):
    r = Release(make_queue, bridge, fifo=False)
    done = command("dlq", "show", r.bridge.config_path, "p")
    assert done.returncode != 0 and "goes back to its source" in done.stderr, done


@pytest.mark.parametrize("kind", ("kafka", "mqtt", "file"))
def test_other_sources_take_nothing_back(simulated_world, folder, kind):
    path = folder / "p.conf"
    (folder / "in").write_text("one\n")
    source = {"type": "file", "path": str(folder / "in")} if kind == "file" else simulated_world.end(kind).as_source()
    path.write_text(pipelines(p={"source": source, "sink": {"type": "file", "path": "-"}, "on_reject": "release"}))
    done = command("lint", path)
    assert done.returncode == 78 and re.search(r"p\.conf:\d+: on_reject: .*this source can't take any back", done.stderr), done
