"""The power goes while the store is written: what was acknowledged is there after the next boot.

A loop device with an ext4 that is shut down without its journal being flushed. It tests our order of writes and the
file system, not disks that lie about their caches. A store with synchronous = NORMAL does not survive this.
"""
import random
import signal

import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.mounts import Disk, needs_root

CUTS = 3
COUNT = 6000
WINDOW = 200
IO_ERROR = 74


@pytest.fixture
def disk(folder):
    made = Disk(folder / "disk")
    made.mount()
    yield made
    made.unmount()


def under_load(b):
    b.start(wait=False)
    start = random.randrange(100, 900)
    b.wait_stats(lambda s: s["acknowledged"] > start)


def cut_power(b, disk):
    """The bridge stands still first, as power fails for it, too: an fsync of ext4 that is under way while the file system
    is shut down may report success, and the bridge would acknowledge what it confirmed after the power was gone."""
    under_load(b)
    b.process.send_signal(signal.SIGSTOP)
    disk.cut()
    b.kill9()
    acknowledged = b.stats()["acknowledged"]
    disk.unmount()
    disk.mount()
    return acknowledged


def configuration(source, sink, disk):
    return pipelines(p={"source": source.as_source(visibility_timeout="5s"), "max_in_flight": WINDOW, "store": "always",
                        "store_path": str(disk.folder / "store"), "sink": sink})


NOWHERE = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topic": "x"}


@needs_root
def test_a_disk_that_fails_ends_the_process(simulated_world, bridge, disk):
    """It notices by itself that nothing can be written, and acknowledges nothing more."""
    source = simulated_world.end("sqs")
    source.send(make_messages(COUNT))
    b = bridge(configuration(source, NOWHERE, disk))
    b.stats_interval = "5ms"
    under_load(b)
    disk.cut()
    assert b.process.wait(30) == IO_ERROR, b.log()[-2000:]


@needs_root
@pytest.mark.timeout(300)
def test_a_power_cut_loses_nothing_that_was_acknowledged(simulated_world, bridge, folder, disk):
    source, sink = simulated_world.end("sqs"), simulated_world.end("mqtt")
    sent = make_messages(COUNT)
    sink.listen()
    source.send(sent)
    b = bridge(configuration(source, NOWHERE, disk))
    b.stats_interval = "5ms"
    acknowledged = sum(cut_power(b, disk) for _ in range(CUTS))
    assert 0 < acknowledged < COUNT, "it was over before the last cut"
    b.config_path.write_text(configuration(source, sink.as_sink(), disk))
    b.start()
    assert not b.log_lines("is damaged")
    sink.wait(COUNT, 90)
    b.wait(lambda: source.depth() == 0, 60, "an empty queue")
    b.wait_stats(lambda s: s["in_flight"] == 0 and s["store_messages"] == 0, 30)
    b.stop()
    verdict = Verdict(sent, sink.rest())
    print(acknowledged, verdict)
    verdict.assert_complete(max_repeated=CUTS * WINDOW)
    source.assert_drained()
