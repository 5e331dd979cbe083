"""The power goes while the store is written: what was acknowledged is there after the next boot.

A loop device with an ext4 that is shut down without its journal being flushed. It tests our order of writes and the
file system, not disks that lie about their caches. A store with synchronous = NORMAL does not survive this.
"""
import random

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


def cut_power(b, disk):
    """Under load; the bridge notices by itself that nothing can be written, and ends."""
    b.start(wait=False)
    start = random.randrange(100, 900)
    b.wait_stats(lambda s: s["acknowledged"] > start)
    disk.cut()
    assert b.process.wait(30) == IO_ERROR, b.log()[-2000:]
    acknowledged = b.stats()["acknowledged"]
    disk.unmount()
    disk.mount()
    return acknowledged


@needs_root
@pytest.mark.timeout(300)
def test_a_power_cut_loses_nothing_that_was_acknowledged(simulated_world, bridge, folder, disk):
    source, sink = simulated_world.end("sqs"), simulated_world.end("mqtt")
    sent = make_messages(COUNT)
    sink.listen()
    source.send(sent)
    nowhere = {"type": "mqtt", "server": "mqtt://127.0.0.1:1", "topic": "x"}
    whole = {"source": source.as_source(visibility_timeout="5s"), "max_in_flight": WINDOW, "store": "always",
             "store_path": str(disk.folder / "store")}
    b = bridge(pipelines(p={**whole, "sink": nowhere}))
    b.stats_interval = "5ms"
    acknowledged = sum(cut_power(b, disk) for _ in range(CUTS))
    assert 0 < acknowledged < COUNT, "it was over before the last cut"
    b.config_path.write_text(pipelines(p={**whole, "sink": sink.as_sink()}))
    b.start()
    assert not b.log_lines("is damaged")
    sink.wait(COUNT, 90)
    b.wait_stats(lambda s: s["in_flight"] == 0 and s["store_messages"] == 0, 30)
    b.stop()
    verdict = Verdict(sent, sink.rest())
    print(acknowledged, verdict)
    verdict.assert_complete(max_repeated=CUTS * WINDOW)
    source.assert_drained()
