"""The verifier must see each wrong, and nothing where nothing is wrong. Its own runs, as a user would run it."""
import base64
import itertools
import json
import subprocess
import sys

import pytest

from tests.fault.records import attributes_as_json, records
from tests.rig import ROOT

RUN, COUNT, LANES = "run-1", 40, 4
SENT = list(itertools.islice(records(RUN, LANES, 7), COUNT))
STRANGERS = list(itertools.islice(records("run-0", LANES, 8), 2))


def sink_line(record, name, body=None, attributes=None, **more):
    attributes = record.attributes if attributes is None else attributes
    body = base64.b64encode(record.body if body is None else body).decode()
    return {"body": body, "attributes": attributes_as_json(attributes), "name": name, **more}


class Case:
    """What loader and readers wrote, to be spoilt by a test before it is judged."""

    def __init__(self, folder):
        self.folder = folder
        who = [{"lane": r.lane, "seq": r.seq} for r in SENT]
        self.load = [{"op": "run", "run": RUN}]
        self.load += [{"op": op, **w} for w in who for op in ("attempted", "acked")]
        self.sink = [sink_line(r, str(i)) for i, r in enumerate(SENT)]
        self.source = []

    def verdict(self, *flags):
        for name in ("load", "sink", "source"):
            text = "".join(json.dumps(line) + "\n" for line in getattr(self, name))
            (self.folder / f"{name}.jsonl").write_text(text)
        command = [sys.executable, "-m", "tests.fault.verify", self.folder, "--order", *flags]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        report = json.loads(done.stdout)
        assert done.returncode == (0 if report["verdict"] == "pass" else 1)
        assert (report["verdict"] == "pass") == (not report["failed"])
        return report["failed"]


@pytest.fixture
def case(tmp_path):
    return Case(tmp_path)


def test_all_is_well(case):
    assert case.verdict() == []


def test_loss(case):
    del case.sink[11]
    assert case.verdict() == ["LOSS"]


def test_what_the_source_still_has_is_not_lost_but_left(case):
    case.source.append(case.sink.pop(11))
    assert case.verdict() == ["LEFT"]
    assert case.verdict("--left") == []


def test_unanswered_attempts_may_arrive_or_not(case):
    case.load = [line for line in case.load if line["op"] != "acked" or line["seq"] != 3]
    del case.sink[12:14]
    assert case.verdict() == []


@pytest.mark.parametrize("record", (STRANGERS[0], next(itertools.islice(records(RUN, LANES, 7), COUNT + 1, None))))
def test_phantom(case, record):
    case.sink.append(sink_line(record, "more"))
    assert case.verdict() == ["PHANTOM"]


@pytest.mark.parametrize("change", (
    lambda r: {"body": bytes([*r.body[:-20], r.body[-20] ^ 1, *r.body[-19:]])},
    lambda r: {"body": r.body[:-1]}, lambda r: {"body": b""}, lambda r: {"body": r.body + b" "},
    lambda r: {"body": r.body.replace(b'"seq"', b' "seq"')}, lambda r: {"attributes": {}},
    lambda r: {"attributes": {**r.attributes, "more": ("String", b"x")}},
    lambda r: {"attributes": {**r.attributes, "celsius": ("String", r.attributes["celsius"][1])}},
))
def test_corrupt(case, change):
    """A record that is not as it was sent is not taken for the one that was sent: that one is lost."""
    case.sink[5] = sink_line(SENT[5], "5", **change(SENT[5]))
    assert case.verdict() == ["LOSS", "CORRUPT"]


def test_repeats_are_counted_against_the_bound(case):
    case.sink += [{**line, "name": f"again-{line['name']}"} for line in case.sink[:3]]
    assert case.verdict() == ["DUP"]
    assert case.verdict("--duplicates", "2") == ["DUP"]
    assert case.verdict("--duplicates", "3") == []


def test_what_the_broker_gave_the_reader_twice_is_no_repeat(case):
    case.sink.append(case.sink[-1])
    case.sink.append({**case.sink[-1], "name": None, "redelivered": True})
    assert case.verdict() == []


def test_order(case):
    case.sink[8], case.sink[12] = case.sink[12], case.sink[8]
    assert SENT[8].lane == SENT[12].lane
    assert case.verdict() == ["ORDER"]


def test_nothing_sent_proves_nothing(case):
    case.load, case.sink = case.load[:1], []
    assert case.verdict() == ["EMPTY"]
