"""One run of the bridge, measured from outside: processor time and memory as the kernel accounts them, counters as it reports them."""
import json
import os
import time
from pathlib import Path

from tests.e2e.libconfig import pipelines
from tests.rig import spawn, wait_until

TICKS = os.sysconf("SC_CLK_TCK")


class Run:
    def __init__(self, program, folder, name, pipeline):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.config = self.folder / f"{name}.conf"
        self.config.write_text(pipelines(bench=pipeline))
        self.stats_path = self.folder / f"{name}.stats.jsonl"
        self.stats_path.unlink(missing_ok=True)
        self.log_path = self.folder / f"{name}.log"
        self.log_path.unlink(missing_ok=True)
        stats = ["--stats-file", self.stats_path, "--stats-interval", "20ms"]
        self.started = time.monotonic()
        self.process = spawn([program, "run", self.config, *stats], self.log_path)

    def stats(self):
        lines = self.stats_path.read_text().splitlines() if self.stats_path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def last(self, counter):
        """The counter's newest value; read from the file's end, since this is asked often."""
        try:
            with open(self.stats_path, "rb") as f:
                f.seek(max(0, f.seek(0, os.SEEK_END) - 2000))
                lines = [line for line in f.read().split(b"\n")[:-1] if line.startswith(b"{")]
            return json.loads(lines[-1])[counter] if lines else 0
        except FileNotFoundError:
            return 0

    def wait(self, counter, value, timeout_s):
        def there():
            if self.process.poll() is not None:
                raise RuntimeError(f"the bridge ended:\n{self.log_path.read_text()[-2000:]}")
            return self.last(counter) >= value

        wait_until(there, timeout_s, f"{counter} = {value}")

    def wait_running(self):
        wait_until(lambda: "running" in self.log_path.read_text(), 60, "the pipeline to run")

    def cpu_s(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        kib = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines() if line.endswith(" kB")}
        return {"peak_rss_mib": kib["VmHWM"] / 1024, "anonymous_mib": kib["RssAnon"] / 1024}

    def stop(self):
        self.process.terminate()
        code = self.process.wait(60)
        if code != 0:
            raise RuntimeError(f"exit code {code}:\n{self.log_path.read_text()[-2000:]}")


def throughput(stats, count):
    """Messages per second between the first report with a message and the first with all of them."""
    moving = [s for s in stats if s["received"] > 0]
    done = next(s for s in moving if s["acknowledged"] >= count)
    seconds = (done["time_ms"] - moving[0]["time_ms"]) / 1000
    return (count - moving[0]["acknowledged"]) / seconds if seconds > 0 else float("inf")


def measure(run, count):
    """Waits until `count` messages are through, then reads the figures."""
    run.wait("acknowledged", count, 600)
    run.wait("confirmed", count, 600)  # with a store, later
    cpu_us = run.cpu_s() * 1e6
    memory = run.memory_mib()
    run.stop()
    stats = run.stats()
    return {
        "messages_per_s": round(throughput(stats, count)),
        "cpu_us_per_message": round(cpu_us / count, 2),
        "requests_per_message": round(stats[-1]["requests"] / count, 3),
        "longest_turn_ms": round(max(s["longest_turn_us"] for s in stats) / 1000, 2),
        **{name: round(value, 1) for name, value in memory.items()},
    }
