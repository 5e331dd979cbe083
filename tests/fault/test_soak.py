"""Schedules repeat, and the short form of one that fails still fails."""
import pytest

from tests.fault import soak
from tests.fault.matrix import row_of
from tests.fault.stage import ALL_PAIRS


@pytest.mark.parametrize("store", soak.STORES)
@pytest.mark.parametrize("pair", ALL_PAIRS)
def test_a_seed_makes_one_schedule(pair, store):
    made = soak.make_schedule(pair, 5, store)
    assert made == soak.make_schedule(pair, 5, store) != soak.make_schedule(pair, 6, store)
    for row in (row_of(step.partition(":")[2]) for step in made):
        assert pair in row.pairs and store in row.stores


def test_a_seed_chooses_one_store():
    chosen = [soak.store_for("kafka-fifo", seed) for seed in range(20)]
    assert chosen == [soak.store_for("kafka-fifo", seed) for seed in range(20)]
    assert set(chosen) == set(soak.STORES)


def test_the_command_says_all_that_was_chosen():
    assert soak.command("sqs-mqtt", 5, ["3:kill9"], "off") == "script/fault sqs-mqtt --seed 5 --schedule 3:kill9"
    assert " --store always " in soak.command("sqs-mqtt", 5, ["3:kill9"], "always")


@pytest.mark.parametrize("guilty", (["3"], ["0", "7"], ["2", "3", "4"]))
def test_a_failing_schedule_is_made_short(guilty):
    played = []

    def fails(schedule):
        played.append(schedule)
        return set(guilty) <= set(schedule)

    assert soak.shorten([str(i) for i in range(8)], fails, reruns=100) == guilty
    assert len(played) < 60


def test_shortening_ends_when_it_took_long_enough():
    played = []
    soak.shorten([str(i) for i in range(8)], lambda s: played.append(s), reruns=5)
    assert len(played) <= 5


def test_durations():
    assert [soak.seconds(t) for t in ("90s", "10m", "2h")] == [90, 600, 7200]
    with pytest.raises(ValueError):
        soak.seconds("2 days")
