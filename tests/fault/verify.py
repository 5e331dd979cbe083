"""python3 -m tests.fault.verify FOLDER [--duplicates N] [--order] [--json PATH]: the verdict on one run.

It reads what the loader attempted and what the brokers acknowledged to it (load.jsonl), what the sink really held
(sink.jsonl), what was still at the source when the bridge had ended (source.jsonl, if there is one), and what the row itself
destroyed while only the bridge's store had it (store.jsonl, if there is one). It never asks
the bridge, knows nothing of it, and needs nothing but Python's standard library.

  LOSS      acknowledged to the loader, and neither at the sink nor still at the source, nor destroyed in the store
  PHANTOM   at the sink, and never attempted
  CORRUPT   at the sink with other bytes, or other attributes, than were sent
  DUP       how often the sink was given what it had; more than N is a failure
  ORDER     first arrivals of a lane that came before one with a smaller number
  LEFT      still at the source although it is at the sink, or although all should have been moved (--left allows it)

The exit code is 0 when all of it holds, 1 when not. The report is JSON.
"""
import argparse
import base64
import json
import sys
from collections import Counter
from pathlib import Path

from .journal import read
from .records import damage, identify

SHOWN = 10


def body_of(line):
    return base64.b64decode(line["body"])


def arrivals(lines):
    """Lines without those that the broker delivered to the reader twice: the bridge has no part in that.

    A message of SQS and a record of Kafka have a name of their own; MQTT marks what it delivers again.
    """
    names, seen = set(), set()
    for line in lines:
        who, name = identify(body_of(line)), line.get("name")
        if not (name and name in names or line.get("redelivered") and who in seen):
            yield line, who
        names.add(name)
        seen.add(who)


def disorder(arrived):
    """(lane, earlier, later) of first arrivals that came in the wrong order."""
    seen, last, wrong = set(), {}, []
    for _, lane, seq in arrived:
        if (lane, seq) in seen:
            continue
        seen.add((lane, seq))
        if seq < last.get(lane, -1):
            wrong.append([lane, seq, last[lane]])
        last[lane] = max(seq, last.get(lane, -1))
    return wrong


class Evidence:
    def __init__(self, folder):
        folder = Path(folder)
        load = read(folder / "load.jsonl")
        self.run = next((line["run"] for line in load if line["op"] == "run"), None)
        self.attempted = {(line["lane"], line["seq"]) for line in load if line["op"] == "attempted"}
        self.acked = {(line["lane"], line["seq"]) for line in load if line["op"] == "acked"}
        pairs = list(arrivals(read(folder / "sink.jsonl")))
        self.corrupt = [
            {"who": who, "why": why} for line, who in pairs if (why := damage(body_of(line), line["attributes"]))
        ]
        self.whole = [who for line, who in pairs if who and not damage(body_of(line), line["attributes"])]
        source = folder / "source.jsonl"
        held = [identify(body_of(line)) for line in (read(source) if source.exists() else [])]
        store = folder / "store.jsonl"
        stored = read(store) if store.exists() else []
        self.destroyed = {(line["lane"], line["seq"]) for line in stored if line["lost"]}
        self.held = {who[1:] for who in held if who and who[0] == self.run}


def judge(evidence, duplicates=0, order=False, left=False):
    """The report: counts, samples, and which of the verdicts fail."""
    counts = Counter((lane, seq) for run, lane, seq in evidence.whole if run == evidence.run)
    missing = evidence.acked - set(counts) - evidence.held
    loss = sorted(missing - evidence.destroyed)
    phantom = [who for who in evidence.whole if who[0] != evidence.run or who[1:] not in evidence.attempted]
    disordered = disorder(evidence.whole) if order else []
    repeated = sum(n - 1 for n in counts.values())
    remain = evidence.held & evidence.acked
    failed = [name for name, wrong in (
        ("LOSS", loss), ("PHANTOM", phantom), ("CORRUPT", evidence.corrupt), ("DUP", repeated > duplicates),
        ("ORDER", disordered), ("LEFT", remain and not left), ("EMPTY", not evidence.acked),
    ) if wrong]
    return {
        "verdict": "fail" if failed else "pass", "failed": failed,
        "attempted": len(evidence.attempted), "acked": len(evidence.acked), "arrived": len(counts),
        "loss": len(loss), "phantom": len(phantom), "corrupt": len(evidence.corrupt), "dup": repeated,
        "dup_bound": duplicates, "order": len(disordered), "order_checked": order, "left": len(remain),
        "destroyed": len(missing & evidence.destroyed),
        "samples": {
            "loss": loss[:SHOWN], "phantom": phantom[:SHOWN], "corrupt": evidence.corrupt[:SHOWN],
            "dup": [[who, n] for who, n in counts.most_common(SHOWN) if n > 1], "order": disordered[:SHOWN],
        },
    }


def main():
    parser = argparse.ArgumentParser(prog="verify", description=__doc__.partition("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--duplicates", type=int, default=0, metavar="N", help="as many repeats are allowed")
    parser.add_argument("--order", action="store_true", help="lanes must arrive in order")
    parser.add_argument("--left", action="store_true", help="the source may still hold messages")
    parser.add_argument("--json", metavar="PATH", help="write the report here, too")
    arguments = parser.parse_args()
    report = judge(Evidence(arguments.folder), arguments.duplicates, arguments.order, arguments.left)
    text = json.dumps(report, indent=1, ensure_ascii=False)
    print(text)
    if arguments.json:
        Path(arguments.json).write_text(text + "\n")
    return 0 if report["verdict"] == "pass" else 1


if __name__ == "__main__":
    sys.exit(main())
