"""script/bench held: what a hundred thousand messages cost while they are held because a sink does not answer.

They lie in a queue; the sink's queue takes requests and answers none. Memory is read when all are held, requests and
processor time over the seconds after that, in which every message is extended.
"""
import json
import shutil
import tempfile
import time
import urllib.request

from tests.bench.ends import Sqs, feed, readings
from tests.bench.measured import Run
from tests.rig import ROOT, SqsSim, wait_until

MESSAGES = 100_000
WATCH_S = 20
AIM_MIB = 150


def control(sim, path, body=None):
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(f"{sim.endpoint()}/_sim/{path}", data, timeout=10) as answer:
        return json.load(answer)


def extensions(sim):
    return control(sim, "stats")["calls"].get("ChangeMessageVisibilityBatch", 0)


def hold(program, folder, sim):
    end = Sqs(sim)
    feed(program, folder, readings(folder / "readings.jsonl", MESSAGES), end.sink("full"))
    control(sim, "faults", {"kind": "hang", "action": "SendMessageBatch", "queue": "silent", "count": -1})
    source = {**end.source("full"), "visibility_timeout": 20}
    run = Run(program, folder, "held", {"source": source, "sink": end.sink("silent"), "max_in_flight": MESSAGES,
                                        "max_in_flight_bytes": "1GiB", "drain_timeout": "100ms"})
    wait_until(lambda: run.last("in_flight") >= MESSAGES, 60, f"{MESSAGES} messages in flight")
    return run


def main():
    folder = tempfile.mkdtemp(prefix="sqsbridge-held-")
    path = ROOT / "build" / "release" / "sqsbridge"
    sim = SqsSim(f"{folder}/sqs", ["full", "silent"]).start()
    try:
        run = hold(path, type(ROOT)(folder), sim)
        memory, requests, cpu = run.memory_mib(), extensions(sim), run.cpu_s()
        time.sleep(WATCH_S)  # a time is measured here, not a state waited for
        requests, cpu = extensions(sim) - requests, run.cpu_s() - cpu
        print(f"{MESSAGES:,} messages of 256 bytes held: {memory['peak_rss_mib']:.1f} MiB (aim: {AIM_MIB}), "
              f"{memory['anonymous_mib']:.1f} of them anonymous")
        print(f"the next {WATCH_S} s: {requests:,} extensions of ten, {cpu:.2f} s of processor time, "
              f"redelivered: {run.last('redelivered')}")
        run.process.kill()
        run.process.wait()
    finally:
        sim.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
