"""Programs that a test or the demo starts: each in a folder of its own, on loopback, and gone when we are gone.

Start them from the main thread: the kernel's parent-death signal is tied to the thread that forked.
"""
import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Unavailable(Exception):
    """This program cannot be had on this machine: a skip for a user, a failure where CI=true."""


class StartFailed(Exception):
    """The program ended, or did not get ready in time; the text has the end of its log."""


def wait_until(condition, timeout_s, what):
    """Returns the first true value of condition(); TimeoutError after timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(0.02)


def free_ports(count):
    """Distinct ports, free on 127.0.0.1 now and below the range that outgoing connections take theirs from."""
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    held = []
    try:
        for port in random.sample(range(15000, min(first_ephemeral, 32768)), 2000):
            if len(held) == count:
                return [s.getsockname()[1] for s in held]
            held.append(socket.socket())
            try:
                held[-1].bind(("127.0.0.1", port))
            except OSError:
                held.pop().close()
        raise OSError("no free ports on 127.0.0.1")
    finally:
        for s in held:
            s.close()


def spawn(argv, log_path, stdin=subprocess.DEVNULL, stdout=None, env=None):
    """Starts argv in a session of its own; it is killed when this process dies, however that happens.

    Standard error, and standard output unless given, are appended to log_path.
    """
    parent = os.getpid()

    def die_with_parent():
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    with open(log_path, "ab") as log:
        return subprocess.Popen(
            [str(a) for a in argv],
            stdin=stdin,
            stdout=log if stdout is None else stdout,
            stderr=log,
            env=None if env is None else {**os.environ, **env},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    """One server. A second start() keeps the ports of the first, so a restart is found at the same address.

    A subclass says how many ports it needs, what to run, and when it is ready.
    """

    port_count = 1
    start_timeout_s = 60
    port_taken = ("Address already in use",)

    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / f"{type(self).__name__.lower()}.log"
        self.ports = None
        self.process = None

    def configure(self):
        """Writes configuration files; self.ports is set."""

    def command(self):
        raise NotImplementedError

    def ready(self):
        """Whether it takes requests; called again and again."""
        raise NotImplementedError

    def start(self):
        for _ in range(3):
            chosen_now = self.ports is None
            self.ports = self.ports or free_ports(self.port_count)
            try:
                return self._start_once()
            except StartFailed as failure:
                if not chosen_now or not any(t in str(failure) for t in self.port_taken):
                    raise
                self.ports = None
        raise StartFailed(f"{type(self).__name__}: no free port in three tries")

    def _start_once(self):
        self.configure()
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        self.process = self.launch()
        try:
            wait_until(self._ready_or_dead, self.start_timeout_s, f"start of {type(self).__name__}")
        except (StartFailed, TimeoutError) as e:
            self.kill()
            raise StartFailed(f"{e}\n{self.log()[-3000:]}") from None
        return self

    def launch(self):
        return spawn(self.command(), self.log_path)

    def _ready_or_dead(self):
        if self.process.poll() is not None:
            raise StartFailed(f"{type(self).__name__} ended at start with status {self.process.returncode}")
        return self.ready()

    def log(self):
        """What it wrote since the last start()."""
        with open(self.log_path, "rb") as f:
            f.seek(self._log_start)
            return f.read().decode(errors="replace")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, timeout_s=30):
        """Ends it in its own good order, and by SIGKILL where that takes too long."""
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self):
        """A crash."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self if self.running() else self.start()

    def __exit__(self, *_):
        self.stop()
