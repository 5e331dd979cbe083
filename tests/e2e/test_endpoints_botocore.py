"""Our hosts of AWS's services (tests/unit/endpoint_tool) against botocore's rule sets, over all regions that botocore knows."""
import itertools
import subprocess

import botocore.session
import pytest
from botocore.config import Config
from botocore.endpoint_provider import EndpointProvider

from tests.e2e.bridge import binary

SERVICES = ["sqs", "sts", "rolesanywhere"]
UNKNOWN = ["eu-future-9", "us-gov-north-3", "cn-south-7", "us-isob-north-2", "eusc-de-south-4"]


@pytest.fixture(scope="module")
def session():
    return botocore.session.get_session()


def regions(session):
    """But for the pseudo-regions of global services, which have no queues."""
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    known = [name for partition in partitions for name in partition["regions"] if not name.endswith("-global")]
    assert len(known) > 40
    return known + UNKNOWN


def provider(session, service):
    loader = session.get_component("data_loader")
    return EndpointProvider(loader.load_service_model(service, "endpoint-rule-set-1"), loader.load_data("partitions"))


def ask_ours(cases):
    tool = binary().parent / "tests" / "unit" / "endpoint_tool"
    lines = [f"{service} {region}{' fips' if fips else ''}{' dualstack' if dual else ''}\n" for service, region, fips, dual in cases]
    done = subprocess.run([tool], input="".join(lines), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("service", SERVICES)
def test_every_region_and_variant(session, service):
    rules = provider(session, service)
    more = {"UseGlobalEndpoint": False} if service == "sts" else {}
    cases = list(itertools.product([service], regions(session), [False, True], [False, True]))
    hosts = ask_ours(cases)
    assert len(hosts) == len(cases)
    for case, host in zip(cases, hosts):
        _, region, fips, dual = case
        expected = rules.resolve_endpoint(Region=region, UseFIPS=fips, UseDualStack=dual, **more).url
        assert f"https://{host}" == expected, case


@pytest.mark.parametrize("service", SERVICES)
def test_as_clients_do(session, service):
    """The rule sets as a client uses them, its defaults included."""
    cases = list(itertools.product([service], ["eu-west-1", "us-gov-west-1", "cn-north-1"], [False, True], [False, True]))
    for (_, region, fips, dual), host in zip(cases, ask_ours(cases)):
        config = Config(use_fips_endpoint=fips, use_dualstack_endpoint=dual)
        client = session.create_client(service, region, aws_access_key_id="k", aws_secret_access_key="s", config=config)
        assert client.meta.endpoint_url == f"https://{host}"
