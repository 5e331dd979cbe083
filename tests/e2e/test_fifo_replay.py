"""What kill -9 makes the bridge send again is not delivered again by a FIFO queue, within its five minutes.

SQS answers slowly here, after it has taken a message: so each kill leaves messages that the queue has and the bridge
does not know of. The simulator counts what it recognised, and each run after a kill must add to that.
"""
import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.test_kill9 import load
from tests.e2e.world import RealWorld
from tests.rig import SqsSim, wait_until

COUNT = 1000
LANES = 40
WINDOW = 200
KILLS = 3
PROGRESS = 100  # new messages in the queue for each run that is killed
ANSWER_MS = 100
INTERVAL_MS = 5 * 60 * 1000
BY_KEY = {"message_group_id": "${key}"}
BY_TOPIC = {"message_group_id": "${topic}"}

pytestmark = pytest.mark.timeout(240)  # less than the interval: a pass is no matter of luck with the clock


class Replay:
    """A pipeline into a FIFO queue that is killed, and started again, over and over."""

    def __init__(self, world, bridge, source, queue, options):
        self.sim = world.sqs_sim
        self.source, self.queue = source, queue
        self.options = {"max_in_flight": WINDOW, **options}
        self.sink_options = {}
        self.name = "p"
        self.recognised = []  # at the end of each run
        self.sent = make_messages(COUNT, LANES)
        self.bridge = bridge("")

    def configure(self):
        source, sink = self.source.as_source(), self.queue.settings(**self.sink_options)
        self.bridge.config_path.write_text(pipelines(**{self.name: {"source": source, "sink": sink, **self.options}}))

    def counts(self):
        return self.sim.show(f"queues/{name_of(self.queue)}?limit=0")

    def start(self):
        self.configure()
        self.bridge.start()

    def kill(self):
        self.bridge.kill9()
        if self.source.kind == "sqs":
            self.sim.control("expire", {"queue": name_of(self.source)})
        self.recognised.append(self.counts()["deduplicated"])

    def run_and_kill(self):
        before = self.counts()["sent"]
        self.start()
        self.bridge.wait(lambda: self.counts()["sent"] >= before + PROGRESS, 60, "new messages in the queue")
        self.kill()

    def kill_over_and_over(self, name="p"):
        for run in range(KILLS):
            self.name = name.format(run=run)
            self.run_and_kill()
        assert self.counts()["sent"] < COUNT, "it was over before the last kill"

    def finish(self, name="p"):
        """The last run, as fast as it can; the verdict on what the queue gives."""
        self.sim.control("faults/clear")
        self.name = name
        self.start()
        self.bridge.wait_stats(lambda s: s["in_flight"] == 0 and self.counts()["sent"] >= COUNT)
        self.bridge.wait(self.is_drained, 60, "an empty source")
        self.bridge.stop()
        self.recognised.append(self.counts()["deduplicated"])
        verdict = Verdict(self.sent, self.queue.rest())
        print(verdict, "recognised after each run:", self.recognised)
        return verdict

    def is_drained(self):
        if self.source.kind == "mqtt":
            return self.bridge.stats()["store_messages"] == 0 and self.bridge.stats()["in_flight"] == 0
        try:
            self.source.assert_drained()
        except AssertionError:
            return False
        return True

    def assert_each_kill_made_repeats(self):
        assert self.recognised == sorted(set(self.recognised)), f"recognised after each run: {self.recognised}"

    def assert_once_and_in_order(self, verdict):
        self.assert_each_kill_made_repeats()
        verdict.assert_complete(max_repeated=0)
        verdict.assert_ordered()
        assert self.counts()["sent"] == COUNT


def name_of(queue):
    return queue.url.rpartition("/")[2]


@pytest.fixture
def replay(simulated_world, bridge):
    """replay(source, options of the sink): slow answers until finish(), or the end of the test."""

    def make(source, sink_options=None, attributes=None, **options):
        queue = simulated_world.queue(fifo=True, **(attributes or {}))
        made = Replay(simulated_world, bridge, source, queue, options)
        made.sink_options = sink_options or {}
        made.configure()
        slow = {"kind": "delay", "action": "SendMessageBatch", "count": -1, "delay_ms": ANSWER_MS}
        made.sim.control("faults", {**slow, "queue": name_of(queue)})
        return made

    yield make
    simulated_world.sqs_sim.control("faults/clear")


@pytest.fixture
def clock_of_its_own(simulated_world, folder):
    """A simulator whose clock moves for no other test."""
    simulated_world.sqs_sim = SqsSim(folder / "sqs_sim").start()
    yield simulated_world.sqs_sim
    simulated_world.sqs_sim.kill()


