"""script/fault --nth [KIND]: the N-th call of one kind fails, once, for N = 1, 2, 3, ... through start, a few messages and a
clean end, as SQLite's own tests do it. KIND: alloc (ENOMEM), read, write, sync, open (EIO).

Each must end in one of these ways, and a bridge that is started again then delivers all that is missing:

  clean     it was overcome, and the end was one in good order
  said      it ended with a status of its own, and said why
  aborted   SIGABRT: out of memory, or a library that knows no other answer
  crashed   within a library that is known not to look at what malloc() gives it

and not by another signal, without a word, or never. By default 150 values of N, spread over all there are; --points 0: each.
"""
import random
import re
import signal
import subprocess
import time
from collections import Counter

from tests.e2e.bridge import Bridge
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import make_messages
from tests.e2e.sqs import distinct
from tests.e2e.world import SimulatedWorld
from tests.rig import BUILD, Unavailable, wait_until

from .faults_system import RELEASE

LIBRARY = BUILD / "release" / "tests" / "fault" / "nth_call.so"
KINDS = ("alloc", "read", "write", "sync", "open")
COUNT = 12
STATUSES = range(64, 79)  # sysexits.h
PATIENCE_S = 20
CARELESS = ("libconfig.so.9", "libcrypto.so.3")  # of Debian 12: they use what malloc() did not give them


class Files:
    """From a file to a file, with the store on disk between: the bridge ends by itself."""

    def __init__(self, folder, _brokers):
        self.folder = folder
        self.lines = [f"line {n}" for n in range(COUNT)]
        (folder / "in.txt").write_text("\n".join(self.lines) + "\n")

    def configuration(self):
        source, sink = ({"type": "file", "path": str(self.folder / name)} for name in ("in.txt", "out.txt"))
        return pipelines(p={"source": source, "sink": sink, "store": "always", "store_path": str(self.folder / "store")})

    def all_arrived(self):
        out = self.folder / "out.txt"
        return out.exists() and set(self.lines) <= set(out.read_text().splitlines())

    def is_over(self, bridge):
        return not bridge.running()

    def close(self):
        pass


class Brokers:
    """From SQS to MQTT."""

    def __init__(self, folder, brokers):
        self.world = SimulatedWorld(folder, brokers.mosquitto, brokers.sqs_sim)
        self.queue, self.topic = self.world.end("sqs"), self.world.mqtt_topic(f"nth/{folder.name}")
        self.topic.listen()
        self.queue.send(make_messages(COUNT))

    def configuration(self):
        quick = {"reconnect_delay": "50ms", "reconnect_max_delay": "500ms", "keep_alive": "2s", "connect_timeout": "3s"}
        source = self.queue.as_source(visibility_timeout="2s", wait_time_seconds="1s")
        return pipelines(p={"source": source, "sink": self.topic.as_sink(**quick)})

    def all_arrived(self):
        return distinct(self.topic.arrived) == COUNT

    def is_over(self, bridge):
        settled = self.all_arrived() and self.queue.depth() == 0 and bridge.log_lines("running")
        return settled or not bridge.running()

    def close(self):
        self.world.close()


SCENES = {"files": Files, "brokers": Brokers}


class Case:
    def __init__(self, folder, scene, brokers, kind, n):
        folder.mkdir(parents=True)
        self.kind, self.n, self.report = kind, n, folder / "calls"
        self.scene = SCENES[scene](folder, brokers)
        self.bridge = Bridge(folder, self.scene.configuration(), program=RELEASE, env={
            "LD_PRELOAD": str(LIBRARY), "NTH_CALL": kind, "NTH_CALL_FAILS": str(n), "NTH_CALL_COUNT": str(self.report)})

    def said(self):
        """What was written into its report: that a call has failed, and how many there were."""
        text = self.report.read_text() if self.report.exists() else ""
        counted = re.search(r"calls (\d+)", text)
        return "struck" in text, int(counted[1]) if counted else None

    def _run(self):
        """Until all is delivered and it has ended; its status."""
        self.bridge.start(wait=False)
        wait_until(lambda: self.scene.is_over(self.bridge), PATIENCE_S, "all to arrive, or its end")
        if self.bridge.running():
            self.bridge.process.send_signal(signal.SIGTERM)
        return self.bridge.process.wait(PATIENCE_S)

    def play(self):
        """How it ended; AssertionError where it should not have."""
        try:
            how = self._judge(self._run())
            self.bridge.env = None
            assert self._run() == 0, f"started again: {self.bridge.log()[-1500:]}"
            wait_until(self.scene.all_arrived, PATIENCE_S, "all messages")
        except (TimeoutError, subprocess.TimeoutExpired) as e:
            raise AssertionError(f"{e}\n{self.bridge.log()[-1500:]}") from None
        finally:
            self.bridge.kill9()
            self.scene.close()
        return how

    def _judge(self, status):
        log = self.bridge.log()
        if status == 0:
            return "clean"
        if status == -signal.SIGABRT:
            return "aborted"
        crashed = re.search(r"crashed in (\S+)", self.report.read_text())
        if crashed and crashed[1] in CARELESS:
            return f"crashed in {crashed[1]}"
        where = f" in {crashed[1]}" if crashed else ""
        assert status in STATUSES or "out of dynamic memory in libconfig" in log, f"it ended with {status}{where}:\n{log[-1500:]}"
        assert log.strip(), f"status {status}, and not a word"
        return "said"


def count_calls(folder, scene, brokers, kind):
    if not LIBRARY.exists() or not RELEASE.exists():
        raise Unavailable(f"{LIBRARY} is not there (script/build)")
    case = Case(folder / f"{scene}-{kind}-count", scene, brokers, kind, 0)
    assert case.play() == "clean"
    return case.said()[1]


def chosen(total, points, seed):
    """So many of 1..total, spread evenly, at random within each part."""
    rng = random.Random(seed)
    step = max(1.0, total / points)
    return sorted({min(total, 1 + int(i * step + rng.random() * step)) for i in range(min(points, total))})


def sweep(folder, scene, brokers, kind, points, seed=1, say=lambda *_: None):
    """{how: times}, and a list of (n, what was wrong)"""
    total = count_calls(folder, scene, brokers, kind)
    ends, wrong, began = Counter(), [], time.monotonic()
    for n in chosen(total, points or total, seed):
        case = Case(folder / f"{scene}-{kind}-{n}", scene, brokers, kind, n)
        try:
            how = case.play()
        except AssertionError as e:
            wrong.append((n, str(e)))
            how = "wrong"
            say(f"{scene} {kind} {n}: {e}")
        ends[how if case.said()[0] else "not struck"] += 1
    say(f"{scene:8} {kind:6} of {total} calls: {dict(ends)} in {time.monotonic() - began:.0f} s")
    return ends, wrong
