"""The store under kill -9, outages, a full disk, its verbs, and a clean end."""
import base64
import contextlib
import json
import sqlite3

import pytest

from tests.e2e.bridge import command
from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages, numbered
from tests.e2e.mounts import needs_root, tmpfs
from tests.e2e.outage import outage_of
from tests.e2e.test_kill9 import COUNT, KILLS, WINDOW, arrived_after_kills, kill_under_load, load

PAIRS = (("mqtt", "kafka"), ("sqs", "mqtt"), ("kafka", "sqs"))
MODES = ("always", "overflow")
AWAY = r"warn .*(refused|closed|disconnect|reset|lost|away)"


def stored(folder, source, sink, **options):
    return pipelines(p={
        "source": source, "sink": sink, "max_in_flight": WINDOW, "store": "always", "store_path": str(folder / "store"),
        **options,
    })


def configuration(folder, source, sink, **options):
    quick_return = {"visibility_timeout": "5s"} if source.kind == "sqs" else {}
    return stored(folder, source.as_source(**quick_return), sink.as_sink(), **options)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("source, sink", PAIRS)
def test_kill9_loses_nothing(simulated_world, bridge, folder, source, sink, mode):
    """What was acknowledged is on disk or delivered; what repeats was in flight."""
    source, sink = simulated_world.end(source), simulated_world.end(sink)
    sent = make_messages(COUNT)
    b = bridge(configuration(folder, source, sink, store=mode))
    sink.listen()
    load(b, source, sent)
    acknowledged = sum(kill_under_load(b) for _ in range(KILLS))
    assert acknowledged < COUNT, "it was over before the last kill"
    verdict = Verdict(sent, arrived_after_kills(b, source, sink, COUNT))
    print(verdict)
    verdict.assert_complete(max_repeated=COUNT * KILLS if source.kind == "mqtt" else KILLS * WINDOW)
    source.assert_drained()
    assert b.stats()["store_messages"] == 0


@pytest.fixture
def outage(simulated_world):
    """A sink that can go away."""
    sink = simulated_world.end("mqtt")
    made = outage_of(sink)
    made.sink = sink
    sink.listen()
    yield made
    made.close()


@pytest.mark.parametrize("mode", MODES)
def test_an_outage_of_the_sink_goes_to_disk_and_drains_in_order(simulated_world, bridge, folder, outage, mode):
    source = simulated_world.end("kafka")
    sent = make_messages(4000)
    sink = outage.sink.as_sink(**outage.settings())
    b = bridge(stored(folder, source.as_source(), sink, store=mode, store_overflow_after="200ms")).start()
    source.send(sent[:1000])
    b.wait_stats(lambda s: s["confirmed"] > 0)
    outage.down()
    b.wait_log(AWAY)
    source.send(sent[1000:3000])
    kept = b.wait_stats(lambda s: s["acknowledged"] == 3000)
    assert kept["store_messages"] >= 2000
    outage.up()
    source.send(sent[3000:])
    outage.sink.wait(len(sent))
    b.wait_stats(lambda s: s["acknowledged"] == len(sent) and s["in_flight"] == 0 and s["store_messages"] == 0)
    b.stop()
    verdict = Verdict(sent, outage.sink.rest())
    verdict.assert_complete(max_repeated=WINDOW)
    verdict.assert_ordered()


@pytest.mark.parametrize("mode", MODES)
def test_sigterm_leaves_what_is_stored_for_the_next_start(simulated_world, bridge, folder, outage, mode):
    source = simulated_world.end("sqs")
    sent = make_messages(1000)
    sink = outage.sink.as_sink(**outage.settings())
    b = bridge(stored(folder, source.as_source(), sink, store=mode, store_overflow_after="100ms", drain_timeout="2s"))
    outage.down()
    b.start()
    source.send(sent)
    b.wait_stats(lambda s: s["acknowledged"] == len(sent))
    b.stop()
    assert b.log_lines(f"store: {len(sent)} messages stay in the store")
    source.assert_drained()
    outage.up()
    b.start()
    outage.sink.wait(len(sent))
    b.wait_stats(lambda s: s["store_messages"] == 0 and s["in_flight"] == 0)
    b.stop()
    Verdict(sent, outage.sink.rest()).assert_complete()


