"""The simulators that hand out credentials, seen by botocore and boto3.

SQS_SIM names the binary of the SQS simulator, which must take the keys and refuse them when they have expired.
"""
import http.client
import json
import ssl
import threading
import time
import urllib.error
from urllib.parse import urlencode

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import ContainerProvider, InstanceMetadataProvider
from botocore.exceptions import ClientError, EndpointConnectionError, MetadataRetrievalError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from botocore.utils import ContainerMetadataFetcher, InstanceMetadataFetcher

from tests.rig import wait_until
from tests.sim.client import ONE_TRY, code_of, get, list_queues, send
from tests.sim.credentials import defaults


def sts(sim, key=defaults.ACCESS_KEY, secret=defaults.SECRET, token=None, **config):
    return boto3.client(
        "sts", endpoint_url=sim.endpoint(), region_name="us-east-1", aws_access_key_id=key,
        aws_secret_access_key=secret, aws_session_token=token, config=Config(**{**ONE_TRY, **config}),
    )


def assume(sim, role=defaults.ROLE, name="bridge-1", client=None, **more):
    return (client or sts(sim)).assume_role(RoleArn=role, RoleSessionName=name, **more)


def keys_of(answer):
    c = answer["Credentials"]
    return c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]


# ---- STS ----


def test_assumed_role_opens_the_queue(sim, sqs):
    answer = assume(sim, DurationSeconds=900)
    assert list_queues(sqs, *keys_of(answer))
    assert 895 <= answer["Credentials"]["Expiration"].timestamp() - time.time() <= 900
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/BridgeRole/bridge-1"


def test_what_was_asked_is_recorded(sim):
    policy = {"Version": "2012-10-17", "Statement": []}
    assume(sim, Policy=json.dumps(policy), Tags=[{"Key": "site", "Value": "a/b ü"}])
    seen = sim.calls("sts")[-1]["seen"]
    assert seen["tags"] == {"site": "a/b ü"} and seen["policy"] == policy
    assert seen["RoleSessionName"] == "bridge-1" and seen["caller"] == defaults.ACCESS_KEY


def test_external_id(sim):
    role = defaults.ROLE_WITH_EXTERNAL_ID
    assert keys_of(assume(sim, role, ExternalId=defaults.EXTERNAL_ID))
    assert code_of(assume, sim, role) == "AccessDenied"
    assert code_of(assume, sim, role, ExternalId="another") == "AccessDenied"


@pytest.mark.parametrize("client, code", (
    ({"secret": "wrong"}, "SignatureDoesNotMatch"),
    ({"key": "AKIANOBODY"}, "InvalidClientTokenId"),
    ({"token": "unexpected"}, "InvalidClientTokenId"),
    ({"signature_version": UNSIGNED}, "MissingAuthenticationToken"),
))
def test_caller_must_sign(sim, client, code):
    assert code_of(assume, sim, client=sts(sim, **client)) == code


@pytest.mark.parametrize("more, code", (
    ({"role": "arn:aws:iam::123456789012:role/nobody"}, "AccessDenied"),
    ({"name": "with space"}, "ValidationError"),
    ({"DurationSeconds": 43201}, "ValidationError"),
    ({"Policy": "{"}, "MalformedPolicyDocument"),
))
def test_wrong_requests(sim, more, code):
    assert code_of(assume, sim, **more) == code


def test_chained_roles(sim, sqs):
    first = sts(sim, *keys_of(assume(sim)))
    assert list_queues(sqs, *keys_of(assume(sim, client=first)))
    assert code_of(assume, sim, client=first, DurationSeconds=3601) == "ValidationError"


def test_other_region_is_refused(sim):
    sim.control("settings", {"region": "eu-central-1"})
    assert code_of(assume, sim) == "SignatureDoesNotMatch"


def test_web_identity(sim, sqs):
    client = sts(sim, signature_version=UNSIGNED)
    assert send(sim, "POST", "/", {"Authorization": "AWS4"}, WEB_IDENTITY)[0] == 400
    assert send(sim, "POST", "/", {}, WEB_IDENTITY)[0] == 200
    assert send(sim, "POST", "/", {}, WEB_IDENTITY + "&DurationSeconds=899")[0] == 400
    asked = {"RoleArn": defaults.ROLE, "RoleSessionName": "pod-1"}
    ask = client.assume_role_with_web_identity
    assert list_queues(sqs, *keys_of(ask(WebIdentityToken=defaults.WEB_IDENTITY_TOKEN, **asked)))
    assert code_of(ask, WebIdentityToken="another", **asked) == "InvalidIdentityToken"
    sim.control("settings", {"sts": {"expired_tokens": ["late"]}})
    assert code_of(ask, WebIdentityToken="late", **asked) == "ExpiredTokenException"


WEB_IDENTITY = urlencode({
    "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": defaults.ROLE, "RoleSessionName": "pod",
    "WebIdentityToken": defaults.WEB_IDENTITY_TOKEN,
})


# ---- expiry, and keys that are wrong ----


