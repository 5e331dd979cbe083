"""The nine pairs, one after the other: script/bench [--messages N] [--pair FROM-TO]... [--store MODE] [--out FILE]

The source is filled first, so that the bridge runs at full batches; only its own process is counted.
"""
import argparse
import itertools
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from tests.bench.ends import KafkaEnd, Mqtt, Sqs, feed, readings
from tests.bench.measured import Run, measure
from tests.rig import ROOT, Kafka, Mosquitto, SqsSim

KINDS = ["sqs", "kafka", "mqtt"]
# Microseconds of processor time a message: what this release must reach.
AIMS = {("sqs", "kafka"): 15, ("kafka", "sqs"): 10, ("mqtt", "sqs"): 20, ("mqtt", "kafka"): 20,
        ("sqs", "mqtt"): 35, ("kafka", "mqtt"): 35, ("mqtt", "mqtt"): 35}


class Bench:
    def __init__(self, folder, program, count, queues, store="off"):
        self.folder = Path(folder)
        self.program = program
        self.count = count
        self.store = store
        self.sim = SqsSim(self.folder / "sqs", queues).start()
        self.broker = Mosquitto(self.folder / "mqtt").start()
        self.kafka = Kafka(self.folder / "kafka").start()
        self.ends = {"sqs": Sqs(self.sim), "kafka": KafkaEnd(self.kafka), "mqtt": Mqtt(self.broker)}
        self.lines = readings(self.folder / "readings.jsonl", count)

    def stop(self):
        for server in (self.sim, self.broker, self.kafka):
            server.stop()

    def run_until_running(self, name, pipeline):
        run = Run(self.program, self.folder, name, pipeline)
        run.wait_running()
        run.stop()

    def receives(self):
        with urllib.request.urlopen(f"{self.sim.endpoint()}/_sim/stats", timeout=10) as answer:
            return json.load(answer)["calls"].get("ReceiveMessage", 0)

    def pair(self, source, sink):
        came_from, goes_to = f"from-{source}-{sink}", f"to-{source}-{sink}"
        self.ends[source].prepare(self, came_from)
        self.ends[sink].prepare(self, goes_to)
        feed(self.program, self.folder, self.lines, self.ends[source].sink(came_from))
        pipeline = {"source": self.ends[source].source(came_from), "sink": self.ends[sink].sink(goes_to)}
        if self.store != "off":
            pipeline |= {"store": self.store, "store_path": str(self.folder / "store")}
        run = Run(self.program, self.folder, f"{source}-{sink}", pipeline)
        return {"store": self.store, "pair": f"{source}-{sink}", "messages": self.count, **measure(run, self.count)}

    def start_to_first_receive_ms(self):
        """From the start of the process to its first ReceiveMessage, without TLS."""
        before = self.receives()
        pipeline = {"source": self.ends["sqs"].source("from-nowhere"), "sink": {"type": "file", "path": "/dev/null"}}
        run = Run(self.program, self.folder, "start", pipeline)
        while self.receives() == before:
            pass
        elapsed = (time.monotonic() - run.started) * 1000
        run.stop()
        return round(elapsed, 1)


def print_row(row):
    aim = AIMS.get(tuple(row["pair"].split("-")))
    print(f"{row['pair']:12} {row['messages_per_s']:>9,} {row['cpu_us_per_message']:>9.1f} {aim or '':>5} "
          f"{row['peak_rss_mib']:>9.1f} {row['anonymous_mib']:>9.1f} {row['requests_per_message']:>9.3f} "
          f"{row['longest_turn_ms']:>9.1f}", flush=True)


def arguments():
    p = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    p.add_argument("--messages", type=int, default=100_000)
    p.add_argument("--pair", action="append", help="as in sqs-kafka; default: all nine")
    p.add_argument("--store", default="off", choices=["off", "overflow", "always"])
    p.add_argument("--out", default=str(ROOT / "build" / "bench.jsonl"), help="JSON lines are appended here")
    p.add_argument("--program", default=str(ROOT / "build" / "release" / "sqsbridge"))
    return p.parse_args()


def chosen_pairs(names):
    pairs = list(itertools.product(KINDS, KINDS))
    if not names:
        return pairs
    unknown = [name for name in names if tuple(name.split("-")) not in pairs]
    if unknown:
        sys.exit(f"script/bench: no such pair: {unknown[0]} (FROM-TO, each of {', '.join(KINDS)})")
    return [tuple(name.split("-")) for name in names]


def queues_of(pairs):
    names = ["from-nowhere"]
    names += [f"from-sqs-{sink}" for source, sink in pairs if source == "sqs"]
    return names + [f"to-{source}-sqs" for source, sink in pairs if sink == "sqs"]


def main():
    options = arguments()
    pairs = chosen_pairs(options.pair)
    folder = tempfile.mkdtemp(prefix="sqsbridge-bench-")
    bench = Bench(folder, options.program, options.messages, queues_of(pairs), options.store)
    try:
        print(f"{options.messages:,} messages of 256 bytes with two attributes; the bridge's own process, release build")
        print(f"{'pair':12} {'msg/s':>9} {'us/msg':>9} {'aim':>5} {'RSS MiB':>9} {'anon MiB':>9} {'req/msg':>9} {'turn ms':>9}")
        rows = []
        for source, sink in pairs:
            rows.append(bench.pair(source, sink))
            print_row(rows[-1])
        rows.append({"start_to_first_receive_ms": bench.start_to_first_receive_ms()})
        print(f"start to first receive: {rows[-1]['start_to_first_receive_ms']} ms (aim: 100)")
        with open(options.out, "a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
    finally:
        bench.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
