"""Our signatures with a certificate's key (tests/unit/sigv4_tool): botocore says what is signed, cryptography whether the signature fits."""
import base64
import datetime
import re

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

from tests.e2e.test_sigv4_botocore import Maker, botocore_parts, run_tool

LINE = re.compile(r"Authorization: (\S+) Credential=(\d+)/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]+)")
KEYS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
}


def certificate(name, serial, key, issuer=None):
    """Signed by the issuer, a pair of certificate and key, or by itself."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer[0].subject if issuer else subject)
    builder = builder.public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256())


def base64_of(cert):
    return base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode()


class Identity:
    """A PEM file with certificate, key, and as many above it as wanted."""

    def __init__(self, folder, kind, serial, above):
        self.key = KEYS[kind]()
        self.serial = serial
        root_key = KEYS["p256"]()
        root = certificate("root", 1, root_key)
        self.cert = certificate("bridge", serial, self.key, (root, root_key))
        self.chain = [root, certificate("another", 2, root_key)][:above]
        self.path = folder / f"{kind}-{serial}-{above}.pem"
        key = self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.path.write_bytes(key + b"".join(c.public_bytes(serialization.Encoding.PEM) for c in [self.cert, *self.chain]))

    @property
    def algorithm(self):
        return "AWS4-X509-RSA-SHA256" if isinstance(self.key, rsa.RSAPrivateKey) else "AWS4-X509-ECDSA-SHA256"

    def headers(self):
        chain = [("X-Amz-X509-Chain", ",".join(base64_of(c) for c in self.chain))] if self.chain else []
        return [("X-Amz-X509", base64_of(self.cert)), *chain]

    def verify(self, signature, text):
        scheme = [padding.PKCS1v15(), hashes.SHA256()] if isinstance(self.key, rsa.RSAPrivateKey) else [ec.ECDSA(hashes.SHA256())]
        self.key.public_key().verify(signature, text.encode(), *scheme)


def expect_right(identity, job, line):
    authorization, *sent = line.split("\t")
    assert [f"{name}: {value}" for name, value in identity.headers()] == [header for header in sent if header]
    algorithm, serial, scope, names, signature = LINE.fullmatch(authorization).groups()
    headers = [*job["headers"], *identity.headers()]
    to_sign, expected_scope, expected_names = botocore_parts({**job, "headers": headers})
    assert (algorithm, serial, names) == (identity.algorithm, str(identity.serial), expected_names)
    assert expected_scope.endswith(scope)
    identity.verify(bytes.fromhex(signature), to_sign.replace("AWS4-HMAC-SHA256", identity.algorithm, 1))


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("above", [0, 1, 2])
def test_random_requests(tmp_path, kind, above):
    identity = Identity(tmp_path, kind, 321521701247558003770699513734837968641 if above else 7, above)
    maker = Maker(above)
    jobs = [maker.job(certificate=str(identity.path), service="rolesanywhere") for _ in range(50)]
    for job in jobs:
        job.pop("token", None)
    lines = run_tool(jobs)
    assert len(lines) == len(jobs)
    for job, line in zip(jobs, lines):
        expect_right(identity, job, line)


def test_another_key_is_noticed(tmp_path):
    """So that the test above can fail."""
    identity, other = Identity(tmp_path, "p256", 7, 0), Identity(tmp_path, "p256", 8, 0)
    job = Maker(1).job(certificate=str(identity.path))
    job.pop("token", None)
    identity.key = other.key
    with pytest.raises(InvalidSignature):
        expect_right(identity, job, run_tool([job])[0])
