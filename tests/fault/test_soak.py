"""Schedules repeat, and the short form of one that fails still fails."""
import pytest

from tests.fault import soak
from tests.fault.matrix import row_of
from tests.fault.stage import PAIRS


@pytest.mark.parametrize("pair", PAIRS)
def test_a_seed_makes_one_schedule(pair):
    assert soak.make_schedule(pair, 5) == soak.make_schedule(pair, 5) != soak.make_schedule(pair, 6)
    for step in soak.make_schedule(pair, 5):
        assert pair in row_of(step.partition(":")[2]).pairs


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
