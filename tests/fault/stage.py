"""Everything that one row of the matrix needs: brokers, a pipeline of one pair, a loader, a reader, and the verdict.

    with Brokers(folder) as brokers:
        stage = Stage(brokers, folder, "sqs-kafka", seed=1)
        report = stage.play(fault)         # fault(stage) does harm while messages flow
"""
import json
import random
import shutil
import subprocess
import sys
import time

from tests.e2e.bridge import Bridge, binary
from tests.e2e.libconfig import write
from tests.e2e.world import RealWorld, SimulatedWorld
from tests.rig import ROOT, Kafka, Mosquitto, SqsSim, wait_until

from .dns import NAME
from .journal import Journal
from .link import Link, free_link_port
from .load import Loader
from .sinklog import READERS, write_held

WINDOW = 200
BACKLOG = 600
LANES = 4
OVERFLOW_AFTER = "300ms"
ARRIVAL_S = 90
PAIRS = ("sqs-kafka", "kafka-sqs", "mqtt-kafka", "kafka-mqtt", "sqs-mqtt", "mqtt-sqs")
FIFO_PAIRS = ("fifo-kafka", "kafka-fifo", "fifo-mqtt", "mqtt-fifo")  # with a FIFO queue, its groups the lanes
ALL_PAIRS = (*PAIRS, *FIFO_PAIRS)
GROUPS = {"kafka": "${key}", "mqtt": "${topic}"}  # what the lane is to the bridge, by source


class Brokers:
    """Started when they are first asked for, and kept for the rows that follow."""

    def __init__(self, folder):
        self.folder = folder
        self.started = {}

    def _server(self, name, make):
        if name not in self.started:
            self.started[name] = make(self.folder / name).start()
        return self.started[name]

    @property
    def mosquitto(self):
        return self._server("mosquitto", Mosquitto)

    @property
    def sqs_sim(self):
        return self._server("sqs_sim", SqsSim)

    @property
    def kafka(self):
        """It must know where its proxy listens before it starts."""
        return self._server("kafka", lambda folder: Kafka(folder, through=free_link_port()))

    @property
    def named_kafka(self):
        """One that tells its clients a name."""
        return self._server("named_kafka", lambda folder: Kafka(folder, through=free_link_port(), through_host=NAME))

    def close(self):
        for server in self.started.values():
            server.kill()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class FaultWorld(SimulatedWorld):
    """The strict SQS simulator, a real Mosquitto, and a Kafka that is real where a row needs it to be."""

    def __init__(self, folder, brokers, real_kafka, by_name):
        super().__init__(folder, brokers.mosquitto, brokers.sqs_sim)
        self.brokers, self.real_kafka, self.by_name = brokers, real_kafka, by_name

    @property
    def kafka(self):
        return self.brokers.named_kafka if self.by_name else self.brokers.kafka

    def kafka_topic(self, name=None, partitions=1):
        return (RealWorld if self.real_kafka else SimulatedWorld).kafka_topic(self, name, partitions)


