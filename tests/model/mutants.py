"""python3 mutants.py: breaks the core in ways that the model must notice, one after the other.

Each mutant is the core with one line changed, built beside the model; a model that still passes fails this test.
"""
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIME_LIMIT = 120  # a mutant may well run in circles: that is noticed, too

MUTANTS = {
    "a lane goes on while some of it are on their way back": (
        "slot.c", "if (!q->head || q->failed) return false;", "if (!q->head) return false;"),
    "a lane goes on before its delay is over, and others are back": (
        "slot.c", "if (q->in_flight == 0 && !q->delay.slot) q->failed = false;", "q->failed = false;"),
    "a queue without order gets two of a lane": (
        "slot.c", "slot->order == ORDER_NONE ? 1 : max - n", "slot->order == ORDER_NONE ? max - n : max - n"),
    "a batch while another is on its way": (
        "slot.c", "slot->order == ORDER_STREAM || q->in_flight == 0", "slot->order == ORDER_STREAM || true"),
    "offers to a sink that is down": ("slot.c", "slot->state != SINK_DOWN && !slot->full", "!slot->full"),
    "what was not taken is forgotten": ("slot.c", "put_back(slot, legs[--n]);", "--n;"),
    "what came back goes to the end of its lane": ("slot.c", "lane_queue_return(q, l);\n    if (!keeps", "lane_queue_append(q, l);\n    if (!keeps"),
    "one sink is enough": ("verdict.c", "if (--r->legs_open == 0)", "if (--r->legs_open + 1 == r->pipeline->sink_count)"),
    "released counts as confirmed": (
        "verdict.c", "if (verdict == VERDICT_RELEASED) r->verdict = VERDICT_RELEASED;", "(void)verdict;"),
    "given up counts as confirmed": ("verdict.c", "leg_reject(l, last.text, DROP_ATTEMPTS);", "leg_close(l, VERDICT_CONFIRMED);"),
    "one more than the window": ("pipeline.c", "n <= p->window &&", "n <= p->window + 1 &&"),
    "room while a sink is away": ("pipeline.c", "p->phase == PHASE_RUNNING && pipeline_delivers(p)", "p->phase == PHASE_RUNNING"),
    "room is told twice": ("pipeline.c", "    p->wanted = 0;\n", ""),
    "room is never told": ("pipeline.c", "    give_room(p);\n", ""),
    "ready is not heard": ("pipeline.c", "    s->slot->full = false;\n    pipeline_wake(s->pipeline);", "    pipeline_wake(s->pipeline);"),
    "a lane goes on while one of it goes back": ("reject.c", "if (l->slot->ordered && l->receipt->lane_id) stop_lane(l);", ""),
    "a lane waits for one that won't come again": ("reject.c", "!s->ops->comes_again(s, l->receipt->cookie)", "false"),
    "two of a lane on their way where one may go back": ("pipeline.c", "return pipeline_gives_back(p) ? ORDER_NONE : promised;", "return promised;"),
    "what goes back takes those in front of it along": ("slot.c", "first->seq < l->seq || first->receipt == l->receipt", "first->receipt == l->receipt"),
    "nobody wakes after an acknowledgement": (
        "pipeline.c", "        free(r); /* and its legs with it */\n    }\n    pipeline_wake(p);", "        free(r);\n    }"),
}


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options)


def compile_all(sources, folder, flags, include):
    folder.mkdir()
    command = ["gcc", "-c", "-O1", "-std=gnu11", "-D_GNU_SOURCE", "-w", f"-I{include}", f"-I{ROOT}"]
    done = run([*command, *flags, *(str(path.resolve()) for path in sources)], cwd=folder)
    assert done.returncode == 0, done.stdout
    return sorted(folder.glob("*.o"))


class Workshop:
    """Core and model, compiled once: a mutant is one file of the core, and a link."""

    def __init__(self, folder):
        self.folder = folder
        self.cflags = run(["pkg-config", "--cflags", "libuv", "sqlite3"]).stdout.split()
        self.libs = run(["pkg-config", "--libs", "libuv", "sqlite3"]).stdout.split() + ["-lpthread", "-lm"]
        sources = [path for path in ROOT.glob("bridge/*.c") if path.name not in ("main.c", "store_none.c")]
        core = compile_all(sources, folder / "core", self.cflags, ROOT)
        run(["ar", "rcs", folder / "core.a", *core]).check_returncode()
        self.model = compile_all(list(ROOT.glob("tests/model/*.c")), folder / "model", self.cflags, ROOT)

    def build(self, file, text):
        """What it defines is not looked for in the archive; nor is what the model has in the core's place."""
        place = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(ROOT / "bridge", place / "bridge")
        (place / "bridge" / file).write_text(text)
        changed = compile_all([place / "bridge" / file], place / "out", self.cflags, place)
        program = place / "model"
        done = run(["gcc", "-o", program, *changed, *self.model, self.folder / "core.a", *self.libs])
        assert done.returncode == 0, done.stdout
        return program

    def survives(self, name):
        """None: the model has noticed; else what to say."""
        file, old, new = MUTANTS[name]
        source = (ROOT / "bridge" / file).read_text()
        if source.count(old) != 1:
            return f"{name}: the line to change is not in {file} once: {old!r}"
        program = self.build(file, source.replace(old, new))
        try:
            code = run([program], timeout=TIME_LIMIT).returncode
        except subprocess.TimeoutExpired:
            return None
        return f"{name}: the model has not noticed" if code == 0 else None


def main():
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        workshop = Workshop(Path(folder))
        whole = workshop.build("slot.c", (ROOT / "bridge/slot.c").read_text())
        assert run([whole], timeout=TIME_LIMIT).returncode == 0, "the core itself does not pass"
        left = [said for said in pool.map(workshop.survives, MUTANTS) if said]
    print("\n".join(left) or f"{len(MUTANTS)} mutants, all noticed")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
