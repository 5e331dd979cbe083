"""The SQS client against a canned server, next to libcurl alone with the same bytes: script/bench sqs-client [--requests N] [--out FILE]

Batches of ten messages of 256 bytes with two attributes, four requests at a time, one thread. Ratios mean more than times:
machines are noisy, and the server shares this one.
"""
import argparse
import hashlib
import json
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.rig import ROOT

BODY = b"x" * 256
ATTRIBUTES = [("count", "Number", b"42"), ("device", "String", b"sensor")]  # sorted by name
SCENARIOS = ["send", "receive", "delete"]
AIMS = {"signing": 6.0, "parsing": 1.5}


def counted(data):
    return struct.pack(">I", len(data)) + data


def md5_of_attributes():
    parts = [counted(name.encode()) + counted(kind.encode()) + b"\x01" + counted(value) for name, kind, value in ATTRIBUTES]
    return hashlib.md5(b"".join(parts)).hexdigest()


def received(i):
    return {
        "Attributes": {"MessageGroupId": "group", "SentTimestamp": "1764000000123"}, "Body": BODY.decode(),
        "MD5OfBody": hashlib.md5(BODY).hexdigest(), "MD5OfMessageAttributes": md5_of_attributes(),
        "MessageAttributes": {name: {"DataType": kind, "StringValue": value.decode()} for name, kind, value in ATTRIBUTES},
        "MessageId": f"00000000-0000-0000-0000-{i:012d}", "ReceiptHandle": f"{i}" + "h" * 343,
    }


def sent(i):
    return {
        "Id": str(i), "MD5OfMessageAttributes": md5_of_attributes(), "MD5OfMessageBody": hashlib.md5(BODY).hexdigest(),
        "MessageId": f"00000000-0000-0000-0000-{i:012d}",
    }


def write_answers(folder):
    answers = {
        "ReceiveMessage": {"Messages": [received(i) for i in range(10)]},
        "SendMessageBatch": {"Successful": [sent(i) for i in range(10)]},
        "DeleteMessageBatch": {"Successful": [{"Id": str(i)} for i in range(10)]},
    }
    for action, answer in answers.items():
        (Path(folder) / action).write_text(json.dumps(answer, separators=(",", ":")))


class Bench:
    def __init__(self, programs, folder):
        self.program = programs / "bench_sqs_client"
        self.folder = Path(folder)
        write_answers(folder)
        self.server = subprocess.Popen([programs / "canned_sqs", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = self.server.stdout.readline().split()[1]

    def run(self, *arguments):
        words = [self.program, *[str(a) for a in arguments]]
        return json.loads(subprocess.run(words, capture_output=True, text=True, check=True, timeout=600).stdout)

    def close(self):
        self.server.stdin.close()
        self.server.wait(10)


def print_row(name, row):
    print(f"{name:16} {row['requests_per_s']:>10,.0f} {row['cpu_us_per_request']:>9.1f} {row['cpu_us_per_message']:>9.2f} "
          f"{row['allocations_per_message']:>10.2f}", flush=True)


def main():
    p = argparse.ArgumentParser(prog="script/bench sqs-client", description=__doc__)
    p.add_argument("--requests", type=int, default=20_000)
    p.add_argument("--out", default=str(ROOT / "build" / "bench.jsonl"), help="JSON lines are appended here")
    p.add_argument("--programs", type=Path, default=ROOT / "build" / "release" / "tests" / "bench")
    options = p.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(prefix="sqsbridge-bench-") as folder:
        bench = Bench(options.programs, folder)
        print(f"{'':16} {'requests/s':>10} {'us/req':>9} {'us/msg':>9} {'allocs/msg':>10}")
        for scenario in SCENARIOS:
            for mode in ("client", "floor"):
                row = bench.run(mode, scenario, options.requests, bench.port)
                print_row(f"{scenario} {mode}", row)
                rows.append({"bench": "sqs-client", "mode": mode, "scenario": scenario, **row})
        signing, parsing = bench.run("sign", 20_000), bench.run("parse", bench.folder / "ReceiveMessage")
        bench.close()
    rows += [{"bench": "sqs-client", "part": "sign", **signing}, {"bench": "sqs-client", "part": "parse", **parsing}]
    print(f"signing a batch of {signing['body_bytes']} bytes: {signing['us_per_request']} us, without its body "
          f"{signing['us_without_body']} us (aim {AIMS['signing']}), {signing['allocations_per_request']} allocations")
    print(f"reading a ReceiveMessage of ten: {parsing['cpu_us_per_message']} us a message (aim {AIMS['parsing']}), "
          f"{parsing['allocations_per_message']} allocations")
    with open(options.out, "a") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)


if __name__ == "__main__":
    main()
