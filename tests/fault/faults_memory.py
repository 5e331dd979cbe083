"""Memory limits of the kernel, for the bridge alone: one so low that it is killed, and one that it must never reach."""
import os
import re
import signal
from pathlib import Path

from tests.rig import Unavailable, wait_until

from .faults_system import RELEASE, through

ROOM = 3 << 20  # more than is in use just now
WAITING = 30 << 20  # bytes of messages
BODY_BYTES = {"mqtt": 100_000, "sqs": 20_000, "kafka": 20_000}  # Mosquitto has no more than 60 messages on their way
SLOW_MS = {"mqtt": 800, "sqs": 3000, "kafka": 3000}  # less than the keep-alive of MQTT
WINDOW_BYTES = 2 << 20
MOST_OWN = WINDOW_BYTES + (24 << 20)  # the kernel kills it beyond that
MOST_RESIDENT = MOST_OWN + (8 << 20)  # with the pages of its libraries
# The mock of Kafka keeps 5 MB of a partition.
UNBOUNDED = {"max_in_flight": 2000, "slow_ms": 1, "real_kafka": True, "proxied": ("sink",)}
BOUNDED = {**UNBOUNDED, "max_in_flight_bytes": f"{WINDOW_BYTES >> 20}MiB"}


class Version1:
    root = Path("/sys/fs/cgroup/memory")
    limit, events, no_swap = "memory.limit_in_bytes", "memory.oom_control", "memory.swappiness"
    anonymous = "rss"
    unlimited = "-1"

    @classmethod
    def is_here(cls):
        return (cls.root / cls.limit).exists()


class Version2:
    root = Path("/sys/fs/cgroup")
    limit, events, no_swap = "memory.max", "memory.events", "memory.swap.max"
    anonymous = "anon"
    unlimited = "max"

    @classmethod
    def is_here(cls):
        enabled = cls.root / "cgroup.subtree_control"
        return enabled.exists() and "memory" in enabled.read_text().split()


class Cgroup:
    """A control group of the bridge's own, of whichever version the machine has its memory controller in."""

    def __init__(self, stage):
        self.version = next((v for v in (Version2, Version1) if v.is_here()), None)
        if self.version is None:
            raise Unavailable("no memory limits: /sys/fs/cgroup has no memory controller, of neither version")
        self.folder = self.version.root / f"sqsbridge-fault-{os.getpid()}-{stage.pair}-{stage.store}"
        try:
            self.folder.mkdir()
        except OSError as e:
            raise Unavailable(f"no memory limits: making a control group: {e} (needs root)") from None
        stage.at_end(self.remove)
        if (self.folder / self.version.no_swap).exists():
            (self.folder / self.version.no_swap).write_text("0")
        through(stage, RELEASE, f'echo $$ > "{self.folder}/cgroup.procs"')

    def set_limit(self, number=None):
        (self.folder / self.version.limit).write_text(self.version.unlimited if number is None else str(number))

    def _number(self, file, name):
        return int(re.search(rf"^{name} (\d+)$", (self.folder / file).read_text(), re.MULTILINE)[1])

    def used(self):
        """What is no copy of a file: the kernel can't take it back."""
        return self._number("memory.stat", self.version.anonymous)

    def kills(self):
        return self._number(self.version.events, "oom_kill")

    def remove(self):
        """It is empty: the bridge has ended."""
        wait_until(self._removed, 10, f"the end of {self.folder}")

    def _removed(self):
        try:
            self.folder.rmdir()
        except OSError:
            return False
        return True


def in_cgroup(stage):
    stage.body_bytes = BODY_BYTES[stage.source.kind]
    stage.outstanding = WAITING // stage.body_bytes
    stage.cgroup = Cgroup(stage)


def overload(stage):
    """Ten times of what the limit leaves room for waits at the source, since the sink has become slow."""
    stage.slow_down_sink(SLOW_MS[stage.sink.kind])
    wait_until(lambda: stage.room() < 20 or not stage.bridge.running(), 120, "messages at the source, or its end")


def oom_kill(stage):
    """The limit goes up before the restart, as if somebody had mended this: with the old one it would be killed again."""
    for _ in range(stage.count(3)):
        kills = stage.cgroup.kills()
        stage.cgroup.set_limit(stage.cgroup.used() + ROOM)
        overload(stage)
        wait_until(lambda: not stage.bridge.running(), 60, "the kernel to kill the bridge")
        assert stage.bridge.process.returncode == -signal.SIGKILL and stage.cgroup.kills() > kills
        stage.allow_repeats()
        stage.cgroup.set_limit(None)
        stage.slow_down_sink(0)
        stage.recover()
        stage.bridge.stop()  # its heap keeps what the backlog took, which is room for the next one
        stage.recover()


def most_resident(bridge):
    """Bytes of memory that the process ever had at once."""
    status = Path(f"/proc/{bridge.process.pid}/status").read_text()
    return 1024 * int(re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)[1])


def memory_bounded(stage):
    """The kernel is told to kill whatever exceeds the limit, and never has to."""
    stage.cgroup.set_limit(MOST_OWN)
    for _ in range(stage.count(3)):
        overload(stage)
        stage.under_way(20)
        stage.slow_down_sink(0)
        stage.under_way(200)
    peak = most_resident(stage.bridge)
    stage.notes["most_resident_mib"] = round(peak / (1 << 20), 1)
    assert not stage.cgroup.kills() and peak < MOST_RESIDENT, f"{peak} bytes resident, allowed are {MOST_RESIDENT}"
