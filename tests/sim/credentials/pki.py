"""Keys and certificates for Roles Anywhere, made by `cryptography`: authorities, and whom they vouch for."""
import base64
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12,
)

from .exchange import Request
from .signature import ECDSA, RSA, Claim, string_to_sign

DAY = timedelta(days=1)


def make_key(kind):
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


class Identity:
    """A key, its certificate, and the certificates between it and the trust anchor."""

    def __init__(self, key, certificate, chain=()):
        self.key, self.certificate, self.chain = key, certificate, list(chain)

    def key_pem(self, password=None):
        encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def certificate_pem(self):
        return self.certificate.public_bytes(Encoding.PEM)

    def chain_pem(self):
        return b"".join(c.public_bytes(Encoding.PEM) for c in self.chain)

    def pkcs12(self, password):
        encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"bridge", self.key, self.certificate, self.chain, encryption)

    def write(self, folder, name):
        """NAME.key, NAME.crt, NAME-chain.crt; returns their paths."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        contents = self.key_pem(), self.certificate_pem(), self.chain_pem()
        parts = dict(zip((f"{name}.key", f"{name}.crt", f"{name}-chain.crt"), contents))
        for file, content in parts.items():
            (folder / file).write_bytes(content)
            (folder / file).chmod(0o600)
        return [str(folder / file) for file in parts]


class Authority(Identity):
    @staticmethod
    def root(name="sim root", kind="ec"):
        key = make_key(kind)
        builder = _builder(name, key.public_key(), name, days=(-1, 30))
        return Authority(key, _as_authority(builder).sign(key, hashes.SHA256()))

    def intermediate(self, name="sim intermediate", kind="ec"):
        key = make_key(kind)
        builder = _as_authority(self._builder(name, key, (-1, 30)))
        certificate = builder.sign(self.key, hashes.SHA256())
        return Authority(key, certificate, [certificate, *self.chain])

    def issue(self, name="bridge-1", kind="ec", days=(-1, 7), digital_signature=True, ca=False):
        """days: from and until, counted from now."""
        key = make_key(kind)
        usage = x509.KeyUsage(digital_signature, False, not digital_signature, False, False, False, False, False, False)
        builder = self._builder(name, key, days).add_extension(usage, True)
        builder = builder.add_extension(x509.BasicConstraints(ca, None), True)
        return Identity(key, builder.sign(self.key, hashes.SHA256()), self.chain)

    def _builder(self, name, key, days):
        issuer = self.certificate.subject.rfc4514_string().removeprefix("CN=")
        return _builder(name, key.public_key(), issuer, days)


def _named(name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _builder(name, public_key, issuer, days):
    now = datetime.now(timezone.utc)
    return (
        x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(issuer)).public_key(public_key)
        .serial_number(x509.random_serial_number()).not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
    )


def _as_authority(builder):
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    return builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)


def create_session(identity, host, arns, body, region, now_s=None, algorithm=None):
    """A signed CreateSession as the simulator takes it. arns: query arguments."""
    now_s = now_s or time.time()
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now_s))
    headers = {"Content-Type": "application/json", "Host": host, "X-Amz-Date": date}
    headers["X-Amz-X509"] = _der64(identity.certificate)
    if identity.chain:
        headers["X-Amz-X509-Chain"] = ",".join(_der64(c) for c in identity.chain)
    query = "&".join(f"{k}={quote(v, safe='-_.~')}" for k, v in sorted(arns.items()))
    request = Request("POST", f"/sessions?{query}", list(headers.items()), json.dumps(body).encode(), now_s=now_s)
    names = sorted(n.lower() for n in headers)
    algorithm = algorithm or (RSA if isinstance(identity.key, rsa.RSAPrivateKey) else ECDSA)
    claim = Claim(algorithm, str(identity.certificate.serial_number), date[:8], region, "rolesanywhere", names, "")
    signature = sign(identity.key, string_to_sign(request, claim).encode()).hex()
    credential = f"{claim.id}/{claim.day}/{region}/rolesanywhere/aws4_request"
    text = f"{algorithm} Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}"
    request.headers.append(("Authorization", text))
    return request


def sign(key, text):
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(text, ec.ECDSA(hashes.SHA256()))


def _der64(certificate):
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
