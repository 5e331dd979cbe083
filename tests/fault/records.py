"""Numbered records that carry their own proof: who they are, what they must look like, and a checksum over all of it.

A body is canonical JSON in UTF-8, so that any changed byte shows: it no longer is what its own content would be written as.
"""
import base64
import hashlib
import json
import random

STRING, NUMBER, BINARY = "String", "Number", "Binary"  # the types of SQS; headers carry a companion for the others
_LETTERS = "abcdefghijklmnopqrstuvwxyz äöü€ \"\\/<>&\t\n{}"
_LARGE_EVERY, _LARGE, _CHUNK = 97, 8000, 1000


def _canonical(fields):
    return json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _digest(fields):
    return hashlib.sha256(_canonical(fields)).hexdigest()


def attributes_as_json(attributes):
    """{name: (type, bytes)} -> {name: [type, base64]}"""
    return {name: [kind, base64.b64encode(value).decode()] for name, (kind, value) in attributes.items()}


class Record:
    """One message to send."""

    def __init__(self, run, lane, seq, attributes, padding):
        self.lane, self.seq, self.attributes = lane, seq, attributes
        fields = {"run": run, "lane": lane, "seq": seq, "attributes": attributes_as_json(attributes), "padding": padding}
        self.body = _canonical({**fields, "sha256": _digest(fields)})


def make_record(run, lane, seq, rng, size=None):
    """size: letters of padding; by default few, and now and then many."""
    repeats = 1
    if size:
        size, repeats = _CHUNK, max(1, size // _CHUNK)
    else:
        size = _LARGE if seq % _LARGE_EVERY == _LARGE_EVERY - 1 else rng.randrange(20, 300)
    attributes = {
        "device": (STRING, b"sensor-%d" % (seq % 7)),
        "celsius": (NUMBER, b"%d.5" % (seq % 40)),
        "raw": (BINARY, bytes([0, 255, seq % 256, 13, 10])),
    }
    return Record(run, lane, seq, attributes, "".join(rng.choices(_LETTERS, k=size)) * repeats)


def records(run, lanes, seed, size=None):
    """Endless: each lane counts from 0."""
    rng = random.Random(seed)
    seq = 0
    while True:
        for lane in range(lanes):
            yield make_record(run, f"lane-{lane}", seq, rng, size)
        seq += 1


def identify(body):
    """(run, lane, seq) as a body says it, or None: for whoever waits, not for the verdict."""
    try:
        fields = json.loads(body)
        return fields["run"], fields["lane"], fields["seq"]
    except (ValueError, KeyError, TypeError):
        return None


def damage(body, attributes):
    """What is wrong with a body and the attributes (as JSON) that came with it; None: nothing."""
    try:
        fields = json.loads(body)
        digest = fields.pop("sha256")
        whole = _digest(fields) == digest
        same_bytes = _canonical({**fields, "sha256": digest}) == body
    except (ValueError, KeyError, TypeError, AttributeError):
        return "not a record"
    if not whole:
        return "checksum"
    if not same_bytes:
        return "bytes"
    return None if fields["attributes"] == attributes else "attributes"
