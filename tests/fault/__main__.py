"""script/fault: plays rows of the matrix, and says what became of the messages."""
import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from tests.e2e.bridge import binary
from tests.rig import BUILD, ROOT, Unavailable

from . import controls, nth, results, soak
from .matrix import ROWS, SHORT, play, row_of
from .stage import ALL_PAIRS, FIFO_PAIRS, PAIRS, Brokers

FOLDER = BUILD / "fault"
CI = os.environ.get("CI") == "true"
JOBS = 3


def arguments():
    parser = argparse.ArgumentParser(prog="script/fault", description=__doc__)
    parser.add_argument("row", nargs="?", help="only this row: " + " ".join(r.name for r in ROWS))
    parser.add_argument("pair", nargs="?", choices=ALL_PAIRS, metavar="PAIR", help="only this pair: " + " ".join(ALL_PAIRS))
    stores = ("off", "always", "overflow")
    parser.add_argument("--store", choices=stores, help="only without, or with, the store on disk")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same choices (default 1)")
    parser.add_argument("--size", type=float, default=1.0, help="part of a row's usual length")
    parser.add_argument("--short", action="store_true", help="the selection that script/test runs")
    parser.add_argument("--controls", action="store_true", help="the harness against itself")
    parser.add_argument("--limits", action="store_true", help="what brokers and settings lose, and no bridge can help")
    parser.add_argument("--soak", type=soak.seconds, metavar="TIME", help="random faults for so long: 90s, 10m, 2h")
    parser.add_argument("--schedule", help="one episode of a soak, as it printed it")
    parser.add_argument("--nth", nargs="?", const="", choices=("", *nth.KINDS), metavar="KIND",
                        help="the N-th call of a kind fails: " + " ".join(nth.KINDS))
    parser.add_argument("--points", type=int, default=150, help="of --nth: so many values of N; 0: each (default 150)")
    parser.add_argument("--resume", action="store_true", help="leave out what has passed with this program")
    parser.add_argument("--results", type=Path, default=FOLDER / "results.jsonl", help="JSON lines to append to")
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"so many cells at once, which mostly wait (default {JOBS})")
    parser.add_argument("--part", type=part, default=(0, 1), metavar="I/N", help="only every N-th cell, from the I-th on")
    parser.add_argument("--table", action="store_true", help="print the results so far as Markdown, and play nothing")
    a = parser.parse_args()
    if a.row in ALL_PAIRS and (a.soak or a.schedule):
        a.row, a.pair = None, a.row
    return a


def part(text):
    first, _, step = text.partition("/")
    return int(first), int(step)


def has_many_cells(a):
    special = a.short or a.controls or a.limits or a.soak or a.schedule or a.nth is not None
    return not special and len(plan(a)) > 1


def play_side_by_side(jobs):
    """Each in a process of its own, with brokers of its own."""
    command = [sys.executable, "-m", "tests.fault", *sys.argv[1:], "--jobs", "1"]
    running = [subprocess.Popen([*command, "--part", f"{i}/{jobs}"]) for i in range(jobs)]
    return max(process.wait() for process in running)


def plan(a):
    """[(row, pair, store, size)]"""
    if a.short:
        return [(row_of(name), *rest) for name, *rest in SHORT]
    rows = [r for r in ROWS if a.row in (None, r.name)]
    if not rows:
        sys.exit(f"script/fault: no such row: {a.row}")
    return [
        (row, pair, store, a.size) for row in rows for pair in row.pairs for store in row.stores
        if a.pair in (None, pair) and a.store in (None, store)
    ]


def fingerprint():
    return hashlib.sha256(binary().read_bytes()).hexdigest()[:12]