@pytest.mark.parametrize("mode, away", [("always", False), ("always", True), ("overflow", True)])
def test_what_was_stored_and_not_deleted_before_kill9_is_only_deleted(simulated_world, bridge, folder, faults, outage, mode, away):
    """SQS gives it again to a bridge that died between its commit and the answer to its delete."""
    source, count = simulated_world.queue(), WINDOW // 2
    sent = make_messages(count)
    faults(action="DeleteMessageBatch", kind="cut_before", count=-1)
    sink = outage.sink.as_sink(**outage.settings())
    b = bridge(stored(folder, source.as_source(), sink, store=mode, store_overflow_after="50ms"))
    if away:
        outage.down()
    source.send(sent)
    b.start(wait=not away)
    on_disk = count if away else 0
    b.wait_stats(lambda s: s["in_flight"] == count and s["store_messages"] == on_disk and s["confirmed"] == count - on_disk)
    b.kill9()
    simulated_world.sqs_sim.control("faults/clear")
    simulated_world.sqs_sim.control("expire", {"queue": source.url.rpartition("/")[2]})
    if away:
        outage.up()
    b.start()
    b.wait(lambda: source.depth() == 0, 30, "an empty queue")
    outage.sink.wait(count)
    end = b.wait_stats(lambda s: s["redelivered"] == count and s["in_flight"] == 0 and s["store_messages"] == 0)
    b.stop()
    assert end["confirmed"] == on_disk
    Verdict(sent, outage.sink.rest()).assert_complete(max_repeated=0)


# ---- the verbs ----

FILE_LINES = 2000


