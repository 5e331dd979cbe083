"""Keys that end: services that hand them out and are away for longer than they last, and an SQS that does not take them."""
import time

from tests.e2e.sign_in import SignIn
from tests.rig import CredentialsSim, wait_until

from .faults_sqs import actions_of, add_rules

SERVICES = {"imds": "imds", "container": "container", "sts": "assume_role"}  # and the way to sign in there
LIFETIME_S = 5


def with_keys_of(name):
    def prepare(stage):
        sim = CredentialsSim(stage.folder / "credentials", sqs=stage.brokers.sqs_sim).start()
        stage.at_end(sim.kill)
        sim.control("settings", {name: {"lifetime_s": LIFETIME_S}})
        sign_in = SignIn(stage.folder, sim, stage.brokers.sqs_sim, None, None)
        way = sign_in.way(SERVICES[name])
        stage.environment = sign_in.environment(way)
        stage.sections = {"credentials": {**way.others, "plant": way.section}}
        stage.signed_in = _without_keys
        stage.keys = Keys(sim, name)

    return prepare


def _without_keys(settings):
    own = ("access_key_id", "secret_access_key")
    return {**{name: value for name, value in settings.items() if name not in own}, "credentials": "plant"}


class Keys:
    """What the service has handed out."""

    def __init__(self, sim, service):
        self.sim, self.service = sim, service

    def issued(self):
        return self.sim.show("issued")

    def strike(self, **harm):
        self.sim.control("faults", {"service": self.service, "count": -1, **harm})

    def have_ended(self):
        return time.time() > max(key["expires_s"] for key in self.issued()) + 1


HARMS = ({"kind": "hang"}, {"kind": "status", "status": 500}, {"kind": "status", "status": 401}, {"kind": "throttle"})
INVALID = "The security token included in the request is invalid."
REFUSALS = (
    {"kind": "expired_token"},
    {"kind": "status", "status": 403, "code": "InvalidClientTokenId", "message": INVALID},
)


def keys_end(stage):
    """Nothing repeats at any time: a request with bad keys is not executed."""
    _rotation(stage)
    for harm in HARMS[:stage.count(len(HARMS))]:
        _no_keys_for_a_while(stage, harm)
    stage.keys.sim.control("expire")  # before the time that they were given
    stage.under_way(timeout_s=120)
    for refusal in REFUSALS:
        add_rules(stage, [{**refusal, "action": action, "count": 3} for action in actions_of(stage)])
        stage.under_way(timeout_s=120)


def _rotation(stage):
    """They are replaced in time, and no request is refused."""
    before = len(stage.keys.issued())
    while len(stage.keys.issued()) < before + 3:
        stage.under_way()
    failed = stage.bridge.stats()["failed_requests"]
    assert failed == 0, f"{failed} requests failed while keys were replaced in time"


def _no_keys_for_a_while(stage, harm):
    stage.keys.strike(**harm)
    wait_until(stage.keys.have_ended, 3 * LIFETIME_S, "the end of all keys")
    stage.pause(2)
    stage.keys.sim.control("faults/clear")
    stage.under_way(timeout_s=120, began=time.monotonic())
