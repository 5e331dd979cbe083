"""Fixtures: brokers for the whole session, and bridges, queues and topics for one test."""
import os
import re
import shutil

import pytest

from tests.e2e.bridge import Bridge
from tests.e2e.queue_verbs import Far, simulated
from tests.e2e.recorder import Recorder
from tests.e2e.world import RealWorld, SimulatedWorld
from tests.e2e.sign_in import SignIn
from tests.rig import ROOT, Certs, CredentialsSim, ElasticMQ, Kafka, Mosquitto, SqsSim, Unavailable
from tests.sim.credentials import pki

RUN_FOLDER = ROOT / "build" / "test-run" / str(os.getpid())
LOG_TAIL = 40


def pytest_sessionfinish(exitstatus):
    """The folders of a run that failed are kept: configuration, logs and counters of each bridge and broker."""
    if exitstatus == 0:
        shutil.rmtree(RUN_FOLDER, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """With two workers, one of them runs all that needs the Java brokers: they are started once."""
    for item in items:
        if item.get_closest_marker("java"):
            item.add_marker(pytest.mark.xdist_group("java"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for bridge in getattr(item.funcargs.get("bridge"), "made", []):
            if bridge.log_path.exists():
                tail = bridge.log_path.read_text(errors="replace").splitlines()[-LOG_TAIL:]
                report.sections.append((f"the end of {bridge.log_path}", "\n".join(tail)))
    return report


def started(make):
    """A program that cannot be had is a skip that the user sees, and a failure where CI=true."""
    try:
        return make().start()
    except Unavailable as e:
        if os.environ.get("CI") == "true":
            pytest.fail(str(e))
        pytest.skip(str(e))


def server(make):
    running = started(make)
    yield running
    running.kill()


@pytest.fixture(scope="session")
def certs():
    return Certs(RUN_FOLDER / "certs")


@pytest.fixture(scope="session")
def mosquitto(certs):
    yield from server(lambda: Mosquitto(RUN_FOLDER / "mosquitto", certs))


@pytest.fixture(scope="session")
def kafka(certs):
    yield from server(lambda: Kafka(RUN_FOLDER / "kafka", certs))


@pytest.fixture(scope="session")
def elasticmq():
    yield from server(lambda: ElasticMQ(RUN_FOLDER / "elasticmq"))


@pytest.fixture(scope="session")
def sqs_sim():
    yield from server(lambda: SqsSim(RUN_FOLDER / "sqs_sim"))


@pytest.fixture(scope="session")
def authority():
    """The trust anchor of Roles Anywhere."""
    root = pki.Authority.root()
    root.write(RUN_FOLDER / "authority", "root")
    root.path = RUN_FOLDER / "authority" / "root.crt"
    return root


@pytest.fixture(scope="session")
def credentials_sim(sqs_sim, certs, authority):
    folder = RUN_FOLDER / "credentials_sim"
    yield from server(lambda: CredentialsSim(folder, sqs_sim, certs, authority.path))


@pytest.fixture
def sign_in(folder, credentials_sim, sqs_sim, certs, authority):
    credentials_sim.control("reset")
    yield SignIn(folder, credentials_sim, sqs_sim, certs, authority)
    credentials_sim.control("reset")


@pytest.fixture
def folder(request):
    """A folder of this test's own."""
    path = RUN_FOLDER / re.sub(r"\W+", "-", request.node.nodeid.partition("::")[2]).strip("-")
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.java), "simulated"])
def world(request, folder, mosquitto):
    """Each test that asks for it runs twice: against Apache Kafka and ElasticMQ, and against the simulators."""
    yield from make_world(request.param, request, folder, mosquitto)


@pytest.fixture
def simulated_world(request, folder, mosquitto):
    yield from make_world("simulated", request, folder, mosquitto)


@pytest.fixture
def real_world(request, folder, mosquitto):
    yield from make_world("real", request, folder, mosquitto)


def make_world(name, request, folder, mosquitto):
    if name == "real":
        made = RealWorld(folder, mosquitto, request.getfixturevalue("kafka"), request.getfixturevalue("elasticmq"))
    else:
        made = SimulatedWorld(folder, mosquitto, request.getfixturevalue("sqs_sim"))
    yield made
    made.close()


@pytest.fixture
def bridge(folder):
    """bridge(configuration) makes one that is not started yet."""
    made = []

    def make(config, **more):
        made.append(Bridge(folder / f"bridge-{len(made)}", config, **more))
        return made[-1]

    make.made = made
    yield make
    for one in made:
        one.close()


# ---- for the verbs of `sqsbridge queue` ----


@pytest.fixture(params=[pytest.param("elasticmq", marks=pytest.mark.java), "simulated"])
def far(request):
    """Each test that asks for it runs twice: against ElasticMQ, and against the strict simulator."""
    if request.param == "elasticmq":
        return Far(request.getfixturevalue("elasticmq").endpoint())
    return simulated(request.getfixturevalue("sqs_sim"))


@pytest.fixture
def strict(sqs_sim):
    return simulated(sqs_sim)


@pytest.fixture
def faults(sqs_sim):
    """faults(rule) for the requests to come; nothing of it is left for other tests."""
    yield lambda **rule: sqs_sim.control("faults", rule)
    sqs_sim.control("faults/clear")


@pytest.fixture(scope="session")
def recorder():
    running = Recorder()
    yield running
    running.close()