def test_keys_expire_at_sqs_and_at_sts(sim, sqs):
    sim.control("settings", {"sts": {"lifetime_s": 2}})
    keys = keys_of(assume(sim))
    assert list_queues(sqs, *keys)
    wait_until(lambda: refused_as_expired(sqs, keys), 10, "expiry")
    assert code_of(assume, sim, client=sts(sim, *keys)) == "ExpiredToken"


def refused_as_expired(sqs, keys):
    try:
        list_queues(sqs, *keys)
    except ClientError as e:
        return e.response["Error"]["Code"] == "ExpiredToken"
    return False


def test_expired_on_command(sim, sqs):
    keys = keys_of(assume(sim))
    assert sim.control("expire") == {"expired": 1}
    assert code_of(list_queues, sqs, *keys) == "ExpiredToken"


@pytest.mark.parametrize("kind, code", (
    ("wrong_key", "InvalidClientTokenId"), ("wrong_secret", "SignatureDoesNotMatch"),
    ("wrong_token", "InvalidClientTokenId"),
))
def test_wrong_credentials(sim, sqs, kind, code):
    sim.control("faults", {"service": "sts", "kind": kind})
    assert code_of(list_queues, sqs, *keys_of(assume(sim))) == code
    assert list_queues(sqs, *keys_of(assume(sim))), "one stroke only"


def test_reuse(sim):
    sim.control("settings", {"sts": {"reuse": "always"}})
    assert keys_of(assume(sim)) == keys_of(assume(sim))
    sim.control("settings", {"sts": {"reuse": "until_expiry"}})
    before = keys_of(assume(sim))
    sim.control("expire")
    assert keys_of(assume(sim)) != before


# ---- faults ----


@pytest.mark.parametrize("rule, code", (
    ({"kind": "throttle"}, "Throttling"),
    ({"kind": "status", "status": 503}, "503"),
    ({"kind": "error", "code": "IDPCommunicationError", "status": 400}, "IDPCommunicationError"),
))
def test_refusals_on_command(sim, rule, code):
    sim.control("faults", {"service": "sts", "skip": 1, "count": 2, **rule})
    assume(sim)
    assert [code_of(assume, sim), code_of(assume, sim)] == [code, code]
    assume(sim)
    assert sim.show("faults")[0]["struck"] == 2


@pytest.mark.parametrize("kind", ("html", "truncated"))
def test_rubbish(sim, kind):
    sim.control("faults", {"service": "sts", "kind": kind})
    with pytest.raises((ResponseParserError, KeyError)):
        keys_of(assume(sim))


@pytest.mark.parametrize("kind", ("empty", "wrong_types", "missing_field", "bad_expiration"))
def test_answers_that_are_not_as_they_should_be(sim, kind):
    """Read without botocore, which takes some of it."""
    sim.control("settings", {"container": {"authorization": None}})
    good = json.loads(get(sim, defaults.EKS_PATH)[1])
    sim.control("faults", {"service": "container", "kind": kind})
    status, body = get(sim, defaults.EKS_PATH)
    assert status == 200
    if kind == "empty":
        assert body == b""
    else:
        bad = json.loads(body)
        changed = {k for k in good if type(bad.get(k)) is not type(good[k])}
        assert changed == {
            "wrong_types": {"AccessKeyId", "SecretAccessKey", "Token", "Expiration"},
            "missing_field": {"SecretAccessKey"}, "bad_expiration": set(),
        }[kind]
        assert kind != "bad_expiration" or "tomorrow" in bad["Expiration"]


def test_hanging_and_let_go(sim):
    sim.control("faults", {"service": "sts", "kind": "hang", "count": -1})
    with pytest.raises(ReadTimeoutError):
        assume(sim, client=sts(sim, read_timeout=0.3))
    sim.control("faults/clear")
    assert keys_of(assume(sim))


def test_delay(sim):
    sim.control("faults", {"service": "sts", "kind": "delay", "delay_ms": 300})
    began = time.monotonic()
    assume(sim)
    assert time.monotonic() - began >= 0.3


def test_mistakes_of_a_test_are_refused(sim):
    for command, body in (("faults", {"kind": "typo"}), ("settings", {"typo": 1}), ("settings", {"sts": {"typo": 1}})):
        with pytest.raises(urllib.error.HTTPError) as caught:
            sim.control(command, body)
        assert caught.value.code == 400
        caught.value.close()


# ---- IMDS ----


def instance_keys(sim, **more):
    fetcher = InstanceMetadataFetcher(
        timeout=0.5, num_attempts=1, config={"ec2_metadata_service_endpoint": sim.endpoint(), **more}
    )
    credentials = InstanceMetadataProvider(fetcher).load()
    return credentials and credentials.get_frozen_credentials()[:3]


def test_instance_role(sim, sqs):
    keys = instance_keys(sim)
    assert list_queues(sqs, *keys)
    assert [c["action"] for c in sim.calls("imds")] == ["token", "role", "credentials"]


