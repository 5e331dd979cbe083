"""Numbered messages, and the verdict on those that arrived."""
import os
import random
import zlib
from collections import Counter
from dataclasses import dataclass, field

# (type, value): the types of SQS. The other transports carry a companion header where it is not a plain String.
STRING, NUMBER, BINARY = "String", "Number", "Binary"


@dataclass
class Message:
    """body says who it is: number, lane and a checksum on the first line, anything after it."""

    body: bytes
    attributes: dict = field(default_factory=dict)

    @property
    def number(self):
        return int(self.body.split(b" ", 1)[0])

    @property
    def lane(self):
        return self.body.split(b" ", 2)[1].decode()

    @property
    def intact(self):
        try:
            head, payload = self.body.split(b"\n", 1)
            number, lane, check = head.split(b" ")
            return int(check, 16) == zlib.crc32(number + lane + payload)
        except ValueError:
            return False


def numbered(number, lane, payload, attributes):
    head = b"%08d" % number, lane.encode()
    check = zlib.crc32(b"".join(head) + payload)
    return Message(b"%s %s %08x\n" % (*head, check) + payload, attributes)


def make_messages(count, lanes=4, binary=False, size=100):
    """Message number i goes by lane i % lanes. binary: bodies that no text field carries as they are."""
    made = []
    for i in range(count):
        text = "".join(random.choices("abcdefghij äöü€ \"\\/<>&\t\n", k=size)).encode()
        payload = bytes(range(256)) + os.urandom(size) if binary else text
        attributes = {
            "device": (STRING, b"sensor-%d" % (i % 7)),
            "note": (STRING, "grüße".encode()),
            "celsius": (NUMBER, b"%d.5" % (i % 40)),
            "raw": (BINARY, bytes([0, 255, i % 256, 13, 10])),
        }
        made.append(numbered(i, f"lane-{i % lanes}", payload, attributes))
    return made


class Verdict:
    """What became of the messages that were sent."""

    def __init__(self, sent, arrived):
        by_number = {m.number: m for m in sent}
        self.corrupt = [m for m in arrived if not m.intact]
        intact = [m for m in arrived if m.intact]
        self.counts = Counter(m.number for m in intact)
        self.missing = sorted(set(by_number) - set(self.counts))
        self.strange = sorted(set(self.counts) - set(by_number))
        self.repeated = sum(n - 1 for n in self.counts.values())
        known = [m for m in intact if m.number in by_number]
        self.changed = [(by_number[m.number], m) for m in known if differ(by_number[m.number], m)]
        self.disordered = disordered(intact)

    def __str__(self):
        return (
            f"missing {len(self.missing)} {self.missing[:5]}, repeated {self.repeated}, corrupt {len(self.corrupt)}, "
            f"changed {len(self.changed)} {self.changed[:1]}, strange {self.strange[:5]}"
        )

    def assert_complete(self, max_repeated=0):
        """Every message arrived, bytes and attributes as they were sent."""
        assert not (self.missing or self.corrupt or self.changed or self.strange), str(self)
        assert self.repeated <= max_repeated, str(self)

    def assert_ordered(self):
        """First arrivals of each lane are in the order of their numbers."""
        assert not self.disordered, f"out of order: {self.disordered[:5]}"


def differ(sent, arrived):
    return sent.body != arrived.body or sent.attributes != arrived.attributes


def disordered(arrived):
    """Pairs (before, after) of one lane whose first arrivals came in the wrong order."""
    seen, last, wrong = set(), {}, []
    for m in arrived:
        if m.number in seen:
            continue
        seen.add(m.number)
        before = last.get(m.lane, -1)
        if m.number < before:
            wrong.append((before, m.number))
        last[m.lane] = m.number
    return wrong
