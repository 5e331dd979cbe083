"""The program under test: started with a configuration file, watched through its log and its counters."""
import json
import os
import re
import signal
import subprocess
from collections import Counter
from pathlib import Path

from tests.rig import ROOT, spawn, wait_until

DEFAULT = ROOT / "build" / "dev" / "sqsbridge"
DEFAULT_NOGATE = ROOT / "build" / "dev" / "tests" / "sqsbridge_nogate"
REPORTS = re.compile(r"(ERROR|WARNING): \w+Sanitizer|runtime error:|assertion failed|Assertion `")


def binary():
    return Path(os.environ.get("SQSBRIDGE", DEFAULT)).resolve()


def nogate_binary():
    """A build that acknowledges too early: the tests must notice."""
    return Path(os.environ.get("SQSBRIDGE_NOGATE", DEFAULT_NOGATE)).resolve()


def command(*arguments, env=None):
    """Runs the bridge to its end: lint, print-config, or a run that is refused."""
    return subprocess.run(
        [binary(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        env=None if env is None else {**os.environ, **env},
    )


class Bridge:
    """One bridge. start() after stop() or kill9() is a restart with the same configuration."""

    def __init__(self, folder, config, program=None, env=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.program = program or binary()
        self.env = env
        self.config_path = self.folder / "bridge.conf"
        self.config_path.write_text(config)
        self.log_path = self.folder / "bridge.log"
        self.runs = 0
        self.stats_interval = "50ms"
        self.process = None

    def start(self, wait=True):
        """wait: until every pipeline says that it is running."""
        self.runs += 1
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        stats = ["--stats-file", self.stats_path(self.runs), "--stats-interval", self.stats_interval]
        self.process = spawn([self.program, "run", self.config_path, *stats], self.log_path, env=self.env)
        if wait:
            self.wait_log(r'pipeline "[^"]*": running')
        return self

    def stats_path(self, run):
        """A file for each run, since counters start from nothing."""
        return self.folder / f"stats-{run}.jsonl"

    def log(self):
        """Of this run."""
        with open(self.log_path, "rb") as f:
            f.seek(self._log_start)
            return f.read().decode(errors="replace")

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def running(self):
        return self.process is not None and self.process.poll() is None

    def wait(self, condition, timeout_s, what):
        """Until condition() is true; a bridge that ends meanwhile, or is too slow, fails the test with its log."""

        def fulfilled():
            value = condition()
            assert value or self.running(), f"the bridge ended with {self.process.returncode} while waiting for {what}:\n{self.log()[-3000:]}"
            return value

        try:
            return wait_until(fulfilled, timeout_s, what)
        except TimeoutError as e:
            raise AssertionError(f"{e}; counters {dict(self.stats())}\n{self.log()[-3000:]}") from None

    def wait_log(self, pattern, timeout_s=30):
        """The first line that matches."""
        return self.wait(lambda: self.log_lines(pattern), timeout_s, f"log line {pattern!r}")[0]

    def stats(self, run=None):
        """The latest counters of this run, summed over pipelines and workers; nothing yet: all are 0."""
        latest = {}
        for line in self._stats_lines(self.stats_path(run or self.runs)):
            latest[line["pipeline"], line["worker"]] = line
        total = Counter()
        for line in latest.values():
            total.update({name: value for name, value in line.items() if isinstance(value, int) and name != "worker"})
        return total

    def stats_of_runs(self):
        return [self.stats(run + 1) for run in range(self.runs)]

    @staticmethod
    def _stats_lines(path):
        if not path.exists():
            return []
        whole_lines = path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole_lines.splitlines()]

    def wait_stats(self, condition, timeout_s=60):
        """condition takes the counters; returns them when it is true."""
        self.wait(lambda: condition(self.stats()), timeout_s, "counters")
        return self.stats()

    def stop(self, timeout_s=30):
        """SIGTERM: it must end by itself, with 0, and without a sanitizer's report."""
        assert self.running(), f"the bridge has ended by itself:\n{self.log()[-3000:]}"
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"still there {timeout_s} s after SIGTERM:\n{self.log()[-3000:]}") from None
        assert status == 0, f"exit status {status}:\n{self.log()[-3000:]}"
        self.assert_no_report()

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def reload(self, config=None, expected="reloaded ", timeout_s=60):
        """SIGHUP, with another configuration in the file where one is given; the line of the log that says what came of it."""
        if config is not None:
            self.config_path.write_text(config)
        before = len(self.log_lines(expected))
        self.hang_up()
        return self.wait(lambda: self.log_lines(expected)[before:], timeout_s, f"another {expected!r}")[-1]

    def kill9(self):
        if self.running():
            self.process.kill()
        self.process.wait()

    def assert_no_report(self):
        report = REPORTS.search(self.log_path.read_text(errors="replace"))
        assert not report, self.log_path.read_text(errors="replace")[report.start():][:5000]

    def close(self):
        """The end of a test: whatever is left running goes, and a report of a sanitizer fails the test."""
        if self.process is not None:
            self.kill9()
            self.assert_no_report()
