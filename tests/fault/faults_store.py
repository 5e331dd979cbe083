"""What is done to the disk under the store: power cuts, a full disk, writes that fail. Mounting needs root."""
import array
import fcntl
import os
import signal
import subprocess
import time

from tests.rig import Unavailable, wait_until

from .damage import HARMS, Store, who
from .faults_system import preload, with_failing

EXT4_IOC_SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), as in fs/ext4/ext4.h
NO_LOG_FLUSH = 2  # what is not on the disk by now never gets there: a power cut
EATMYDATA = "/usr/lib/x86_64-linux-gnu/libeatmydata.so"
BALLAST_STEP = 1 << 18


def _run(*command):
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, command))}: {done.stderr.strip()} (needs root and loop devices)")


class Disk:
    """A file system of the store's own."""

    def __init__(self, stage, kind, megabytes):
        self.kind, self.megabytes = kind, megabytes
        self.image, self.folder = stage.folder / "disk.img", stage.folder / "disk"
        self.folder.mkdir()
        if os.geteuid() != 0:
            raise Unavailable("a file system of one's own needs root")
        if kind == "ext4":
            with open(self.image, "wb") as f:
                f.truncate(megabytes << 20)
            _run("mkfs.ext4", "-q", self.image)
        self.mount()
        stage.at_end(self.unmount)
        stage.options["store_path"] = str(self.folder / "store")

    def mount(self):
        if self.kind == "ext4":
            _run("mount", "-o", "loop", self.image, self.folder)
        else:
            _run("mount", "-t", "tmpfs", "-o", f"size={self.megabytes}m", "tmpfs", self.folder)

    def unmount(self):
        wait_until(lambda: self._unmounted() or not os.path.ismount(self.folder), 20, f"umount {self.folder}")

    def _unmounted(self):
        return subprocess.run(["umount", self.folder], stdin=subprocess.DEVNULL, capture_output=True).returncode == 0

    def cut_power(self):
        """Nothing that the kernel still holds is written any more."""
        fd = os.open(self.folder, os.O_RDONLY)
        fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, array.array("I", [NO_LOG_FLUSH]))
        os.close(fd)

    def fill(self):
        """Until not even one block is free."""
        with open(self.folder / "ballast", "ab", buffering=0) as f:
            step = BALLAST_STEP
            while step >= 512:
                try:
                    f.write(bytes(step))
                except OSError:
                    step //= 2

    def empty(self):
        (self.folder / "ballast").unlink(missing_ok=True)


def on_ext4(stage):
    stage.disk = Disk(stage, "ext4", 128)


def on_ext4_without_sync(stage):
    """A control: fsync does nothing, so power cuts must lose what was acknowledged."""
    if not os.path.exists(EATMYDATA):
        raise Unavailable(f"{EATMYDATA} is not there (script/setup test)")
    on_ext4(stage)
    preload(stage, [EATMYDATA], {})


def on_small_disk(stage):
    stage.disk = Disk(stage, "tmpfs", 48)
    stage.outstanding = 3000


def power_cuts(stage):
    """The sink is away just before, so that what was acknowledged is nowhere but on the disk."""
    link = stage.links["sink"]
    for _ in range(stage.count(6)):
        stage.pause(0.3, 0.02)
        stage.allow_repeats()
        link.tell("refuse")
        stage.bridge.wait_stats(lambda s: s["store_messages"] > 0)
        stage.pause(0.6, 0.2)
        os.kill(stage.bridge.process.pid, signal.SIGSTOP)  # an fsync that is under way may report success below
        stage.disk.cut_power()
        stage.bridge.kill9()
        stage.disk.unmount()
        stage.disk.mount()
        link.tell("accept")
        stage.recover()


def disk_full(stage):
    """While the sink is away, the disk fills up. When the sink is back, the store drains, although the disk is still full.

    More than is in the store can't arrive until there is space again: the source waits.
    """
    link = stage.links["sink"]
    for _ in range(stage.count(3)):
        stage.allow_repeats()
        link.tell("refuse")
        stage.pause(1.0, 0.5)
        stage.disk.fill()
        stage.pause(2.0, 1.0)
        link.tell("accept")
        stage.bridge.wait_stats(lambda s: s["store_messages"] == 0)
        began = time.monotonic()
        stage.disk.empty()
        stage.under_way(began=began)


def store_full(stage):
    """The store reaches its own limit, and the source waits."""
    link = stage.links["sink"]
    for _ in range(stage.count(3)):
        stage.allow_repeats()
        link.tell("refuse")
        stage.pause(3.0, 2.0)
        began = time.monotonic()
        link.tell("accept")
        stage.under_way(began=began)


def with_small_store(stage):
    stage.outstanding = 3000
    stage.options["store_max_messages"] = 400


def with_failing_disk(stage):
    with_failing("posix/io/sync/*", 0.03, errno=5)(stage)


# --- damage

def with_many_stored(stage):
    stage.outstanding = 2000


def damaged(stage):
    """The bridge is killed while the store holds messages that no source has any more, and then files are damaged.

    What the damage left whole must arrive, as sent; what it took is written off, and nothing else is. A log that has lost its
    end looks like one that was being written when the power failed: it is not, and can't be, told that it is damaged.
    """
    for harmed, harm in list(HARMS.items())[:stage.count(len(HARMS))]:
        _fill_store(stage)
        stage.bridge.kill9()
        _damage(stage, harmed, harm)
        stage.links["sink"].tell("accept")
        stage.recover()
        stage.bridge.wait_stats(lambda s: s["store_messages"] == 0)


def _fill_store(stage):
    """The file has messages, and so has the log: a clean stop moves them from one to the other."""
    stage.links["sink"].tell("refuse")
    for at_least in (300, 600):
        stage.bridge.wait_stats(lambda s, at_least=at_least: s["store_messages"] >= at_least)
        if at_least == 300:
            stage.bridge.stop()
            stage.start_bridge()


def _damage(stage, harmed, harm):
    store = Store(stage.folder / "store", stage.folder / "copy.db")
    before, in_file = store.rows(), store.rows(with_log=False)
    harm(store, stage.random)
    after = store.rows(before)
    lost = {id for id, row in before.items() if after.get(id) != row}
    stage.write_off({who(before[id]) for id in lost}, {who(row) for row in before.values()})
    stage.allow_repeats()
    stage.allow_repeats_of(len(in_file))  # what the log had deleted
    stage.notes.setdefault("damaged", []).append([harmed, len(before), len(lost)])
