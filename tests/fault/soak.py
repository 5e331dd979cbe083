"""script/fault --soak TIME [PAIR]: random faults, one after the other, until time is up. A schedule that fails is made short.

An episode is one pair, with or without a store, and a schedule of rows of the matrix, each played at its smallest. A step is
written NUMBER:ROW; its choices follow from the seed and its number, so that leaving out other steps does not change them.
"""
import random
import re
import time

from .matrix import ROWS, row_of
from .stage import ALL_PAIRS, Stage

STEPS = 8
RERUNS = 24
SMALLEST = 0.1
STORES = ("off", "always")
UNITS = {"s": 1, "m": 60, "h": 3600}
NOT_IN_SOAK = {"steady", "kill9-quick", "kafka-errors", "sqs-hang"}  # no fault; many at once; only on the mock; minutes


def seconds(text):
    parts = re.fullmatch(r"(\d+)([smh])", text)
    if not parts:
        raise ValueError(f"{text}: a number and s, m or h")
    return int(parts[1]) * UNITS[parts[2]]


def rows_for(pair, store):
    return [r for r in ROWS if pair in r.pairs and not r.prepare and store in r.stores and r.name not in NOT_IN_SOAK]


def store_for(pair, seed):
    return random.Random(f"store {pair} {seed}").choice(STORES)


def make_schedule(pair, seed, store):
    rng = random.Random(f"schedule {pair} {seed}")
    return [f"{i}:{rng.choice(rows_for(pair, store)).name}" for i in range(STEPS)]


def command(pair, seed, schedule, store):
    with_store = "" if store == "off" else f" --store {store}"
    return f"script/fault {pair}{with_store} --seed {seed} --schedule {','.join(schedule)}"


def play(pair, seed, schedule, store, brokers, folder):
    """The report of one episode."""
    stage = Stage(
        brokers, folder, pair, seed=seed, size=SMALLEST, store=store, real_kafka=True, proxied=("source", "sink")
    )

    def faults(stage):
        for step in schedule:
            stage.notes["last_step"] = step
            stage.random = random.Random(f"{seed} {pair} {step}")
            row_of(step.partition(":")[2]).fault(stage)

    return stage.play(faults)


def shorten(schedule, fails, reruns=RERUNS):
    """The shortest that still fails, found by leaving out halves, then less, then single steps; fails(schedule) plays one."""
    size = max(1, len(schedule) // 2)
    while reruns > 0:
        for at in range(0, len(schedule), size):
            rest = schedule[:at] + schedule[at + size:]
            reruns -= 1
            if rest and fails(rest):
                schedule = rest
                break
            if reruns <= 0:
                break
        else:
            if size == 1:
                break
            size //= 2
        size = min(size, max(1, len(schedule) // 2))
    return schedule


class Soak:
    def __init__(self, brokers, folder, say, record):
        self.brokers, self.folder, self.say, self.record = brokers, folder, say, record
        self.failed = 0

    def episode(self, pair, seed, schedule, store):
        report = play(pair, seed, schedule, store, self.brokers, self.folder / f"{pair}-{seed}")
        result = {"row": "soak", "pair": pair, "store": store, "seed": seed, "size": SMALLEST, **report}
        self.record({**result, "schedule": schedule})
        return result

    def run(self, duration_s, pairs, seed, store=None):
        """store: of each episode; None: as the seed chooses."""
        end = time.monotonic() + duration_s
        while time.monotonic() < end:
            for pair in pairs:
                if time.monotonic() < end:
                    self._one(pair, seed, store or store_for(pair, seed))
            seed += 1

    def _one(self, pair, seed, store):
        schedule = make_schedule(pair, seed, store)
        result = self.episode(pair, seed, schedule, store)
        self.say(result, command(pair, seed, schedule, store))
        if result["verdict"] == "pass":
            return
        self.failed += 1
        short = shorten(schedule, lambda s: self.episode(pair, seed, s, store)["verdict"] != "pass")
        self.say(None, f"the shortest that fails: {command(pair, seed, short, store)}")


def chosen_pairs(pair):
    return [pair] if pair else list(ALL_PAIRS)
