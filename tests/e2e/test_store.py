"""The store under kill -9, an outage of the sink, and its verbs."""
import pytest

from tests.e2e.libconfig import pipelines
from tests.e2e.messages import Verdict, make_messages
from tests.e2e.test_kill9 import COUNT, KILLS, WINDOW, arrived_after_kills, kill_under_load, load

PAIRS = (("mqtt", "kafka"), ("sqs", "mqtt"), ("kafka", "sqs"))
MODES = ("always", "overflow")


def configuration(folder, source, sink, **options):
    quick_return = {"visibility_timeout": "5s"} if source.kind == "sqs" else {}
    whole = {"max_in_flight": WINDOW, "store": "always", "store_path": str(folder / "store"), **options}
    return pipelines(p={"source": source.as_source(**quick_return), "sink": sink.as_sink(), **whole})


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