def source_of(world, kind):
    return world.queue(fifo=True) if kind == "sqs" else world.end(kind)


PER_GROUP = {"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}

# ---- exactly once ----


@pytest.mark.parametrize("sink_options", (BY_KEY, {}), ids=("by_key", "by_default"))
@pytest.mark.parametrize("kind", ("kafka", "sqs"))
def test_a_replay_is_not_delivered_twice(simulated_world, replay, kind, sink_options):
    r = replay(source_of(simulated_world, kind), sink_options)
    r.source.send(r.sent)
    r.kill_over_and_over()
    r.assert_once_and_in_order(r.finish())


def test_deduplication_per_group(simulated_world, replay):
    r = replay(simulated_world.queue(fifo=True), BY_KEY, PER_GROUP)
    r.source.send(r.sent)
    r.kill_over_and_over()
    r.assert_once_and_in_order(r.finish())


def test_batches_of_one_group(simulated_world, replay):
    r = replay(simulated_world.end("kafka"), {**BY_KEY, "fifo_batch_same_group": True})
    r.source.send(r.sent)
    r.kill_over_and_over()
    r.assert_once_and_in_order(r.finish())


@pytest.mark.java
def test_a_replay_from_apache_kafka(simulated_world, folder, mosquitto, kafka, replay):
    source = RealWorld(folder, mosquitto, kafka, None).kafka_topic()
    r = replay(source, BY_KEY)
    r.source.send(r.sent)
    r.kill_over_and_over()
    r.assert_once_and_in_order(r.finish())
    source.close()


def test_an_id_of_ones_own_outlives_the_name_of_the_pipeline(simulated_world, replay):
    """Where the default does not: see the control below."""
    r = replay(simulated_world.end("kafka"), {**BY_KEY, "message_deduplication_id": "${position}"})
    r.source.send(r.sent)
    r.kill_over_and_over("p{run}")
    r.assert_once_and_in_order(r.finish("last"))


# ---- MQTT ----


def test_mqtt_through_the_store_once_it_is_committed(simulated_world, replay, folder):
    """The store keeps the name that a message was given when it arrived."""
    r = replay(simulated_world.end("mqtt"), BY_TOPIC, store="always", store_path=str(folder / "store"))
    load(r.bridge, r.source, r.sent)
    r.start()
    reported = r.bridge.wait_stats(lambda s: s["acknowledged"] == COUNT)["store_messages"]
    assert reported > COUNT / 2, "most is still to be delivered"
    wait_until(lambda: r.bridge.stats()["store_messages"] < reported, 30, "a later report: the PUBACKs are out")
    r.kill()
    r.source.assert_drained()
    r.kill_over_and_over()
    r.assert_once_and_in_order(r.finish())


def test_mqtt_without_a_store_is_delivered_at_least_once(simulated_world, replay):
    """What the broker sends again after a crash cannot be told from a new message: it gets a new id.

    And never the id of another message, though all these runs begin within a second or two: that would be a loss.
    """
    r = replay(simulated_world.end("mqtt"), BY_TOPIC)
    load(r.bridge, r.source, r.sent)
    r.kill_over_and_over()
    assert set(r.recognised) == {0}, f"messages were taken for others: {r.recognised}"
    verdict = r.finish()
    verdict.assert_complete(max_repeated=KILLS * COUNT)
    verdict.assert_ordered()
    assert verdict.repeated >= KILLS, "a kill made no repeat"
    r.source.assert_drained()


# ---- the tests above can fail ----


@pytest.mark.parametrize("kind", ("kafka", "sqs"))
def test_the_test_sees_ids_that_differ(simulated_world, replay, kind):
    """Another name of the pipeline in each run makes other ids: every kill must show."""
    r = replay(source_of(simulated_world, kind), BY_KEY)
    r.source.send(r.sent)
    r.kill_over_and_over("p{run}")
    verdict = r.finish("last")
    verdict.assert_complete(max_repeated=KILLS * COUNT)
    assert verdict.repeated >= KILLS
    assert set(r.recognised) == {0}


def test_the_test_sees_the_end_of_the_interval(clock_of_its_own, simulated_world, replay):
    r = replay(simulated_world.end("kafka"), BY_KEY)
    r.source.send(r.sent)
    r.kill_over_and_over()
    clock_of_its_own.control("advance", {"ms": INTERVAL_MS + 1000})
    verdict = r.finish()
    verdict.assert_complete(max_repeated=COUNT)
    assert verdict.repeated > 0
    assert r.recognised[-1] == r.recognised[-2] > 0