def test_instance_without_role(sim):
    sim.control("settings", {"imds": {"role": None}})
    assert instance_keys(sim) is None


def test_metadata_v1_only_when_switched_on(sim):
    assert get(sim, "/latest/meta-data/placement/region")[0] == 401
    sim.control("settings", {"imds": {"v1": True}})
    assert get(sim, "/latest/meta-data/placement/region") == (200, b"us-east-1")


def put_token(sim, ttl="60", **headers):
    return send(sim, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": ttl, **headers})


def test_metadata_tokens(sim):
    assert [put_token(sim, ttl)[0] for ttl in ("1", "21600", "0", "21601", "x")] == [200, 200, 400, 400, 400]
    assert put_token(sim, **{"X-Forwarded-For": "10.0.0.1"})[0] == 403
    sim.control("settings", {"imds": {"token_ttl_s": 1}})
    token = {"X-aws-ec2-metadata-token": put_token(sim)[1].decode()}
    assert get(sim, "/latest/meta-data/placement/region", token)[0] == 200
    wait_until(lambda: get(sim, "/latest/meta-data/placement/region", token)[0] == 401, 10, "end of the token")


def test_hop_limit(sim):
    sim.control("faults", {"service": "imds", "action": "token", "kind": "hang", "count": -1})
    with pytest.raises(MetadataRetrievalError, match="Unable to retrieve token"):
        instance_keys(sim, ec2_metadata_v1_disabled=True)


# ---- container ----


def container_keys(sim, environment):
    provider = ContainerProvider(environment, ContainerMetadataFetcher(sleep=lambda _: None))
    return provider.load().get_frozen_credentials()[:3]


def test_container_with_a_token_that_changes(sim, sqs, tmp_path):
    secret, shown = tmp_path / "at-the-service", tmp_path / "at-the-client"
    secret.write_text("first")
    shown.write_text("first")
    sim.control("settings", {"container": {"authorization_file": str(secret)}})
    environment = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": sim.endpoint() + defaults.EKS_PATH,
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(shown),
    }
    assert list_queues(sqs, *container_keys(sim, environment))
    secret.write_text("second")
    assert get(sim, defaults.EKS_PATH, {"Authorization": "first"})[0] == 401
    shown.write_text("second")
    assert list_queues(sqs, *container_keys(sim, environment))


def test_container_by_path(sim, sqs, monkeypatch):
    """ECS: botocore's own address is 169.254.170.2, which is nobody here."""
    host = sim.endpoint().removeprefix("http://")
    monkeypatch.setattr(ContainerMetadataFetcher, "full_url", lambda _, path: f"http://{host}{path}")
    keys = container_keys(sim, {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": defaults.ECS_PATH})
    assert list_queues(sqs, *keys)
    assert get(sim, "/v2/credentials/another")[0] == 404


# ---- IoT ----


def role_alias(sim, certs, thing=defaults.THING, alias=defaults.ROLE_ALIAS, client="client"):
    context = ssl.create_default_context(cafile=certs.ca)
    if client:
        context.load_cert_chain(getattr(certs, client), getattr(certs, f"{client}_key"))
    host = sim.tls_endpoint().removeprefix("https://")
    connection = http.client.HTTPSConnection(host, timeout=5, context=context)
    path = f"/role-aliases/{alias}/credentials"
    try:
        connection.request("GET", path, headers={"x-amzn-iot-thingname": thing} if thing else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_role_alias(sim, sqs, certs):
    status, answer = role_alias(sim, certs)
    c = answer["credentials"]
    assert status == 200 and list_queues(sqs, c["accessKeyId"], c["secretAccessKey"], c["sessionToken"])
    assert sim.calls("iot")[-1]["seen"] == {"thing": defaults.THING, "alias": defaults.ROLE_ALIAS}


def test_role_alias_refused(sim, certs):
    assert role_alias(sim, certs, client=None)[0] == 403
    assert role_alias(sim, certs, thing="another")[0] == 403
    assert role_alias(sim, certs, alias="another")[0] == 404
    with pytest.raises((ssl.SSLError, ConnectionError)):
        role_alias(sim, certs, client="wrong_client")


# ---- the process ----


def test_many_at_once(sim):
    """A request that hangs holds up nobody else."""
    sim.control("faults", {"service": "imds", "kind": "hang", "count": 8})
    hanging = [threading.Thread(target=lambda: pytest.raises(OSError, put_token, sim)) for _ in range(8)]
    for thread in hanging:
        thread.start()
    wait_until(lambda: len(sim.calls("imds")) == 8, 10, "hanging requests")
    assert keys_of(assume(sim))
    sim.control("faults/clear")
    for thread in hanging:
        thread.join(5)
    assert not any(thread.is_alive() for thread in hanging)


def test_restart_at_the_same_address(sim):
    before = sim.where
    sim.kill()
    with pytest.raises(EndpointConnectionError):
        assume(sim)
    sim.start()
    assert sim.where == before and keys_of(assume(sim))
