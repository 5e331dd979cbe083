"""A short sweep of nth.py; script/fault --nth plays many more, also with brokers."""
import pytest

from tests.rig import Unavailable

from . import nth

POINTS = {"alloc": 30, "read": 6, "write": 6, "sync": 6, "open": 6}


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.timeout(240)
def test_a_call_that_fails_ends_well_and_loses_nothing(kind, tmp_path):
    try:
        ends, wrong = nth.sweep(tmp_path, "files", None, kind, POINTS[kind])
    except Unavailable as e:
        pytest.skip(str(e))
    assert not wrong
    assert sum(ends.values()) > ends["not struck"], "no call has failed"