@pytest.fixture
def filled(folder, bridge):
    """A store with messages in it, whose sink was never there: (its configuration, the lines)."""
    lines = [f"line {i}" for i in range(FILE_LINES)]
    (folder / "in.txt").write_text("".join(line + "\n" for line in lines))
    source = {"type": "file", "path": str(folder / "in.txt")}
    b = bridge(stored(folder, source, {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topic": "x"}, drain_timeout="1s"))
    b.start()
    b.wait_stats(lambda s: s["acknowledged"] == FILE_LINES)
    b.stop()
    return b, lines


def one_json(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_show_says_what_is_there(filled):
    b, lines = filled
    shown = one_json(command("store", "show", "--json", b.config_path))
    assert (shown["pipeline"], shown["worker"], shown["in_use"]) == ("p", 0, False)
    assert shown["messages"] == len(lines) and shown["oldest_ms"] > 0 and shown["used_bytes"] > 0
    table = command("store", "show", b.config_path, "p")
    assert table.returncode == 0 and f" {len(lines)} " in table.stdout
    assert command("store", "show", b.config_path, "q").returncode == 64


def test_show_of_a_store_in_use(filled):
    b, _ = filled
    b.start()
    assert one_json(command("store", "show", "--json", b.config_path))["in_use"] is True
    for verb in ("verify", "export", "drain"):
        refused = command("store", verb, b.config_path)
        assert refused.returncode != 0 and "another process has the store" in refused.stderr
    b.stop()


def test_verify_finds_a_flipped_byte(filled, folder):
    b, _ = filled
    assert one_json(command("store", "verify", "--json", b.config_path))["ok"] is True
    path = folder / "store" / "p.0.db"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"line 1234", b"line 1235", 1))
    found = command("store", "verify", b.config_path)
    assert found.returncode == 65 and "wrong checksum" in found.stdout
    assert path.read_bytes() != whole, "verify changes nothing"


def test_verify_finds_a_wrong_count(filled, folder):
    """It is noted with each commit, since counting takes long."""
    b, lines = filled
    with contextlib.closing(sqlite3.connect(folder / "store" / "p.0.db")) as db, db:
        assert db.execute("SELECT messages FROM state").fetchone() == (len(lines),)
        db.execute("UPDATE state SET messages = 7")
    found = command("store", "verify", b.config_path)
    assert found.returncode == 65 and f"{len(lines)} messages are there, and 7 are noted" in found.stdout


def test_export_prints_all_and_keeps_all(filled):
    b, lines = filled
    for _ in range(2):
        done = command("store", "export", b.config_path)
        assert done.returncode == 0, done.stderr
        assert [json.loads(line)["body"] for line in done.stdout.splitlines()] == lines


def test_drain_delivers_all_and_ends(filled, folder):
    b, lines = filled
    out = folder / "out.txt"
    b.config_path.write_text(stored(
        folder, {"type": "file", "path": str(folder / "in.txt")}, {"type": "file", "path": str(out)}))
    done = command("store", "drain", b.config_path)
    assert done.returncode == 0 and f"{len(lines)} messages delivered" in done.stderr
    assert out.read_text().splitlines() == lines
    assert one_json(command("store", "show", "--json", b.config_path))["messages"] == 0


# ---- the disk ----


def test_a_second_instance_is_refused(filled, bridge):
    b, _ = filled
    b.start()
    again = command("run", b.config_path)
    assert again.returncode == 78 and "another process has the store" in again.stderr
    b.stop()


def test_a_damaged_file_is_put_aside_and_what_is_readable_delivered(filled, folder):
    b, lines = filled
    path, out = folder / "store" / "p.0.db", folder / "out.txt"
    whole = bytearray(path.read_bytes())
    leaves = [at for at in range(8192, len(whole), 4096) if whole[at] == 13]
    at = leaves[len(leaves) // 2]  # the first ones are those of small tables
    whole[at:at + 8] = b"\xff" * 8
    path.write_bytes(whole)
    b.config_path.write_text(stored(
        folder, {"type": "file", "path": "/dev/null"}, {"type": "file", "path": str(out)}))
    b.start(wait=False)
    b.wait_log("is damaged")
    assert b.process.wait(30) == 0
    kept = [p for p in path.parent.iterdir() if ".corrupt-" in p.name and not p.name.endswith("-wal")]
    assert len(kept) == 1 and kept[0].read_bytes()[8192:] == whole[8192:]
    delivered = out.read_text().splitlines()
    assert len(lines) * 0.8 < len(delivered) < len(lines)
    assert delivered == [line for line in lines if line in set(delivered)]


def file_to_nowhere(folder, store, lines, **options):
    (folder / "in.txt").write_text("".join(f"{i} {'x' * 1000}\n" for i in range(lines)))
    source = {"type": "file", "path": str(folder / "in.txt")}
    nowhere = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topic": "x"}
    return stored(store, source, nowhere, store_full="block", drain_timeout="1s", **options)


@needs_root
def test_a_full_disk_is_called_that(bridge, folder):
    """Each line says what is the matter and what to do; none speaks of limits that were not reached."""
    with tmpfs(folder / "small", "64m") as small:
        (small / "ballast").write_bytes(bytes(32 << 20))
        b = bridge(file_to_nowhere(folder, small, 60000)).start()
        b.wait_log(r"error .*the disk of \".*small/store\" is full: nothing more goes there until 18 MiB are free \(make room on it;")
        b.wait_log(r"store: the disk is full: the source waits \(make room on it\)")
        full = b.wait_stats(lambda s: s["acknowledged"] > 0)["acknowledged"]
        (small / "ballast").unlink()
        b.wait_log("there is space on the disk again")
        b.wait_stats(lambda s: s["acknowledged"] > full + 1000)
        b.stop()
        assert not b.log_lines("store_max")
        (small / "ballast").write_bytes(b"")
        with open(small / "ballast", "wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(bytes(4096)):
                pass
        b.start(wait=False)
        b.wait_log(r"the disk of .* is full: nothing goes there until 18 MiB are free \(make room on it;")
        b.wait_log(r"store: the disk is full: the source waits \(make room on it\)")
        full = b.stats()["acknowledged"]
        (small / "ballast").unlink()
        b.wait_stats(lambda s: s["acknowledged"] > full)
        b.stop()
    with tmpfs(folder / "smallest", "1m") as smallest:
        (smallest / "store").mkdir(mode=0o700)
        (smallest / "ballast").write_bytes(bytes((1 << 20) - (16 << 10)))
        refused = command("run", bridge(file_to_nowhere(folder, smallest, 10)).config_path)
        assert refused.returncode != 0
        assert 'is full (free 18 MiB on it)' in refused.stderr, refused.stderr


def test_a_limit_is_named(bridge, folder):
    b = bridge(file_to_nowhere(folder, folder, 500, store_max_messages=100)).start()
    b.wait_log(r"store: it has reached store_max_messages: the source waits \(until messages are delivered, or raise it\)")
    b.stop()
    assert not b.log_lines("store_max_bytes|disk")


@needs_root
@pytest.mark.timeout(300)
def test_a_full_disk_drains_and_takes_more(bridge, folder, outage):
    """The disk has room for a tenth of it; the source waits, and all arrives in order."""
    sent = [numbered(i, "lane", b"x" * 2000, {}) for i in range(20000)]
    with open(folder / "in.jsonl", "w") as f:
        f.writelines(json.dumps({"body_base64": base64.b64encode(m.body).decode()}) + "\n" for m in sent)
    source = {"type": "file", "path": str(folder / "in.jsonl"), "format": "jsonl"}
    sink = outage.sink.as_sink(**outage.settings())
    with tmpfs(folder / "small", "24m") as small:
        b = bridge(stored(small, source, sink, max_in_flight=1000))
        outage.down()
        b.start()
        b.wait_log("the disk of .* is full", 60)
        held = b.wait_stats(lambda s: s["acknowledged"] > 0)["acknowledged"]
        assert held < len(sent) / 2
        outage.up()
        b.wait_log("there is space on the disk again", 60)
        b.process.wait(200)
        assert b.process.returncode == 0, b.log()[-2000:]
        assert b.stats()["acknowledged"] == len(sent)
        b.assert_no_report()
    verdict = Verdict(sent, outage.sink.rest())
    verdict.assert_complete(max_repeated=1000)
    verdict.assert_ordered()
