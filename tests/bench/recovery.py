"""script/bench recovery [--messages N]: how soon a bridge sends after a kill -9 that left a million messages in its store.

The store is filled while the sink is away, the bridge killed, and started again with a file as its sink. Cold: the
kernel's caches are dropped first, which needs root.
"""
import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

from tests.bench.ends import readings
from tests.bench.measured import Run
from tests.rig import ROOT, wait_until

NOWHERE = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topic": "x"}
AIM_S = 2


def arguments():
    p = argparse.ArgumentParser(prog="script/bench recovery", description=__doc__)
    p.add_argument("--messages", type=int, default=1_000_000)
    p.add_argument("--program", default=str(ROOT / "build" / "release" / "sqsbridge"))
    return p.parse_args()


def pipeline(folder, source, sink):
    return {"source": {"type": "file", "path": str(source), "format": "jsonl"}, "sink": sink, "store": "always",
            "store_path": str(folder / "store"), "store_max_bytes": "8GiB", "max_in_flight": 10000}


def fill(options, folder):
    lines = readings(folder / "readings.jsonl", options.messages)
    run = Run(options.program, folder, "fill", pipeline(folder, lines, NOWHERE))
    run.wait("store_messages", options.messages, 600)
    run.process.kill()
    run.process.wait()


def drop_caches():
    os.sync()
    if os.geteuid() != 0:
        return "warm (dropping caches needs root)"
    Path("/proc/sys/vm/drop_caches").write_text("3\n")
    return "cold"


def recover(options, folder):
    """(seconds to the first message, seconds to the last)."""
    out = folder / "out.txt"
    run = Run(options.program, folder, "recover", pipeline(folder, "/dev/null", {"type": "file", "path": str(out)}))
    wait_until(lambda: out.exists() and out.stat().st_size, 60, "the first message")
    first = time.monotonic() - run.started
    if run.process.wait(600) != 0:
        raise RuntimeError(run.log_path.read_text()[-2000:])
    return first, time.monotonic() - run.started


def main():
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="sqsbridge-recovery-"))
    try:
        fill(options, folder)
        state = drop_caches()
        first, last = recover(options, folder)
        print(f"{options.messages:,} messages of 256 bytes in a store that nobody closed, {state}: "
              f"the first is sent after {first:.2f} s (aim: {AIM_S}), the last after {last:.1f} s")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