class Stage:
    def __init__(
        self, brokers, folder, pair, seed=0, size=1.0, program=None, real_kafka=False, proxied=(), by_name=False, slow_ms=0,
        store="off", **options
    ):
        """size: how much of a row is played. proxied: sides that the bridge reaches through a proxy; by_name: and by a name,
        not by an address. slow_ms: the sink's answers come so much later. options: of the pipeline; those of one side are dicts, "source" and "sink".
        """
        self.folder, self.pair, self.seed, self.size = folder, pair, seed, size
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.random = random.Random(f"{seed} {pair}")
        kinds = pair.split("-")
        self.store = store
        if slow_ms and kinds[1] == "mqtt" or store == "overflow":
            proxied = {*proxied, "sink"}
        self.slow_ms = slow_ms
        needs_real = "kafka" in [kind for kind, side in zip(kinds, ("source", "sink")) if side in proxied]
        self.brokers, self.real_kafka = brokers, real_kafka or needs_real
        self.world = FaultWorld(folder, brokers, self.real_kafka, by_name)
        self.source, self.sink = self._end(kinds[0]), self._end(kinds[1])
        self.links = {side: self._link(getattr(self, side)) for side in proxied}
        self.options = options
        if store != "off":
            self.options |= {"store": store, "store_path": str(folder / "store")}
        if store == "overflow":
            self.options |= {"store_overflow_after": OVERFLOW_AFTER}
        self.window = options.get("max_in_flight", WINDOW)
        self.goes_to_disk = False
        self.body_bytes = None
        self.written_off = set()
        self.endings = []
        self.program = program or binary()
        self.environment = None
        self.sections = {}  # of the configuration, besides the pipeline
        self.signed_in = lambda settings: settings  # what becomes of the keys of a queue
        self.repeats_allowed = 0
        self.ordered = "sqs" not in kinds
        self.left_allowed = False
        self.may_end = False
        self.ends = 0
        self.recoveries = []
        self.notes = {}
        self.arrival_s = ARRIVAL_S
        self.to_fifo = kinds[1] == "fifo"
        self.outstanding = self.window // 2 if kinds[0] == "mqtt" else BACKLOG

    def _end(self, kind):
        if kind == "mqtt":
            return self.world.mqtt_topic()
        if kind == "fifo":
            return self.world.queue(fifo=True)
        return self.world.end(kind, **({"partitions": 3} if kind == "kafka" else {}))

    def _link(self, end):
        return Link(self.folder, end)

    def count(self, usual):
        """How often a row does what it does."""
        return max(1, round(usual * self.size))

    # --- the pipeline

    def configuration(self):
        quick = {
            "sqs": {"visibility_timeout": "5s"}, "kafka": {},
            "mqtt": {
                "reconnect_delay": "100ms", "reconnect_max_delay": "1s", "keep_alive": "2s", "connect_timeout": "3s",
            },
        }
        options = dict(self.options)
        sides = {}
        for side, end in (("source", self.source), ("sink", self.sink)):
            own = quick[end.kind] if end.kind == "mqtt" or side == "source" else {}
            if side == "sink" and self.to_fifo:
                own = {"message_group_id": GROUPS[self.source.kind]}
            through = self.links[side].settings() if side in self.links else {}
            settings = getattr(end, f"as_{side}")(**{**own, **through, **options.pop(side, {})})
            sides[side] = self.signed_in(settings) if end.kind == "sqs" else settings
        return write({**self.sections, "pipelines": {"p": {**sides, "max_in_flight": WINDOW, **options}}})

    def start(self):
        self.run = f"{self.pair}-{self.seed}-{time.time_ns()}"
        self.reader = READERS[self.sink.kind](self.sink, self.folder / "sink.jsonl").start()
        self.bridge = Bridge(self.folder / "bridge", self.configuration(), program=self.program, env=self.environment)
        self.start_bridge()
        self.source.wait_source_ready()
        self.loader = Loader(
            self.source, self.folder / "load.jsonl", self.run, self.room, lanes=LANES, seed=self.seed, body_bytes=self.body_bytes
        )
        if self.slow_ms:
            self.slow_down_sink(self.slow_ms)
        self.loader.start()

    def room(self):
        """How many more the loader may send just now."""
        lost = len(self.written_off - self.reader.seen) if self.written_off else 0
        return self.outstanding + lost - (len(self.loader.acked) - len(self.reader.seen))

    def start_bridge(self):
        """Until it runs; where a row makes it fail at start, too, it is started again."""
        self.bridge.start(wait=not self.may_end)
        self._wait(lambda: self.bridge.log_lines(r'pipeline "[^"]*": running'), 60, "the bridge to run")

    def slow_down_sink(self, ms):
        """Each answer of the sink comes so much later: what is in flight is never little. 0: it comes at once again."""
        if "sink" in self.links:
            self.links["sink"].set(delay_ms=ms)
        elif self.sink.kind == "kafka":
            self.sink.broker.tell(f"rtt {ms}")
        elif ms:
            slow = {"kind": "delay", "action": "SendMessageBatch", "count": -1, "delay_ms": ms}
            self.brokers.sqs_sim.control("faults", slow)
        else:
            self.brokers.sqs_sim.control("faults/clear")

    # --- for faults

    def pause(self, at_most_s, at_least_s=0.0):
        """A random time: for when a fault strikes and how long it lasts, never to wait for a state."""
        time.sleep(self.random.uniform(at_least_s, at_most_s))

    def allow_repeats(self, times=1, side=None):
        """What is in flight may come again: once for each disruption. side: all that is disrupted is the way to it."""
        self.allow_repeats_of(times * self.window, side)

    def allow_repeats_of(self, messages, side=None):
        if not self._recognised(side):
            self.repeats_allowed += messages

    def _recognised(self, side):
        """A FIFO queue recognises what has the name of five minutes ago. A record of Kafka always has the same one; a message of
        MQTT is named when it arrives, so one that its broker sends again has another. And the bridge itself recognises, as
        long as it runs, what a queue delivers again."""
        if side == "source" and self.source.kind == "sqs":
            return True
        return self.to_fifo and (self.source.kind == "kafka" or side == "sink")

    def hold_load(self):
        """No more for now; returns when all that was acknowledged has arrived and is settled at its source."""
        self.loader.hold()
        self._wait(lambda: self.loader.acked <= self.reader.seen, self.arrival_s, "all messages at the sink")
        self.bridge.wait_stats(lambda s: s["in_flight"] == 0)

    def resume_load(self):
        self.loader.resume()

    def write_off(self, lost, stored):
        """These records the row itself has destroyed, where no broker has them any more; it writes down what was there."""
        journal = Journal(self.folder / "store.jsonl")
        journal.write([{"lane": lane, "seq": seq, "lost": (lane, seq) in lost} for lane, seq in sorted(stored)])
        journal.close()
        self.written_off |= lost

    def under_way(self, count=100, timeout_s=60, began=None):
        """Until so many more have arrived; how long it took (since `began`) is the time of the recovery."""
        began, before = began or time.monotonic(), len(self.reader.seen)
        self._wait(lambda: len(self.reader.seen) >= before + count, timeout_s, f"{count} more messages at the sink")
        self.recoveries.append(round(time.monotonic() - began, 2))

    def under_load(self, count, timeout_s=60):
        """Until so many more are at the source, while the bridge is away."""
        before = len(self.loader.acked)
        wait_until(lambda: len(self.loader.acked) >= before + count, timeout_s, f"{count} more messages at the source")

    def strike_with_store(self):
        """With a store for overflow: every second time the sink is away, and messages are on disk, when a fault strikes."""
        self.goes_to_disk = self.store == "overflow" and not self.goes_to_disk
        if self.goes_to_disk:
            self.allow_repeats()
            self.links["sink"].tell("refuse")
            self.bridge.wait_stats(lambda s: s["store_messages"] > 0)

    def recover(self):
        """The bridge was killed, or has ended: it is started again, and works again."""
        began = time.monotonic()
        if self.goes_to_disk:
            self.links["sink"].tell("accept")
        self.start_bridge()
        self.under_way(began=began)

    def _wait(self, condition, timeout_s, what):
        def fulfilled():
            self.check_bridge()
            return condition()

        wait_until(fulfilled, timeout_s, what)

    def at_end(self, ending):
        self.endings.append(ending)

    def check_bridge(self):
        """A bridge that ended by itself is started again where the row expects that, and an error where not."""
        if self.bridge.running():
            return
        status = self.bridge.process.returncode
        if not self.may_end:
            raise AssertionError(f"the bridge ended by itself with {status}:\n{self.bridge.log()[-2000:]}")
        self.ends += 1
        self.notes.setdefault("ends", []).append(status)
        self.allow_repeats()
        self.bridge.start(wait=False)

    # --- the end

    def play(self, fault):
        """One row: the report of the verifier, with what it took. Exceptions of a row are failures of it, too."""
        began = time.monotonic()
        try:
            self.start()
            self.under_way()
            self.recoveries.clear()
            fault(self)
            self.settle()
            report = self.verdict()
        except Exception as e:  # AssertionError, TimeoutError: the row went wrong before a verdict
            report = {"verdict": "fail", "failed": ["RUN"], "why": f"{type(e).__name__}: {e}"[:3000]}
        finally:
            self.close()
        recovered = sorted(self.recoveries)
        return {**report, "seconds": round(time.monotonic() - began, 1), "recoveries_s": recovered, **self.notes}

    def settle(self):
        """No more load; all that was acknowledged arrives, and the bridge ends in good order."""
        self.loader.stop()
        if self.store == "overflow":
            self._note_overflows()
        try:
            self._wait(lambda: not self._missing(), self.arrival_s, "the rest at the sink")
            if self.source.kind == "sqs":
                # What a killed bridge had received comes back when its time is up, and is deleted then.
                self._wait(lambda: self.source.depth() == 0, self.arrival_s, "an empty source")
            elif self.source.kind == "kafka":
                # Commits that fail just now are tried again. A stop has only so much time for that.
                self.bridge.wait_stats(lambda s: s["in_flight"] == 0)
        except TimeoutError as e:
            self.notes["late"] = f"{e}: {len(self._missing())} missing"
        self.bridge.stop()
        self.bridge.assert_no_report()
        self.reader.finish()
        write_held(self.source, self.folder / "source.jsonl")
        if self.to_fifo:
            counts = self.brokers.sqs_sim.show(f"queues/{self.sink.url.rpartition('/')[2]}?limit=0")
            self.notes["recognised"] = counts["deduplicated"]

    def _missing(self):
        return self.loader.acked - self.reader.seen - self.written_off

    def _note_overflows(self):
        """A row that never needed the disk has shown nothing about it."""
        log = self.bridge.log_path.read_text(errors="replace")
        self.notes["overflows"] = log.count("messages go to disk until")
        assert self.notes["overflows"], "no message went to disk"

    def verdict(self):
        report = self.folder / "report.json"
        flags = [*(["--order"] if self.ordered else []), *(["--left"] if self.left_allowed else [])]
        command = [sys.executable, "-m", "tests.fault.verify", self.folder, "--json", report, *flags]
        subprocess.run(
            [*command, "--duplicates", str(self.repeats_allowed)], cwd=ROOT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, timeout=120,
        )
        return json.loads(report.read_text())

    def close(self):
        if hasattr(self, "loader"):
            self.loader.stopping.set()
        if hasattr(self, "reader") and hasattr(self.reader, "stopping"):
            self.reader.stopping.set()
        if hasattr(self, "bridge") and self.bridge.process:
            self.bridge.kill9()
        for ending in self.endings:
            ending()
        for link in self.links.values():
            link.close()
        self.brokers.sqs_sim.control("faults/clear")
        self.world.close()
