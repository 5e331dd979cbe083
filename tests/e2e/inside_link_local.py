"""Run by test_credentials_addresses.py in a network namespace where the addresses of AWS are ours."""
import pytest

from tests.e2e.messages import make_messages
from tests.e2e.sign_in import NULL_SINK, POD_TOKEN, SignIn, Way, configuration, queue_settings
from tests.e2e.sqs import SqsQueue
from tests.e2e.test_credentials_addresses import CONTAINER, INSTANCE
from tests.rig import CredentialsSim
from tests.sim.credentials import defaults


@pytest.fixture
def sign_in(folder, sqs_sim, certs, authority):
    addresses = [word for address in (CONTAINER, INSTANCE) for word in ("--link-local", address)]
    with CredentialsSim(folder / "sim", sqs_sim, certs, authority.path, addresses) as sim:
        yield SignIn(folder, sim, sqs_sim, certs, authority)


def ecs(sign_in):
    return Way(None, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": defaults.ECS_PATH}, service="container")


def ecs_with_a_token(sign_in):
    sign_in.sim.control("settings", {"container": {"authorization": POD_TOKEN}})
    way = ecs(sign_in)
    way.environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = POD_TOKEN
    return way


def instance(sign_in):
    return Way({"provider": "imds"}, {"AWS_EC2_METADATA_DISABLED": ""}, service="imds")


def chain_to_the_instance(sign_in):
    return Way(None, {"AWS_EC2_METADATA_DISABLED": ""}, service="imds")


@pytest.mark.parametrize("proxy", ("", "http://127.0.0.1:9"))
@pytest.mark.parametrize("make", (ecs, ecs_with_a_token, instance, chain_to_the_instance))
def test_address(sign_in, bridge, make, proxy):
    """Without any address in the configuration, and never by way of a proxy."""
    way = make(sign_in)
    queue = SqsQueue(sign_in.sqs.endpoint(), sign_in.sqs.KEY_ID, sign_in.sqs.SECRET, "link-local")
    queue.send(make_messages(5))
    settings = queue_settings(queue, "plant" if way.section else None)
    config = configuration(way, {"p": {"source": settings, "sink": NULL_SINK}})
    environment = sign_in.environment(way, http_proxy=proxy, no_proxy="127.0.0.1" if proxy else "")
    b = bridge(config, env=environment).start()
    b.wait_stats(lambda s: s["acknowledged"] >= 5)
    b.stop()
    assert [c["status"] for c in sign_in.sim.calls(way.service, "credentials")] == [200]
