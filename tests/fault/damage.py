"""What a store held when it was damaged, and what of that SQLite itself still finds: an oracle that shares no code with the bridge."""
import shutil
import sqlite3
from contextlib import closing

from .records import identify

# As a cautious reader has it; without it a damaged cell may be read as one of another length.
_SETUP = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cell_size_check = ON; PRAGMA query_only = ON"


class Store:
    """The files of one worker, copied before they are opened: whoever opens a store changes it."""

    def __init__(self, folder, scratch):
        self.db = next(folder.glob("*.db"))
        self.log = self.db.with_name(self.db.name + "-wal")
        self.scratch = scratch

    def _copy(self, with_log):
        for old in self.scratch.parent.glob(self.scratch.name + "*"):
            old.unlink()
        shutil.copy(self.db, self.scratch)
        if with_log and self.log.exists():
            shutil.copy(self.log, self.scratch.with_name(self.scratch.name + "-wal"))

    def rows(self, ids=None, with_log=True):
        """{id: everything in the row}; ids: look for these, one by one, and leave out what can't be read."""
        self._copy(with_log)
        with closing(sqlite3.connect(self.scratch)) as db:
            if ids is None:
                db.executescript(_SETUP)
                return {row[0]: row for row in db.execute("SELECT id, lane, at_ms, sum, head, body FROM msg")}
            return dict(_found(db, ids))


def _found(db, ids):
    try:
        db.executescript(_SETUP)
    except sqlite3.DatabaseError:
        return
    for wanted in ids:
        try:
            row = db.execute("SELECT id, lane, at_ms, sum, head, body FROM msg WHERE id = ?", (wanted,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row:
            yield wanted, row


def who(row):
    """(lane, seq) of the record in it."""
    return identify(row[-1])[1:]


# --- harm

def flip(path, rng, ranges=3):
    """Some bytes of some ranges are others."""
    data = bytearray(path.read_bytes())
    for _ in range(ranges):
        at = rng.randrange(len(data))
        for i in range(at, min(len(data), at + rng.choice((1, 8, 600, 5000)))):
            data[i] ^= rng.randrange(1, 256)
    path.write_bytes(data)


def cut(path, rng):
    with open(path, "r+b") as f:
        f.truncate(rng.randrange(path.stat().st_size))


HARMS = {
    "the file": lambda store, rng: flip(store.db, rng),
    "the log": lambda store, rng: flip(store.log, rng),
    "the end of the log": lambda store, rng: cut(store.log, rng),
    "all of the log": lambda store, _: store.log.unlink(),
    "both": lambda store, rng: (flip(store.db, rng, 1), flip(store.log, rng, 1)),
}