class Player:
    def __init__(self, a):
        self.seed, self.path = a.seed, a.results
        self.program = fingerprint()
        self.folder = FOLDER / f"run-{os.getpid()}"
        self.failed = 0
        self.already = results.done(a.results, self.program) if a.resume else set()

    def play_all(self, chosen):
        with Brokers(self.folder / "brokers") as brokers:
            for row, pair, store, size in chosen:
                if (row.name, pair, store) not in self.already:
                    self.report(self.play(row, pair, store, size, brokers))
        self.clean_up()

    def play_controls(self, chosen, only):
        with Brokers(self.folder / "brokers") as brokers:
            for control in chosen:
                if only in (None, control.name):
                    result = controls.play(control, brokers, self.folder / control.name, self.seed)
                    self.failed += result["verdict"] != "pass"
                    found = " ".join([*result["found"], result.get("why", "")[:500]]) or "nothing"
                    played = f"{control.name:18} {control.pair:11} {control.says}"
                    print(f"{result['verdict']:4}  {played}: found {found}", flush=True)
        self.clean_up()

    def play_soak(self, a):
        def say(result, text):
            if result:
                self.report(result, text, record=False)
            else:
                print(f"      {text}", flush=True)

        with Brokers(self.folder / "brokers") as brokers:
            record = partial(results.append, self.path)
            one = soak.Soak(brokers, self.folder, say, lambda r: record({**r, "program": self.program}))
            if a.schedule:
                say(one.episode(a.pair, a.seed, a.schedule.split(","), a.store or "off"), "")
            else:
                one.run(a.soak, soak.chosen_pairs(a.pair), a.seed, a.store)
        self.clean_up()

    def play_nth(self, kinds, points):
        with Brokers(self.folder / "brokers") as brokers:
            for scene in nth.SCENES:
                for kind in kinds:
                    say = partial(print, flush=True)
                    self.failed += len(nth.sweep(self.folder, scene, brokers, kind, points, self.seed, say)[1])
        self.clean_up()

    def clean_up(self):
        if self.failed:
            print(f"what failed is kept in {self.folder.relative_to(ROOT)}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def play(self, row, pair, store, size, brokers):
        folder = self.folder / "-".join([row.name, pair, *([] if store == "off" else [store])])
        try:
            result = play(row, pair, store, brokers, folder, self.seed, size)
        except Unavailable as e:
            result = {"verdict": "fail" if CI else "skip", "failed": ["UNAVAILABLE"], "why": str(e)}
        except Exception as e:  # a broker that did not start must not end a long run
            result = {"verdict": "fail", "failed": ["RUN"], "why": f"{type(e).__name__}: {e}"}
        if result["verdict"] == "pass":
            shutil.rmtree(folder, ignore_errors=True)
        named = {"row": row.name, "pair": pair, "store": store, "seed": self.seed, "size": size}
        return {**named, **result, "program": self.program}

    def report(self, result, command=None, record=True):
        if record:
            results.append(self.path, result)
        store = "" if result["store"] == "off" else result["store"]
        played = f"{result['row']:20} {result['pair']:11} {store:8}"
        print(f"{result['verdict']:4}  {played} {results.line(result)}", flush=True)
        if result["verdict"] == "fail":
            self.failed += 1
            what = " ".join([*result["failed"], result.get("late", "")])
            print(f"      {what} -- again: {command or results.command(result)}", flush=True)


def main():
    a = arguments()
    if a.table:
        so_far = results.read(a.results)
        tables = [results.table(so_far, ROWS, pairs) for pairs in (PAIRS, FIFO_PAIRS)]
        print("\n\n".join([results.summary(so_far), *tables]))
        return 0
    if a.jobs > 1 and has_many_cells(a):
        return play_side_by_side(a.jobs)
    player = Player(a)
    if a.nth is not None:
        player.play_nth([a.nth] if a.nth else nth.KINDS, a.points)
    elif a.soak or a.schedule:
        player.play_soak(a)
    elif a.controls or a.limits:
        player.play_controls(controls.LIMITS if a.limits else controls.CONTROLS, a.row)
    else:
        first, step = a.part
        player.play_all(plan(a)[first::step])
    return 1 if player.failed else 0


if __name__ == "__main__":
    sys.exit(main())
