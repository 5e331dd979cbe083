"""The simulator of IAM Roles Anywhere, by requests that `cryptography` signed, and by vectors signed elsewhere."""
import hashlib
import json
import re
import time
from pathlib import Path

import pytest

from tests.sim.client import list_queues, send
from tests.sim.credentials import defaults, pki
from tests.sim.credentials.chain import check_chain, decode
from tests.sim.credentials.exchange import Refusal, Request
from tests.sim.credentials.signature import canonical_request, check_x509, read_claim, string_to_sign
from tests.sim.credentials.world import World

DAY_S = 86400
VECTORS = json.loads((Path(__file__).parent / "credentials" / "vectors.json").read_text())
ARNS = {"profileArn": defaults.PROFILE, "roleArn": defaults.ROLE, "trustAnchorArn": defaults.TRUST_ANCHOR}


def test_vectors():
    """Requests signed elsewhere: the canonical form, the signature and the chain must all hold."""
    for vector in VECTORS.values():
        request = vector_request(vector)
        claim = read_claim(request)
        digest = hashlib.sha256(canonical_request(request, claim.headers).encode()).hexdigest()
        assert digest == vector["canonical_request_sha256"]
        assert string_to_sign(request, claim) == vector["string_to_sign"]
        leaf, anchor = decode(vector["cert_b64"]), decode(vector["chain_b64"])
        check_x509(request, "rolesanywhere", "eu-central-1", leaf)
        check_chain(leaf, [], [anchor], request.now_s + DAY_S)  # the certificates are of that afternoon


def vector_request(vector):
    headers = [
        ("Content-Type", "application/json"), ("Host", vector["host"]), ("X-Amz-Date", vector["date"]),
        ("X-Amz-X509", vector["cert_b64"]), ("X-Amz-X509-Chain", vector["chain_b64"]),
        ("Authorization", vector["authorization"]),
    ]
    signed_s = 1795348800  # 2026-11-22 12:00:00 UTC
    return Request("POST", f"/sessions?{vector['query']}", headers, vector["body"].encode(), now_s=signed_s)


@pytest.mark.parametrize("name", ("rsa", "ec"))
def test_vectors_with_one_byte_changed(name):
    request = vector_request(VECTORS[name])
    request.body = request.body.replace(b"3600", b"3601")
    with pytest.raises(Refusal, match="signature does not match"):
        check_x509(request, "rolesanywhere", "eu-central-1", decode(VECTORS[name]["cert_b64"]))


def session(sim, identity, body=None, arns=None, **more):
    host = sim.endpoint().removeprefix("http://")
    request = pki.create_session(identity, host, arns or ARNS, body or {"durationSeconds": 900}, "us-east-1", **more)
    status, answer = send(sim, "POST", request.target, dict(request.headers), request.body)
    return status, json.loads(answer)


@pytest.mark.parametrize("kind", ("rsa", "ec"))
@pytest.mark.parametrize("depth", (0, 1, 2))
def test_session_of_a_certificate(sim, sqs, authority, kind, depth):
    issuer = authority
    for n in range(depth):
        issuer = issuer.intermediate(f"intermediate {n}", kind)
    status, answer = session(sim, issuer.issue(kind=kind), {"durationSeconds": 900, "roleSessionName": "bridge-1"})
    entry = answer["credentialSet"][0]
    c = entry["credentials"]
    assert status == 201 and entry["assumedRoleUser"]["arn"].endswith("assumed-role/BridgeRole/bridge-1")
    assert list_queues(sqs, c["accessKeyId"], c["secretAccessKey"], c["sessionToken"])
    assert sim.calls("roles_anywhere")[-1]["seen"]["chain_length"] == depth


def without_chain(identity):
    return pki.Identity(identity.key, identity.certificate)


def with_another_key(identity):
    return pki.Identity(pki.make_key("ec"), identity.certificate, identity.chain)


STRANGERS = {
    "another root": (lambda a: pki.Authority.root().issue(), "Insufficient"),
    "no chain": (lambda a: without_chain(a.intermediate().issue()), "Insufficient"),
    "expired": (lambda a: a.issue(days=(-9, -1)), "expired"),
    "not yet valid": (lambda a: a.issue(days=(1, 9)), "not yet"),
    "an authority": (lambda a: a.issue(ca=True), "CA:FALSE"),
    "not for signatures": (lambda a: a.issue(digital_signature=False), "Digital Signature"),
    "key of somebody else": (lambda a: with_another_key(a.issue()), "signature does not match"),
    "issuer without the right": (lambda a: issued_by_nobody(a), "Not a certificate authority"),
}


def issued_by_nobody(authority):
    """A certificate that an ordinary one pretends to have issued."""
    plain = authority.issue("plain")
    return pki.Authority(plain.key, plain.certificate, [plain.certificate]).issue()


@pytest.mark.parametrize("who", STRANGERS)
def test_strangers_are_refused(sim, authority, who):
    make, why = STRANGERS[who]
    status, answer = session(sim, make(authority))
    assert status == 403 and why in answer["message"], answer


@pytest.mark.parametrize("change, status", (
    ({"body": {"durationSeconds": 899}}, 400),
    ({"body": {"durationSeconds": "900"}}, 400),
    ({"body": {"roleSessionName": "x"}}, 400),
    ({"arns": {**ARNS, "profileArn": defaults.PROFILE[:-1] + "9"}}, 404),
    ({"arns": {**ARNS, "trustAnchorArn": defaults.TRUST_ANCHOR[:-1] + "9"}}, 404),
    ({"arns": {**ARNS, "roleArn": "arn:aws:iam::123456789012:role/another"}}, 403),
    ({"arns": {**ARNS, "trustAnchorArn": "x"}}, 400),
    ({"now_s": time.time() - 900}, 403),
    ({"algorithm": "AWS4-X509-RSA-SHA256"}, 403),
))
def test_wrong_sessions(sim, authority, change, status):
    assert session(sim, authority.issue(), **change)[0] == status


def signed(authority, issuer=None):
    """A good request, and a world to send it to."""
    world = World(defaults.settings(trust_anchor=authority.path))
    leaf = (issuer or authority).issue()
    return world, pki.create_session(leaf, "localhost", ARNS, {"durationSeconds": 900}, "us-east-1")


def test_serial_number_of_another(authority):
    world, request = signed(authority)
    name, text = request.headers.pop()
    request.headers.append((name, re.sub(r"Credential=\d+", "Credential=4711", text)))
    assert b"serial number" in world.answer(request).body


def test_header_that_is_not_signed(authority):
    world, request = signed(authority)
    assert world.answer(request).status == 201
    request.headers.append(("X-Amz-Other", "1"))
    assert b"SignedHeaders" in world.answer(request).body


def test_chain_too_long(authority):
    issuer = authority
    for n in range(6):
        issuer = issuer.intermediate(f"intermediate {n}")
    world, request = signed(authority, issuer)
    assert b"Too many" in world.answer(request).body


def test_session_name_must_be_allowed(sim, authority):
    sim.control("settings", {"roles_anywhere": {"profiles": {
        defaults.PROFILE: {"roles": [defaults.ROLE], "accept_session_name": False}}}})
    body = {"roleSessionName": "bridge-1"}
    assert session(sim, authority.issue(), body)[0] == 403
    assert session(sim, authority.issue())[0] == 201


def test_arns_in_the_body(authority):
    """The other way that the documentation allows."""
    settings = defaults.settings(trust_anchor=authority.path)
    request = pki.create_session(authority.issue(), "localhost", {}, {**ARNS, "durationSeconds": 900}, "us-east-1")
    assert World(settings).answer(request).status == 201
