"""The simulators that the tests of credentials share, one of each for a file."""
import os
from pathlib import Path

import pytest

from tests.rig import Certs, CredentialsSim, SqsSim
from tests.sim.credentials import pki

if "SQS_SIM" in os.environ:
    os.environ.setdefault("SQSBRIDGE_SIM", str(Path(os.environ["SQS_SIM"]).parent))


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    root = pki.Authority.root()
    root.path = tmp_path_factory.mktemp("pki") / "root.crt"
    root.path.write_bytes(root.certificate_pem())
    return root


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return Certs(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module")
def sqs(tmp_path_factory):
    with SqsSim(tmp_path_factory.mktemp("sqs"), ["q"]) as sim:
        yield sim


@pytest.fixture(scope="module")
def running(tmp_path_factory, sqs, certs, authority):
    with CredentialsSim(tmp_path_factory.mktemp("credentials"), sqs, certs, authority.path) as sim:
        yield sim


@pytest.fixture
def sim(running):
    running.control("reset")
    return running
