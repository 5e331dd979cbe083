"""script/bench guarantees: processor time a message of a FIFO queue's source, with heartbeats, lanes and the memory of
what was deleted, against the same source without them (tests/bench/unguarded.c). The two take turns, so that what
disturbs one disturbs the other.
"""
import shutil
import statistics
import tempfile
from pathlib import Path

from tests.bench.ends import Sqs, feed, readings
from tests.bench.measured import Run
from tests.rig import ROOT, SqsSim

MESSAGES = 100_000
ROUNDS = 5
AIM_PERCENT = 5
BUILT = ROOT / "build" / "release"


def round_of(program, folder, sim, name):
    end = Sqs(sim)
    sink = {**end.sink(f"{name}.fifo"), "message_group_id": "${attr:device}", "fifo_batch_same_group": True}
    feed(BUILT / "sqsbridge", folder, folder / "readings.jsonl", sink)
    run = Run(program, folder, name, {"source": {**end.source(f"{name}.fifo"), "visibility_timeout": 2},
                                      "sink": {"type": "file", "path": "/dev/null"}})
    run.wait("acknowledged", MESSAGES, 120)
    cpu_us = run.cpu_s() * 1e6 / MESSAGES
    run.stop()
    return cpu_us


def main():
    programs = {"with": BUILT / "tests" / "sqsbridge_guarded", "without": BUILT / "tests" / "sqsbridge_unguarded"}
    names = {kind: [f"{kind}-{i}" for i in range(ROUNDS)] for kind in programs}
    folder = Path(tempfile.mkdtemp(prefix="sqsbridge-bench-"))
    sim = SqsSim(folder / "sqs", [f"{name}.fifo" for kind in names for name in names[kind]]).start()
    try:
        readings(folder / "readings.jsonl", MESSAGES)
        took = {kind: [] for kind in programs}
        for i in range(ROUNDS):
            for kind, program in programs.items():
                took[kind].append(round_of(program, folder, sim, names[kind][i]))
        middle = {kind: statistics.median(values) for kind, values in took.items()}
        for kind, values in took.items():
            print(f"{kind:8} {' '.join(f'{value:6.2f}' for value in values)}  median {middle[kind]:.2f} us a message")
        print(f"the guarantees cost {(middle['with'] / middle['without'] - 1) * 100:+.1f}% (aim: {AIM_PERCENT}%)")
    finally:
        sim.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
